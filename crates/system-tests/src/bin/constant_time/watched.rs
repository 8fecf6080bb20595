//! A provider that marks what comes out of the primitives as secret, before the module sees it. So secrets are followed
//! through the module's own doors, and nothing of the core is opened for it.

use crate::memcheck::{poison, publish};
use hsm_core::crypto::{CryptoError, Direction, KemCiphertext, KemKey, Provider, Rng};
use hsm_protocol::{BadSignature, EcPoint, Sha384Digest, Signature, Verifier};
use std::{cell::Cell, marker::PhantomData};

/// Another provider, watched. Stretched PINs are secret, KEKs are, keys of files and data are, and so is the proof that a
/// master makes to compare with a receipt's. That a PIN was right is public: the LEDs show it.
pub(crate) struct Watched<C>(PhantomData<C>);

/// A fault that is planted, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None.
    None,
    /// A branch on a bit of a slot's key.
    Branch,
    /// Some more work where the second slot that is tried opens: the Self-Destruct PIN's.
    Time,
}

/// Plants a fault.
pub(crate) fn plant(fault: Fault) {
    PLANTED.set(fault);
    OPENED.set(0);
}

/// Every MAC that `act` makes is secret: for a master that checks a receipt.
pub(crate) fn with_secret_macs<T>(act: impl FnOnce() -> T) -> T {
    PROVES.set(true);
    let outcome = act();
    PROVES.set(false);
    outcome
}

thread_local! {
    static PROVES: Cell<bool> = const { Cell::new(false) };
    static PLANTED: Cell<Fault> = const { Cell::new(Fault::None) };
    static OPENED: Cell<u32> = const { Cell::new(0) };
}

impl<C: Provider> Watched<C> {
    fn fault<T>(kek: &[u8; 32], opened: &Result<T, CryptoError>) {
        let number = OPENED.replace(OPENED.get() + 1);
        match PLANTED.get() {
            Fault::None => {}
            Fault::Branch => {
                // Opaque to the optimizer, as a comparison in a library would be.
                if std::hint::black_box(kek[0]) & 1 == 1 {
                    OPENED.set(number + 1);
                }
            }
            Fault::Time => {
                if opened.is_ok() && number % 2 == 1 {
                    let mut out = [0; 32];
                    C::pbkdf2(b"1", b"2", 20, &mut out).expect("a cost");
                    std::hint::black_box(out);
                }
            }
        }
    }
}

impl<C: Provider> Verifier for Watched<C> {
    fn verify(public: &EcPoint, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        C::verify(public, message, signature)
    }

    fn sha384(parts: &[&[u8]]) -> Sha384Digest {
        C::sha384(parts)
    }
}

impl<C: Provider> Provider for Watched<C> {
    type EcdhSecret = C::EcdhSecret;
    type KemSecret = C::KemSecret;
    type Signer = C::Signer;

    fn pbkdf2(pin: &[u8], salt: &[u8], cost: u32, out: &mut [u8; 32]) -> Result<(), CryptoError> {
        let outcome = C::pbkdf2(pin, salt, cost, out);
        poison(out);
        outcome
    }

    fn unwrap_key(
        kek: &[u8; 32],
        wrapped: &[u8; 40],
        key: &mut [u8; 32],
    ) -> Result<(), CryptoError> {
        let mut outcome = C::unwrap_key(kek, wrapped, key);
        publish(&mut outcome);
        Self::fault(kek, &outcome);
        poison(key);
        outcome
    }

    fn wrap_key(kek: &[u8; 32], key: &[u8; 32]) -> Result<[u8; 40], CryptoError> {
        // What is wrapped lies in the store.
        let mut wrapped = C::wrap_key(kek, key);
        publish(&mut wrapped);
        wrapped
    }

    fn hmac_sha384(key: &[u8], parts: &[&[u8]], out: &mut [u8; 48]) {
        C::hmac_sha384(key, parts, out);
        if PROVES.get() {
            poison(out);
        }
    }

    fn hkdf_expand(prk: &[u8; 48], info: &[&[u8]], out: &mut [u8]) -> Result<(), CryptoError> {
        C::hkdf_expand(prk, info, out)
    }

    fn gcm_seal(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
    ) -> Result<[u8; 16], CryptoError> {
        let mut tag = C::gcm_seal(key, nonce, aad, buffer);
        publish(&mut tag);
        buffer.iter_mut().for_each(publish);
        tag
    }

    fn gcm_open(
        key: &[u8; 32],
        nonce: &[u8; 12],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), CryptoError> {
        let mut outcome = C::gcm_open(key, nonce, aad, buffer, tag);
        publish(&mut outcome);
        // Most of it is settings and counts; the records of PINs become secret again when they are stretched.
        buffer.iter_mut().for_each(publish);
        outcome
    }

    fn ecdh_generate(rng: &mut dyn Rng) -> Result<(Self::EcdhSecret, EcPoint), CryptoError> {
        C::ecdh_generate(rng)
    }

    fn ecdh_from_scalar(scalar: &[u8; 48]) -> Result<(Self::EcdhSecret, EcPoint), CryptoError> {
        C::ecdh_from_scalar(scalar)
    }

    fn ecdh_agree(
        secret: &Self::EcdhSecret,
        peer: &EcPoint,
        shared: &mut [u8; 48],
    ) -> Result<(), CryptoError> {
        C::ecdh_agree(secret, peer, shared)
    }

    fn kem_generate(
        rng: &mut dyn Rng,
        public: &mut KemKey,
    ) -> Result<Self::KemSecret, CryptoError> {
        C::kem_generate(rng, public)
    }

    fn kem_from_seed(seed: &[u8; 64], public: &mut KemKey) -> Result<Self::KemSecret, CryptoError> {
        C::kem_from_seed(seed, public)
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
        C::kem_decapsulate(secret, ciphertext, shared)
    }

    fn signer_generate(rng: &mut dyn Rng, scalar: &mut [u8; 48]) -> Result<EcPoint, CryptoError> {
        C::signer_generate(rng, scalar)
    }

    fn signer(scalar: &[u8; 48], public: &EcPoint) -> Result<Self::Signer, CryptoError> {
        C::signer(scalar, public)
    }

    fn sign(
        signer: &Self::Signer,
        rng: &mut dyn Rng,
        message: &[u8],
    ) -> Result<Signature, CryptoError> {
        C::sign(signer, rng, message)
    }

    fn xts(
        key: &[u8; 64],
        unit: u128,
        direction: Direction,
        buffer: &mut [u8],
    ) -> Result<(), CryptoError> {
        C::xts(key, unit, direction, buffer)
    }

    fn ecb(key: &[u8; 32], direction: Direction, buffer: &mut [u8]) -> Result<(), CryptoError> {
        C::ecb(key, direction, buffer)
    }
}
