//! The app's PIN: a hash, and a delay that grows.
//!
//! It keeps others from this user's session, not from this user's disk: 8 digits are soon guessed against a stolen hash.

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
    /// Wrong tries since the last right one, with the one that is under way.
    failures: u32,
    /// When the last try was made.
    tried: u64,
    /// No try is taken before this time.
    not_before: u64,
}

/// Why a PIN was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PinRefusal {
    /// It was compared, and is another.
    #[error("the PIN is wrong{}", after(*wait))]
    Wrong {
        /// Seconds until the next try is taken.
        wait: u64,
    },
    /// It was not compared.
    #[error("too many wrong PINs: the next try is taken in {wait} seconds")]
    Wait {
        /// Seconds until the next try is taken.
        wait: u64,
    },
}

/// The hash could not be made, or is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the PIN's hash: {0}")]
pub struct HashError(argon2::password_hash::Error);

impl PinRecord {
    /// A record of a PIN that counts from now on.
    pub(super) fn new(pin: &Pin, salt: Salt) -> Result<Self, HashError> {
        Ok(Self {
            hash: hash(pin, salt)?,
            pending: None,
            failures: 0,
            tried: 0,
            not_before: 0,
        })
    }

    /// Whether its hashes are some.
    pub(super) fn is_sound(&self) -> bool {
        let mut hashes = self.pending.iter().chain([&self.hash]);
        hashes.all(|hash| PasswordHash::new(hash).is_ok())
    }

    /// The app was launched: a changed PIN counts now.
    pub(super) fn promote(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.hash = pending;
        }
    }

    /// Sets the PIN that counts from the next launch.
    pub(super) fn change(&mut self, pin: &Pin, salt: Salt) -> Result<(), HashError> {
        self.pending = Some(hash(pin, salt)?);
        Ok(())
    }

    /// Counts a try before it is made: store the record before [`Self::compare`]. Refused while it is too early.
    pub(super) fn spend(&mut self, now: u64) -> Result<(), PinRefusal> {
        if now < self.tried {
            // The clock was moved back: the whole wait begins anew, and is never shorter than it was.
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

    /// Compares after a try was spent; only the right PIN gives it back.
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
    /// What to do next.
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Wrong { wait: 0 } => {
                "try again; if it is forgotten, register again with the PIN that your partner sends anew"
            }
            Self::Wrong { .. } | Self::Wait { .. } => {
                "wait, then try again; if it is forgotten, register again with the PIN that your partner sends anew"
            }
        }
    }

    /// Seconds until the next try is taken.
    pub const fn wait(self) -> u64 {
        match self {
            Self::Wrong { wait } | Self::Wait { wait } => wait,
        }
    }
}

/// When the next try is taken, if that is not now.
fn after(wait: u64) -> String {
    match wait {
        0 => String::new(),
        seconds => format!("; the next try is taken in {seconds} seconds"),
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
