//! Which keys of the keypad are down, and by what: a mouse has one finger, a keyboard has ten.

/// A key of the keypad. No `Debug`: it may be a digit of a PIN.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Pad(u8);

impl Pad {
    /// SHIFT.
    pub const SHIFT: Self = Self(10);

    /// KEY.
    pub const KEY: Self = Self(11);

    /// By number, as the screen has it: 0 to 9 the digits, 10 SHIFT, 11 KEY.
    pub fn of(number: i32) -> Option<Self> {
        u8::try_from(number)
            .ok()
            .filter(|number| usize::from(*number) < WORDS.len())
            .map(Self)
    }

    /// A digit.
    pub fn digit(digit: char) -> Option<Self> {
        digit
            .to_digit(10)
            .and_then(|digit| u8::try_from(digit).ok())
            .map(Self)
    }

    /// Its number.
    pub fn number(self) -> i32 {
        self.0.into()
    }

    /// As the hub reads it (`hsm_virtual::keys`).
    pub fn word(self) -> &'static str {
        WORDS.get(usize::from(self.0)).copied().unwrap_or_default()
    }
}

/// What a key of the keypad does.
pub(super) enum Move {
    Down(Pad),
    Up(Pad),
}

/// The keys that are down.
#[derive(Default)]
pub(super) struct Fingers {
    held: Vec<Finger>,
    /// Goes down with the next key, not before: a key that is down for a second is a hold.
    latched: Option<Pad>,
}

#[derive(Clone, Copy)]
struct Finger {
    pad: Pad,
    by: By,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Mouse,
    Keyboard(char),
    /// It was latched, and goes up with the key that it went down with.
    With(Pad),
}

impl Fingers {
    pub(super) fn latched(&self) -> Option<Pad> {
        self.latched
    }

    /// Latches a key, or lets it be.
    pub(super) fn latch(&mut self, pad: Pad) {
        self.latched = (self.latched != Some(pad)).then_some(pad);
    }

    /// A key goes down; `key` says which of the keyboard pressed it.
    pub(super) fn down(&mut self, pad: Pad, key: Option<char>) -> Vec<Move> {
        let mut moves = Vec::new();
        if self.is_held(pad) {
            return moves;
        }
        let with = self.latched.take();
        if let Some(first) = with.filter(|first| *first != pad && !self.is_held(*first)) {
            self.held.push(Finger {
                pad: first,
                by: By::With(pad),
            });
            moves.push(Move::Down(first));
        }
        self.held.push(Finger {
            pad,
            by: key.map_or(By::Mouse, By::Keyboard),
        });
        moves.push(Move::Down(pad));
        moves
    }

    /// The mouse lets a key go.
    pub(super) fn up(&mut self, pad: Pad) -> Vec<Move> {
        self.leave(|finger| finger.pad == pad && finger.by == By::Mouse)
    }

    /// A key of the keyboard comes up.
    pub(super) fn released(&mut self, key: char) -> Vec<Move> {
        let is_known = self
            .held
            .iter()
            .any(|finger| finger.by == By::Keyboard(key));
        if is_known {
            return self.leave(|finger| finger.by == By::Keyboard(key));
        }
        if is_modifier(key) {
            return Vec::new();
        }
        // With another modifier down than before, a key comes up under another name.
        self.leave(|finger| matches!(finger.by, By::Keyboard(_)) && finger.pad.is_digit())
    }

    /// Everything comes up, and nothing is latched.
    pub(super) fn let_go(&mut self) -> Vec<Move> {
        self.latched = None;
        self.leave(|_| true)
    }

    fn is_held(&self, pad: Pad) -> bool {
        self.held.iter().any(|finger| finger.pad == pad)
    }

    /// Lets keys go, and those that went down with them; the last comes up first.
    fn leave(&mut self, goes: impl Fn(&Finger) -> bool) -> Vec<Move> {
        let gone: Vec<Pad> = self
            .held
            .iter()
            .filter(|finger| goes(finger))
            .map(|finger| finger.pad)
            .collect();
        let is_gone = |finger: &Finger| {
            gone.contains(&finger.pad) || matches!(finger.by, By::With(pad) if gone.contains(&pad))
        };
        let ups = self.held.iter().rev().filter(|finger| is_gone(finger));
        let moves = ups.map(|finger| Move::Up(finger.pad)).collect();
        self.held.retain(|finger| !is_gone(finger));
        moves
    }
}

impl Pad {
    const fn is_digit(self) -> bool {
        self.0 < 10
    }
}

/// Shift, Control, Alt and their like, as Slint names them.
const fn is_modifier(key: char) -> bool {
    matches!(key, '\u{10}'..='\u{18}')
}

const WORDS: [&str; 12] = [
    "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "SHIFT", "KEY",
];
