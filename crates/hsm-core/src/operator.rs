//! What a person does on the keypad, state by state, and what the LEDs answer.

use crate::{
    attempt::AdminAttempts,
    complete::complete,
    device::Lifecycle,
    keypad::{
        Digit, Key,
        entry::{Entry, Progress, Purpose},
        gesture::Gesture,
    },
    leds::Pattern,
    module::Module,
    pin::{Pin, Symbol},
    platform::Board,
    state::{AdminMode, Fresh, Locked, State},
    time::{FLASH, Millis},
};

/// A gesture reaches the state the module is in.
pub(crate) fn gesture<B: Board>(module: &mut Module<B>, gesture: Gesture, now: Millis) {
    module.flash = None;
    match &mut module.state {
        State::AdminMode(AdminMode { last_key, .. })
        | State::Locked(Locked::Awake {
            since: last_key, ..
        }) => *last_key = now,
        State::Fault
        | State::Fresh(_)
        | State::Locked(Locked::Asleep)
        | State::User(_)
        | State::Admin(_) => {}
    }
    let entry = match &mut module.state {
        State::Fresh(Fresh { entry, .. })
        | State::Locked(Locked::Awake { entry, .. })
        | State::AdminMode(AdminMode { entry, .. }) => entry,
        State::Locked(Locked::Asleep) => {
            if gesture == Gesture::Hold(Key::Shift) {
                module.state = State::awake(now);
            }
            return;
        }
        State::User(_) | State::Admin(_) => return show(module, Pattern::Refused, now),
        State::Fault => return,
    };
    let Some(under_way) = entry else {
        return begin(module, gesture, now);
    };
    match under_way.gesture(gesture, now) {
        Progress::Typing => {}
        Progress::Abandoned => {
            *entry = None;
            if gesture == Gesture::Hold(Key::Shift) {
                begin(module, gesture, now);
            } else {
                show(module, Pattern::Refused, now);
            }
        }
        Progress::Complete(purpose) => {
            let mut pin = Pin::default();
            pin.copy_from(under_way.typed());
            *entry = None;
            complete(module, purpose, &pin, now);
        }
    }
}

/// What the LEDs show while nothing passes over them.
pub(crate) fn pattern<B: Board>(module: &Module<B>) -> Pattern {
    let device = module.store.device();
    match &module.state {
        State::Fault => Pattern::Fault,
        State::Fresh(Fresh { entry: Some(_), .. })
        | State::AdminMode(AdminMode { entry: Some(_), .. }) => Pattern::AwaitingNew,
        State::Fresh(fresh) if fresh.run.is_running() => Pattern::Cloning,
        State::Fresh(_) if device.lifecycle == Lifecycle::Shipment => Pattern::Shipment,
        State::Fresh(_) => Pattern::Reset,
        State::Locked(Locked::Asleep) => Pattern::Idle,
        State::Locked(Locked::Awake {
            entry: Some(entry), ..
        }) => match entry.purpose() {
            Purpose::UnlockUser => Pattern::AwaitingUserPin,
            _ => Pattern::AwaitingAdminPin,
        },
        State::Locked(Locked::Awake { entry: None, .. }) => {
            match AdminAttempts::of(device.failures) {
                AdminAttempts::Left | AdminAttempts::Exhausted => Pattern::Standby,
                AdminAttempts::Blocked(0) => Pattern::AdminBlocked,
                AdminAttempts::Blocked(_) => Pattern::AdminBlockedAgain,
            }
        }
        State::AdminMode(AdminMode { entry: None, .. }) => Pattern::AdminMode,
        State::User(_) => Pattern::Unlocked,
        State::Admin(admin) => {
            let is_master = admin
                .cycle
                .as_ref()
                .is_some_and(super::cloning::master::MasterCycle::is_running);
            if is_master || admin.run.is_running() {
                Pattern::Cloning
            } else {
                Pattern::Unlocked
            }
        }
    }
}

/// A pattern that passes.
pub(crate) fn show<B: Board>(module: &mut Module<B>, pattern: Pattern, now: Millis) {
    module.flash = Some((pattern, now.plus(FLASH)));
}

/// A gesture where nothing is being typed: the first of a chord sequence.
fn begin<B: Board>(module: &mut Module<B>, gesture: Gesture, now: Millis) {
    let is_blocked = AdminAttempts::of(module.store.device().failures) != AdminAttempts::Left;
    let begun = match &mut module.state {
        State::Fresh(Fresh { entry, .. }) => {
            let purpose = (gesture == chord(Key::Shift, 1)).then_some(Purpose::FirstAdminPin);
            set(entry, purpose.map(|purpose| Entry::new(purpose, now)))
        }
        State::Locked(Locked::Awake { entry, .. }) => {
            set(entry, in_standby(gesture, is_blocked, now))
        }
        State::AdminMode(_) if gesture == Gesture::Hold(Key::Shift) => return module.lock(now),
        State::AdminMode(AdminMode { entry, .. }) => set(
            entry,
            in_admin_mode(gesture).map(|purpose| Entry::new(purpose, now)),
        ),
        State::Fault | State::Locked(Locked::Asleep) | State::User(_) | State::Admin(_) => false,
    };
    // A hold says nothing new to a module that is awake.
    if !begun && gesture != Gesture::Hold(Key::Shift) {
        show(module, Pattern::Refused, now);
    }
}

fn set(place: &mut Option<Entry>, entry: Option<Entry>) -> bool {
    *place = entry;
    place.is_some()
}

fn in_standby(gesture: Gesture, is_blocked: bool, now: Millis) -> Option<Entry> {
    if is_blocked {
        // The code is typed without a chord before it.
        if let Gesture::Press(Key::Digit(digit)) = gesture {
            return Some(Entry::starting_with(
                Purpose::UnblockAdmin,
                Symbol::plain(digit),
                now,
            ));
        }
    }
    let purpose = match gesture {
        Gesture::Chord(Key::Shift, Key::Key) => Purpose::UnlockUser,
        _ if is_blocked => return None,
        Gesture::Press(Key::Key) => Purpose::UnlockAdmin,
        _ if gesture == chord(Key::Key, 1) => Purpose::EnterAdminMode,
        _ => return None,
    };
    Some(Entry::new(purpose, now))
}

fn in_admin_mode(gesture: Gesture) -> Option<Purpose> {
    let Gesture::Chord(Key::Key, Key::Digit(digit)) = gesture else {
        return None;
    };
    match digit.value() {
        2 => Some(Purpose::NewAdminPin),
        3 => Some(Purpose::NewUserPin),
        5 => Some(Purpose::AutoLock),
        7 => Some(Purpose::UserPinPolicy),
        8 => Some(Purpose::Cloning),
        9 => Some(Purpose::EncryptionMode),
        _ => None,
    }
}

fn chord(first: Key, digit: u8) -> Gesture {
    // A digit of the table; any other gives a gesture that nobody makes.
    Digit::new(digit).map_or(Gesture::Chord(first, first), |digit| {
        Gesture::Chord(first, Key::Digit(digit))
    })
}
