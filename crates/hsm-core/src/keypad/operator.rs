//! What a person does on the keypad, state by state: each gesture begins, continues or confirms something.

use super::{
    Key,
    act::{EntryError, EntryOutcome},
    configure::{Configuring, set_first_admin_pin},
    entry::{Entry, EntryStep},
    gesture::Gesture,
    leds::Pattern,
    unlock::{unblock, unlock},
    waiting::{
        AdminModeAct, AdminModeEntry, CompleteReset, Deletable, FirstAdminPin, Next, Opens, OwnPin,
        Setting, StandbyEntry, Waiting,
    },
};
use crate::{
    asking::{Asking, Shown},
    machine::Machine,
    platform::Board,
    state::{AdminMode, Fresh, Locked, Recovering, State, UserSession},
    time::Millis,
    vault::{
        attempt::AdminAttempts,
        csp::{
            pin::{Pin, Symbol},
            slot::Slot,
        },
    },
};
use hsm_protocol::Verifier;

/// Gives a gesture to the state that the module is in, and shows how it ended.
pub(crate) fn gesture<B: Board>(machine: &mut Machine<B>, gesture: Gesture, now: Millis) {
    // A chord was told when it went down. That it stays down means something only to a module that asks.
    if matches!(gesture, Gesture::HeldChord(..)) && !machine.state.is_asking() {
        return;
    }
    machine.flash = None;
    match act(machine, gesture, now) {
        Ok(Some(pattern)) => machine.show(pattern, now),
        Ok(None) => {}
        Err(EntryError::Rejected) => machine.show(Pattern::Refused, now),
        Err(EntryError::Fault) => machine.fail(),
    }
}

fn act<B: Board>(machine: &mut Machine<B>, gesture: Gesture, now: Millis) -> EntryOutcome {
    let mut pin = Pin::default();
    let Machine {
        platform,
        store,
        state,
        ..
    } = machine;
    match state {
        State::Fault => Ok(None),
        State::Locked(Locked::Asleep) => {
            if gesture == Gesture::WAKE {
                *state = State::awake(now);
            }
            Ok(None)
        }
        State::Fresh(Fresh { waiting, .. }) => match waiting.gesture(gesture, now, &mut pin) {
            Next::Begin => begin(waiting, in_shipment(gesture, now), gesture),
            Next::Complete(FirstAdminPin) => set_first_admin_pin(machine, &pin, now),
            next => unfinished(&next),
        },
        State::Locked(Locked::Awake { since, waiting }) => {
            *since = now;
            match waiting.gesture(gesture, now, &mut pin) {
                Next::Begin => {
                    let attempts = AdminAttempts::of(store.device().failures);
                    let is_blocked = attempts != AdminAttempts::Left;
                    begin(waiting, in_standby(gesture, is_blocked, now), gesture)
                }
                Next::Complete(StandbyEntry::Open(opens)) => unlock(machine, opens, &pin, now),
                Next::Complete(StandbyEntry::UnblockAdmin) => unblock(machine, &pin),
                Next::Confirmed(CompleteReset) => reset(machine, now),
                next => unfinished(&next),
            }
        }
        State::AdminMode(AdminMode {
            session,
            waiting,
            last_key,
        }) => {
            *last_key = now;
            match waiting.gesture(gesture, now, &mut pin) {
                Next::Begin if gesture == Gesture::WAKE => {
                    machine.lock(now);
                    Ok(None)
                }
                Next::Begin => begin(waiting, in_admin_mode(gesture, now), gesture),
                next => configure(
                    &next,
                    &pin,
                    &mut Configuring {
                        platform,
                        store,
                        session,
                    },
                ),
            }
        }
        State::User(UserSession {
            session,
            waiting,
            presence,
            ..
        }) => {
            presence.last_use = now;
            match waiting.gesture(gesture, now, &mut pin) {
                Next::Begin if gesture.is_chord(Key::Key, 4) => {
                    *waiting = Waiting::for_entry(OwnPin, now);
                    Ok(None)
                }
                Next::Begin => Err(EntryError::Rejected),
                Next::Complete(OwnPin) => Configuring {
                    platform,
                    store,
                    session,
                }
                .set_own_pin(&pin),
                next => unfinished(&next),
            }
        }
        State::Recovering(Recovering { session, entry }) => {
            let outcome = match entry.gesture(gesture, now, &mut pin) {
                EntryStep::Typing => return Ok(None),
                EntryStep::Complete => Configuring {
                    platform,
                    store,
                    session,
                }
                .recover_own_pin(&pin),
                EntryStep::Abandoned => Err(EntryError::Rejected),
            };
            // If the new PIN was rejected, the recovery is over and the Recovery PIN is not used up.
            machine.lock(now);
            outcome
        }
        State::Admin(admin) => {
            admin.presence.last_use = now;
            answer::<B::Crypto>(&mut admin.asking, gesture, now)
        }
    }
}

/// Takes a person's answer to what a host asks for; any other gesture is a refusal.
fn answer<V: Verifier>(asking: &mut Asking, gesture: Gesture, now: Millis) -> EntryOutcome {
    let Some(act) = asking.act() else {
        return Err(EntryError::Rejected);
    };
    if act.digit().is_none() && asking.shown() == Some(Shown::Confirmed) {
        // Whoever goes on typing did not mean it.
        asking.end();
        return Err(EntryError::Rejected);
    }
    match (act.digit(), gesture) {
        (Some(digit), _) if gesture.is_chord(Key::Key, digit) => asking.pressed(),
        (Some(digit), _) if gesture.is_held_chord(Key::Key, digit) => asking.held(),
        (None, Gesture::Press(Key::Digit(digit))) => asking.digit(digit.value(), now),
        // A fast typist presses the next digit before releasing the last one.
        (None, Gesture::Chord(Key::Digit(first), Key::Digit(second))) => {
            asking.digit(first.value(), now);
            asking.digit(second.value(), now);
        }
        (None, Gesture::HeldChord(Key::Digit(_), Key::Digit(_))) => {}
        (None, Gesture::Press(Key::Key)) if asking.enter::<V>() => {}
        (None, Gesture::Press(Key::Key)) => return Err(EntryError::Rejected),
        _ => {
            asking.end();
            return Err(EntryError::Rejected);
        }
    }
    Ok(None)
}

/// Waits for what a first gesture begins, if it begins anything.
fn begin<P, C>(
    waiting: &mut Waiting<P, C>,
    begun: Option<Waiting<P, C>>,
    gesture: Gesture,
) -> EntryOutcome {
    match begun {
        Some(begun) => {
            *waiting = begun;
            Ok(None)
        }
        // A module that is awake ignores it.
        None if gesture == Gesture::WAKE => Ok(None),
        None => Err(EntryError::Rejected),
    }
}

/// Returns the outcome of a gesture after which a state has nothing to do.
fn unfinished<P, C>(next: &Next<P, C>) -> EntryOutcome {
    match next {
        Next::Typing => Ok(None),
        Next::Begin | Next::Complete(_) | Next::Confirmed(_) | Next::Rejected => {
            Err(EntryError::Rejected)
        }
    }
}

fn configure<B: Board>(
    next: &Next<AdminModeEntry, AdminModeAct>,
    pin: &Pin,
    configuring: &mut Configuring<'_, B>,
) -> EntryOutcome {
    match *next {
        Next::Complete(AdminModeEntry::Pin(slot)) => configuring.set_pin(slot, pin),
        Next::Complete(AdminModeEntry::Setting(setting)) => configuring.set(setting, pin),
        Next::Confirmed(AdminModeAct::Delete(pin)) => configuring.delete_pin(pin.slot()),
        Next::Confirmed(AdminModeAct::ReadOut(setting)) => Ok(Some(configuring.read_out(setting))),
        Next::Begin | Next::Typing | Next::Rejected => unfinished(next),
    }
}

fn in_shipment(gesture: Gesture, now: Millis) -> Option<Waiting<FirstAdminPin>> {
    gesture
        .is_chord(Key::Shift, 1)
        .then(|| Waiting::for_entry(FirstAdminPin, now))
}

fn in_standby(
    gesture: Gesture,
    is_blocked: bool,
    now: Millis,
) -> Option<Waiting<StandbyEntry, CompleteReset>> {
    let open = |opens| Some(Waiting::for_entry(StandbyEntry::Open(opens), now));
    match gesture {
        Gesture::Chord(Key::Shift, Key::Key) => open(Opens::User),
        Gesture::Hold(Key::Digit(digit)) if digit.value() == 0 => {
            Some(Waiting::Confirmation(CompleteReset, now))
        }
        _ if gesture.is_chord(Key::Key, 4) => open(Opens::Recovery),
        // The code that gives more attempts is typed without a chord before it.
        Gesture::Press(Key::Digit(digit)) if is_blocked => Some(Waiting::Entry(
            Entry::starting_with(StandbyEntry::UnblockAdmin, Symbol::plain(digit), now),
        )),
        _ if is_blocked => None,
        Gesture::Press(Key::Key) => open(Opens::Admin),
        _ if gesture.is_chord(Key::Key, 1) => open(Opens::AdminMode),
        _ => None,
    }
}

fn in_admin_mode(gesture: Gesture, now: Millis) -> Option<Waiting<AdminModeEntry, AdminModeAct>> {
    let pin = |slot| Some(Waiting::for_entry(AdminModeEntry::Pin(slot), now));
    let setting = |setting| Some(Waiting::for_entry(AdminModeEntry::Setting(setting), now));
    let confirm = |act| Some(Waiting::Confirmation(act, now));
    match gesture {
        Gesture::Chord(Key::Key, Key::Digit(digit)) => match digit.value() {
            2 => pin(Slot::Admin),
            3 => pin(Slot::User),
            4 => pin(Slot::Recovery),
            5 => setting(Setting::AutoLock),
            6 => pin(Slot::SelfDestruct),
            7 => setting(Setting::UserPinPolicy),
            8 => setting(Setting::Cloning),
            9 => setting(Setting::EncryptionMode),
            _ => None,
        },
        Gesture::Chord(Key::Shift, Key::Digit(digit)) => match digit.value() {
            3 => confirm(AdminModeAct::Delete(Deletable::User)),
            4 => confirm(AdminModeAct::Delete(Deletable::Recovery)),
            5 => confirm(AdminModeAct::ReadOut(Setting::AutoLock)),
            6 => confirm(AdminModeAct::Delete(Deletable::SelfDestruct)),
            7 => confirm(AdminModeAct::ReadOut(Setting::UserPinPolicy)),
            8 => confirm(AdminModeAct::ReadOut(Setting::Cloning)),
            9 => confirm(AdminModeAct::ReadOut(Setting::EncryptionMode)),
            _ => None,
        },
        _ if gesture.is_pair(7, 0) => setting(Setting::UserLimit),
        _ if gesture.is_pair(2, 0) => confirm(AdminModeAct::ReadOut(Setting::UserLimit)),
        _ if gesture.is_pair(9, 0) => setting(Setting::FileKeys),
        _ if gesture.is_pair(4, 0) => confirm(AdminModeAct::ReadOut(Setting::FileKeys)),
        _ => None,
    }
}

/// Erases everything but the module's identity. No PIN is needed.
fn reset<B: Board>(machine: &mut Machine<B>, now: Millis) -> EntryOutcome {
    let erased = machine.store.erase(&mut machine.platform);
    machine.lock(now);
    Ok(erased.map(|()| None)?)
}
