//! The provider for modules on a computer: AWS-LC, about four times as fast at cloning as [`RustCrypto`].
//!
//! All randomness comes from the caller's generator, with one exception: the nonces of ECDSA signatures come from the
//! generator in AWS-LC (SP 800-90A `CTR_DRBG`, seeded by the operating system), because aws-lc-rs accepts no other:
//! tests cannot repeat them, and they do not fail with a failing `rng`. Nor does aws-lc-rs accept an ML-KEM seed or the
//! randomness of an encapsulation: the `ml-kem` crate expands the one and uses the other, AWS-LC decapsulates.
//!
//! ECB is done by [`RustCrypto`], which ciphers blocks in parallel. aws-lc-rs calls into C for every block, and is 30
//! times slower.

use crate::xts;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P384, UnparsedPublicKey};
use aws_lc_rs::kem::{self, ML_KEM_1024};
use aws_lc_rs::key_wrap::{self, AesKek, KeyWrap};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    self, ECDSA_P384_SHA384_FIXED, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
};
use aws_lc_rs::{digest, hkdf, hmac, pbkdf2};
use hsm_core::crypto::rust_crypto::RustCrypto;
use hsm_core::crypto::{CryptoError, Direction, KemCiphertext, KemKey, Provider, Rng};
use hsm_protocol::{BadSignature, EcPoint, Sha384Digest, Signature, Verifier, verifier::low_s};
use ml_kem::{KeyExport, array::Array, ml_kem_1024};
use std::num::NonZeroU32;
use zeroize::{Zeroize, Zeroizing};

/// The cryptographic suite, implemented by AWS-LC.
pub enum AwsLc {}

/// A place for an ECDH key: a pointer to one of AWS-LC, which zeroizes it when it is freed.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
#[derive(Default)]
pub struct EcdhSecret(Option<agreement::PrivateKey>);

/// A place for an expanded ML-KEM-1024 key: a pointer to one of AWS-LC, which zeroizes it when it is freed.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
#[derive(Default)]
pub struct KemSecret(Option<kem::DecapsulationKey>);

/// A place for a P-384 signing key, checked against its public key: a pointer to one of AWS-LC, which zeroizes it when
/// it is freed.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
#[derive(Default)]
pub struct Signer(Option<EcdsaKeyPair>);

impl Verifier for AwsLc {
    fn verify_either_form(
        public: &EcPoint,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), BadSignature> {
        signature::UnparsedPublicKey::new(
            &ECDSA_P384_SHA384_FIXED,
            uncompressed(public).or(Err(BadSignature))?,
        )
        .verify(message, signature)
        .or(Err(BadSignature))
    }

    fn sha384(parts: &[&[u8]]) -> Sha384Digest {
        let mut hash = digest::Context::new(&digest::SHA384);
        for part in parts {
            hash.update(part);
        }
        let mut out = [0; 48];
        out.copy_from_slice(hash.finish().as_ref());
        out
    }
}

impl Provider for AwsLc {
    type EcdhSecret = EcdhSecret;
    type KemSecret = KemSecret;
    type Signer = Signer;

    fn ecdh_generate(
        rng: &mut dyn Rng,
        secret: &mut Self::EcdhSecret,
    ) -> Result<EcPoint, CryptoError> {
        secret.0 = None;
        let mut scalar = Zeroizing::new([0; 48]);
        let (key, public) = generate_key(rng, &mut scalar)?;
        secret.0 = Some(key);
        Ok(public)
    }

    fn ecdh_from_scalar(
        scalar: &[u8; 48],
        secret: &mut Self::EcdhSecret,
    ) -> Result<EcPoint, CryptoError> {
        secret.0 = None;
        let (key, public) = key_pair(scalar)?;
        secret.0 = Some(key);
        Ok(public)
    }

    fn ecdh_agree(
        secret: &Self::EcdhSecret,
        peer: &EcPoint,
        shared: &mut [u8; 48],
    ) -> Result<(), CryptoError> {
        let peer = UnparsedPublicKey::new(&ECDH_P384, uncompressed(peer)?);
        let secret = secret.0.as_ref().ok_or(CryptoError)?;
        agreement::agree(secret, peer, CryptoError, |agreed| put(shared, agreed))
    }

    fn kem_generate(
        rng: &mut dyn Rng,
        secret: &mut Self::KemSecret,
        public: &mut KemKey,
    ) -> Result<(), CryptoError> {
        let mut seed = Zeroizing::new([0; 64]);
        rng.fill(&mut *seed)?;
        Self::kem_from_seed(&seed, secret, public)
    }

    #[expect(deprecated, reason = "AWS-LC accepts no other form of a key")]
    fn kem_from_seed(
        seed: &[u8; 64],
        secret: &mut Self::KemSecret,
        public: &mut KemKey,
    ) -> Result<(), CryptoError> {
        secret.0 = None;
        let expanded = ml_kem_1024::DecapsulationKey::from_seed(Array(*seed));
        put(public, &expanded.encapsulation_key().to_bytes())?;
        let mut bytes = ml_kem::ExpandedKeyEncoding::to_expanded_bytes(&expanded);
        let key = kem::DecapsulationKey::new(&ML_KEM_1024, &bytes);
        bytes.as_mut_slice().zeroize();
        secret.0 = Some(key.or(Err(CryptoError))?);
        Ok(())
    }

    fn kem_encapsulate(
        rng: &mut dyn Rng,
        public: &KemKey,
        ciphertext: &mut KemCiphertext,
        shared: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        RustCrypto::kem_encapsulate(rng, public, ciphertext, shared)
    }

    fn kem_decapsulate(
        secret: &Self::KemSecret,
        ciphertext: &KemCiphertext,
        shared: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        let secret = secret.0.as_ref().ok_or(CryptoError)?;
        let agreed = secret
            .decapsulate(ciphertext.as_slice().into())
            .or(Err(CryptoError))?;
        put(shared, agreed.as_ref())
    }

    fn signer_generate(rng: &mut dyn Rng, scalar: &mut [u8; 48]) -> Result<EcPoint, CryptoError> {
        generate_key(rng, scalar).map(|(_, public)| public)
    }

    fn signer(
        scalar: &[u8; 48],
        public: &EcPoint,
        signer: &mut Self::Signer,
    ) -> Result<(), CryptoError> {
        signer.0 = None;
        let key = EcdsaKeyPair::from_private_key_and_public_key(
            &ECDSA_P384_SHA384_FIXED_SIGNING,
            scalar,
            uncompressed(public)?,
        );
        signer.0 = Some(key.or(Err(CryptoError))?);
        Ok(())
    }

    fn sign(
        signer: &Self::Signer,
        _: &mut dyn Rng,
        message: &[u8],
    ) -> Result<Signature, CryptoError> {
        let signer = signer.0.as_ref().ok_or(CryptoError)?;
        let signature = signer
            .sign(&SystemRandom::new(), message)
            .or(Err(CryptoError))?;
        let signature = signature.as_ref().try_into().or(Err(CryptoError))?;
        Ok(low_s(signature))
    }

    fn hmac_sha384(key: &[u8], parts: &[&[u8]], out: &mut [u8; 48]) {
        let mut mac = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA384, key));
        for part in parts {
            mac.update(part);
        }
        out.copy_from_slice(mac.sign().as_ref());
    }

    fn hkdf_expand(prk: &[u8; 48], info: &[&[u8]], out: &mut [u8]) -> Result<(), CryptoError> {
        hkdf::Prk::new_less_safe(hkdf::HKDF_SHA384, prk)
            .expand(info, Length(out.len()))
            .and_then(|okm| okm.fill(out))
            .or(Err(CryptoError))
    }

    fn pbkdf2(pin: &[u8], salt: &[u8], cost: u32, out: &mut [u8; 32]) -> Result<(), CryptoError> {
        let cost = NonZeroU32::new(cost).ok_or(CryptoError)?;
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, cost, salt, pin, out);
        Ok(())
    }

    fn gcm_seal(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; 16], CryptoError> {
        let tag = gcm(key)?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(aad),
                buffer,
            )
            .or(Err(CryptoError))?;
        tag.as_ref().try_into().or(Err(CryptoError))
    }

    fn gcm_open(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), CryptoError> {
        let opened = gcm(key)?
            .open_in_place_separate_tag(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(aad),
                tag,
                buffer,
            )
            .is_ok();
        if opened {
            Ok(())
        } else {
            buffer.zeroize();
            Err(CryptoError)
        }
    }

    fn wrap_key(kek: &[u8; 32], key: &[u8; 32]) -> Result<[u8; 40], CryptoError> {
        let mut wrapped = [0; 40];
        AesKek::new(&key_wrap::AES_256, kek)
            .and_then(|kek| kek.wrap(key, &mut wrapped).map(drop))
            .or(Err(CryptoError))?;
        Ok(wrapped)
    }

    fn unwrap_key(
        kek: &[u8; 32],
        wrapped: &[u8; 40],
        key: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        let unwrapped =
            AesKek::new(&key_wrap::AES_256, kek).and_then(|kek| kek.unwrap(wrapped, key).map(drop));
        if unwrapped.is_err() {
            key.zeroize();
        }
        unwrapped.or(Err(CryptoError))
    }

    fn xts(
        key: &[u8; 64],
        unit: u128,
        direction: Direction,
        buffer: &mut [u8],
    ) -> Result<(), CryptoError> {
        xts::run(key, unit, direction, buffer)
    }

    fn ecb(key: &[u8; 32], direction: Direction, buffer: &mut [u8]) -> Result<(), CryptoError> {
        RustCrypto::ecb(key, direction, buffer)
    }
}

/// Generates a scalar from 1 to n − 1 (FIPS 186-5 § A.2.2). There is no second draw, as with [`RustCrypto`].
fn generate_key(
    rng: &mut dyn Rng,
    scalar: &mut [u8; 48],
) -> Result<(agreement::PrivateKey, EcPoint), CryptoError> {
    let generated = rng.fill(scalar).and_then(|()| key_pair(scalar));
    if generated.is_err() {
        scalar.zeroize();
    }
    generated
}

fn key_pair(scalar: &[u8; 48]) -> Result<(agreement::PrivateKey, EcPoint), CryptoError> {
    let key = agreement::PrivateKey::from_private_key(&ECDH_P384, scalar).or(Err(CryptoError))?;
    let public = key.compute_public_key().or(Err(CryptoError))?;
    Ok((key, public.as_ref().try_into().or(Err(CryptoError))?))
}

/// Returns the point if its encoding is uncompressed: AWS-LC validates points, but accepts other encodings too.
fn uncompressed(point: &EcPoint) -> Result<&[u8], CryptoError> {
    match point {
        [0x04, ..] => Ok(point),
        _ => Err(CryptoError),
    }
}

fn gcm(key: &[u8; 32]) -> Result<LessSafeKey, CryptoError> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .or(Err(CryptoError))
}

fn put<const N: usize>(to: &mut [u8; N], from: &[u8]) -> Result<(), CryptoError> {
    let from: &[u8; N] = from.try_into().or(Err(CryptoError))?;
    to.copy_from_slice(from);
    Ok(())
}

/// The length of HKDF's output, in bytes.
struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}
