//! A provider that shows an observer what goes through another one.

use crate::trace::note;
use hsm_core::crypto::{
    CryptoError, Direction, KemCiphertext, KemKey, Provider, Rng, self_test::known_answer,
};
use hsm_protocol::{BadSignature, EcPoint, Sha384Digest, Signature, Verifier, self_test::SelfTest};
use std::{cell::Cell, marker::PhantomData};

/// Sees what primitives are given and give, and may change it. Each method does nothing unless it is overridden.
pub trait Observer {
    /// Whether it also sees what known-answer tests compute.
    const SEES_SELF_TESTS: bool = false;

    /// Sees a call before it is made: its kind, and the lengths of what goes in and out, in bytes; of a stretching its
    /// cost.
    fn called(_kind: &'static str, _sizes: [usize; 3]) {}

    /// Sees a stretched PIN.
    fn stretched(_out: &mut [u8; 32]) {}

    /// Sees a wrapped key.
    fn wrapped(_outcome: &mut Result<[u8; 40], CryptoError>) {}

    /// Sees whether a key was unwrapped, and the key.
    fn unwrapped(_kek: &[u8; 32], _outcome: &mut Result<(), CryptoError>, _key: &mut [u8; 32]) {}

    /// Sees a signature.
    fn signed(_signature: &mut Result<Signature, CryptoError>) {}

    /// Sees whether a signature is called valid.
    fn verified(_outcome: &mut Result<(), BadSignature>) {}

    /// Sees a hash.
    fn hashed(_digest: &mut Sha384Digest) {}

    /// Sees what HKDF gave.
    fn expanded(_out: &mut [u8]) {}

    /// Sees the point of a new ECDH key.
    fn made_ecdh(_public: &mut Result<EcPoint, CryptoError>) {}

    /// Sees the public half of a new ML-KEM key.
    fn made_kem(_public: &mut KemKey) {}

    /// Sees a shared coordinate.
    fn agreed(_shared: &mut [u8; 48]) {}

    /// Sees what a ciphertext carried.
    fn decapsulated(_shared: &mut [u8; 32]) {}

    /// Sees data that was ciphered in XTS.
    fn ciphered_xts(_buffer: &mut [u8]) {}

    /// Sees data that was ciphered in ECB.
    fn ciphered_ecb(_buffer: &mut [u8]) {}

    /// Sees a MAC.
    fn authenticated(_out: &mut [u8; 48]) {}

    /// Sees what was sealed, and its tag.
    fn sealed(_tag: &mut Result<[u8; 16], CryptoError>, _buffer: &mut [u8]) {}

    /// Sees whether a tag was right, and what was opened.
    fn opened(_outcome: &mut Result<(), CryptoError>, _buffer: &mut [u8]) {}
}

/// Notes each call ([`crate::trace`]), and counts what a guess at a PIN costs: an entry is stretched once, and tried on each
/// slot of its path; nothing else unwraps a key.
pub enum Counter {}

impl Counter {
    /// Returns how many PINs were stretched on this thread: one for each entry that is compared.
    pub fn stretched() -> u32 {
        STRETCHED.get()
    }

    /// Returns how many slots were tried on this thread.
    pub fn slots_tried() -> u32 {
        SLOTS_TRIED.get()
    }
}

thread_local! {
    static STRETCHED: Cell<u32> = const { Cell::new(0) };
    static SLOTS_TRIED: Cell<u32> = const { Cell::new(0) };
}

impl Observer for Counter {
    fn called(kind: &'static str, sizes: [usize; 3]) {
        match kind {
            "stretch" => STRETCHED.set(STRETCHED.get() + 1),
            "unwrap" => SLOTS_TRIED.set(SLOTS_TRIED.get() + 1),
            _ => {}
        }
        note(kind, sizes);
    }
}

/// The provider `C` under the eyes of `O`.
pub struct Observed<C, O = Counter>(PhantomData<(C, O)>);

impl<C: Provider, O: Observer> Verifier for Observed<C, O> {
    fn verify_either_form(
        public: &EcPoint,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), BadSignature> {
        C::verify_either_form(public, message, signature)
    }

    fn sha384(parts: &[&[u8]]) -> Sha384Digest {
        O::called("sha384", [total(parts), 0, 0]);
        let mut digest = C::sha384(parts);
        O::hashed(&mut digest);
        digest
    }

    fn verify(public: &EcPoint, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        O::called("verify", [message.len(), 0, 0]);
        let mut outcome = C::verify(public, message, signature);
        O::verified(&mut outcome);
        outcome
    }
}

impl<C: Provider, O: Observer> Provider for Observed<C, O> {
    type EcdhSecret = C::EcdhSecret;
    type KemSecret = C::KemSecret;
    type Signer = C::Signer;

    fn self_test(test: SelfTest) -> Result<(), CryptoError> {
        if O::SEES_SELF_TESTS {
            known_answer::<Self>(test)
        } else {
            C::self_test(test)
        }
    }

    fn ecdh_generate(
        rng: &mut dyn Rng,
        secret: &mut Self::EcdhSecret,
    ) -> Result<EcPoint, CryptoError> {
        let mut public = C::ecdh_generate(rng, secret);
        O::made_ecdh(&mut public);
        public
    }

    fn ecdh_from_scalar(
        scalar: &[u8; 48],
        secret: &mut Self::EcdhSecret,
    ) -> Result<EcPoint, CryptoError> {
        O::called("ecdh", [scalar.len(), 0, 0]);
        C::ecdh_from_scalar(scalar, secret)
    }

    fn ecdh_agree(
        secret: &Self::EcdhSecret,
        peer: &EcPoint,
        shared: &mut [u8; 48],
    ) -> Result<(), CryptoError> {
        C::ecdh_agree(secret, peer, shared)?;
        O::agreed(shared);
        Ok(())
    }

    fn kem_generate(
        rng: &mut dyn Rng,
        secret: &mut Self::KemSecret,
        public: &mut KemKey,
    ) -> Result<(), CryptoError> {
        C::kem_generate(rng, secret, public)?;
        O::made_kem(public);
        Ok(())
    }

    fn kem_from_seed(
        seed: &[u8; 64],
        secret: &mut Self::KemSecret,
        public: &mut KemKey,
    ) -> Result<(), CryptoError> {
        O::called("kem", [seed.len(), 0, 0]);
        C::kem_from_seed(seed, secret, public)
    }

    fn kem_encapsulate(
        rng: &mut dyn Rng,
        public: &KemKey,
        ciphertext: &mut KemCiphertext,
        shared: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        C::kem_encapsulate(rng, public, ciphertext, shared)
    }

    fn kem_decapsulate(
        secret: &Self::KemSecret,
        ciphertext: &KemCiphertext,
        shared: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        C::kem_decapsulate(secret, ciphertext, shared)?;
        O::decapsulated(shared);
        Ok(())
    }

    fn signer_generate(rng: &mut dyn Rng, scalar: &mut [u8; 48]) -> Result<EcPoint, CryptoError> {
        C::signer_generate(rng, scalar)
    }

    fn signer(
        scalar: &[u8; 48],
        public: &EcPoint,
        signer: &mut Self::Signer,
    ) -> Result<(), CryptoError> {
        C::signer(scalar, public, signer)
    }

    fn sign(
        signer: &Self::Signer,
        rng: &mut dyn Rng,
        message: &[u8],
    ) -> Result<Signature, CryptoError> {
        O::called("sign", [message.len(), 0, 0]);
        let mut signature = C::sign(signer, rng, message);
        O::signed(&mut signature);
        signature
    }

    fn hmac_sha384(key: &[u8], parts: &[&[u8]], out: &mut [u8; 48]) {
        O::called("hmac", [key.len(), total(parts), parts.len()]);
        C::hmac_sha384(key, parts, out);
        O::authenticated(out);
    }

    fn hkdf_expand(prk: &[u8; 48], info: &[&[u8]], out: &mut [u8]) -> Result<(), CryptoError> {
        O::called("hkdf", [total(info), out.len(), 0]);
        C::hkdf_expand(prk, info, out)?;
        O::expanded(out);
        Ok(())
    }

    fn pbkdf2(pin: &[u8], salt: &[u8], cost: u32, out: &mut [u8; 32]) -> Result<(), CryptoError> {
        let iterations = usize::try_from(cost).expect("fits");
        O::called("stretch", [pin.len(), salt.len(), iterations]);
        let outcome = C::pbkdf2(pin, salt, cost, out);
        O::stretched(out);
        outcome
    }

    fn gcm_seal(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; 16], CryptoError> {
        O::called("seal", [aad.len(), buffer.len(), 0]);
        let mut tag = C::gcm_seal(key, nonce, aad, buffer);
        O::sealed(&mut tag, buffer);
        tag
    }

    fn gcm_open(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), CryptoError> {
        O::called("open", [aad.len(), buffer.len(), 0]);
        let mut outcome = C::gcm_open(key, nonce, aad, buffer, tag);
        O::opened(&mut outcome, buffer);
        outcome
    }

    fn wrap_key(kek: &[u8; 32], key: &[u8; 32]) -> Result<[u8; 40], CryptoError> {
        O::called("wrap", [key.len(), 0, 0]);
        let mut outcome = C::wrap_key(kek, key);
        O::wrapped(&mut outcome);
        outcome
    }

    fn unwrap_key(
        kek: &[u8; 32],
        wrapped: &[u8; 40],
        key: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        O::called("unwrap", [wrapped.len(), key.len(), 0]);
        let mut outcome = C::unwrap_key(kek, wrapped, key);
        O::unwrapped(kek, &mut outcome, key);
        outcome
    }

    fn xts(
        key: &[u8; 64],
        unit: u128,
        direction: Direction,
        buffer: &mut [u8],
    ) -> Result<(), CryptoError> {
        O::called("xts", [buffer.len(), 0, 0]);
        C::xts(key, unit, direction, buffer)?;
        O::ciphered_xts(buffer);
        Ok(())
    }

    fn ecb(key: &[u8; 32], direction: Direction, buffer: &mut [u8]) -> Result<(), CryptoError> {
        O::called("ecb", [buffer.len(), 0, 0]);
        C::ecb(key, direction, buffer)?;
        O::ciphered_ecb(buffer);
        Ok(())
    }
}

fn total(parts: &[&[u8]]) -> usize {
    parts.iter().map(|part| part.len()).sum()
}
