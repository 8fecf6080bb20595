//! Presses, chords and holds: what a key means is known when it comes up, or when another goes down.

use super::{Key, KeyEvent};
use crate::time::{HOLD, Millis};

/// What a person did on the keypad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Gesture {
    /// A key, alone.
    Press(Key),
    /// Two keys held together. SHIFT or KEY comes first, in whatever order they went down.
    Chord(Key, Key),
    /// A key, alone, for at least [`HOLD`].
    Hold(Key),
    /// The two keys of the last [`Self::Chord`], still down together after [`HOLD`].
    HeldChord(Key, Key),
}

impl Gesture {
    /// Wakes a sleeping module, leaves Admin mode, and has no other meaning.
    pub(crate) const WAKE: Self = Self::Hold(Key::Shift);

    /// Returns whether this is a digit held together with KEY or SHIFT.
    pub(crate) fn is_chord(self, key: Key, digit: u8) -> bool {
        matches!(self, Self::Chord(first, Key::Digit(second)) if first == key && second.value() == digit)
    }

    /// Returns whether this is such a chord, held.
    pub(crate) fn is_held_chord(self, key: Key, digit: u8) -> bool {
        matches!(self, Self::HeldChord(first, Key::Digit(second)) if first == key && second.value() == digit)
    }

    /// Returns whether these are two digits held together, in either order.
    pub(crate) fn is_pair(self, a: u8, b: u8) -> bool {
        let Self::Chord(Key::Digit(first), Key::Digit(second)) = self else {
            return false;
        };
        [(a, b), (b, a)].contains(&(first.value(), second.value()))
    }
}

/// Which keys are down.
#[derive(Debug, Default)]
pub(crate) enum Gestures {
    /// No key.
    #[default]
    Released,
    /// One key, which may still become a press, a chord or a hold.
    Pending(Key, Millis),
    /// One key that was already part of a chord or a hold.
    Spent(Key),
    /// The two keys of a chord, and since when; `None` once it was held.
    Both(Key, Key, Option<Millis>),
}

impl Gestures {
    /// Takes a movement. Returns a gesture when it is complete.
    pub(crate) fn key(&mut self, event: KeyEvent, now: Millis) -> Option<Gesture> {
        match event {
            KeyEvent::Down(key) => self.down(key, now),
            KeyEvent::Up(key) => self.up(key, now),
        }
    }

    /// Lets time pass: a key that is still down may have become a hold.
    pub(crate) fn tick(&mut self, now: Millis) -> Option<Gesture> {
        match *self {
            Self::Pending(key, since) if now.since(since) >= HOLD => {
                *self = Self::Spent(key);
                Some(Gesture::Hold(key))
            }
            Self::Both(first, second, Some(since)) if now.since(since) >= HOLD => {
                *self = Self::Both(first, second, None);
                Some(held(first, second))
            }
            _ => None,
        }
    }

    fn down(&mut self, key: Key, now: Millis) -> Option<Gesture> {
        match *self {
            Self::Released => {
                *self = Self::Pending(key, now);
                None
            }
            Self::Pending(first, _) | Self::Spent(first) if first != key => {
                *self = Self::Both(first, key, Some(now));
                let (first, second) = ordered(first, key);
                Some(Gesture::Chord(first, second))
            }
            // A third key, or a key that was down already, is ignored.
            _ => None,
        }
    }

    fn up(&mut self, key: Key, now: Millis) -> Option<Gesture> {
        match *self {
            Self::Pending(pending, since) if pending == key => {
                *self = Self::Released;
                Some(if now.since(since) >= HOLD {
                    Gesture::Hold(key)
                } else {
                    Gesture::Press(key)
                })
            }
            Self::Spent(spent) if spent == key => {
                *self = Self::Released;
                None
            }
            Self::Both(first, second, since) if first == key || second == key => {
                *self = Self::Spent(if first == key { second } else { first });
                let is_held = since.is_some_and(|since| now.since(since) >= HOLD);
                is_held.then(|| held(first, second))
            }
            _ => None,
        }
    }
}

const fn held(first: Key, second: Key) -> Gesture {
    let (first, second) = ordered(first, second);
    Gesture::HeldChord(first, second)
}

/// SHIFT or KEY first.
const fn ordered(first: Key, second: Key) -> (Key, Key) {
    match (first, second) {
        (Key::Digit(_), Key::Key | Key::Shift) | (Key::Key, Key::Shift) => (second, first),
        _ => (first, second),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keypad::Digit;
    use hsm_protocol::Malformed;
    use std::{vec, vec::Vec};

    const ONE: Key = Key::Digit(digit(1));
    const TWO: Key = Key::Digit(digit(2));

    const fn digit(value: u8) -> Digit {
        match Digit::new(value) {
            Ok(digit) => digit,
            Err(Malformed) => panic!("not a digit"),
        }
    }

    fn play(events: &[(KeyEvent, u64)]) -> Vec<Gesture> {
        let mut gestures = Gestures::default();
        events
            .iter()
            .filter_map(|(event, at)| gestures.key(*event, Millis(*at)))
            .collect()
    }

    #[test]
    fn a_key_alone_is_a_press_when_it_comes_up() {
        assert_eq!(play(&[(KeyEvent::Down(ONE), 0)]), []);
        assert_eq!(
            play(&[(KeyEvent::Down(ONE), 0), (KeyEvent::Up(ONE), 999)]),
            [Gesture::Press(ONE)]
        );
    }

    #[test]
    fn a_second_makes_a_hold() {
        assert_eq!(
            play(&[(KeyEvent::Down(ONE), 0), (KeyEvent::Up(ONE), 1000)]),
            [Gesture::Hold(ONE)]
        );
        let mut gestures = Gestures::default();
        gestures.key(KeyEvent::Down(ONE), Millis(0));
        assert_eq!(gestures.tick(Millis(1000)), Some(Gesture::Hold(ONE)));
        assert_eq!(gestures.tick(Millis(2000)), None);
        assert_eq!(gestures.key(KeyEvent::Up(ONE), Millis(3000)), None);
    }

    #[test]
    fn the_order_of_a_chord_does_not_matter() {
        let expected = vec![Gesture::Chord(Key::Key, ONE)];
        assert_eq!(
            play(&[(KeyEvent::Down(Key::Key), 0), (KeyEvent::Down(ONE), 1)]),
            expected
        );
        assert_eq!(
            play(&[(KeyEvent::Down(ONE), 0), (KeyEvent::Down(Key::Key), 1)]),
            expected
        );
        let both = [Gesture::Chord(Key::Shift, Key::Key)];
        assert_eq!(
            play(&[
                (KeyEvent::Down(Key::Key), 0),
                (KeyEvent::Down(Key::Shift), 1)
            ]),
            both
        );
    }

    #[test]
    fn a_chord_is_told_at_once_and_once_more_when_it_is_held() {
        let down = [(KeyEvent::Down(ONE), 0), (KeyEvent::Down(Key::Key), 500)];
        let chord = Gesture::Chord(Key::Key, ONE);
        let held = Gesture::HeldChord(Key::Key, ONE);
        for (released, expected) in [(1_499, vec![chord]), (1_500, vec![chord, held])] {
            for key in [ONE, Key::Key] {
                let events = [&down[..], &[(KeyEvent::Up(key), released)]].concat();
                assert_eq!(play(&events), expected);
            }
        }
        let mut gestures = Gestures::default();
        for (event, at) in down {
            gestures.key(event, Millis(at));
        }
        assert_eq!(gestures.tick(Millis(1_499)), None);
        assert_eq!(gestures.tick(Millis(1_500)), Some(held));
        assert_eq!(gestures.tick(Millis(9_000)), None);
        assert_eq!(gestures.key(KeyEvent::Up(ONE), Millis(9_001)), None);
    }

    #[test]
    fn shift_held_over_several_digits_chords_with_each() {
        let events = [
            (KeyEvent::Down(Key::Shift), 0),
            (KeyEvent::Down(ONE), 1),
            (KeyEvent::Up(ONE), 2),
            (KeyEvent::Down(TWO), 3),
            (KeyEvent::Up(TWO), 4),
            (KeyEvent::Up(Key::Shift), 5),
        ];
        assert_eq!(
            play(&events),
            [
                Gesture::Chord(Key::Shift, ONE),
                Gesture::Chord(Key::Shift, TWO)
            ]
        );
    }
}
