//! What the LEDs show while nothing passes over them.

use crate::{
    cloning::master::MasterCycle,
    keypad::entry::Purpose,
    keypad::leds::Pattern,
    module::Module,
    platform::Board,
    state::{Armed, Locked, State, Waiting},
    vault::attempt::AdminAttempts,
    vault::device::{Device, Lifecycle},
};

/// The pattern of the state the module is in.
pub(crate) fn pattern<B: Board>(module: &Module<B>) -> Pattern {
    let device = module.store.device();
    match &module.state {
        State::Fault => Pattern::Fault,
        State::Fresh(fresh) if !fresh.waiting.is_nothing() => Pattern::AwaitingNew,
        State::Fresh(fresh) if fresh.run.is_running() => Pattern::Cloning,
        State::Fresh(_) if device.lifecycle == Lifecycle::Shipment => Pattern::Shipment,
        State::Fresh(_) => Pattern::Reset,
        State::Locked(Locked::Asleep) => Pattern::Idle,
        State::Locked(Locked::Awake { waiting, .. }) => in_standby(waiting, device),
        State::Recovering(_) => Pattern::AwaitingNew,
        State::AdminMode(admin) => match &admin.waiting {
            Waiting::Nothing | Waiting::Armed(Armed::ReadOut(_), _) => Pattern::AdminMode,
            Waiting::Armed(Armed::Delete(_) | Armed::Reset, _) => Pattern::DeleteArmed,
            Waiting::Entry(_) => Pattern::AwaitingNew,
        },
        State::User(user) if !user.waiting.is_nothing() => Pattern::AwaitingNew,
        State::User(_) => Pattern::Unlocked,
        State::Admin(admin) => {
            let is_master = admin.cycle.as_ref().is_some_and(MasterCycle::is_running);
            if is_master || admin.run.is_running() {
                Pattern::Cloning
            } else {
                Pattern::Unlocked
            }
        }
    }
}

fn in_standby(waiting: &Waiting, device: &Device) -> Pattern {
    match waiting {
        Waiting::Armed(..) => Pattern::ResetArmed,
        Waiting::Entry(entry) => match entry.purpose() {
            Purpose::UnlockUser => Pattern::AwaitingUserPin,
            Purpose::Recover => Pattern::AwaitingRecoveryPin,
            _ => Pattern::AwaitingAdminPin,
        },
        Waiting::Nothing => match AdminAttempts::of(device.failures) {
            AdminAttempts::Left | AdminAttempts::Exhausted => Pattern::Standby,
            AdminAttempts::Blocked(0) => Pattern::AdminBlocked,
            AdminAttempts::Blocked(_) => Pattern::AdminBlockedAgain,
        },
    }
}
