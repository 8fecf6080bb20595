//! Twelve keys at four rows and three columns, as on a telephone: without bounces and ghosts.

use hsm_core::{
    keypad::{Digit, Key, KeyEvent},
    time::Millis,
};

/// Which keys a scan found pressed: bit `3 * row + column`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scan(pub u16);

/// How many keys there are.
pub const KEYS: u8 = 12;

/// How long a key must be steady before it counts, in milliseconds.
pub const STEADY: u64 = 20;

/// The most keys that count as down together. Three corners of a rectangle look like four: so that no key is taken that
/// was not pressed, further keys wait until others come up. Every chord has two.
const TOGETHER: u32 = 2;

/// The keys, and what scans have shown so far.
#[derive(Debug, Default)]
pub struct Matrix {
    /// What the module was told.
    down: u16,
    /// What the last scan found, and since when.
    seen: u16,
    since: Millis,
}

impl Matrix {
    /// Takes a scan, and gives `event` each movement that is certain. To be called every few milliseconds.
    pub fn scan(&mut self, scan: Scan, now: Millis, mut event: impl FnMut(KeyEvent)) {
        let pressed = scan.0 & ALL;
        if pressed != self.seen {
            self.seen = pressed;
            self.since = now;
            return;
        }
        if now.0.saturating_sub(self.since.0) < STEADY {
            return;
        }
        let (came_up, went_down) = (self.down & !pressed, pressed & !self.down);
        keys(came_up).for_each(|key| event(KeyEvent::Up(key)));
        self.down &= pressed;
        if pressed.count_ones() <= TOGETHER {
            keys(went_down).for_each(|key| event(KeyEvent::Down(key)));
            self.down = pressed;
        }
    }
}

const ALL: u16 = 0xFFF;

fn bit(number: u8) -> u16 {
    1_u16.unbounded_shl(number.into())
}

fn keys(bits: u16) -> impl Iterator<Item = Key> {
    (0..KEYS)
        .filter(move |number| bits & bit(*number) != 0)
        .filter_map(key)
}

/// Returns the key at a place: 1 2 3, 4 5 6, 7 8 9, SHIFT 0 KEY.
fn key(number: u8) -> Option<Key> {
    match number {
        0..=8 => Digit::new(number.saturating_add(1)).ok().map(Key::Digit),
        9 => Some(Key::Shift),
        10 => Digit::new(0).ok().map(Key::Digit),
        11 => Some(Key::Key),
        _ => None,
    }
}

/// Returns the bit of a key in a scan.
pub fn place(of: Key) -> Scan {
    Scan(
        (0..KEYS)
            .filter(|number| key(*number) == Some(of))
            .map(bit)
            .sum(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    fn digit(value: u8) -> Key {
        Key::Digit(Digit::new(value).unwrap())
    }

    /// Scans each millisecond; returns all movements, with their times.
    fn scans(bits: impl IntoIterator<Item = u16>) -> Vec<(u64, KeyEvent)> {
        let mut matrix = Matrix::default();
        let mut events = Vec::new();
        for (now, bits) in (0..).zip(bits) {
            matrix.scan(Scan(bits), Millis(now), |event| events.push((now, event)));
        }
        events
    }

    fn held(bits: u16, milliseconds: usize) -> Vec<u16> {
        vec![bits; milliseconds]
    }

    #[test]
    fn every_key_has_a_place_of_its_own() {
        let mut all: Vec<_> = (0..10).map(digit).collect();
        all.extend([Key::Key, Key::Shift]);
        let bits = all.iter().map(|key| place(*key).0);
        assert!(bits.clone().all(u16::is_power_of_two));
        assert_eq!(bits.fold(0, |sum, bits| sum | bits), ALL);
        assert_eq!(place(digit(1)), Scan(1));
        assert_eq!(
            (place(Key::Shift), place(Key::Key)),
            (Scan(1 << 9), Scan(1 << 11))
        );
    }

    #[test]
    fn a_key_counts_once_it_is_steady() {
        let five = place(digit(5)).0;
        let bounce = [five, 0, five, five, 0, 0, five];
        let story = [
            held(0, 5),
            bounce.to_vec(),
            held(five, 30),
            bounce.to_vec(),
            held(0, 30),
        ];
        let events = scans(story.concat());
        let expected = [(31, KeyEvent::Down(digit(5))), (69, KeyEvent::Up(digit(5)))];
        assert_eq!(events, expected);
        // A moment is no press.
        assert_eq!(scans([held(five, 20), held(0, 30)].concat()), []);
    }

    #[test]
    fn a_chord_is_two_keys_and_a_ghost_is_none() {
        let (shift, three) = (place(Key::Shift).0, place(digit(3)).0);
        let chord = [
            held(shift, 30),
            held(shift | three, 30),
            held(shift, 30),
            held(0, 30),
        ];
        let events: Vec<_> = scans(chord.concat())
            .into_iter()
            .map(|(_, event)| event)
            .collect();
        let expected = [
            KeyEvent::Down(Key::Shift),
            KeyEvent::Down(digit(3)),
            KeyEvent::Up(digit(3)),
            KeyEvent::Up(Key::Shift),
        ];
        assert_eq!(events, expected);

        // 1, 3 and 4 are down, and 6 seems to be.
        let (one, ghost) = (place(digit(1)).0, 0b10_1101);
        let story = [held(one, 30), held(ghost, 100), held(one, 30), held(0, 30)];
        let events: Vec<_> = scans(story.concat())
            .into_iter()
            .map(|(_, event)| event)
            .collect();
        assert_eq!(events, [KeyEvent::Down(digit(1)), KeyEvent::Up(digit(1))]);
    }

    #[test]
    fn pins_that_do_not_exist_are_no_keys() {
        assert_eq!(scans(held(0xF000, 100)), []);
    }
}
