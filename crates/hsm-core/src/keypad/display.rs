//! What the LEDs show.

use super::{
    leds::Pattern,
    waiting::{AdminModeAct, CompleteReset, Opens, StandbyEntry, Waiting},
};
use crate::{
    asking::Shown,
    cloning::master::MasterCycle,
    machine::Machine,
    platform::Board,
    state::{Locked, State},
    vault::{
        attempt::AdminAttempts,
        device::{Device, Lifecycle},
    },
};

/// Returns the passing pattern, or else the one of the state that the module is in.
pub(crate) fn pattern<B: Board>(machine: &Machine<B>) -> Pattern {
    if let Some((pattern, _)) = machine.flash {
        return pattern;
    }
    let device = machine.store.device();
    match &machine.state {
        State::Fault => Pattern::Fault,
        State::Fresh(fresh) if !fresh.waiting.is_nothing() => Pattern::AwaitingNew,
        State::Fresh(fresh) if fresh.run.is_running() => Pattern::Cloning,
        State::Fresh(_) if device.lifecycle == Lifecycle::Shipment => Pattern::Shipment,
        State::Fresh(_) => Pattern::Reset,
        State::Locked(Locked::Asleep) => Pattern::Idle,
        State::Locked(Locked::Awake { waiting, .. }) => in_standby(waiting, device),
        State::Recovering(_) => Pattern::AwaitingNew,
        State::AdminMode(admin) => match &admin.waiting {
            Waiting::Nothing | Waiting::Confirmation(AdminModeAct::ReadOut(_), _) => {
                Pattern::AdminMode
            }
            Waiting::Confirmation(AdminModeAct::Delete(_), _) => Pattern::DeleteArmed,
            Waiting::Entry(_) => Pattern::AwaitingNew,
        },
        State::User(user) if !user.waiting.is_nothing() => Pattern::AwaitingNew,
        State::User(_) => Pattern::Unlocked,
        State::Admin(admin) => {
            let is_master = admin.cycle.as_ref().is_some_and(MasterCycle::is_running);
            match admin.asking.shown() {
                Some(Shown::Asks) => Pattern::Asks,
                Some(Shown::Confirmed) => Pattern::Confirmed,
                None if is_master || admin.run.is_running() => Pattern::Cloning,
                None => Pattern::Unlocked,
            }
        }
    }
}

fn in_standby(waiting: &Waiting<StandbyEntry, CompleteReset>, device: &Device) -> Pattern {
    match waiting {
        Waiting::Confirmation(CompleteReset, _) => Pattern::ResetArmed,
        Waiting::Entry(entry) => match entry.purpose() {
            StandbyEntry::Open(Opens::User) => Pattern::AwaitingUserPin,
            StandbyEntry::Open(Opens::Recovery) => Pattern::AwaitingRecoveryPin,
            StandbyEntry::Open(Opens::Admin | Opens::AdminMode) | StandbyEntry::UnblockAdmin => {
                Pattern::AwaitingAdminPin
            }
        },
        Waiting::Nothing => match AdminAttempts::of(device.failures) {
            AdminAttempts::Left | AdminAttempts::Exhausted => Pattern::Standby,
            AdminAttempts::Blocked(0) => Pattern::AdminBlocked,
            AdminAttempts::Blocked(_) => Pattern::AdminBlockedAgain,
        },
    }
}
