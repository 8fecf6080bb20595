//! What is being typed, symbol by symbol, until a key completes it.

use super::{Key, gesture::Gesture};
use crate::{
    time::{ENTRY_PAUSE, Millis},
    vault::csp::pin::{Pin, Slot, Symbol},
};
use zeroize::Zeroize;

/// What an entry is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Unlock as Administrator.
    UnlockAdmin,
    /// Unlock as User. The Self-Destruct PIN is taken here too.
    UnlockUser,
    /// Enter Admin mode.
    EnterAdminMode,
    /// The Recovery PIN.
    Recover,
    /// The code that gives more attempts at the Admin PIN.
    UnblockAdmin,
    /// The first Admin PIN, or the next after a reset.
    FirstAdminPin,
    /// Another PIN, set by the Administrator.
    NewPin(Slot),
    /// Another User PIN, set by the User: unlocked, or after a recovery.
    OwnPin,
    /// A setting's value.
    Setting(Setting),
}

/// What an Administrator sets to a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setting {
    /// Minutes of unattended auto-lock.
    AutoLock,
    /// User PIN policy.
    UserPinPolicy,
    /// Cloning enabled or disabled.
    Cloning,
    /// Encryption mode.
    EncryptionMode,
    /// Attempts at the User PIN.
    UserLimit,
}

impl Purpose {
    /// Which key completes the entry.
    const fn completed_by(self) -> Key {
        match self {
            Self::Setting(_) => Key::Shift,
            Self::UnlockAdmin
            | Self::UnlockUser
            | Self::EnterAdminMode
            | Self::Recover
            | Self::UnblockAdmin
            | Self::FirstAdminPin
            | Self::NewPin(_)
            | Self::OwnPin => Key::Key,
        }
    }

    /// Whether it is typed twice.
    const fn is_typed_twice(self) -> bool {
        match self {
            Self::FirstAdminPin | Self::NewPin(_) | Self::OwnPin => true,
            Self::UnlockAdmin
            | Self::UnlockUser
            | Self::EnterAdminMode
            | Self::Recover
            | Self::UnblockAdmin
            | Self::Setting(_) => false,
        }
    }
}

/// An entry under way. What was typed zeroizes itself.
pub(crate) struct Entry {
    purpose: Purpose,
    typed: Pin,
    first: Option<Pin>,
    last_key: Millis,
}

/// What a gesture did to an entry.
pub(crate) enum Progress {
    /// It goes on.
    Typing,
    /// It is complete: [`Entry::typed`]; twice-typed entries agreed.
    Complete(Purpose),
    /// It is over, and nothing changes.
    Abandoned,
}

impl Entry {
    pub(crate) fn new(purpose: Purpose, now: Millis) -> Self {
        Self {
            purpose,
            typed: Pin::default(),
            first: None,
            last_key: now,
        }
    }

    /// Starts with a symbol that is typed already.
    pub(crate) fn starting_with(purpose: Purpose, symbol: Symbol, now: Millis) -> Self {
        let mut entry = Self::new(purpose, now);
        entry.typed.push(symbol);
        entry
    }

    pub(crate) const fn purpose(&self) -> Purpose {
        self.purpose
    }

    pub(crate) const fn has_expired(&self, now: Millis) -> bool {
        now.since(self.last_key) > ENTRY_PAUSE
    }

    pub(crate) fn gesture(&mut self, gesture: Gesture, now: Millis) -> Progress {
        self.last_key = now;
        match gesture {
            Gesture::Press(key) if key == self.purpose.completed_by() => self.complete(),
            Gesture::Press(Key::Digit(digit)) => self.push(Symbol::plain(digit)),
            Gesture::Chord(Key::Shift, Key::Digit(digit)) => self.push(Symbol::shifted(digit)),
            // Fast typists press the next digit before they let go of the last.
            Gesture::Chord(Key::Digit(first), Key::Digit(second)) => {
                self.push(Symbol::plain(first));
                self.push(Symbol::plain(second))
            }
            _ => Progress::Abandoned,
        }
    }

    fn push(&mut self, symbol: Symbol) -> Progress {
        self.typed.push(symbol);
        Progress::Typing
    }

    /// What was typed.
    pub(crate) const fn typed(&self) -> &Pin {
        &self.typed
    }

    fn complete(&mut self) -> Progress {
        if !self.purpose.is_typed_twice() {
            return Progress::Complete(self.purpose);
        }
        match &self.first {
            None => {
                self.first.insert(Pin::default()).copy_from(&self.typed);
                self.typed.zeroize();
                Progress::Typing
            }
            Some(first) if first.equals(&self.typed) => Progress::Complete(self.purpose),
            Some(_) => Progress::Abandoned,
        }
    }
}
