//! One file for each group of commands.

pub(crate) mod clone;
pub(crate) mod data_units;
pub(crate) mod journal;
pub(crate) mod list;
pub(crate) mod master;
pub(crate) mod receipt;
pub(crate) mod settings;

use crate::{args::Args, failure::Failure};
use keywriter::{
    Serial,
    discovery::Connector,
    protocol::{Condition, Ticket},
    survey::{Depth, Present, Survey, survey},
};

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
