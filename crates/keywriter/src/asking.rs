//! Commands that a person must allow on the module's keypad: they are repeated until that is done.

use std::time::{Duration, Instant};

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
