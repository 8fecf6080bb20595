//! Commands that a person must allow on the module's keypad: they are repeated until that is done.

use crate::{
    module::ModuleError,
    problem::{Problem, Reason},
};
use hsm_protocol::Status;
use std::time::{Duration, Instant};

/// What a person is asked for at a module's keypad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// To allow that what the module holds is replaced.
    Replace,
    /// To allow that it re-keys its group.
    Rekey,
    /// To allow that it changes its group's policy.
    Policy,
    /// To allow that it empties its journal's table.
    ClearTable,
    /// To allow that it ends a ticket.
    Withdraw,
    /// To type the code of a ticket.
    Code,
}

impl Asked {
    /// Returns for how long the module asks.
    pub const fn time(self) -> Duration {
        match self {
            Self::Code => TYPES,
            _ => ASKS,
        }
    }
}

/// Runs a command that the module asks a person about. Tells it once, and repeats the command until that person has
/// answered or the time is over. `pause` lets time pass.
pub fn allowed<T>(
    what: Asked,
    pause: impl Fn(Duration),
    tell: impl FnOnce(),
    mut command: impl FnMut() -> Result<T, ModuleError>,
) -> Result<T, ModuleError> {
    match command() {
        Err(refused) if needs_person(&refused) => {
            tell();
            repeat(refused, what.time(), pause, command, needs_person)
        }
        outcome => outcome,
    }
}

const fn needs_person(error: &ModuleError) -> bool {
    matches!(error, ModuleError::Refused(Status::NeedsPerson))
}

/// Returns the problem of such a command: a code that nobody typed is not a key that nobody held.
pub fn problem(what: Asked, error: &ModuleError) -> Problem {
    match what {
        Asked::Code if needs_person(error) => Reason::NotTyped.into(),
        _ => Problem::from(error),
    }
}

/// How long a module asks for a person.
pub const ASKS: Duration = Duration::from_secs(30);

/// How long to wait before a command is repeated.
const PAUSE: Duration = Duration::from_secs(1);

/// How long to wait for a code. A module asks for [`ASKS`], and as long again after each digit.
pub const TYPES: Duration = Duration::from_mins(3);

/// Repeats a command that was refused for want of a person, until it has another outcome or that time is over. `pause`
/// lets time pass.
pub fn repeat<T, E>(
    refused: E,
    time: Duration,
    pause: impl Fn(Duration),
    mut command: impl FnMut() -> Result<T, E>,
    needs_person: impl Fn(&E) -> bool,
) -> Result<T, E> {
    let begin = Instant::now();
    let mut outcome = Err(refused);
    // The last one is before the module's own time is over: after that, it would ask once more, for nobody.
    for _ in 1..time.as_secs() {
        if begin.elapsed() + PAUSE >= time {
            break;
        }
        pause(PAUSE);
        outcome = command();
        if !outcome.as_ref().is_err_and(&needs_person) {
            break;
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    #[test]
    fn the_module_asks_as_long_as_it_is_waited_for() {
        assert_eq!(ASKS, Duration::from_millis(hsm_core::time::ASKS));
    }

    #[test]
    fn a_command_is_repeated_until_it_has_another_outcome_or_the_time_is_over() {
        let paused = Cell::new(Duration::ZERO);
        let repeated = |outcomes: &dyn Fn(u64) -> Result<u64, &'static str>| {
            paused.set(Duration::ZERO);
            let pause = |time| paused.set(paused.get() + time);
            let mut count = 0;
            let command = || {
                count += 1;
                outcomes(count)
            };
            repeat("asks", ASKS, pause, command, |error| *error == "asks")
        };
        let third = |count| if count < 3 { Err("asks") } else { Ok(count) };
        assert_eq!(repeated(&third), Ok(3));
        assert_eq!(repeated(&|_| Err("refused")), Err("refused"));
        assert_eq!(paused.get(), PAUSE);
        assert_eq!(repeated(&|_| Err("asks")), Err("asks"));
        assert!(paused.get() < ASKS && paused.get() + PAUSE >= ASKS);
    }
}
