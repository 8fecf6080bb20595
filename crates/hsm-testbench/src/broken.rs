//! A provider of which a test breaks one algorithm, or one result.

use crate::{
    board::is_generating,
    observed::{Observed, Observer},
};
use hsm_core::crypto::{CryptoError, KemKey};
use hsm_protocol::{EcPoint, Sha384Digest, Signature, self_test::SelfTest};
use std::cell::Cell;

/// The provider `C`, broken as this thread says.
pub type Broken<C> = Observed<C, Breaker>;

/// Breaks an algorithm from now on; `None` repairs it.
pub fn set(test: Option<SelfTest>) {
    BROKEN.set(test);
}

/// Spoils the next signature, as a glitch would.
pub fn spoil_next_signature() {
    NEXT.set(Some(Next::Signature));
}

/// Spoils the public half of the next ECDH key.
pub fn spoil_next_ecdh_key() {
    NEXT.set(Some(Next::Ecdh));
}

/// Spoils the public half of the next ML-KEM key.
pub fn spoil_next_kem_key() {
    NEXT.set(Some(Next::Kem));
}

/// Takes the next wrapped key, whether its key-encryption key is right or wrong.
pub fn take_next_wrapped_key() {
    NEXT.set(Some(Next::Wrapped));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Wrapped,
    Signature,
    Ecdh,
    Kem,
}

thread_local! {
    static BROKEN: Cell<Option<SelfTest>> = const { Cell::new(None) };
    static NEXT: Cell<Option<Next>> = const { Cell::new(None) };
}

/// Flips a bit of what the broken algorithm gives.
pub enum Breaker {}

impl Breaker {
    fn flip(test: SelfTest, bytes: &mut [u8]) {
        if BROKEN.get() == Some(test)
            && let Some(first) = bytes.first_mut()
        {
            *first ^= 1;
        }
    }

    fn is_next(next: Next) -> bool {
        let is_next = NEXT.get() == Some(next);
        if is_next {
            NEXT.set(None);
        }
        is_next
    }
}

impl Observer for Breaker {
    const SEES_SELF_TESTS: bool = true;

    fn hashed(digest: &mut Sha384Digest) {
        Self::flip(SelfTest::Sha384, digest);
    }

    fn authenticated(out: &mut [u8; 48]) {
        Self::flip(SelfTest::Hmac, out);
        if is_generating() {
            Self::flip(SelfTest::Drbg, out);
        }
    }

    fn expanded(out: &mut [u8]) {
        Self::flip(SelfTest::Hkdf, out);
    }

    fn stretched(out: &mut [u8; 32]) {
        Self::flip(SelfTest::Pbkdf2, out);
    }

    fn opened(outcome: &mut Result<(), CryptoError>, _: &mut [u8]) {
        // Takes every tag.
        if BROKEN.get() == Some(SelfTest::Gcm) {
            *outcome = Ok(());
        }
    }

    fn unwrapped(_: &[u8; 32], outcome: &mut Result<(), CryptoError>, _: &mut [u8; 32]) {
        // Takes every wrapped key, or this one.
        if BROKEN.get() == Some(SelfTest::KeyWrap) || Self::is_next(Next::Wrapped) {
            *outcome = Ok(());
        }
    }

    fn ciphered_xts(buffer: &mut [u8]) {
        Self::flip(SelfTest::Xts, buffer);
    }

    fn ciphered_ecb(buffer: &mut [u8]) {
        Self::flip(SelfTest::Ecb, buffer);
    }

    fn signed(signature: &mut Result<Signature, CryptoError>) {
        if let Ok(signature) = signature {
            Self::flip(SelfTest::Ecdsa, signature);
            if Self::is_next(Next::Signature) {
                signature[0] ^= 1;
            }
        }
    }

    fn agreed(shared: &mut [u8; 48]) {
        Self::flip(SelfTest::Ecdh, shared);
    }

    fn decapsulated(shared: &mut [u8; 32]) {
        Self::flip(SelfTest::MlKem, shared);
    }

    fn made_ecdh(public: &mut Result<EcPoint, CryptoError>) {
        if let Ok(public) = public
            && Self::is_next(Next::Ecdh)
        {
            public[1] ^= 1;
        }
    }

    fn made_kem(public: &mut KemKey) {
        if Self::is_next(Next::Kem) {
            public[0] ^= 1;
        }
    }
}
