//! The app's PIN: a hash, and a delay that grows.
//!
//! It keeps others from using this user's session. It does not protect a stolen disk: 8 digits are soon guessed
//! against a hash.

use crate::text::counted;
use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use license_token::Pin;
use serde::{Deserialize, Serialize};

/// What is stored of a PIN.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PinRecord {
    /// Argon2id, in PHC form.
    hash: String,
    /// Takes the place of `hash` at the next launch.
    pending: Option<String>,
    /// Wrong attempts since the last right one, including the one being made.
    failures: u32,
    /// When the last attempt was made.
    tried: u64,
    /// No attempt is accepted before this time.
    not_before: u64,
}

/// Why a PIN was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinRefusal {
    /// It was compared, and differs.
    #[error("the PIN is wrong{}", after(*wait))]
    Wrong {
        /// Seconds until the next attempt is accepted.
        wait: u64,
    },
    /// It was not compared.
    #[error("too many wrong PINs: try again in {}", counted(*wait, "second", "seconds"))]
    Wait {
        /// Seconds until the next attempt is accepted.
        wait: u64,
    },
}

/// The PIN cannot be hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot hash the PIN: {0}")]
pub struct HashError(argon2::password_hash::Error);

impl PinRecord {
    /// Makes the record of a PIN that is valid from now on.
    pub(super) fn new(pin: &Pin, salt: Salt) -> Result<Self, HashError> {
        Ok(Self {
            hash: hash(pin, salt)?,
            pending: None,
            failures: 0,
            tried: 0,
            not_before: 0,
        })
    }

    /// Returns whether its hashes are well formed.
    pub(super) fn is_sound(&self) -> bool {
        let mut hashes = self.pending.iter().chain([&self.hash]);
        hashes.all(|hash| PasswordHash::new(hash).is_ok())
    }

    /// Puts a changed PIN into effect, at launch.
    pub(super) fn promote(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.hash = pending;
        }
    }

    /// Sets the PIN that takes effect at the next launch.
    pub(super) fn change(&mut self, pin: &Pin, salt: Salt) -> Result<(), HashError> {
        self.pending = Some(hash(pin, salt)?);
        Ok(())
    }

    /// Counts an attempt before it is made: store the record before [`Self::compare`]. Refused while it is too early.
    pub(super) fn spend(&mut self, now: u64) -> Result<(), PinRefusal> {
        if now < self.tried {
            // The clock was moved back: the whole wait starts again, and never gets shorter.
            self.tried = now;
            self.not_before = now.saturating_add(delay(self.failures));
        }
        let wait = self.not_before.saturating_sub(now);
        if wait > 0 {
            return Err(PinRefusal::Wait { wait });
        }
        self.failures = self.failures.saturating_add(1);
        self.tried = now;
        self.not_before = now.saturating_add(delay(self.failures));
        Ok(())
    }

    /// Compares after an attempt was counted; only the right PIN resets the count.
    pub(super) fn compare(&mut self, pin: &Pin, now: u64) -> Result<(), PinRefusal> {
        let wrong = PinRefusal::Wrong {
            wait: self.not_before.saturating_sub(now),
        };
        let hash = PasswordHash::new(&self.hash).map_err(|_unsound| wrong)?;
        Argon2::default()
            .verify_password(pin.expose(), &hash)
            .map_err(|_mismatch| wrong)?;
        self.failures = 0;
        self.not_before = 0;
        Ok(())
    }
}

impl PinRefusal {
    /// Returns the seconds until the next attempt is accepted.
    pub const fn wait(self) -> u64 {
        match self {
            Self::Wrong { wait } | Self::Wait { wait } => wait,
        }
    }
}

/// Returns when the next attempt is accepted, if that is not now.
fn after(wait: u64) -> String {
    match wait {
        0 => String::new(),
        seconds => format!("; try again in {}", counted(seconds, "second", "seconds")),
    }
}

fn hash(pin: &Pin, salt: Salt) -> Result<String, HashError> {
    let hash: PasswordHash = Argon2::default()
        .hash_password_with_salt(pin.expose(), &salt)
        .map_err(HashError)?;
    Ok(hash.to_string())
}

/// Seconds to wait after so many wrong tries in a row: none after the first two, then 5 and twice as long each time.
fn delay(failures: u32) -> u64 {
    match failures.checked_sub(FREE + 1) {
        None => 0,
        Some(doublings) => 5_u64
            .checked_shl(doublings.min(16))
            .map_or(LONGEST, |seconds| seconds.min(LONGEST)),
    }
}

/// 16 random bytes.
pub(super) type Salt = [u8; 16];

/// Wrong tries without a delay.
const FREE: u32 = 2;
/// An hour, in seconds.
const LONGEST: u64 = 3600;

#[cfg(test)]
mod tests {
    use super::*;

    fn pin(digits: &str) -> Pin {
        Pin::parse(digits).unwrap()
    }

    fn record() -> PinRecord {
        PinRecord::new(&pin("12345678"), [7; 16]).unwrap()
    }

    /// As the store does it, with the record written down in between.
    fn attempt(record: &mut PinRecord, digits: &str, now: u64) -> Result<(), PinRefusal> {
        record.spend(now)?;
        let text = serde_json::to_string(record).unwrap();
        *record = serde_json::from_str(&text).unwrap();
        record.compare(&pin(digits), now)
    }

    #[test]
    fn the_stored_hash_is_argon2id_and_shows_no_digit_of_the_pin() {
        let text = serde_json::to_string(&record()).unwrap();
        assert!(text.contains("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        assert!(!text.contains("12345678"));
    }

    #[test]
    fn the_delay_grows_to_an_hour_and_the_right_pin_ends_it() {
        let waits: Vec<_> = (0..16).map(delay).collect();
        assert_eq!(
            waits,
            [
                0, 0, 0, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600, 3600
            ]
        );
        let mut record = record();
        for _ in 0..2 {
            assert_eq!(
                attempt(&mut record, "00000000", 100),
                Err(PinRefusal::Wrong { wait: 0 })
            );
        }
        assert_eq!(
            attempt(&mut record, "00000000", 100),
            Err(PinRefusal::Wrong { wait: 5 })
        );
        assert_eq!(
            attempt(&mut record, "12345678", 104),
            Err(PinRefusal::Wait { wait: 1 })
        );
        assert_eq!(
            attempt(&mut record, "00000000", 105),
            Err(PinRefusal::Wrong { wait: 10 })
        );
        assert_eq!(attempt(&mut record, "12345678", 115), Ok(()));
        assert_eq!(
            attempt(&mut record, "00000000", 115),
            Err(PinRefusal::Wrong { wait: 0 })
        );
    }

    #[test]
    fn a_try_that_is_cut_off_counts_as_wrong() {
        let mut record = record();
        for _ in 0..3 {
            record.spend(100).unwrap();
        }
        assert_eq!(record.spend(100), Err(PinRefusal::Wait { wait: 5 }));
    }

    #[test]
    fn a_clock_moved_back_makes_the_wait_no_shorter_and_no_longer_than_whole() {
        let mut record = record();
        for now in [1000, 1000, 1000] {
            attempt(&mut record, "00000000", now).unwrap_err();
        }
        assert_eq!(record.spend(10), Err(PinRefusal::Wait { wait: 5 }));
        assert_eq!(record.spend(12), Err(PinRefusal::Wait { wait: 3 }));
        assert_eq!(attempt(&mut record, "12345678", 15), Ok(()));
    }

    #[test]
    fn a_changed_pin_counts_from_the_next_launch() {
        let mut record = record();
        record.change(&pin("87654321"), [8; 16]).unwrap();
        assert_eq!(attempt(&mut record, "12345678", 1), Ok(()));
        record.promote();
        assert!(attempt(&mut record, "12345678", 1).is_err());
        assert_eq!(attempt(&mut record, "87654321", 1), Ok(()));
    }
}
