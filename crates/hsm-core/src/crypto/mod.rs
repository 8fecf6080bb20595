//! The one boundary to cryptographic libraries.
//!
//! The suite is fixed (PROTOCOL § 3): ECDH P-384 with ML-KEM-1024, ECDSA P-384, HKDF-SHA-384, AES-256-GCM, AES-256-KW,
//! PBKDF2-HMAC-SHA-256, AES-256-XTS and -ECB. Two providers implement [`Provider`]: [`rust_crypto`], for firmware, and
//! one over aws-lc in `hsm-virtual`. The interface is bytes; the only types of a library are the three secrets,
//! which are made where they stay and zeroize themselves there.

pub mod drbg;
pub mod health;
pub mod rust_crypto;
pub mod self_test;

use hsm_protocol::{EcPoint, Signature, Verifier, self_test::SelfTest};
use zeroize::Zeroizing;

/// An ML-KEM-1024 encapsulation key (FIPS 203).
pub type KemKey = [u8; 1568];

/// An ML-KEM-1024 ciphertext.
pub type KemCiphertext = [u8; 1568];

/// A primitive failed: an invalid key of a peer, a tag that does not match, a generator that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CryptoError;

/// A source of random bytes fit for keys.
pub trait Rng {
    /// Fills `out`; on an error it holds nothing usable.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError>;

    /// Runs the tests of the generator (SP 800-90A § 11.3) or of its source (SP 800-90B § 4.3). What has none passes.
    fn self_test(&mut self, _: SelfTest) -> Result<(), CryptoError> {
        Ok(())
    }
}

/// The primitives of the suite. Secrets are written into places that the caller owns and zeroizes: a secret that is
/// returned or moved leaves a copy on the stack.
///
/// The places of keys are empty at first. An empty one is no key, nor is one whose filling failed: its use is an error.
pub trait Provider: Verifier {
    /// A place for an ECDH key, ephemeral or derived. It zeroizes itself when dropped.
    type EcdhSecret: Default;
    /// A place for a decapsulation key, ephemeral or derived. It zeroizes itself when dropped.
    type KemSecret: Default;
    /// A place for a module's signing key, ready for use. It zeroizes itself when dropped.
    type Signer: Default;

    /// Runs the known-answer test of an algorithm. Only primitives that compute nothing, for a fuzzer, have others.
    fn self_test(test: SelfTest) -> Result<(), CryptoError>
    where
        Self: Sized,
    {
        self_test::known_answer::<Self>(test)
    }

    /// Makes a fresh ECDH P-384 key pair (SP 800-56A § 5.6.1.2).
    fn ecdh_generate(
        rng: &mut dyn Rng,
        secret: &mut Self::EcdhSecret,
    ) -> Result<EcPoint, CryptoError>;
    /// Makes the key pair of a scalar (48 bytes, big-endian, 1 to n − 1), which the caller derived and zeroizes.
    fn ecdh_from_scalar(
        scalar: &[u8; 48],
        secret: &mut Self::EcdhSecret,
    ) -> Result<EcPoint, CryptoError>;
    /// Computes the shared x-coordinate; validates the peer's point (SP 800-56A § 5.6.2.3.3). The caller drops the key
    /// then: it is used once.
    fn ecdh_agree(
        secret: &Self::EcdhSecret,
        peer: &EcPoint,
        shared: &mut [u8; 48],
    ) -> Result<(), CryptoError>;

    /// Makes a fresh ML-KEM-1024 key pair.
    fn kem_generate(
        rng: &mut dyn Rng,
        secret: &mut Self::KemSecret,
        public: &mut KemKey,
    ) -> Result<(), CryptoError>;
    /// Makes the ML-KEM-1024 key pair of a seed, `d ‖ z` (FIPS 203 § 7.1), which the caller derived and zeroizes.
    fn kem_from_seed(
        seed: &[u8; 64],
        secret: &mut Self::KemSecret,
        public: &mut KemKey,
    ) -> Result<(), CryptoError>;
    /// Encapsulates to a peer's key, which is checked (FIPS 203 § 7.2).
    fn kem_encapsulate(
        rng: &mut dyn Rng,
        public: &KemKey,
        ciphertext: &mut KemCiphertext,
        shared: &mut [u8; 32],
    ) -> Result<(), CryptoError>;
    /// Decapsulates; a wrong ciphertext gives another secret, not an error (FIPS 203 § 7.3). The caller drops the
    /// key then.
    fn kem_decapsulate(
        secret: &Self::KemSecret,
        ciphertext: &KemCiphertext,
        shared: &mut [u8; 32],
    ) -> Result<(), CryptoError>;

    /// Makes a fresh signing key: its scalar (48 bytes, big-endian) goes into `scalar`.
    fn signer_generate(rng: &mut dyn Rng, scalar: &mut [u8; 48]) -> Result<EcPoint, CryptoError>;
    /// Prepares a signing key for use; its two halves must belong together.
    fn signer(
        scalar: &[u8; 48],
        public: &EcPoint,
        signer: &mut Self::Signer,
    ) -> Result<(), CryptoError>;
    /// Signs: ECDSA over SHA-384 of `message`, with a random or hedged nonce (FIPS 186-5 § 6.3), in the form that
    /// [`Verifier::verify`] takes.
    fn sign(
        signer: &Self::Signer,
        rng: &mut dyn Rng,
        message: &[u8],
    ) -> Result<Signature, CryptoError>;

    /// Computes HMAC-SHA-384 over the parts, concatenated (FIPS 198-1).
    fn hmac_sha384(key: &[u8], parts: &[&[u8]], out: &mut [u8; 48]);
    /// Expands with HKDF and SHA-384 (RFC 5869 § 2.3); `out` is at most 255 hashes long.
    fn hkdf_expand(prk: &[u8; 48], info: &[&[u8]], out: &mut [u8]) -> Result<(), CryptoError>;
    /// Stretches with PBKDF2-HMAC-SHA-256 (SP 800-132); `cost` is the number of iterations and not zero.
    fn pbkdf2(pin: &[u8], salt: &[u8], cost: u32, out: &mut [u8; 32]) -> Result<(), CryptoError>;

    /// Seals in place with AES-256-GCM (SP 800-38D). The caller never uses a nonce twice with one key.
    fn gcm_seal(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; 16], CryptoError>;
    /// Opens in place with AES-256-GCM. On a wrong tag, nothing readable is left in `buffer`.
    fn gcm_open(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), CryptoError>;

    /// Wraps a key with AES-256-KW (SP 800-38F § 6.2).
    fn wrap_key(kek: &[u8; 32], key: &[u8; 32]) -> Result<[u8; 40], CryptoError>;
    /// Unwraps a key with AES-256-KW; fails on a wrong key-encryption key.
    fn unwrap_key(
        kek: &[u8; 32],
        wrapped: &[u8; 40],
        key: &mut [u8; 32],
    ) -> Result<(), CryptoError>;

    /// Ciphers one data unit of 1 to 2²⁰ whole blocks with AES-256-XTS, in place (SP 800-38E, IEEE 1619); the key's
    /// halves must differ.
    fn xts(
        key: &[u8; 64],
        unit: u128,
        direction: Direction,
        buffer: &mut [u8],
    ) -> Result<(), CryptoError>;
    /// Ciphers whole blocks with AES-256-ECB, in place (SP 800-38A § 6.1).
    fn ecb(key: &[u8; 32], direction: Direction, buffer: &mut [u8]) -> Result<(), CryptoError>;
}

/// Derives a 32-byte key into `out`: HMAC-SHA-384 over the parts, cut to its first 32 bytes (SP 800-107 § 5.3.4).
pub(crate) fn derive_key<C: Provider>(key: &[u8; 32], parts: &[&[u8]], out: &mut [u8; 32]) {
    let mut long = Zeroizing::new([0; 48]);
    C::hmac_sha384(key, parts, &mut long);
    if let Some(head) = long.first_chunk::<32>() {
        out.copy_from_slice(head);
    }
}

/// Which way a cipher runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From plaintext.
    Encipher,
    /// To plaintext.
    Decipher,
}
