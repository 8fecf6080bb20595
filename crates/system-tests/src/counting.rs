//! A provider that counts comparisons of PINs: each tries to open a slot, and nothing else unwraps a key.

use hsm_core::crypto::{CryptoError, Direction, KemCiphertext, KemKey, Provider, Rng};
use hsm_protocol::{BadSignature, EcPoint, Sha384Digest, Signature, Verifier};
use hsm_virtual::aws_lc::AwsLc;
use std::cell::Cell;

/// [`AwsLc`], counted.
pub enum Counting {}

impl Counting {
    /// How many PINs were compared on this thread.
    pub fn comparisons() -> u32 {
        COMPARISONS.get()
    }
}

thread_local! {
    static COMPARISONS: Cell<u32> = const { Cell::new(0) };
}

impl Verifier for Counting {
    fn verify(public: &EcPoint, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        AwsLc::verify(public, message, signature)
    }

    fn sha384(parts: &[&[u8]]) -> Sha384Digest {
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
        COMPARISONS.set(COMPARISONS.get() + 1);
        AwsLc::unwrap_key(kek, wrapped, key)
    }

    fn ecdh_generate(rng: &mut dyn Rng) -> Result<(Self::EcdhSecret, EcPoint), CryptoError> {
        AwsLc::ecdh_generate(rng)
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
        AwsLc::sign(signer, rng, message)
    }

    fn hmac_sha384(key: &[u8], parts: &[&[u8]], out: &mut [u8; 48]) {
        AwsLc::hmac_sha384(key, parts, out);
    }

    fn hkdf_expand(prk: &[u8; 48], info: &[&[u8]], out: &mut [u8]) -> Result<(), CryptoError> {
        AwsLc::hkdf_expand(prk, info, out)
    }

    fn pbkdf2(pin: &[u8], salt: &[u8], cost: u32, out: &mut [u8; 32]) -> Result<(), CryptoError> {
        AwsLc::pbkdf2(pin, salt, cost, out)
    }

    fn gcm_seal(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; 16], CryptoError> {
        AwsLc::gcm_seal(key, nonce, aad, buffer)
    }

    fn gcm_open(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), CryptoError> {
        AwsLc::gcm_open(key, nonce, aad, buffer, tag)
    }

    fn wrap_key(kek: &[u8; 32], key: &[u8; 32]) -> Result<[u8; 40], CryptoError> {
        AwsLc::wrap_key(kek, key)
    }

    fn xts(
        key: &[u8; 64],
        unit: u128,
        direction: Direction,
        buffer: &mut [u8],
    ) -> Result<(), CryptoError> {
        AwsLc::xts(key, unit, direction, buffer)
    }

    fn ecb(key: &[u8; 32], direction: Direction, buffer: &mut [u8]) -> Result<(), CryptoError> {
        AwsLc::ecb(key, direction, buffer)
    }
}
