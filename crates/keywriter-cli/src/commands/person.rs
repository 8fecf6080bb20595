//! Commands that a person must allow on the module's keypad.

use super::of_module;
use crate::{
    args::Args,
    failure::Failure,
    output::{self, Event},
};
use keywriter::{
    Serial,
    asking::{self, ASKS},
    module::ModuleError,
    protocol::Status,
};
use std::thread;

/// Runs a command of the module. While it asks, says which keys to hold to let it do that (`purpose`), and repeats the
/// command until a person has allowed it.
pub(super) fn allowed<T>(
    args: &Args,
    serial: Serial,
    (keys, purpose): (&str, &str),
    mut command: impl FnMut() -> Result<T, ModuleError>,
) -> Result<T, Failure> {
    let needs_person =
        |error: &ModuleError| matches!(error, ModuleError::Refused(Status::NeedsPerson));
    let outcome = match command() {
        Err(refused) if needs_person(&refused) => {
            tell(args, serial, keys, purpose)?;
            asking::repeat(refused, thread::sleep, command, needs_person)
        }
        outcome => outcome,
    };
    outcome.map_err(of_module(serial))
}

fn tell(args: &Args, serial: Serial, keys: &str, purpose: &str) -> Result<(), Failure> {
    let seconds = ASKS.as_secs();
    if args.json {
        Event::new("asks")
            .text("serial", serial)
            .with("keys", keys)
            .with("seconds", seconds)
            .print()
    } else {
        output::line(&format!(
            "on the keypad of {serial} hold {keys} for one second {purpose} ({seconds} s)"
        ))
    }
}
