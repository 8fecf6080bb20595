//! What the keypad waits for: in each state its own entries, and its own acts that a second gesture must confirm.

use super::{
    Key,
    entry::{Completion, Entry, EntryStep, Purpose},
    gesture::Gesture,
};
use crate::{
    time::{ENTRY_PAUSE, Millis},
    vault::csp::{pin::Pin, slot::Slot},
};
use core::convert::Infallible;

/// What the keypad waits for in a state where an entry has a purpose `P` and a gesture can confirm an act `C`.
#[derive(Default)]
pub(crate) enum Waiting<P, C = Infallible> {
    /// The first gesture of a sequence.
    #[default]
    Nothing,
    /// The rest of an entry.
    Entry(Entry<P>),
    /// The gesture that confirms an act, since that time.
    Confirmation(C, Millis),
}

/// An act that needs a second gesture.
pub(crate) trait Confirmable: Copy {
    /// Returns whether this gesture confirms the act.
    fn is_confirmed_by(self, gesture: Gesture) -> bool;
}

/// What follows from a gesture.
pub(crate) enum Next<P, C> {
    /// Nothing was waited for: the gesture may be the first of a sequence.
    Begin,
    /// The entry needs more symbols.
    Typing,
    /// The entry is complete.
    Complete(P),
    /// The act is confirmed.
    Confirmed(C),
    /// The gesture does not belong here; nothing is waited for any more.
    Rejected,
}

impl<P: Purpose, C: Confirmable> Waiting<P, C> {
    /// Waits for an entry.
    pub(crate) fn for_entry(purpose: P, now: Millis) -> Self {
        Self::Entry(Entry::new(purpose, now))
    }

    pub(crate) const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// Ends a sequence that was begun and not continued.
    pub(crate) fn tick(&mut self, now: Millis) {
        let is_over = match self {
            Self::Nothing => false,
            Self::Entry(entry) => entry.has_expired(now),
            Self::Confirmation(_, since) => now.since(*since) > ENTRY_PAUSE,
        };
        if is_over {
            *self = Self::Nothing;
        }
    }

    /// Takes a gesture. When an entry is complete, `typed` becomes what was typed.
    pub(crate) fn gesture(&mut self, gesture: Gesture, now: Millis, typed: &mut Pin) -> Next<P, C> {
        let next = match self {
            Self::Nothing => Next::Begin,
            Self::Entry(entry) => match entry.gesture(gesture, now, typed) {
                EntryStep::Typing => return Next::Typing,
                EntryStep::Complete => Next::Complete(entry.purpose()),
                EntryStep::Abandoned => Next::Rejected,
            },
            Self::Confirmation(act, _) if act.is_confirmed_by(gesture) => Next::Confirmed(*act),
            Self::Confirmation(..) => Next::Rejected,
        };
        *self = Self::Nothing;
        match next {
            // Holding SHIFT interrupts a sequence and means what it means outside of one.
            Next::Rejected if gesture == Gesture::WAKE => Next::Begin,
            next => next,
        }
    }
}

/// Shipment and Reset: the first Admin PIN.
#[derive(Clone, Copy)]
pub(crate) struct FirstAdminPin;

/// A User PIN that the User chooses: unlocked, or after a recovery.
#[derive(Clone, Copy)]
pub(crate) struct OwnPin;

/// What is typed in Standby.
#[derive(Clone, Copy)]
pub(crate) enum StandbyEntry {
    /// A PIN that opens something.
    Open(Opens),
    /// The code that gives more attempts at the Admin PIN.
    UnblockAdmin,
}

/// What a PIN opens.
#[derive(Clone, Copy)]
pub(crate) enum Opens {
    /// The Administrator's session.
    Admin,
    /// Configuration by keypad.
    AdminMode,
    /// The User's session. The Self-Destruct PIN is typed here too.
    User,
    /// The replacement of a lost User PIN.
    Recovery,
}

/// What is confirmed in Standby: a complete reset.
#[derive(Clone, Copy)]
pub(crate) struct CompleteReset;

/// What is typed in Admin mode.
#[derive(Clone, Copy)]
pub(crate) enum AdminModeEntry {
    /// A PIN that the Administrator sets.
    Pin(Slot),
    /// The value of a setting.
    Setting(Setting),
}

/// What is confirmed in Admin mode.
#[derive(Clone, Copy)]
pub(crate) enum AdminModeAct {
    /// The deletion of a PIN.
    Delete(Deletable),
    /// Showing a setting's value in blinks.
    ReadOut(Setting),
}

/// The PINs that can be deleted: all but the Admin PIN.
#[derive(Clone, Copy)]
pub(crate) enum Deletable {
    User,
    Recovery,
    SelfDestruct,
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
    /// Whether keys of files leave the module.
    FileKeys,
}

impl Purpose for FirstAdminPin {
    fn completion(self) -> Completion {
        Completion::KeyTwice
    }
}

impl Purpose for OwnPin {
    fn completion(self) -> Completion {
        Completion::KeyTwice
    }
}

impl Purpose for StandbyEntry {
    fn completion(self) -> Completion {
        Completion::Key
    }
}

impl Purpose for AdminModeEntry {
    fn completion(self) -> Completion {
        match self {
            Self::Pin(_) => Completion::KeyTwice,
            Self::Setting(_) => Completion::Shift,
        }
    }
}

impl Confirmable for Infallible {
    fn is_confirmed_by(self, _: Gesture) -> bool {
        match self {}
    }
}

impl Confirmable for CompleteReset {
    fn is_confirmed_by(self, gesture: Gesture) -> bool {
        gesture.is_pair(2, 7)
    }
}

impl Confirmable for AdminModeAct {
    fn is_confirmed_by(self, gesture: Gesture) -> bool {
        match self {
            Self::Delete(pin) => gesture.is_chord(Key::Shift, pin.digit()),
            Self::ReadOut(_) => gesture == Gesture::Press(Key::Key),
        }
    }
}

impl Deletable {
    /// Returns the digit that, together with SHIFT and pressed twice, deletes the PIN.
    const fn digit(self) -> u8 {
        match self {
            Self::User => 3,
            Self::Recovery => 4,
            Self::SelfDestruct => 6,
        }
    }

    pub(crate) const fn slot(self) -> Slot {
        match self {
            Self::User => Slot::User,
            Self::Recovery => Slot::Recovery,
            Self::SelfDestruct => Slot::SelfDestruct,
        }
    }
}
