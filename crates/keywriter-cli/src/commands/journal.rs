//! `keywriter journal`

use super::{condition_name, find, hex, of_module, require_app_pin, ticket_name};
use crate::{
    args::Args,
    failure::Failure,
    output::{self, ChoicesLine},
    table,
};
use keywriter::{Serial, module::Journal, protocol::JournalEntry};
use serde::Serialize;

pub(crate) fn run(args: &Args, serial: Serial) -> Result<(), Failure> {
    require_app_pin(args)?;
    let mut present = find(args, serial)?;
    let journal = present.module.journal().map_err(of_module(serial))?;
    if args.json {
        print_json(serial, &journal)
    } else {
        print_text(serial, &journal)
    }
}

fn print_text(serial: Serial, journal: &Journal) -> Result<(), Failure> {
    let kept = journal.entries.len();
    output::line(&format!(
        "{serial} sent {} Parcels; its journal keeps the last {kept}",
        journal.total
    ))?;
    output::line(&format!("running hash {}", hex(&journal.running)))?;
    if journal.entries.is_empty() {
        return Ok(());
    }
    let header = [
        "PARCEL",
        "CYCLE",
        "SECONDARY",
        "BEFORE",
        "COUNTERSIGNED",
        "CERTIFICATE",
    ];
    let mut rows = vec![header.map(String::from).to_vec()];
    rows.extend(journal.entries.iter().map(|entry| {
        vec![
            entry.number.to_string(),
            entry.cycle.number.to_string(),
            entry.serial.to_string(),
            condition_name(entry.condition).to_owned(),
            if entry.countersigned {
                "yes"
            } else {
                "pending"
            }
            .to_owned(),
            hex(entry.certificate.get(..8).unwrap_or_default()),
        ]
    }));
    output::line(table::render(&rows).trim_end())
}

fn print_json(serial: Serial, journal: &Journal) -> Result<(), Failure> {
    output::json(&JournalLine {
        event: "journal",
        serial: serial.to_string(),
        total: journal.total,
        kept: journal.entries.len(),
        running: hex(&journal.running),
    })?;
    journal
        .entries
        .iter()
        .try_for_each(|entry| output::json(&EntryLine::of(entry)))
}

#[derive(Serialize)]
struct JournalLine {
    event: &'static str,
    serial: String,
    total: u64,
    kept: usize,
    running: String,
}

#[derive(Serialize)]
struct EntryLine {
    event: &'static str,
    number: u64,
    cycle: u32,
    secondaries: u16,
    #[serde(flatten)]
    choices: ChoicesLine,
    ticket: &'static str,
    condition: &'static str,
    serial: String,
    certificate: String,
    transcript: String,
    sealed: bool,
}

impl EntryLine {
    fn of(entry: &JournalEntry) -> Self {
        Self {
            event: "journal-entry",
            number: entry.number,
            cycle: entry.cycle.number,
            secondaries: entry.cycle.secondaries,
            choices: entry.cycle.options.into(),
            ticket: ticket_name(entry.ticket),
            condition: condition_name(entry.condition),
            serial: entry.serial.to_string(),
            certificate: hex(&entry.certificate),
            transcript: hex(&entry.transcript),
            sealed: entry.countersigned,
        }
    }
}
