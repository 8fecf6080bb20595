//! Registration, login, and the change of the app's PIN.

use super::{Command, LicenseState, LicenseView, Model, Problem, Reason};
use keywriter::license::{LicenseNumber, Pin};

/// The progress of a change of the app's PIN.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PinChange {
    /// Being typed.
    #[default]
    Typing,
    /// Being changed.
    Busy,
    /// It takes effect at the next launch.
    Changed,
    /// Refused.
    Refused(Problem),
}

impl Model {
    pub(super) fn register(&mut self, portal: &str, number: &str, pin: &str) -> Vec<Command> {
        let number = match LicenseNumber::parse(number) {
            Ok(number) => number,
            Err(error) => return self.refuse((&error).into()),
        };
        match Pin::parse(pin) {
            Ok(pin) => self.wait_for(Command::Register {
                portal: portal.to_owned(),
                number,
                pin,
            }),
            Err(error) => self.refuse((&error).into()),
        }
    }

    pub(super) fn log_in(&mut self, pin: &str) -> Vec<Command> {
        if self.wait > 0 {
            return Vec::new();
        }
        match Pin::parse(pin) {
            Ok(pin) => self.wait_for(Command::LogIn { pin }),
            Err(error) => self.refuse((&error).into()),
        }
    }

    pub(super) fn change_pin(&mut self, current: &str, new: &str, again: &str) -> Vec<Command> {
        if self.wait > 0 {
            return Vec::new();
        }
        let parsed = if new == again {
            Pin::parse(current)
                .and_then(|current| Ok((current, Pin::parse(new)?)))
                .map_err(|error| Problem::from(&error))
        } else {
            Err(Reason::PinsDiffer.into())
        };
        match parsed {
            Ok((current, new)) => {
                self.pin_change = PinChange::Busy;
                vec![Command::ChangePin { current, new }]
            }
            Err(problem) => {
                self.pin_change = PinChange::Refused(problem);
                Vec::new()
            }
        }
    }

    fn wait_for(&mut self, command: Command) -> Vec<Command> {
        if self.is_busy {
            return Vec::new();
        }
        self.is_busy = true;
        self.refusal = None;
        vec![command]
    }

    fn refuse(&mut self, problem: Problem) -> Vec<Command> {
        self.refusal = Some(problem);
        Vec::new()
    }

    /// Stores the outcome of registration or login; returns whether it succeeded.
    pub(super) fn settle(&mut self, outcome: Result<LicenseView, Problem>) -> bool {
        self.is_busy = false;
        match outcome {
            Ok(license) => {
                self.license = LicenseState::Registered(license);
                self.refusal = None;
                self.wait = 0;
                true
            }
            Err(problem) => {
                self.wait = pin_wait(&problem);
                self.refusal = Some(problem);
                false
            }
        }
    }
}

/// Returns the seconds until the next PIN is accepted: a portal's rate limit blocks none.
pub(super) fn pin_wait(problem: &Problem) -> u64 {
    match problem.reason {
        Reason::PinWrong | Reason::PinWait => problem.retry_after.unwrap_or(0),
        _ => 0,
    }
}
