//! Time, which comes in through the doors.

/// The reading of a monotonic clock, in milliseconds since a moment before power-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Millis(pub u64);

impl Millis {
    /// Returns the milliseconds since `earlier`; 0 if the clock went back.
    pub(crate) const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Returns the time so many milliseconds later.
    pub(crate) const fn plus(self, milliseconds: u64) -> Self {
        Self(self.0.saturating_add(milliseconds))
    }
}

/// The unit of auto-lock, in milliseconds.
pub const MINUTE: u64 = 60_000;

/// How long a key is held to count as a hold, in milliseconds.
pub const HOLD: u64 = 1_000;

/// PIN entry: the longest pause between two keys, in milliseconds.
pub const ENTRY_PAUSE: u64 = 10_000;

/// Admin mode ends this many milliseconds after the last key.
pub const ADMIN_MODE: u64 = 30_000;

/// An unlocked module that is not plugged in locks after this many milliseconds.
pub const UNPLUGGED: u64 = 30_000;

/// An unplugged module in Standby falls asleep after this many milliseconds.
pub const STANDBY: u64 = 30_000;

/// A cloning run ends this many milliseconds after its last message.
pub const RUN: u64 = 30_000;

/// A module asks a person for this many milliseconds; a confirmation counts for what is left of them.
pub const ASKS: u64 = 30_000;

/// A short display, such as a refusal, lasts this many milliseconds.
pub const FLASH: u64 = 1_500;
