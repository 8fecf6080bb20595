//! One file for each group of commands.

pub(crate) mod clone;
pub(crate) mod data_units;
pub(crate) mod decrypt;
pub(crate) mod encrypt;
pub(crate) mod inspect;
pub(crate) mod journal;
pub(crate) mod license;
pub(crate) mod list;
pub(crate) mod master;
pub(crate) mod pin;
pub(crate) mod receipt;
pub(crate) mod recipient;
pub(crate) mod register;
pub(crate) mod settings;
pub(crate) mod share;
pub(crate) mod usage;

use crate::{args::Args, failure::Failure, pin::PinSource};
use keywriter::{
    Serial,
    discovery::Connector,
    license::Session,
    protocol::{Condition, Ticket},
    survey::{Depth, Present, Survey, survey},
};
use std::{fmt::Display, time::SystemTime};

/// Launches the app: asks for its PIN where it is registered. `None`: it is not, and virtual modules can be tried out.
fn launch(args: &Args) -> Result<Option<Session>, Failure> {
    let store = args.license_store()?;
    if store.registration()?.is_none() {
        return Ok(None);
    }
    let pin = PinSource::open(args)?.ask("KeyWriter PIN: ")?;
    Ok(Some(store.launch(&pin, now())?))
}

/// Seconds since 1970-01-01 00:00 UTC, as far as this computer knows.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}

/// Asks every module that is plugged in.
fn survey_all(args: &Args) -> Result<Survey, Failure> {
    let root = args.trusted_root()?;
    let discovery = args.discovery()?;
    Ok(survey(
        &discovery,
        discovery.places(),
        root.as_ref(),
        Depth::Facts,
    ))
}

/// Finds one module.
fn find(args: &Args, serial: Serial) -> Result<Present, Failure> {
    let mut found = survey_all(args)?;
    if found.is_twin(serial) {
        return Err(Failure::Twins(serial));
    }
    found.take(serial).ok_or(Failure::Absent(serial))
}

/// What a secondary was before, in tables and JSON.
const fn condition_name(condition: Condition) -> &'static str {
    match condition {
        Condition::Shipment => "shipment",
        Condition::Reset => "reset",
        Condition::Replaced => "replaced",
    }
}

/// Whom a master was allowed to clone to, in tables and JSON.
const fn ticket_name(ticket: Ticket) -> &'static str {
    match ticket {
        Ticket::Unrestricted => "unrestricted",
    }
}

/// Bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        for digit in [byte >> 4, byte & 0xF] {
            text.extend(char::from_digit(digit.into(), 16));
        }
        text
    })
}

/// A value that has a text form, in JSON.
fn as_text<S: serde::Serializer>(value: &impl Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}
