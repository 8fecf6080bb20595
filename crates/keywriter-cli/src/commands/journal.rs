//! `keywriter journal`

use super::{condition_name, find, hex, of_module, require_app_pin, ticket_name};
use crate::{
    args::Args,
    failure::Failure,
    output::{self, Event},
    table,
};
use keywriter::{Serial, module::Journal, protocol::JournalEntry};

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
    Event::new("journal")
        .text("serial", serial)
        .with("total", journal.total)
        .with("kept", journal.entries.len())
        .with("running", hex(&journal.running))
        .print()?;
    let mut entries = journal.entries.iter();
    entries.try_for_each(|entry| json(entry).print())
}

fn json(entry: &JournalEntry) -> Event {
    Event::new("journal-entry")
        .with("number", entry.number)
        .with("cycle", entry.cycle.number)
        .with("secondaries", entry.cycle.secondaries)
        .choices(entry.cycle.options)
        .with("ticket", ticket_name(entry.ticket))
        .with("condition", condition_name(entry.condition))
        .text("serial", entry.serial)
        .with("certificate", hex(&entry.certificate))
        .with("transcript", hex(&entry.transcript))
        .with("sealed", entry.countersigned)
}
