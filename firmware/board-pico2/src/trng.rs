//! The chip's generator of random bits: a ring oscillator whose samples pass the tests of the hardware (von Neumann,
//! repetitions, autocorrelation), 192 bits at a time. They are hashed: no more than a quarter of them is taken to be
//! entropy. The core tests what comes out (SP 800-90B), and seeds its generator with it.

use core::sync::atomic::{Ordering, compiler_fence};
use hsm_core::crypto::{CryptoError, drbg::Entropy};
use rp235x_hal::pac;
use sha2::{Digest, Sha384};
use zeroize::Zeroize;

/// The generator.
pub(crate) struct Trng(pac::TRNG);

impl Trng {
    pub(crate) fn new(trng: pac::TRNG, resets: &mut pac::RESETS) -> Self {
        resets.reset().modify(|_, w| w.trng().set_bit());
        resets.reset().modify(|_, w| w.trng().clear_bit());
        while resets.reset_done().read().trng().bit_is_clear() {}
        Self(trng)
    }

    /// Collects 192 bits.
    #[allow(
        unsafe_code,
        reason = "a register whose values the crate does not know"
    )]
    fn collect(&mut self, into: &mut [u8; 24]) -> Result<(), CryptoError> {
        let trng = &self.0;
        trng.rng_icr().write(|w| {
            w.ehr_valid()
                .set_bit()
                .autocorr_err()
                .set_bit()
                .crngt_err()
                .set_bit()
                .vn_err()
                .set_bit()
        });
        // SAFETY: any number is an interval.
        trng.sample_cnt1().write(|w| unsafe { w.bits(SAMPLE) });
        trng.rnd_source_enable().write(|w| w.rnd_src_en().set_bit());
        let mut left = PATIENCE;
        loop {
            let state = trng.rng_isr().read();
            if state.autocorr_err().bit_is_set() || state.crngt_err().bit_is_set() || left == 0 {
                trng.rnd_source_enable()
                    .write(|w| w.rnd_src_en().clear_bit());
                return Err(CryptoError);
            }
            if state.ehr_valid().bit_is_set() {
                break;
            }
            left -= 1;
        }
        let words = [
            trng.ehr_data0().read().bits(),
            trng.ehr_data1().read().bits(),
            trng.ehr_data2().read().bits(),
            trng.ehr_data3().read().bits(),
            trng.ehr_data4().read().bits(),
            trng.ehr_data5().read().bits(),
        ];
        for (to, word) in into.chunks_mut(4).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        compiler_fence(Ordering::SeqCst);
        Ok(())
    }
}

impl Entropy for Trng {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        let mut bits = [0; 24];
        for part in out.chunks_mut(48) {
            let mut hash = Sha384::new();
            for _ in 0..COLLECTIONS {
                self.collect(&mut bits)?;
                hash.update(bits);
            }
            let mut digest = hash.finalize();
            for (to, from) in part.iter_mut().zip(&digest) {
                *to = *from;
            }
            digest.as_mut_slice().zeroize();
        }
        bits.zeroize();
        Ok(())
    }
}

/// Collections for 48 bytes: four times as many bits.
const COLLECTIONS: u32 = 8;

/// Cycles between two samples of the oscillator.
const SAMPLE: u32 = 1000;

/// Reads of the state until the generator counts as broken.
const PATIENCE: u32 = 10_000_000;
