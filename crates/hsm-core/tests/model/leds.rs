//! What the LEDs of the model show (docs/LEDS.md).

use crate::device::{Armed, Lifecycle, Model, State, Waiting};
use hsm_core::leds::Pattern;

impl Model {
    /// Returns the pattern: one that passes, or the state's own.
    pub(crate) fn leds(&self) -> Pattern {
        if let Some((pattern, _)) = self.flash {
            return pattern;
        }
        match &self.state {
            State::Fresh { waiting, .. } if !matches!(waiting, Waiting::Nothing) => {
                Pattern::AwaitingNew
            }
            State::Fresh { run, .. } if run.is_running() => Pattern::Cloning,
            State::Fresh { .. } if self.stored.lifecycle == Lifecycle::Shipment => {
                Pattern::Shipment
            }
            State::Fresh { .. } => Pattern::Reset,
            State::Asleep => Pattern::Idle,
            State::Standby { waiting, .. } => match waiting {
                Waiting::Armed(..) => Pattern::ResetArmed,
                Waiting::Entry(entry) => entry.purpose.pattern(),
                Waiting::Nothing if !self.stored.is_blocked() => Pattern::Standby,
                Waiting::Nothing if self.stored.steps == 0 => Pattern::AdminBlocked,
                Waiting::Nothing => Pattern::AdminBlockedAgain,
            },
            State::Recovering(_) => Pattern::AwaitingNew,
            State::AdminMode { waiting, .. } => match waiting {
                Waiting::Nothing | Waiting::Armed(Armed::ReadOut(_), _) => Pattern::AdminMode,
                Waiting::Armed(..) => Pattern::DeleteArmed,
                Waiting::Entry(_) => Pattern::AwaitingNew,
            },
            State::User { waiting, .. } => match waiting {
                Waiting::Nothing => Pattern::Unlocked,
                _ => Pattern::AwaitingNew,
            },
            State::Admin {
                asking: Some(asking),
                ..
            } => {
                if asking.is_confirmed {
                    Pattern::Confirmed
                } else {
                    Pattern::Asks
                }
            }
            State::Admin { run, cycle, .. } => {
                let is_master = cycle
                    .as_ref()
                    .is_some_and(|cycle| cycle.runs.iter().any(Option::is_some));
                if is_master || run.is_running() {
                    Pattern::Cloning
                } else {
                    Pattern::Unlocked
                }
            }
        }
    }
}
