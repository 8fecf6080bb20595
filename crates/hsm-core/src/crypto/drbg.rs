//! `HMAC_DRBG` with HMAC-SHA-384 at a security strength of 256 bits (SP 800-90A Rev. 1 § 10.1.2).

use super::{CryptoError, Provider, Rng, rust_crypto::RustCrypto, self_test::answers};
use core::marker::PhantomData;
use hsm_protocol::{Serial, self_test::SelfTest};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Requests answered between two reseedings. The standard allows 2⁴⁸ (table 2); entropy is cheap on our boards.
pub const RESEED_INTERVAL: u32 = 1 << 12;

/// The maximum size of one request, personalization or additional input, in bytes.
pub const MAX_BYTES: usize = 1 << 16;

/// A source of full entropy: as many bits as it fills in (SP 800-90B, SP 800-90C).
pub trait Entropy {
    /// Fills `out`; if its health tests fail, `out` holds nothing usable.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError>;

    /// Tests the source before it is used, and says whether it failed since ([`super::health`]).
    fn test(&mut self) -> Result<(), CryptoError> {
        Ok(())
    }
}

/// A generator and the source that it seeds itself from, at the first request and again after each interval.
#[allow(missing_debug_implementations, reason = "a secret is never printed")]
#[derive(ZeroizeOnDrop)]
pub struct HmacDrbg<E, C = RustCrypto> {
    key: [u8; 48],
    value: [u8; 48],
    requests_left: u32,
    is_seeded: bool,
    #[zeroize(skip)]
    serial: Serial,
    #[zeroize(skip)]
    source: E,
    #[zeroize(skip)]
    crypto: PhantomData<C>,
}

impl<E: Entropy, C: Provider> HmacDrbg<E, C> {
    /// Returns a generator without a seed. It seeds itself where it stays, at the first request: one that was moved
    /// would leave a copy of its state behind. The serial number, its personalization, tells modules apart.
    pub const fn new(source: E, serial: Serial) -> Self {
        Self {
            key: [0; 48],
            value: [1; 48],
            requests_left: 0,
            is_seeded: false,
            serial,
            source,
            crypto: PhantomData,
        }
    }

    /// Seeds the generator with entropy and a nonce (§ 10.1.2.3).
    fn instantiate(&mut self, personalization: &[u8]) -> Result<(), CryptoError> {
        // Entropy of the security strength, then a nonce of half of it (§ 8.6.7).
        let mut seed = Zeroizing::new([0; 48]);
        let (entropy, nonce) = seed.split_at_mut(32);
        self.source.fill(entropy)?;
        self.source.fill(nonce)?;
        (self.key, self.value) = ([0; 48], [1; 48]);
        self.seed(&*seed, personalization)?;
        self.is_seeded = true;
        Ok(())
    }

    /// Mixes fresh entropy and `additional` input into the state (§ 10.1.2.4). Before a request, that is prediction
    /// resistance. On an error the state is as before.
    pub fn reseed(&mut self, additional: &[u8]) -> Result<(), CryptoError> {
        let mut entropy = Zeroizing::new([0; 32]);
        self.source.fill(&mut *entropy)?;
        self.seed(&*entropy, additional)
    }

    /// Answers one request of at most [`MAX_BYTES`] (§ 10.1.2.5), after reseeding if the interval is over. On an error
    /// `out` is zeros.
    pub fn generate(&mut self, additional: &[u8], out: &mut [u8]) -> Result<(), CryptoError> {
        let answered = self.answer(additional, out);
        if answered.is_err() {
            out.zeroize();
        }
        answered
    }

    fn answer(&mut self, mut additional: &[u8], out: &mut [u8]) -> Result<(), CryptoError> {
        if out.len() > MAX_BYTES || additional.len() > MAX_BYTES {
            return Err(CryptoError);
        }
        if !self.is_seeded {
            let serial = self.serial;
            self.instantiate(serial.as_str().as_bytes())?;
        }
        if self.requests_left == 0 {
            self.reseed(additional)?;
            additional = &[];
        }
        self.requests_left = self.requests_left.checked_sub(1).ok_or(CryptoError)?;
        if !additional.is_empty() {
            self.update(additional, &[]);
        }
        for part in out.chunks_mut(48) {
            self.step();
            for (to, from) in part.iter_mut().zip(&self.value) {
                *to = *from;
            }
        }
        self.update(additional, &[]);
        Ok(())
    }

    fn seed(&mut self, entropy: &[u8], other: &[u8]) -> Result<(), CryptoError> {
        if other.len() > MAX_BYTES {
            return Err(CryptoError);
        }
        self.update(entropy, other);
        self.requests_left = RESEED_INTERVAL;
        Ok(())
    }

    /// Runs `HMAC_DRBG_Update` with the two strings concatenated (§ 10.1.2.2).
    fn update(&mut self, first: &[u8], second: &[u8]) {
        self.rekey(0x00, first, second);
        if !(first.is_empty() && second.is_empty()) {
            self.rekey(0x01, first, second);
        }
    }

    fn rekey(&mut self, separator: u8, first: &[u8], second: &[u8]) {
        let mut key = Zeroizing::new([0; 48]);
        C::hmac_sha384(
            &self.key,
            &[&self.value, &[separator], first, second],
            &mut key,
        );
        self.key = *key;
        self.step();
    }

    fn step(&mut self) {
        let value = Zeroizing::new(self.value);
        C::hmac_sha384(&self.key, &[&*value], &mut self.value);
    }
}

/// Runs all three functions of the generator on what a published case gives it, and on a source that fails
/// (§ 11.3.2 to § 11.3.5).
pub(super) fn known_answer<C: Provider>() -> Result<(), CryptoError> {
    let serial = Serial::parse(b"TEST").map_err(|_name| CryptoError)?;
    let mut drbg: HmacDrbg<Given, C> = HmacDrbg::new(Given(&answers::DRBG_SEED), serial);
    let mut out = [0; answers::DRBG.len()];
    drbg.instantiate(&[])?;
    drbg.reseed(&[])?;
    drbg.generate(&[], &mut out)?;
    drbg.generate(&[], &mut out)?;
    // The source has nothing left: a reseeding must fail, and so must a request that needs one.
    drbg.requests_left = 0;
    if out == answers::DRBG
        && drbg.generate(&[], &mut out).is_err()
        && out == [0; answers::DRBG.len()]
    {
        Ok(())
    } else {
        Err(CryptoError)
    }
}

/// Gives the bytes that it has, and fails then.
struct Given(&'static [u8]);

impl Entropy for Given {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        let (given, left) = self.0.split_at_checked(out.len()).ok_or(CryptoError)?;
        out.copy_from_slice(given);
        self.0 = left;
        Ok(())
    }
}

impl<E: Entropy, C: Provider> Rng for HmacDrbg<E, C> {
    fn self_test(&mut self, test: SelfTest) -> Result<(), CryptoError> {
        match test {
            SelfTest::Drbg => C::self_test(test),
            SelfTest::Entropy => self.source.test(),
            _ => Ok(()),
        }
    }

    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        let filled = out
            .chunks_mut(MAX_BYTES)
            .try_for_each(|part| self.generate(&[], part));
        if filled.is_err() {
            out.zeroize();
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{string::String, vec, vec::Vec};

    /// Returns the bytes that it was given, in order; then it fails.
    #[derive(Default)]
    struct Script {
        bytes: Vec<u8>,
        draws: usize,
    }

    impl Entropy for Script {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
            if self.bytes.len() < out.len() {
                return Err(CryptoError);
            }
            out.copy_from_slice(&self.bytes.drain(..out.len()).collect::<Vec<_>>());
            self.draws += 1;
            Ok(())
        }
    }

    fn drbg(draws_of_reseeding: usize) -> HmacDrbg<Script> {
        let bytes = vec![7; 48 + 32 * draws_of_reseeding];
        seeded(Script { bytes, draws: 0 }, b"test").unwrap()
    }

    fn seeded(source: Script, personalization: &[u8]) -> Result<HmacDrbg<Script>, CryptoError> {
        let mut drbg = HmacDrbg::<_>::new(source, "VM0001".parse().unwrap());
        drbg.instantiate(personalization)?;
        Ok(drbg)
    }

    fn unhex(word: &str) -> Vec<u8> {
        if word == "-" {
            Vec::new()
        } else {
            hex::decode(word).unwrap()
        }
    }

    #[test]
    fn it_gives_the_answers_of_nist() {
        let file = include_str!("../../../../vectors/crypto/hmac_drbg_sha384.txt");
        let mut cases = 0;
        for case in file.split("\n\n").skip(1) {
            let mut drbg: Option<HmacDrbg<Script>> = None;
            let mut out = vec![0; 192];
            for line in case.lines() {
                let (call, words) = line.split_once(": ").unwrap();
                let words: Vec<Vec<u8>> = match call {
                    "case" => continue,
                    _ => words.split(' ').map(unhex).collect(),
                };
                match (call, words.as_slice(), &mut drbg) {
                    ("instantiate", [entropy, nonce, personalization], new @ None) => {
                        let script = Script {
                            bytes: [entropy.as_slice(), nonce].concat(),
                            draws: 0,
                        };
                        *new = Some(seeded(script, personalization).unwrap());
                    }
                    ("reseed", [entropy, additional], Some(drbg)) => {
                        drbg.source.bytes.clone_from(entropy);
                        drbg.reseed(additional).unwrap();
                    }
                    ("generate", [additional], Some(drbg)) => {
                        drbg.generate(additional, &mut out).unwrap();
                    }
                    ("output", [expected], Some(_)) => {
                        assert_eq!(
                            &out,
                            expected,
                            "{}",
                            case.lines().next().unwrap_or_default()
                        );
                        cases += 1;
                    }
                    _ => panic!("{line}"),
                }
            }
        }
        assert_eq!(cases, 12);
    }

    #[test]
    fn a_source_that_fails_seeds_no_generator() {
        for missing in 1..=48 {
            let script = Script {
                bytes: vec![7; 48 - missing],
                draws: 0,
            };
            let mut drbg = HmacDrbg::<_>::new(script, "VM0001".parse().unwrap());
            for _ in 0..2 {
                let mut out = [1; 16];
                assert_eq!(drbg.fill(&mut out), Err(CryptoError));
                assert_eq!(out, [0; 16]);
            }
        }
    }

    #[test]
    fn after_the_interval_it_reseeds_or_gives_nothing() {
        let (mut one, mut other) = (drbg(1), drbg(0));
        let (mut here, mut there) = ([1; 16], [2; 16]);
        for _ in 0..RESEED_INTERVAL {
            one.generate(&[], &mut here).unwrap();
            other.generate(&[], &mut there).unwrap();
            assert_eq!(here, there);
        }
        assert_eq!(one.source.draws, 2);
        one.generate(&[], &mut here).unwrap();
        assert_eq!(one.source.draws, 3);
        for _ in 0..3 {
            there = [2; 16];
            assert_eq!(other.generate(&[], &mut there), Err(CryptoError));
            assert_eq!(there, [0; 16]);
        }
        other.source.bytes = vec![7; 32];
        other.generate(&[], &mut there).unwrap();
        assert_eq!(here, there);
    }

    #[test]
    fn additional_input_goes_into_the_reseeding_that_was_due() {
        let (mut one, mut other) = (drbg(1), drbg(1));
        one.requests_left = 0;
        let (mut here, mut there) = ([1; 16], [2; 16]);
        one.generate(b"additional", &mut here).unwrap();
        other.reseed(b"additional").unwrap();
        other.generate(&[], &mut there).unwrap();
        assert_eq!(here, there);
    }

    #[test]
    fn a_request_has_a_limit_and_fill_makes_several() {
        let mut out = vec![1; MAX_BYTES + 1];
        assert_eq!(drbg(1).generate(&[], &mut out), Err(CryptoError));
        assert!(out.iter().all(|byte| *byte == 0));
        assert_eq!(drbg(1).generate(&out, &mut [0; 16]), Err(CryptoError));
        assert_eq!(drbg(1).reseed(&out), Err(CryptoError));

        drbg(0).fill(&mut out).unwrap();
        let (mut one, mut first, mut last) = (drbg(0), vec![0; MAX_BYTES], [0; 1]);
        one.generate(&[], &mut first).unwrap();
        one.generate(&[], &mut last).unwrap();
        assert_eq!(out, [first.as_slice(), &last].concat());
    }

    #[test]
    fn a_fill_that_fails_halfway_leaves_nothing() {
        let (mut drbg, mut out) = (drbg(0), vec![1; 3 * MAX_BYTES]);
        drbg.requests_left = 2;
        assert_eq!(drbg.fill(&mut out), Err(CryptoError));
        assert!(out.iter().all(|byte| *byte == 0));
    }

    #[test]
    fn modules_with_different_names_differ_even_on_the_same_entropy() {
        let output = |name: &str| {
            let script = Script {
                bytes: vec![7; 48],
                draws: 0,
            };
            let mut out = [0; 16];
            HmacDrbg::<_>::new(script, name.parse().unwrap())
                .fill(&mut out)
                .unwrap();
            hex::encode(out)
        };
        let names = ["VM0001", "VM0002", "VM00011"];
        let outputs: Vec<String> = names.map(output).into();
        assert!(outputs[0] != outputs[1] && outputs[0] != outputs[2]);
    }

    #[test]
    fn the_generator_passes_its_own_test() {
        assert_eq!(drbg(0).self_test(SelfTest::Drbg), Ok(()));
    }

    #[test]
    fn the_state_is_wiped_when_dropped() {
        fn wiped<T: ZeroizeOnDrop>(_: &T) {}
        wiped(&drbg(0));
    }
}
