//! Commands that a person must allow on the module's keypad.

use super::of_module;
use crate::{
    args::Args,
    failure::Failure,
    output::{self, Event},
};
use keywriter::{
    Serial,
    asking::{self, ASKS, TYPES},
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
    let outcome = match command() {
        Err(refused) if needs_person(&refused) => {
            tell(args, serial, keys, purpose)?;
            asking::repeat(refused, ASKS, thread::sleep, command, needs_person)
        }
        outcome => outcome,
    };
    outcome.map_err(of_module(serial))
}

/// Runs a command that asks for the code of a ticket, and repeats it until a person has typed it.
pub(super) fn typed<T>(
    args: &Args,
    serial: Serial,
    file: &str,
    mut command: impl FnMut() -> Result<T, ModuleError>,
) -> Result<T, Failure> {
    let outcome = match command() {
        Err(refused) if needs_person(&refused) => {
            tell_code(args, serial, file)?;
            asking::repeat(refused, TYPES, thread::sleep, command, needs_person)
        }
        outcome => outcome,
    };
    outcome.map_err(of_module(serial))
}

const fn needs_person(error: &ModuleError) -> bool {
    matches!(error, ModuleError::Refused(Status::NeedsPerson))
}

fn tell_code(args: &Args, serial: Serial, file: &str) -> Result<(), Failure> {
    let seconds = TYPES.as_secs();
    if args.json {
        return Event::new("asks")
            .text("serial", serial)
            .with("keys", "code")
            .with("seconds", seconds)
            .print();
    }
    output::line(&format!(
        "read on another screen, not on this one, what the ticket allows (`keywriter ticket show {file}`);\n\
         if you agree, type its 16 digits on the keypad of {serial}, then KEY ({seconds} s)"
    ))
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
