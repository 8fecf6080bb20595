//! What a hand does on the model's keypad (docs/KEYPAD.md).

use crate::device::{Armed, Kind, Model, State, Waiting};
use hsm_core::{
    keypad::Key,
    leds::{Pattern, ReadOut},
    time::HOLD,
};

/// What keys make together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gesture {
    Press(Key),
    Chord(Key, Key),
    Hold(Key),
    HeldChord(Key, Key),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    UnlockAdmin,
    EnterAdminMode,
    UnlockUser,
    Recover,
    Unblock,
    FirstAdminPin,
    NewPin(Kind),
    OwnPin,
    /// The digit of its chord; 0 is the User attempt limit, 90 whether file keys are released.
    Setting(u8),
}

impl Purpose {
    /// What Standby shows while it is typed.
    pub(crate) const fn pattern(self) -> Pattern {
        match self {
            Self::UnlockUser => Pattern::AwaitingUserPin,
            Self::Recover => Pattern::AwaitingRecoveryPin,
            _ => Pattern::AwaitingAdminPin,
        }
    }
}

/// What is being typed.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) purpose: Purpose,
    pub(crate) last_key: u64,
    typed: String,
    first: Option<String>,
}

impl Model {
    /// A key, pressed and let go.
    pub(crate) fn press(&mut self, key: Key, now: u64) {
        self.tick(now);
        self.gesture(Gesture::Press(key), now);
    }

    /// Two keys together, in whatever order.
    pub(crate) fn chord(&mut self, a: Key, b: Key, now: u64) {
        self.tick(now);
        let (first, second) = ordered(a, b);
        self.gesture(Gesture::Chord(first, second), now);
    }

    /// Two keys are held together from `now` on.
    pub(crate) fn hold_chord(&mut self, a: Key, b: Key, milliseconds: u64, now: u64) {
        self.chord(a, b, now);
        let (first, second) = ordered(a, b);
        let (mut time, end) = (now, now + milliseconds);
        let mut is_held = false;
        while time < end {
            time = (time + 50).min(end);
            if !is_held && time - now >= HOLD {
                is_held = true;
                self.gesture(Gesture::HeldChord(first, second), time);
            }
            self.tick(time);
        }
    }

    /// A key is held from `now` on; the clock in the end.
    pub(crate) fn hold(&mut self, key: Key, milliseconds: u64, now: u64) -> u64 {
        self.tick(now);
        let (mut time, end) = (now, now + milliseconds);
        let mut is_held = false;
        while time < end {
            time = (time + 50).min(end);
            if !is_held && time - now >= HOLD {
                is_held = true;
                self.gesture(Gesture::Hold(key), time);
            }
            self.tick(time);
        }
        if !is_held {
            self.gesture(Gesture::Press(key), time);
        }
        time
    }

    fn gesture(&mut self, gesture: Gesture, now: u64) {
        let is_asking = matches!(
            &self.state,
            State::Admin {
                asking: Some(_),
                ..
            }
        );
        // That a chord stays down means something only to a module that asks.
        if matches!(gesture, Gesture::HeldChord(..)) && !is_asking {
            return;
        }
        self.flash = None;
        let waiting = match &mut self.state {
            State::Asleep => {
                if gesture == Gesture::Hold(Key::Shift) {
                    self.lock(now);
                }
                return;
            }
            State::Admin {
                presence, asking, ..
            } => {
                presence.last_use = now;
                let its = asking.as_ref().map(|asking| asking.digit);
                let is_its = |key, digit: Key| {
                    key == Key::Key
                        && matches!(digit, Key::Digit(digit) if Some(digit.value()) == its)
                };
                match (gesture, &mut *asking) {
                    (Gesture::Chord(key, digit), Some(asking)) if is_its(key, digit) => {
                        asking.is_pressed = true;
                    }
                    (Gesture::HeldChord(key, digit), Some(asking)) if is_its(key, digit) => {
                        asking.is_confirmed |= asking.is_pressed;
                    }
                    _ => {
                        *asking = None;
                        return self.refuse(now);
                    }
                }
                return;
            }
            State::Recovering(entry) => {
                let entry = std::mem::replace(entry, Entry::new(Purpose::OwnPin, now));
                return self.type_on(entry, gesture, now);
            }
            State::Fresh { waiting, .. } => waiting,
            State::Standby { waiting, since } => {
                *since = now;
                waiting
            }
            State::AdminMode { waiting, last_key } => {
                *last_key = now;
                waiting
            }
            State::User { waiting, presence } => {
                presence.last_use = now;
                waiting
            }
        };
        match std::mem::take(waiting) {
            Waiting::Nothing => self.begin(gesture, now),
            Waiting::Armed(armed, _) => self.confirm(armed, gesture, now),
            Waiting::Entry(entry) => self.type_on(entry, gesture, now),
        }
    }

    fn wait_for(&mut self, next: Waiting) {
        match (&mut self.state, next) {
            (State::Recovering(entry), Waiting::Entry(next)) => *entry = next,
            (
                State::Fresh { waiting, .. }
                | State::Standby { waiting, .. }
                | State::AdminMode { waiting, .. }
                | State::User { waiting, .. },
                next,
            ) => *waiting = next,
            (state, next) => panic!("{next:?} in {state:?}"),
        }
    }

    pub(crate) fn refuse(&mut self, now: u64) {
        self.show(Pattern::Refused, now);
    }

    /// The first key of something.
    fn begin(&mut self, gesture: Gesture, now: u64) {
        let purpose = |purpose| Some(Waiting::Entry(Entry::new(purpose, now)));
        let armed = |armed| Some(Waiting::Armed(armed, now));
        let with = |first| match gesture {
            Gesture::Chord(key, Key::Digit(digit)) if key == first => Some(digit.value()),
            _ => None,
        };
        let (with_key, with_shift) = (with(Key::Key), with(Key::Shift));
        let is_blocked = self.stored.is_blocked();
        let next = match &self.state {
            State::Fresh { .. } if with_shift == Some(1) => purpose(Purpose::FirstAdminPin),
            State::User { .. } if with_key == Some(4) => purpose(Purpose::OwnPin),
            State::Standby { .. } => match gesture {
                Gesture::Chord(Key::Shift, Key::Key) => purpose(Purpose::UnlockUser),
                Gesture::Hold(Key::Digit(digit)) if digit.value() == 0 => armed(Armed::Reset),
                Gesture::Press(Key::Digit(digit)) if is_blocked => {
                    let mut entry = Entry::new(Purpose::Unblock, now);
                    entry.typed.push(char::from(b'0' + digit.value()));
                    Some(Waiting::Entry(entry))
                }
                Gesture::Press(Key::Key) if !is_blocked => purpose(Purpose::UnlockAdmin),
                _ if with_key == Some(1) && !is_blocked => purpose(Purpose::EnterAdminMode),
                _ if with_key == Some(4) => purpose(Purpose::Recover),
                _ => None,
            },
            State::AdminMode { .. } if gesture == Gesture::Hold(Key::Shift) => {
                return self.lock(now);
            }
            State::AdminMode { .. } => match (with_key, with_shift) {
                (Some(2), _) => purpose(Purpose::NewPin(Kind::Admin)),
                (Some(3), _) => purpose(Purpose::NewPin(Kind::User)),
                (Some(4), _) => purpose(Purpose::NewPin(Kind::Recovery)),
                (Some(6), _) => purpose(Purpose::NewPin(Kind::SelfDestruct)),
                (Some(setting @ (5 | 7 | 8 | 9)), _) => purpose(Purpose::Setting(setting)),
                (_, Some(3)) => armed(Armed::Delete(Kind::User)),
                (_, Some(4)) => armed(Armed::Delete(Kind::Recovery)),
                (_, Some(6)) => armed(Armed::Delete(Kind::SelfDestruct)),
                (_, Some(setting @ (5 | 7 | 8 | 9))) => armed(Armed::ReadOut(setting)),
                _ if is_pair(gesture, 7, 0) => purpose(Purpose::Setting(0)),
                _ if is_pair(gesture, 2, 0) => armed(Armed::ReadOut(0)),
                _ if is_pair(gesture, 9, 0) => purpose(Purpose::Setting(90)),
                _ if is_pair(gesture, 4, 0) => armed(Armed::ReadOut(90)),
                _ => None,
            },
            _ => None,
        };
        match next {
            Some(next) => self.wait_for(next),
            // Waking a module that is awake says nothing; unlocked, it is like any other key.
            None if gesture == Gesture::Hold(Key::Shift)
                && !matches!(self.state, State::User { .. }) => {}
            None => self.refuse(now),
        }
    }

    fn confirm(&mut self, armed: Armed, gesture: Gesture, now: u64) {
        let twice = |digit| matches!(gesture, Gesture::Chord(Key::Shift, Key::Digit(d)) if d.value() == digit);
        match armed {
            Armed::Reset if is_pair(gesture, 2, 7) => {
                self.seen.push("reset");
                self.erase();
                self.lock(now);
            }
            Armed::Delete(kind)
                if twice(match kind {
                    Kind::User => 3,
                    Kind::Recovery => 4,
                    Kind::Admin | Kind::SelfDestruct => 6,
                }) =>
            {
                self.write(|stored| drop(stored.pins.remove(&kind)));
                self.show(Pattern::Stored, now);
            }
            Armed::ReadOut(setting) if gesture == Gesture::Press(Key::Key) => {
                self.show(Pattern::ReadOut(self.read_out(setting)), now);
            }
            _ if gesture == Gesture::Hold(Key::Shift) => self.begin(gesture, now),
            _ => self.refuse(now),
        }
    }

    fn read_out(&self, setting: u8) -> ReadOut {
        let stored = &self.stored;
        let (value, flag) = match setting {
            5 => (stored.auto_lock.unwrap_or(0), false),
            7 => stored.policy.unwrap_or((7, false)),
            8 => (0, stored.cloning),
            9 => (stored.mode.to_byte(), false),
            90 => (0, stored.releases_keys),
            _ => (stored.user_limit, false),
        };
        ReadOut {
            tens: value / 10,
            units: value % 10,
            flag,
        }
    }

    /// Another key of an entry.
    fn type_on(&mut self, mut entry: Entry, gesture: Gesture, now: u64) {
        entry.last_key = now;
        let is_setting = matches!(entry.purpose, Purpose::Setting(_));
        let end = if is_setting { Key::Shift } else { Key::Key };
        let is_twice = matches!(
            entry.purpose,
            Purpose::FirstAdminPin | Purpose::NewPin(_) | Purpose::OwnPin
        );
        let plain = |digit: u8| char::from(b'0' + digit);
        match gesture {
            Gesture::Press(key) if key == end => match &entry.first {
                None if is_twice => entry.first = Some(std::mem::take(&mut entry.typed)),
                Some(first) if *first != entry.typed => return self.abandon(gesture, now),
                _ => return self.complete(entry.purpose, &entry.typed, now),
            },
            Gesture::Press(Key::Digit(digit)) => entry.typed.push(plain(digit.value())),
            Gesture::Chord(Key::Shift, Key::Digit(digit)) => {
                entry.typed.push(char::from(b'A' + digit.value()));
            }
            Gesture::Chord(Key::Digit(a), Key::Digit(b)) => {
                entry.typed.extend([plain(a.value()), plain(b.value())]);
            }
            _ => return self.abandon(gesture, now),
        }
        self.wait_for(Waiting::Entry(entry));
    }

    fn abandon(&mut self, gesture: Gesture, now: u64) {
        let is_recovering = matches!(self.state, State::Recovering(_));
        if is_recovering {
            self.lock(now);
        } else if gesture == Gesture::Hold(Key::Shift) {
            return self.begin(gesture, now);
        }
        self.refuse(now);
    }
}

impl Entry {
    pub(crate) const fn new(purpose: Purpose, now: u64) -> Self {
        Self {
            purpose,
            last_key: now,
            typed: String::new(),
            first: None,
        }
    }
}

/// Two digits together, in whatever order.
fn is_pair(gesture: Gesture, a: u8, b: u8) -> bool {
    matches!(gesture, Gesture::Chord(Key::Digit(x), Key::Digit(y))
        if [(a, b), (b, a)].contains(&(x.value(), y.value())))
}

/// SHIFT first, then KEY, then digits.
const fn ordered(a: Key, b: Key) -> (Key, Key) {
    const fn rank(key: Key) -> u8 {
        match key {
            Key::Shift => 0,
            Key::Key => 1,
            Key::Digit(_) => 2,
        }
    }
    if rank(b) < rank(a) { (b, a) } else { (a, b) }
}
