//! What is being typed, symbol by symbol, until a key completes it.

use super::{Key, gesture::Gesture};
use crate::{
    time::{ENTRY_PAUSE, Millis},
    vault::csp::pin::{Pin, Symbol},
};
use zeroize::Zeroize;

/// What an entry is for.
pub(crate) trait Purpose: Copy {
    /// Returns how an entry for this purpose is completed.
    fn completion(self) -> Completion;
}

/// How an entry is completed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Completion {
    /// Typed once, then KEY.
    Key,
    /// Typed twice, each time followed by KEY.
    KeyTwice,
    /// Typed once, then SHIFT.
    Shift,
}

impl Completion {
    const fn key(self) -> Key {
        match self {
            Self::Key | Self::KeyTwice => Key::Key,
            Self::Shift => Key::Shift,
        }
    }
}

/// An entry under way. Dropping it zeroizes the symbols typed so far.
pub(crate) struct Entry<P> {
    purpose: P,
    typed: Pin,
    first: Option<Pin>,
    last_key: Millis,
}

/// What a gesture did to an entry.
pub(crate) enum EntryStep {
    /// The entry is not complete yet.
    Typing,
    /// The entry is complete; if it had to be typed twice, both were equal.
    Complete,
    /// The entry is over and nothing changes.
    Abandoned,
}

impl<P: Purpose> Entry<P> {
    pub(crate) fn new(purpose: P, now: Millis) -> Self {
        Self {
            purpose,
            typed: Pin::default(),
            first: None,
            last_key: now,
        }
    }

    /// Starts an entry with its first symbol.
    pub(crate) fn starting_with(purpose: P, symbol: Symbol, now: Millis) -> Self {
        let mut entry = Self::new(purpose, now);
        entry.typed.push(symbol);
        entry
    }

    pub(crate) const fn purpose(&self) -> P {
        self.purpose
    }

    pub(crate) const fn has_expired(&self, now: Millis) -> bool {
        now.since(self.last_key) > ENTRY_PAUSE
    }

    /// Takes a gesture. When the entry is complete, `typed` becomes what was typed, by a copy in place.
    pub(crate) fn gesture(&mut self, gesture: Gesture, now: Millis, typed: &mut Pin) -> EntryStep {
        self.last_key = now;
        match gesture {
            Gesture::Press(key) if key == self.purpose.completion().key() => self.complete(typed),
            Gesture::Press(Key::Digit(digit)) => self.push(Symbol::plain(digit)),
            Gesture::Chord(Key::Shift, Key::Digit(digit)) => self.push(Symbol::shifted(digit)),
            // A fast typist presses the next digit before releasing the last one.
            Gesture::Chord(Key::Digit(first), Key::Digit(second)) => {
                self.push(Symbol::plain(first));
                self.push(Symbol::plain(second))
            }
            _ => EntryStep::Abandoned,
        }
    }

    fn push(&mut self, symbol: Symbol) -> EntryStep {
        self.typed.push(symbol);
        EntryStep::Typing
    }

    fn complete(&mut self, typed: &mut Pin) -> EntryStep {
        match &self.first {
            None if self.purpose.completion() == Completion::KeyTwice => {
                self.first.insert(Pin::default()).copy_from(&self.typed);
                self.typed.zeroize();
                return EntryStep::Typing;
            }
            Some(first) if !first.equals(&self.typed) => return EntryStep::Abandoned,
            None | Some(_) => {}
        }
        typed.copy_from(&self.typed);
        EntryStep::Complete
    }
}
