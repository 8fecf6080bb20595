//! `keywriter journal`

use super::{condition_name, find, hex, of_module, permission_name, require_app_pin, told};
use crate::{
    args::Args,
    failure::Failure,
    output::{self, Event},
    table,
};
use keywriter::{
    Serial,
    asking::{self, Asked},
    journal::Journal,
    protocol::JournalEntry,
    text::counted,
};
use std::thread;

pub(crate) fn run(args: &Args, serial: Serial, clear_table: bool) -> Result<(), Failure> {
    require_app_pin(args)?;
    let mut present = find(args, serial)?;
    // Shown first, and refused if it contradicts itself: what is cleared cannot be compared any more.
    let journal = present.module.journal().map_err(of_module(serial))?;
    if args.json {
        print_json(serial, &journal)?;
    } else {
        print_text(serial, &journal)?;
    }
    if clear_table {
        let mut asked = Ok(());
        let tell = || asked = told::asks(args.json, serial, Asked::ClearTable);
        let clear = || present.module.clear_table();
        let cleared = asking::allowed(Asked::ClearTable, thread::sleep, tell, clear);
        cleared.map_err(of_module(serial))?;
        asked?;
    }
    Ok(())
}

fn print_text(serial: Serial, journal: &Journal) -> Result<(), Failure> {
    let (total, kept) = (journal.summary.total, journal.entries.len());
    let parcels = counted(total, "Parcel", "Parcels");
    output::line(&format!(
        "{serial} sent {parcels}; its journal keeps the last {kept}"
    ))?;
    output::line(&format!("running hash {}", hex(&journal.summary.running)))?;
    if journal.entries.is_empty() {
        return Ok(());
    }
    print_table(journal)?;
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

/// Every module, whatever happened since: this is what is to be compared.
fn print_table(journal: &Journal) -> Result<(), Failure> {
    let since = match journal.summary.cleared {
        0 => String::new(),
        cleared => format!(" since its table was cleared, after Parcel {cleared}"),
    };
    let modules = match journal.table.len() {
        0 => return output::line(&format!("\nit cloned to no module{since}\n")),
        count => counted(count, "module", "modules"),
    };
    output::line(&format!(
        "\nit cloned to {modules}{since}: you should own each of them"
    ))?;
    let mut rows = vec![["MODULE", "PARCELS", "LAST"].map(String::from).to_vec()];
    rows.extend(journal.table.iter().map(|row| {
        vec![
            row.serial.to_string(),
            row.parcels.to_string(),
            row.last.to_string(),
        ]
    }));
    output::line(&table::render(&rows))
}

fn print_json(serial: Serial, journal: &Journal) -> Result<(), Failure> {
    Event::new("journal")
        .text("serial", serial)
        .with("total", journal.summary.total)
        .with("kept", journal.entries.len())
        .with("running", hex(&journal.summary.running))
        .with("before", hex(&journal.summary.before))
        .with("cleared", journal.summary.cleared)
        .with("modules", journal.table.len())
        .print()?;
    let mut rows = journal.table.iter();
    rows.try_for_each(|row| {
        Event::new("journal-module")
            .text("serial", row.serial)
            .with("parcels", row.parcels)
            .with("last", row.last)
            .print()
    })?;
    let mut entries = journal.entries.iter();
    entries.try_for_each(|entry| json(entry).print())
}

fn json(entry: &JournalEntry) -> Event {
    Event::new("journal-entry")
        .with("number", entry.number)
        .with("cycle", entry.cycle.number)
        .with("secondaries", entry.cycle.secondaries)
        .choices(entry.cycle.options)
        .with("ticket", permission_name(entry.permission))
        .with("condition", condition_name(entry.condition))
        .text("serial", entry.serial)
        .with("certificate", hex(&entry.certificate))
        .with("transcript", hex(&entry.transcript))
        .with("sealed", entry.countersigned)
}
