//! Which keys of the keypad are down, and what holds them: a mouse holds one key, a keyboard several.

/// A key of the keypad. No `Debug`: it may be a digit of a PIN.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pad(u8);

impl Pad {
    /// SHIFT.
    pub const SHIFT: Self = Self(10);

    /// KEY.
    pub const KEY: Self = Self(11);

    /// Returns the key with the number that the screen uses: 0 to 9 the digits, 10 SHIFT, 11 KEY.
    pub fn of(number: i32) -> Option<Self> {
        u8::try_from(number)
            .ok()
            .filter(|number| usize::from(*number) < WORDS.len())
            .map(Self)
    }

    /// Returns the key of a digit.
    pub fn digit(digit: char) -> Option<Self> {
        digit
            .to_digit(10)
            .and_then(|digit| u8::try_from(digit).ok())
            .map(Self)
    }

    /// Returns the number that the screen uses.
    pub fn number(self) -> i32 {
        self.0.into()
    }

    /// Returns the key as text for the hub (`hsm_virtual::keys`).
    pub fn word(self) -> &'static str {
        WORDS.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    pub(super) const fn is_digit(self) -> bool {
        self.0 < 10
    }
}

/// A key of the keypad goes down or comes up.
pub(super) enum Move {
    Down(Pad),
    Up(Pad),
}

/// The keys that are down.
#[derive(Default)]
pub(super) struct HeldKeys {
    held: Vec<Held>,
    /// Goes down together with the next key. Not earlier, because a key that is down for a second is a hold.
    latched: Option<Pad>,
}

#[derive(Clone, Copy)]
struct Held {
    pad: Pad,
    by: By,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Mouse,
    Keyboard(char),
    /// It was latched, and comes up with the key that it went down with.
    With(Pad),
}

impl HeldKeys {
    pub(super) fn latched(&self) -> Option<Pad> {
        self.latched
    }

    /// Returns whether no key is down or latched.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.latched.is_none()
    }

    /// Latches a key, or unlatches it if it was latched.
    pub(super) fn latch(&mut self, pad: Pad) {
        self.latched = (self.latched != Some(pad)).then_some(pad);
    }

    /// Presses a key; `key` is the keyboard's key that did it, `None` for the mouse.
    pub(super) fn down(&mut self, pad: Pad, key: Option<char>) -> Vec<Move> {
        let mut moves = Vec::new();
        if self.is_held(pad) {
            return moves;
        }
        let latched = self.latched.take();
        if let Some(first) = latched.filter(|first| *first != pad && !self.is_held(*first)) {
            self.held.push(Held {
                pad: first,
                by: By::With(pad),
            });
            moves.push(Move::Down(first));
        }
        self.held.push(Held {
            pad,
            by: key.map_or(By::Mouse, By::Keyboard),
        });
        moves.push(Move::Down(pad));
        moves
    }

    /// Releases a key that the mouse holds.
    pub(super) fn up(&mut self, pad: Pad) -> Vec<Move> {
        self.release(|held| held.pad == pad && held.by == By::Mouse)
    }

    /// Releases what a key of the keyboard holds.
    pub(super) fn key_up(&mut self, key: char) -> Vec<Move> {
        let is_known = self.held.iter().any(|held| held.by == By::Keyboard(key));
        if is_known {
            return self.release(|held| held.by == By::Keyboard(key));
        }
        if is_modifier(key) {
            return Vec::new();
        }
        // If a modifier was pressed or released meanwhile, the key comes up as another character.
        self.release(|held| matches!(held.by, By::Keyboard(_)) && held.pad.is_digit())
    }

    /// Releases every key, and unlatches.
    pub(super) fn release_all(&mut self) -> Vec<Move> {
        self.latched = None;
        self.release(|_| true)
    }

    fn is_held(&self, pad: Pad) -> bool {
        self.held.iter().any(|held| held.pad == pad)
    }

    /// Releases the chosen keys, and those that went down with them. The last to go down comes up first.
    fn release(&mut self, is_chosen: impl Fn(&Held) -> bool) -> Vec<Move> {
        let chosen: Vec<Pad> = self
            .held
            .iter()
            .filter(|held| is_chosen(held))
            .map(|held| held.pad)
            .collect();
        let comes_up = |held: &Held| {
            chosen.contains(&held.pad) || matches!(held.by, By::With(pad) if chosen.contains(&pad))
        };
        let ups = self.held.iter().rev().filter(|held| comes_up(held));
        let moves = ups.map(|held| Move::Up(held.pad)).collect();
        self.held.retain(|held| !comes_up(held));
        moves
    }
}

/// Whether Slint uses this character for Shift, Control, Alt or a similar key.
const fn is_modifier(key: char) -> bool {
    matches!(key, '\u{10}'..='\u{18}')
}

const WORDS: [&str; 12] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "SHIFT", "KEY",
];
