//! One suite for both providers: known answers, refusals, each with the other, and both against OpenSSL.

#![expect(clippy::unwrap_used, reason = "what a test cannot go on without")]

mod interop;
mod known_answers;
#[cfg(unix)]
mod oracle;
mod refusals;
mod vectors;

use hsm_core::crypto::{CryptoError, Rng};

/// The operating system's generator.
struct Os;

impl Rng for Os {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        getrandom::fill(out).or(Err(CryptoError))
    }
}

/// Returns the given bytes.
struct Scripted<'a>(&'a [u8]);

impl Rng for Scripted<'_> {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        let (now, later) = self.0.split_at_checked(out.len()).ok_or(CryptoError)?;
        out.copy_from_slice(now);
        self.0 = later;
        Ok(())
    }
}

/// Fails, after it has written half of what it should: a caller who went on would have a key.
struct Broken;

impl Rng for Broken {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        let half = out.len() / 2;
        out[..half].fill(0x5A);
        Err(CryptoError)
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut out = [0; N];
    getrandom::fill(&mut out).unwrap();
    out
}

/// `len` random bytes.
fn random_bytes(len: usize) -> Vec<u8> {
    let mut out = vec![0; len];
    getrandom::fill(&mut out).unwrap();
    out
}
