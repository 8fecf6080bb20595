//! The provider for firmware: the pure Rust crates of the `RustCrypto` project, without `std` and without allocation.
//!
//! The caller supplies all randomness. It is drawn first, so that a failing generator ends the call before there is
//! a key. Key expansions live on the stack for one call; methods with large frames are kept from merging.

mod xts;

use super::{CryptoError, Direction, KemCiphertext, KemKey, Provider, Rng};
use aes::{Aes256Dec, Aes256Enc, Block};
use aes_gcm::{AeadInOut, Aes256Gcm};
use aes_kw::AesKw;
use cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit, array::Array};
use elliptic_curve::{NonZeroScalar, sec1::ToSec1Point};
use hkdf::HmacImpl;
use hmac::{Hmac, Mac};
use hsm_protocol::{BadSignature, EcPoint, Sha384Digest, Signature, Verifier, verifier::low_s};
use ml_kem::{Decapsulate, KeyExport, ml_kem_1024};
use p384::{NistP384, PublicKey, SecretKey};
use sha2::{Digest, Sha256, Sha384};
use signature::hazmat::PrehashVerifier;
use zeroize::{Zeroize, Zeroizing};

/// The suite by the `RustCrypto` project's crates.
pub enum RustCrypto {}

/// A place for a P-384 scalar.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
#[derive(Default)]
pub struct EcdhSecret(Option<Zeroizing<[u8; 48]>>);

/// A place for the 64-byte seed `d ‖ z` of an ML-KEM-1024 key (FIPS 203 § 7.1), expanded again to decapsulate: the
/// expanded key is fifty times as large.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
#[derive(Default)]
pub struct KemSecret(Option<Zeroizing<[u8; 64]>>);

/// A place for the scalar of a P-384 signing key, checked against its public half.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
#[derive(Default)]
pub struct Signer(Option<Zeroizing<[u8; 48]>>);

impl Verifier for RustCrypto {
    #[inline(never)]
    fn verify_either_form(
        public: &EcPoint,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), BadSignature> {
        let key = parse_point(public).or(Err(BadSignature))?;
        let signature =
            ecdsa::Signature::<NistP384>::from_slice(signature).or(Err(BadSignature))?;
        ecdsa::VerifyingKey::from(key)
            .verify_prehash(&Self::sha384(&[message]), &signature)
            .or(Err(BadSignature))
    }

    fn sha384(parts: &[&[u8]]) -> Sha384Digest {
        let mut hash = Sha384::new();
        for part in parts {
            hash.update(part);
        }
        hash.finalize().into()
    }
}

impl Provider for RustCrypto {
    type EcdhSecret = EcdhSecret;
    type KemSecret = KemSecret;
    type Signer = Signer;

    #[inline(never)]
    fn ecdh_generate(
        rng: &mut dyn Rng,
        secret: &mut Self::EcdhSecret,
    ) -> Result<EcPoint, CryptoError> {
        fill(&mut secret.0, |scalar| Self::signer_generate(rng, scalar))
    }

    #[inline(never)]
    fn ecdh_from_scalar(
        scalar: &[u8; 48],
        secret: &mut Self::EcdhSecret,
    ) -> Result<EcPoint, CryptoError> {
        fill(&mut secret.0, |place| {
            place.copy_from_slice(scalar);
            encode_point(&parse_scalar(scalar)?.public_key())
        })
    }

    #[inline(never)]
    fn ecdh_agree(
        secret: &Self::EcdhSecret,
        peer: &EcPoint,
        shared: &mut [u8; 48],
    ) -> Result<(), CryptoError> {
        let secret = parse_scalar(secret.0.as_ref().ok_or(CryptoError)?)?;
        let agreed = secret.diffie_hellman(&parse_point(peer)?);
        shared.copy_from_slice(agreed.raw_secret_bytes());
        Ok(())
    }

    #[inline(never)]
    fn kem_generate(
        rng: &mut dyn Rng,
        secret: &mut Self::KemSecret,
        public: &mut KemKey,
    ) -> Result<(), CryptoError> {
        fill(&mut secret.0, |seed| {
            rng.fill(seed)?;
            public.copy_from_slice(&expand(seed).encapsulation_key().to_bytes());
            Ok(())
        })
    }

    #[inline(never)]
    fn kem_from_seed(
        seed: &[u8; 64],
        secret: &mut Self::KemSecret,
        public: &mut KemKey,
    ) -> Result<(), CryptoError> {
        fill(&mut secret.0, |place| {
            place.copy_from_slice(seed);
            public.copy_from_slice(&expand(seed).encapsulation_key().to_bytes());
            Ok(())
        })
    }

    #[inline(never)]
    fn kem_encapsulate(
        rng: &mut dyn Rng,
        public: &KemKey,
        ciphertext: &mut KemCiphertext,
        shared: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        let encoded = public.as_slice().try_into().or(Err(CryptoError))?;
        let key = ml_kem_1024::EncapsulationKey::new(encoded).or(Err(CryptoError))?;
        let mut message = Zeroizing::new([0; 32]);
        rng.fill(&mut *message)?;
        // The method that takes a generator takes only one that cannot fail.
        let (sent, mut agreed) = key.encapsulate_deterministic((&*message).into());
        ciphertext.copy_from_slice(&sent);
        shared.copy_from_slice(&agreed);
        agreed.as_mut_slice().zeroize();
        Ok(())
    }

    #[inline(never)]
    fn kem_decapsulate(
        secret: &Self::KemSecret,
        ciphertext: &KemCiphertext,
        shared: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        let mut agreed = expand(secret.0.as_ref().ok_or(CryptoError)?)
            .decapsulate_slice(ciphertext)
            .or(Err(CryptoError))?;
        shared.copy_from_slice(&agreed);
        agreed.as_mut_slice().zeroize();
        Ok(())
    }

    #[inline(never)]
    fn signer_generate(rng: &mut dyn Rng, scalar: &mut [u8; 48]) -> Result<EcPoint, CryptoError> {
        encode_point(&generate_key(rng, scalar)?.public_key())
    }

    #[inline(never)]
    fn signer(
        scalar: &[u8; 48],
        public: &EcPoint,
        signer: &mut Self::Signer,
    ) -> Result<(), CryptoError> {
        fill(&mut signer.0, |place| {
            place.copy_from_slice(scalar);
            if encode_point(&parse_scalar(scalar)?.public_key())? == *public {
                Ok(())
            } else {
                Err(CryptoError)
            }
        })
    }

    #[inline(never)]
    fn sign(
        signer: &Self::Signer,
        rng: &mut dyn Rng,
        message: &[u8],
    ) -> Result<Signature, CryptoError> {
        let scalar = signer.0.as_ref().ok_or(CryptoError)?;
        let scalar = NonZeroScalar::<NistP384>::try_from(scalar.as_slice());
        let scalar = Zeroizing::new(scalar.or(Err(CryptoError))?);
        let mut hedge = Zeroizing::new([0; 48]);
        rng.fill(&mut *hedge)?;
        // RFC 6979 § 3.6: the nonce depends on key, message and fresh bytes, and stays secret should the latter be
        // weak.
        let (signature, _) = ecdsa::hazmat::sign_prehashed_rfc6979::<NistP384, Sha384>(
            &scalar,
            &Self::sha384(&[message]),
            &*hedge,
        );
        Ok(low_s(&signature.to_bytes().into()))
    }

    fn hmac_sha384(key: &[u8], parts: &[&[u8]], out: &mut [u8; 48]) {
        let mut mac = <Hmac<Sha384> as HmacImpl>::new_from_slice(key);
        for part in parts {
            Mac::update(&mut mac, part);
        }
        let mut tag = Mac::finalize(mac).into_bytes();
        out.copy_from_slice(&tag);
        tag.as_mut_slice().zeroize();
    }

    fn hkdf_expand(prk: &[u8; 48], info: &[&[u8]], out: &mut [u8]) -> Result<(), CryptoError> {
        hkdf::Hkdf::<Sha384>::from_prk(prk)
            .or(Err(CryptoError))?
            .expand_multi_info(info, out)
            .or(Err(CryptoError))
    }

    fn pbkdf2(pin: &[u8], salt: &[u8], cost: u32, out: &mut [u8; 32]) -> Result<(), CryptoError> {
        if cost == 0 {
            return Err(CryptoError);
        }
        pbkdf2::pbkdf2::<Hmac<Sha256>>(pin, salt, cost, out).or(Err(CryptoError))
    }

    #[inline(never)]
    fn gcm_seal(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; 16], CryptoError> {
        let tag = Aes256Gcm::new(key.into())
            .encrypt_inout_detached(nonce.into(), aad, buffer.into())
            .or(Err(CryptoError))?;
        Ok(tag.into())
    }

    #[inline(never)]
    fn gcm_open(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), CryptoError> {
        let opened = Aes256Gcm::new(key.into()).decrypt_inout_detached(
            nonce.into(),
            aad,
            (&mut *buffer).into(),
            tag.into(),
        );
        if opened.is_err() {
            buffer.zeroize();
        }
        opened.or(Err(CryptoError))
    }

    fn wrap_key(kek: &[u8; 32], key: &[u8; 32]) -> Result<[u8; 40], CryptoError> {
        let mut wrapped = [0; 40];
        AesKw::<Aes256Enc>::new(kek.into())
            .wrap_key(key, &mut wrapped)
            .or(Err(CryptoError))?;
        Ok(wrapped)
    }

    fn unwrap_key(
        kek: &[u8; 32],
        wrapped: &[u8; 40],
        key: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        let unwrapped = AesKw::<Aes256Dec>::new(kek.into())
            .unwrap_key(wrapped, key)
            .is_ok();
        if unwrapped {
            Ok(())
        } else {
            key.zeroize();
            Err(CryptoError)
        }
    }

    #[inline(never)]
    fn xts(
        key: &[u8; 64],
        unit: u128,
        direction: Direction,
        buffer: &mut [u8],
    ) -> Result<(), CryptoError> {
        xts::run(key, unit, direction, buffer)
    }

    #[inline(never)]
    fn ecb(key: &[u8; 32], direction: Direction, buffer: &mut [u8]) -> Result<(), CryptoError> {
        let (blocks, []) = Block::slice_as_chunks_mut(buffer) else {
            return Err(CryptoError);
        };
        if blocks.is_empty() {
            return Err(CryptoError);
        }
        match direction {
            Direction::Encipher => Aes256Enc::new(key.into()).encrypt_blocks(blocks),
            Direction::Decipher => Aes256Dec::new(key.into()).decrypt_blocks(blocks),
        }
        Ok(())
    }
}

/// Makes a key in its place, which is empty again if that fails.
fn fill<const N: usize, T>(
    place: &mut Option<Zeroizing<[u8; N]>>,
    write: impl FnOnce(&mut [u8; N]) -> Result<T, CryptoError>,
) -> Result<T, CryptoError> {
    let outcome = write(place.insert(Zeroizing::new([0; N])));
    if outcome.is_err() {
        *place = None;
    }
    outcome
}

fn parse_scalar(scalar: &[u8; 48]) -> Result<SecretKey, CryptoError> {
    SecretKey::from_slice(scalar).or(Err(CryptoError))
}

/// Draws a scalar from 1 to n − 1 into `scalar` (FIPS 186-5 § A.2.2).
///
/// There is no second draw: a good generator misses the range once in 2¹⁹⁰ times, and one that misses it is broken.
fn generate_key(rng: &mut dyn Rng, scalar: &mut [u8; 48]) -> Result<SecretKey, CryptoError> {
    let key = rng.fill(scalar).and_then(|()| parse_scalar(scalar));
    if key.is_err() {
        scalar.zeroize();
    }
    key
}

/// Parses a point: the uncompressed form only, on the curve and not at infinity.
fn parse_point(point: &EcPoint) -> Result<PublicKey, CryptoError> {
    match point {
        [0x04, ..] => PublicKey::from_sec1_bytes(point).or(Err(CryptoError)),
        _ => Err(CryptoError),
    }
}

fn encode_point(key: &PublicKey) -> Result<EcPoint, CryptoError> {
    key.to_sec1_point(false)
        .as_bytes()
        .try_into()
        .or(Err(CryptoError))
}

fn expand(seed: &[u8; 64]) -> ml_kem_1024::DecapsulationKey {
    ml_kem_1024::DecapsulationKey::from_seed(Array(*seed))
}
