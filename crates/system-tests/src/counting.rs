//! A provider that counts what a guess at a PIN costs, and notes every call: an entry is stretched once, and tried on each
//! slot of its path; nothing else unwraps a key.

use crate::trace::note;
use hsm_core::crypto::{CryptoError, Direction, KemCiphertext, KemKey, Provider, Rng};
use hsm_protocol::{BadSignature, EcPoint, Sha384Digest, Signature, Verifier};
use hsm_virtual::aws_lc::AwsLc;
use std::cell::Cell;

/// [`AwsLc`], counted.
pub enum Counting {}

impl Counting {
    /// How many PINs were stretched on this thread: one for each entry that is compared.
    pub fn stretched() -> u32 {
        STRETCHED.get()
    }

    /// How many slots were tried on this thread.
    pub fn slots_tried() -> u32 {
        SLOTS_TRIED.get()
    }
}

thread_local! {
    static STRETCHED: Cell<u32> = const { Cell::new(0) };
    static SLOTS_TRIED: Cell<u32> = const { Cell::new(0) };
}

impl Verifier for Counting {
    fn verify(public: &EcPoint, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        note("verify", [message.len(), 0, 0]);
        AwsLc::verify(public, message, signature)
    }

    fn sha384(parts: &[&[u8]]) -> Sha384Digest {
        note("sha384", [total(parts), 0, 0]);
        AwsLc::sha384(parts)
    }
}

impl Provider for Counting {
    type EcdhSecret = <AwsLc as Provider>::EcdhSecret;
    type KemSecret = <AwsLc as Provider>::KemSecret;
    type Signer = <AwsLc as Provider>::Signer;

    fn unwrap_key(
        kek: &[u8; 32],
        wrapped: &[u8; 40],
        key: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        SLOTS_TRIED.set(SLOTS_TRIED.get() + 1);
        note("unwrap", [wrapped.len(), key.len(), 0]);
        AwsLc::unwrap_key(kek, wrapped, key)
    }

    fn ecdh_generate(rng: &mut dyn Rng) -> Result<(Self::EcdhSecret, EcPoint), CryptoError> {
        AwsLc::ecdh_generate(rng)
    }

    fn ecdh_from_scalar(scalar: &[u8; 48]) -> Result<(Self::EcdhSecret, EcPoint), CryptoError> {
        note("ecdh", [scalar.len(), 0, 0]);
        AwsLc::ecdh_from_scalar(scalar)
    }

    fn ecdh_agree(
        secret: &Self::EcdhSecret,
        peer: &EcPoint,
        shared: &mut [u8; 48],
    ) -> Result<(), CryptoError> {
        AwsLc::ecdh_agree(secret, peer, shared)
    }

    fn kem_generate(
        rng: &mut dyn Rng,
        public: &mut KemKey,
    ) -> Result<Self::KemSecret, CryptoError> {
        AwsLc::kem_generate(rng, public)
    }

    fn kem_from_seed(seed: &[u8; 64], public: &mut KemKey) -> Result<Self::KemSecret, CryptoError> {
        note("kem", [seed.len(), 0, 0]);
        AwsLc::kem_from_seed(seed, public)
    }

    fn kem_encapsulate(
        rng: &mut dyn Rng,
        public: &KemKey,
        ciphertext: &mut KemCiphertext,
        shared: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        AwsLc::kem_encapsulate(rng, public, ciphertext, shared)
    }

    fn kem_decapsulate(
        secret: &Self::KemSecret,
        ciphertext: &KemCiphertext,
        shared: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        AwsLc::kem_decapsulate(secret, ciphertext, shared)
    }

    fn signer_generate(rng: &mut dyn Rng, scalar: &mut [u8; 48]) -> Result<EcPoint, CryptoError> {
        AwsLc::signer_generate(rng, scalar)
    }

    fn signer(scalar: &[u8; 48], public: &EcPoint) -> Result<Self::Signer, CryptoError> {
        AwsLc::signer(scalar, public)
    }

    fn sign(
        signer: &Self::Signer,
        rng: &mut dyn Rng,
        message: &[u8],
    ) -> Result<Signature, CryptoError> {
        note("sign", [message.len(), 0, 0]);
        AwsLc::sign(signer, rng, message)
    }

    fn hmac_sha384(key: &[u8], parts: &[&[u8]], out: &mut [u8; 48]) {
        note("hmac", [key.len(), total(parts), 0]);
        AwsLc::hmac_sha384(key, parts, out);
    }

    fn hkdf_expand(prk: &[u8; 48], info: &[&[u8]], out: &mut [u8]) -> Result<(), CryptoError> {
        note("hkdf", [total(info), out.len(), 0]);
        AwsLc::hkdf_expand(prk, info, out)
    }

    fn pbkdf2(pin: &[u8], salt: &[u8], cost: u32, out: &mut [u8; 32]) -> Result<(), CryptoError> {
        STRETCHED.set(STRETCHED.get() + 1);
        note(
            "stretch",
            [pin.len(), salt.len(), usize::try_from(cost).expect("fits")],
        );
        AwsLc::pbkdf2(pin, salt, cost, out)
    }

    fn gcm_seal(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; 16], CryptoError> {
        note("seal", [aad.len(), buffer.len(), 0]);
        AwsLc::gcm_seal(key, nonce, aad, buffer)
    }

    fn gcm_open(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), CryptoError> {
        note("open", [aad.len(), buffer.len(), 0]);
        AwsLc::gcm_open(key, nonce, aad, buffer, tag)
    }

    fn wrap_key(kek: &[u8; 32], key: &[u8; 32]) -> Result<[u8; 40], CryptoError> {
        note("wrap", [key.len(), 0, 0]);
        AwsLc::wrap_key(kek, key)
    }

    fn xts(
        key: &[u8; 64],
        unit: u128,
        direction: Direction,
        buffer: &mut [u8],
    ) -> Result<(), CryptoError> {
        note("xts", [buffer.len(), 0, 0]);
        AwsLc::xts(key, unit, direction, buffer)
    }

    fn ecb(key: &[u8; 32], direction: Direction, buffer: &mut [u8]) -> Result<(), CryptoError> {
        note("ecb", [buffer.len(), 0, 0]);
        AwsLc::ecb(key, direction, buffer)
    }
}

fn total(parts: &[&[u8]]) -> usize {
    parts.iter().map(|part| part.len()).sum()
}
