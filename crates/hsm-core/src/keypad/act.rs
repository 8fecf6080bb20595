//! How an act on the keypad ends.

use super::leds::Pattern;
use crate::{
    platform::Fault,
    vault::{attempt::Uncounted, csp::pin::RuleBroken, store::NotStored},
};

/// What the LEDs show of a success, if anything, or why nothing was done.
pub(crate) type EntryOutcome = Result<Option<Pattern>, EntryError>;

/// Why an entry or a gesture was not accepted.
pub(crate) enum EntryError {
    /// The PIN is wrong or blocked, a rule is broken, or the module is worn out: the LEDs show a refusal.
    Rejected,
    /// The board failed.
    Fault,
}

impl From<Fault> for EntryError {
    fn from(_: Fault) -> Self {
        Self::Fault
    }
}

impl From<NotStored> for EntryError {
    fn from(reason: NotStored) -> Self {
        match reason {
            NotStored::WornOut => Self::Rejected,
            NotStored::Fault => Self::Fault,
        }
    }
}

impl From<RuleBroken> for EntryError {
    fn from(_: RuleBroken) -> Self {
        Self::Rejected
    }
}

impl From<Uncounted> for EntryError {
    fn from(uncounted: Uncounted) -> Self {
        match uncounted {
            Uncounted::Blocked => Self::Rejected,
            Uncounted::Fault => Self::Fault,
        }
    }
}
