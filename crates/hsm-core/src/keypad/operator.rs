//! What a person does on the keypad, state by state: each gesture begins, goes on with, or confirms something.

use crate::{
    keypad::act::{self, complete},
    keypad::leds::Pattern,
    keypad::{
        Digit, Key,
        entry::{Entry, Progress, Purpose, Setting},
        gesture::Gesture,
    },
    module::Module,
    platform::Board,
    state::{AdminMode, Armed, Fresh, Locked, Recovering, State, UserSession, Waiting},
    time::{FLASH, Millis},
    vault::attempt::AdminAttempts,
    vault::csp::pin::{Pin, Slot, Symbol},
};

/// A gesture reaches the state the module is in.
pub(crate) fn gesture<B: Board>(module: &mut Module<B>, gesture: Gesture, now: Millis) {
    module.flash = None;
    let waiting = match &mut module.state {
        State::Fault => return,
        State::Locked(Locked::Asleep) => {
            if gesture == Gesture::Hold(Key::Shift) {
                module.state = State::awake(now);
            }
            return;
        }
        State::Admin(admin) => {
            admin.presence.last_use = now;
            return show(module, Pattern::Refused, now);
        }
        State::Recovering(Recovering { entry, .. }) => {
            let mut pin = Pin::default();
            let progress = entry.gesture(gesture, now);
            pin.copy_from(entry.typed());
            return match progress {
                Progress::Typing => {}
                Progress::Complete(purpose) => complete(module, purpose, &pin, now),
                Progress::Abandoned => {
                    module.lock(now);
                    show(module, Pattern::Refused, now);
                }
            };
        }
        State::Fresh(Fresh { waiting, .. }) => waiting,
        State::Locked(Locked::Awake { since, waiting }) => {
            *since = now;
            waiting
        }
        State::AdminMode(AdminMode {
            waiting, last_key, ..
        }) => {
            *last_key = now;
            waiting
        }
        State::User(UserSession {
            waiting, presence, ..
        }) => {
            presence.last_use = now;
            waiting
        }
    };
    match waiting {
        Waiting::Nothing => begin(module, gesture, now),
        Waiting::Armed(armed, _) => {
            let armed = *armed;
            *waiting = Waiting::Nothing;
            confirm(module, armed, gesture, now);
        }
        Waiting::Entry(entry) => match entry.gesture(gesture, now) {
            Progress::Typing => {}
            Progress::Complete(purpose) => {
                let mut pin = Pin::default();
                pin.copy_from(entry.typed());
                *waiting = Waiting::Nothing;
                complete(module, purpose, &pin, now);
            }
            Progress::Abandoned => {
                *waiting = Waiting::Nothing;
                // SHIFT held leaves Admin mode from anywhere in it.
                if gesture == Gesture::Hold(Key::Shift) {
                    begin(module, gesture, now);
                } else {
                    show(module, Pattern::Refused, now);
                }
            }
        },
    }
}

/// A pattern that passes.
pub(crate) fn show<B: Board>(module: &mut Module<B>, pattern: Pattern, now: Millis) {
    let milliseconds = match pattern {
        Pattern::ReadOut(read_out) => read_out.duration(),
        _ => FLASH,
    };
    module.flash = Some((pattern, now.plus(milliseconds)));
}

/// A gesture where nothing is waited for: the first of a sequence.
fn begin<B: Board>(module: &mut Module<B>, gesture: Gesture, now: Millis) {
    let is_blocked = AdminAttempts::of(module.store.device().failures) != AdminAttempts::Left;
    let (waiting, begun) = match &mut module.state {
        State::Fresh(fresh) => {
            let begun = (gesture == chord(Key::Shift, 1)).then_some(Purpose::FirstAdminPin);
            (&mut fresh.waiting, begun.map(|purpose| entry(purpose, now)))
        }
        State::Locked(Locked::Awake { waiting, .. }) => {
            (waiting, in_standby(gesture, is_blocked, now))
        }
        State::AdminMode(_) if gesture == Gesture::Hold(Key::Shift) => return module.lock(now),
        State::AdminMode(admin) => (&mut admin.waiting, in_admin_mode(gesture, now)),
        State::User(_) if gesture != chord(Key::Key, 4) => {
            return show(module, Pattern::Refused, now);
        }
        State::User(user) => (&mut user.waiting, Some(entry(Purpose::OwnPin, now))),
        State::Fault | State::Locked(Locked::Asleep) | State::Recovering(_) | State::Admin(_) => {
            return;
        }
    };
    match begun {
        Some(begun) => *waiting = begun,
        // A hold says nothing new to a module that is awake.
        None if gesture == Gesture::Hold(Key::Shift) => {}
        None => show(module, Pattern::Refused, now),
    }
}

fn in_standby(gesture: Gesture, is_blocked: bool, now: Millis) -> Option<Waiting> {
    match gesture {
        Gesture::Chord(Key::Shift, Key::Key) => Some(entry(Purpose::UnlockUser, now)),
        Gesture::Hold(key) if key == digit(0)? => Some(Waiting::Armed(Armed::Reset, now)),
        _ if gesture == chord(Key::Key, 4) => Some(entry(Purpose::Recover, now)),
        // The code that gives more attempts is typed without a chord before it.
        Gesture::Press(Key::Digit(digit)) if is_blocked => Some(Waiting::Entry(
            Entry::starting_with(Purpose::UnblockAdmin, Symbol::plain(digit), now),
        )),
        _ if is_blocked => None,
        Gesture::Press(Key::Key) => Some(entry(Purpose::UnlockAdmin, now)),
        _ if gesture == chord(Key::Key, 1) => Some(entry(Purpose::EnterAdminMode, now)),
        _ => None,
    }
}

fn in_admin_mode(gesture: Gesture, now: Millis) -> Option<Waiting> {
    let purpose = |purpose| Some(entry(purpose, now));
    let armed = |armed| Some(Waiting::Armed(armed, now));
    match gesture {
        Gesture::Chord(Key::Key, Key::Digit(digit)) => match digit.value() {
            2 => purpose(Purpose::NewPin(Slot::Admin)),
            3 => purpose(Purpose::NewPin(Slot::User)),
            4 => purpose(Purpose::NewPin(Slot::Recovery)),
            5 => purpose(Purpose::Setting(Setting::AutoLock)),
            6 => purpose(Purpose::NewPin(Slot::SelfDestruct)),
            7 => purpose(Purpose::Setting(Setting::UserPinPolicy)),
            8 => purpose(Purpose::Setting(Setting::Cloning)),
            9 => purpose(Purpose::Setting(Setting::EncryptionMode)),
            _ => None,
        },
        Gesture::Chord(Key::Shift, Key::Digit(digit)) => match digit.value() {
            3 => armed(Armed::Delete(Slot::User)),
            4 => armed(Armed::Delete(Slot::Recovery)),
            5 => armed(Armed::ReadOut(Setting::AutoLock)),
            6 => armed(Armed::Delete(Slot::SelfDestruct)),
            7 => armed(Armed::ReadOut(Setting::UserPinPolicy)),
            8 => armed(Armed::ReadOut(Setting::Cloning)),
            9 => armed(Armed::ReadOut(Setting::EncryptionMode)),
            _ => None,
        },
        _ if is_pair(gesture, 7, 0) => purpose(Purpose::Setting(Setting::UserLimit)),
        _ if is_pair(gesture, 2, 0) => armed(Armed::ReadOut(Setting::UserLimit)),
        _ => None,
    }
}

/// The gesture that follows an armed one: the right one confirms, every other leaves everything as it was.
fn confirm<B: Board>(module: &mut Module<B>, armed: Armed, gesture: Gesture, now: Millis) {
    match armed {
        Armed::Reset if is_pair(gesture, 2, 7) => act::reset(module, now),
        Armed::Delete(slot) if gesture == deletion(slot) => act::delete(module, slot, now),
        Armed::ReadOut(setting) if gesture == Gesture::Press(Key::Key) => {
            act::read_out(module, setting, now);
        }
        _ if gesture == Gesture::Hold(Key::Shift) => begin(module, gesture, now),
        Armed::Reset | Armed::Delete(_) | Armed::ReadOut(_) => show(module, Pattern::Refused, now),
    }
}

/// The chord that deletes a PIN. There is none for the Admin PIN: a chord that nobody makes.
fn deletion(slot: Slot) -> Gesture {
    match slot {
        Slot::User => chord(Key::Shift, 3),
        Slot::Recovery => chord(Key::Shift, 4),
        Slot::SelfDestruct => chord(Key::Shift, 6),
        Slot::Admin => Gesture::Chord(Key::Shift, Key::Shift),
    }
}

fn entry(purpose: Purpose, now: Millis) -> Waiting {
    Waiting::Entry(Entry::new(purpose, now))
}

fn digit(value: u8) -> Option<Key> {
    Digit::new(value).ok().map(Key::Digit)
}

fn chord(first: Key, value: u8) -> Gesture {
    // A digit of the table; any other gives a gesture that nobody makes.
    digit(value).map_or(Gesture::Chord(first, first), |digit| {
        Gesture::Chord(first, digit)
    })
}

/// Two digits together, whichever went down first.
fn is_pair(gesture: Gesture, a: u8, b: u8) -> bool {
    let Gesture::Chord(Key::Digit(first), Key::Digit(second)) = gesture else {
        return false;
    };
    [(a, b), (b, a)].contains(&(first.value(), second.value()))
}
