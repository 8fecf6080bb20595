//! Cheap primitives that hide nothing. A fuzzer cannot guess a tag or a signature; with these it gets past them, to the
//! parsers and the state machine after them. The system tests show, bit by bit, what the real primitives refuse.

use hsm_core::crypto::{
    CryptoError, Direction, KemCiphertext, KemKey, Provider, Rng, rust_crypto::RustCrypto,
};
use hsm_protocol::{
    BadSignature, EcPoint, Sha384Digest, Signature, Verifier, self_test::SelfTest, verifier::low_s,
};
use hsm_testbench::board::is_generating;

/// Primitives of the right shape. A wrong PIN opens no slot. A signature is invalid if its last bytes are [`BAD`], a
/// tag if its last bit is set, an ECDH share if it is not an uncompressed point, an ML-KEM key if its last byte is
/// `FF`.
pub enum Cheap {}

/// The x-coordinate of the curve's base point.
const BASE: [u8; 48] = *b"\
    \xaa\x87\xca\x22\xbe\x8b\x05\x37\x8e\xb1\xc7\x1e\xf3\x20\xad\x74\x6e\x1d\x3b\x62\x8b\xa7\x9b\x98\
    \x59\xf7\x41\xe0\x82\x54\x2a\x38\x55\x02\xf2\x5d\xbf\x55\x29\x6c\x3a\x54\x5e\x38\x72\x76\x0a\xb7";

/// A place for a secret that hides nothing.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
pub struct Place<const N: usize>([u8; N]);

impl<const N: usize> Default for Place<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

/// The last bytes of a signature that does not verify, big-endian.
pub const BAD: u32 = u32::from_be_bytes(*b"bad!");

impl Verifier for Cheap {
    fn verify_either_form(
        _: &EcPoint,
        _: &[u8],
        signature: &Signature,
    ) -> Result<(), BadSignature> {
        // As a number: the fuzzer sees what numbers are compared with, but not byte strings.
        match signature.last_chunk() {
            Some(end) if u32::from_be_bytes(*end) == BAD => Err(BadSignature),
            _ => Ok(()),
        }
    }

    fn sha384(parts: &[&[u8]]) -> Sha384Digest {
        let mut out = [0; 48];
        mix(parts, &mut out);
        out
    }
}

impl Provider for Cheap {
    type EcdhSecret = Place<48>;
    type KemSecret = Place<32>;
    type Signer = Place<48>;

    /// They give no known answer.
    fn self_test(_: SelfTest) -> Result<(), CryptoError> {
        Ok(())
    }

    fn ecdh_generate(rng: &mut dyn Rng, place: &mut Place<48>) -> Result<EcPoint, CryptoError> {
        let mut secret = [0; 48];
        rng.fill(&mut secret)?;
        Self::ecdh_from_scalar(&secret, place)
    }

    fn ecdh_from_scalar(scalar: &[u8; 48], place: &mut Place<48>) -> Result<EcPoint, CryptoError> {
        place.0 = *scalar;
        let mut public = [0; 97];
        public[0] = 4;
        public[1..49].copy_from_slice(scalar);
        Ok(public)
    }

    fn ecdh_agree(
        Place(secret): &Place<48>,
        peer: &EcPoint,
        shared: &mut [u8; 48],
    ) -> Result<(), CryptoError> {
        if peer[0] != 4 {
            return Err(CryptoError);
        }
        // With the base point of the curve, it is the coordinate of the public half.
        *shared = std::array::from_fn(|index| secret[index] ^ peer[1 + index] ^ BASE[index]);
        Ok(())
    }

    fn kem_generate(
        rng: &mut dyn Rng,
        Place(secret): &mut Place<32>,
        public: &mut KemKey,
    ) -> Result<(), CryptoError> {
        rng.fill(secret)?;
        public.fill(0);
        public[..32].copy_from_slice(secret);
        Ok(())
    }

    fn kem_from_seed(
        seed: &[u8; 64],
        Place(secret): &mut Place<32>,
        public: &mut KemKey,
    ) -> Result<(), CryptoError> {
        *secret = std::array::from_fn(|index| seed[index]);
        public.fill(0);
        public[..32].copy_from_slice(secret);
        Ok(())
    }

    fn kem_encapsulate(
        rng: &mut dyn Rng,
        public: &KemKey,
        ciphertext: &mut KemCiphertext,
        shared: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        if public[1567] == 0xFF {
            return Err(CryptoError);
        }
        rng.fill(shared)?;
        ciphertext.fill(0);
        for (index, byte) in shared.iter().enumerate() {
            ciphertext[index] = byte ^ public[index];
        }
        Ok(())
    }

    fn kem_decapsulate(
        Place(secret): &Place<32>,
        ciphertext: &KemCiphertext,
        shared: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        *shared = std::array::from_fn(|index| secret[index] ^ ciphertext[index]);
        Ok(())
    }

    fn signer_generate(rng: &mut dyn Rng, scalar: &mut [u8; 48]) -> Result<EcPoint, CryptoError> {
        // A real key, because certificates contain it. It is generated once.
        RustCrypto::signer_generate(rng, scalar)
    }

    fn signer(scalar: &[u8; 48], _: &EcPoint, place: &mut Place<48>) -> Result<(), CryptoError> {
        place.0 = *scalar;
        Ok(())
    }

    fn sign(
        Place(scalar): &Place<48>,
        _: &mut dyn Rng,
        message: &[u8],
    ) -> Result<Signature, CryptoError> {
        let mut signature = [0; 96];
        mix(&[scalar, message], &mut signature[..90]);
        Ok(low_s(&signature))
    }

    fn hmac_sha384(key: &[u8], parts: &[&[u8]], out: &mut [u8; 48]) {
        // The generator's are real: so the keys of modules are those of the vectors, and their certificates fit.
        if is_generating() {
            return RustCrypto::hmac_sha384(key, parts, out);
        }
        let mut all = vec![key];
        all.extend_from_slice(parts);
        mix(&all, out);
    }

    fn hkdf_expand(prk: &[u8; 48], info: &[&[u8]], out: &mut [u8]) -> Result<(), CryptoError> {
        let mut all: Vec<&[u8]> = vec![prk];
        all.extend_from_slice(info);
        mix(&all, out);
        Ok(())
    }

    fn pbkdf2(pin: &[u8], salt: &[u8], cost: u32, out: &mut [u8; 32]) -> Result<(), CryptoError> {
        if cost == 0 {
            return Err(CryptoError);
        }
        mix(&[&cost.to_be_bytes(), salt, pin], out);
        Ok(())
    }

    fn gcm_seal(
        key: &[u8; 32],
        _: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; 16], CryptoError> {
        let mut tag = [0; 16];
        mix(&[key, aad, buffer], &mut tag);
        tag[15] &= 0x7F;
        Ok(tag)
    }

    fn gcm_open(
        _: &[u8; 32],
        _: &[u8; 12],
        _: &[u8],
        _: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), CryptoError> {
        if tag[15] & 0x80 == 0 {
            Ok(())
        } else {
            Err(CryptoError)
        }
    }

    fn wrap_key(kek: &[u8; 32], key: &[u8; 32]) -> Result<[u8; 40], CryptoError> {
        let mut wrapped = [0; 40];
        mix(&[kek, key], &mut wrapped[32..]);
        for (index, byte) in key.iter().enumerate() {
            wrapped[index] = byte ^ kek[index];
        }
        Ok(wrapped)
    }

    fn unwrap_key(
        kek: &[u8; 32],
        wrapped: &[u8; 40],
        key: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        *key = std::array::from_fn(|index| wrapped[index] ^ kek[index]);
        if Self::wrap_key(kek, key)? == *wrapped {
            Ok(())
        } else {
            key.fill(0);
            Err(CryptoError)
        }
    }

    fn xts(key: &[u8; 64], unit: u128, _: Direction, buffer: &mut [u8]) -> Result<(), CryptoError> {
        if key[..32] == key[32..] {
            return Err(CryptoError);
        }
        whole_blocks(buffer, key[0] ^ unit.to_be_bytes()[15])
    }

    fn ecb(key: &[u8; 32], _: Direction, buffer: &mut [u8]) -> Result<(), CryptoError> {
        whole_blocks(buffer, key[0])
    }
}

fn whole_blocks(buffer: &mut [u8], mask: u8) -> Result<(), CryptoError> {
    if buffer.is_empty() || !buffer.len().is_multiple_of(16) {
        return Err(CryptoError);
    }
    for byte in buffer {
        *byte ^= mask;
    }
    Ok(())
}

/// Fills `out` with splitmix64, seeded by FNV-1a over the parts.
fn mix(parts: &[&[u8]], out: &mut [u8]) {
    let mut state = 0xCBF2_9CE4_8422_2325_u64;
    for byte in parts.iter().flat_map(|part| part.iter()) {
        state = (state ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3);
    }
    for chunk in out.chunks_mut(8) {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        chunk.copy_from_slice(&(z ^ (z >> 31)).to_be_bytes()[..chunk.len()]);
    }
}
