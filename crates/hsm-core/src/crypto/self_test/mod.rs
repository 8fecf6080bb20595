//! Self-tests: each algorithm gives an answer that is known before it is used (FIPS 140-3, ISO/IEC 19790 § 7.10).
//!
//! They run once for a power-up, and again when a host asks (PROTOCOL § 2.11). Those that the store and PINs need come
//! first; the slow ones come before the first command that needs them.

pub(crate) mod answers;

use super::{CryptoError, Direction, Provider, Rng};
use answers::{
    BASE, ECB_CIPHER, ECB_KEY, ECB_PLAIN, ECDH_PEER, ECDH_PUBLIC, ECDH_SCALAR, ECDH_SHARED,
    ECDSA_PUBLIC, ECDSA_SCALAR, ECDSA_SIGNATURE, GCM_AAD, GCM_CIPHER, GCM_KEY, GCM_NONCE,
    GCM_PLAIN, GCM_TAG, HKDF, HKDF_PRK, HMAC, KEM_PUBLIC_HASH, KEM_REJECTED, KEM_SEED, KW_KEK,
    KW_KEY, KW_WRAPPED, PBKDF2, SHA384_ABC, XTS_CIPHER, XTS_KEY, XTS_PLAIN,
};
use hsm_protocol::{EcPoint, self_test::SelfTest};

/// The tests of everything that a power-up and the keypad need.
pub(crate) const AT_POWER_UP: &[SelfTest] = &[
    SelfTest::Sha384,
    SelfTest::Hmac,
    SelfTest::Hkdf,
    SelfTest::Pbkdf2,
    SelfTest::Gcm,
    SelfTest::KeyWrap,
    SelfTest::Drbg,
    SelfTest::Entropy,
];

/// Which tests were passed since the power-up, and which one stopped the module.
pub(crate) struct SelfTests {
    passed: u16,
    failed: Option<SelfTest>,
}

impl SelfTests {
    /// Those of a module that did not run any yet.
    pub(crate) const NONE: Self = Self {
        passed: 0,
        failed: None,
    };

    pub(crate) const fn passed(&self) -> u16 {
        self.passed
    }

    pub(crate) const fn failed(&self) -> Option<SelfTest> {
        self.failed
    }

    /// Runs those that were not passed yet. After a failure, nothing passes any more.
    pub(crate) fn require<C: Provider>(
        &mut self,
        tests: &[SelfTest],
        rng: &mut dyn Rng,
    ) -> Result<(), CryptoError> {
        for test in tests {
            if self.passed & test.bit() == 0 {
                self.run::<C>(*test, rng)?;
            }
        }
        self.failed.map_or(Ok(()), |_| Err(CryptoError))
    }

    /// Runs all of them, again.
    pub(crate) fn run_all<C: Provider>(&mut self, rng: &mut dyn Rng) -> Result<(), CryptoError> {
        self.passed = 0;
        self.require::<C>(&SelfTest::ALL, rng)
    }

    fn run<C: Provider>(&mut self, test: SelfTest, rng: &mut dyn Rng) -> Result<(), CryptoError> {
        let outcome = match test {
            SelfTest::Drbg | SelfTest::Entropy => rng.self_test(test),
            _ => C::self_test(test),
        };
        match outcome {
            Ok(()) => self.passed |= test.bit(),
            Err(CryptoError) => self.failed = Some(self.failed.unwrap_or(test)),
        }
        outcome
    }
}

/// Runs the known-answer test of an algorithm. The source of entropy is tested by the generator ([`Rng::self_test`]).
pub fn known_answer<C: Provider>(test: SelfTest) -> Result<(), CryptoError> {
    match test {
        SelfTest::Sha384 => same(&C::sha384(&[b"a", b"bc"]), &SHA384_ABC),
        SelfTest::Hmac => hmac::<C>(),
        SelfTest::Hkdf => hkdf::<C>(),
        SelfTest::Pbkdf2 => pbkdf2::<C>(),
        SelfTest::Gcm => gcm::<C>(),
        SelfTest::KeyWrap => key_wrap::<C>(),
        SelfTest::Xts => xts::<C>(),
        SelfTest::Ecb => ecb::<C>(),
        SelfTest::Ecdsa => ecdsa::<C>(),
        SelfTest::Ecdh => ecdh::<C>(),
        SelfTest::MlKem => ml_kem::<C>(),
        SelfTest::Drbg => super::drbg::known_answer::<C>(),
        SelfTest::Entropy => Ok(()),
    }
}

/// Makes an ECDH key, and checks that its halves belong together (SP 800-56A § 5.6.2.1.4).
pub(crate) fn ecdh_generate<C: Provider>(
    rng: &mut dyn Rng,
    secret: &mut C::EcdhSecret,
) -> Result<EcPoint, CryptoError> {
    let public = C::ecdh_generate(rng, secret)?;
    ecdh_agrees::<C>(secret, &public)?;
    Ok(public)
}

/// Checks that the halves of an ECDH key belong together: with the curve's base point, the shared coordinate is that of
/// the public half.
pub(crate) fn ecdh_agrees<C: Provider>(
    secret: &C::EcdhSecret,
    public: &EcPoint,
) -> Result<(), CryptoError> {
    let mut shared = [0; 48];
    C::ecdh_agree(secret, &BASE, &mut shared)?;
    let x = public.get(1..49).ok_or(CryptoError)?;
    same(&shared, x)
}

/// Makes an ML-KEM key, and checks that its halves belong together.
pub(crate) fn kem_generate<C: Provider>(
    rng: &mut dyn Rng,
    secret: &mut C::KemSecret,
    public: &mut [u8; 1568],
) -> Result<(), CryptoError> {
    C::kem_generate(rng, secret, public)?;
    kem_agrees::<C>(rng, secret, public)
}

/// Checks that the halves of an ML-KEM key belong together.
pub(crate) fn kem_agrees<C: Provider>(
    rng: &mut dyn Rng,
    secret: &C::KemSecret,
    public: &[u8; 1568],
) -> Result<(), CryptoError> {
    let (mut ciphertext, mut sent, mut received) = ([0; 1568], [0; 32], [0; 32]);
    C::kem_encapsulate(rng, public, &mut ciphertext, &mut sent)?;
    C::kem_decapsulate(secret, &ciphertext, &mut received)?;
    same(&sent, &received)
}

fn same(given: &[u8], known: &[u8]) -> Result<(), CryptoError> {
    if given == known {
        Ok(())
    } else {
        Err(CryptoError)
    }
}

/// A test's outcome turned round: what must be refused was.
fn refused(outcome: Result<(), CryptoError>) -> Result<(), CryptoError> {
    match outcome {
        Ok(()) => Err(CryptoError),
        Err(CryptoError) => Ok(()),
    }
}

fn hmac<C: Provider>() -> Result<(), CryptoError> {
    let mut mac = [0; 48];
    C::hmac_sha384(b"Jefe", &[b"what do ya want ", b"for nothing?"], &mut mac);
    same(&mac, &HMAC)
}

fn hkdf<C: Provider>() -> Result<(), CryptoError> {
    let mut out = [0; 32];
    C::hkdf_expand(&HKDF_PRK, &[b"in", b"fo"], &mut out)?;
    same(&out, &HKDF)
}

fn pbkdf2<C: Provider>() -> Result<(), CryptoError> {
    let mut out = [0; 32];
    C::pbkdf2(b"passwd", b"salt", 1, &mut out)?;
    same(&out, &PBKDF2)
}

fn gcm<C: Provider>() -> Result<(), CryptoError> {
    let mut buffer = GCM_PLAIN;
    let mut tag = C::gcm_seal(&GCM_KEY, &GCM_NONCE, &GCM_AAD, &mut buffer)?;
    same(&buffer, &GCM_CIPHER)?;
    same(&tag, &GCM_TAG)?;
    C::gcm_open(&GCM_KEY, &GCM_NONCE, &GCM_AAD, &mut buffer, &tag)?;
    same(&buffer, &GCM_PLAIN)?;
    buffer = GCM_CIPHER;
    tag.rotate_left(1);
    refused(C::gcm_open(
        &GCM_KEY,
        &GCM_NONCE,
        &GCM_AAD,
        &mut buffer,
        &tag,
    ))
}

fn key_wrap<C: Provider>() -> Result<(), CryptoError> {
    let mut wrapped = C::wrap_key(&KW_KEK, &KW_KEY)?;
    same(&wrapped, &KW_WRAPPED)?;
    let mut key = [0; 32];
    C::unwrap_key(&KW_KEK, &wrapped, &mut key)?;
    same(&key, &KW_KEY)?;
    wrapped.rotate_left(1);
    refused(C::unwrap_key(&KW_KEK, &wrapped, &mut key))
}

fn xts<C: Provider>() -> Result<(), CryptoError> {
    let mut buffer = XTS_PLAIN;
    C::xts(&XTS_KEY, 255, Direction::Encipher, &mut buffer)?;
    same(&buffer, &XTS_CIPHER)?;
    C::xts(&XTS_KEY, 255, Direction::Decipher, &mut buffer)?;
    same(&buffer, &XTS_PLAIN)
}

fn ecb<C: Provider>() -> Result<(), CryptoError> {
    let mut buffer = ECB_PLAIN;
    C::ecb(&ECB_KEY, Direction::Encipher, &mut buffer)?;
    same(&buffer, &ECB_CIPHER)?;
    C::ecb(&ECB_KEY, Direction::Decipher, &mut buffer)?;
    same(&buffer, &ECB_PLAIN)
}

/// A signature has a nonce that may be fresh each time; so a known one is verified, and a new one.
fn ecdsa<C: Provider>() -> Result<(), CryptoError> {
    let verify = |message: &[u8], signature| {
        C::verify(&ECDSA_PUBLIC, message, signature).map_err(|_bad| CryptoError)
    };
    verify(b"sample", &ECDSA_SIGNATURE)?;
    refused(verify(b"simple", &ECDSA_SIGNATURE))?;
    let mut signer = C::Signer::default();
    C::signer(&ECDSA_SCALAR, &ECDSA_PUBLIC, &mut signer)?;
    verify(b"test", &C::sign(&signer, &mut Fixed, b"test")?)
}

fn ecdh<C: Provider>() -> Result<(), CryptoError> {
    let (mut secret, mut shared) = (C::EcdhSecret::default(), [0; 48]);
    same(
        &C::ecdh_from_scalar(&ECDH_SCALAR, &mut secret)?,
        &ECDH_PUBLIC,
    )?;
    C::ecdh_agree(&secret, &ECDH_PEER, &mut shared)?;
    same(&shared, &ECDH_SHARED)
}

/// Makes a key whose public half is known, opens what was sealed to it, and rejects what was not, with a known answer.
fn ml_kem<C: Provider>() -> Result<(), CryptoError> {
    let (mut secret, mut public, mut shared) = (C::KemSecret::default(), [0; 1568], [0; 32]);
    C::kem_from_seed(&KEM_SEED, &mut secret, &mut public)?;
    same(&C::sha384(&[&public]), &KEM_PUBLIC_HASH)?;
    kem_agrees::<C>(&mut Fixed, &secret, &public)?;
    C::kem_decapsulate(&secret, &[0; 1568], &mut shared)?;
    same(&shared, &KEM_REJECTED)
}

/// Bytes for tests, which are no secret.
struct Fixed;

impl Rng for Fixed {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        out.fill(0x5A);
        Ok(())
    }
}
