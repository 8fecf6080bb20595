//! `keywriter receipt verify`

use super::{condition_name, hex, permission_name, yes_or_no};
use crate::{
    args::{Args, ReceiptCommand},
    failure::Failure,
    output::{self, Event},
    table,
};
use keywriter::{
    genuine::TrustedRoot,
    protocol::VerifiedReceipt,
    receipt,
    report::{Failed, Report},
    text::shown,
};
use serde_json::json;
use std::{
    fs::File,
    io::{BufRead, BufReader},
    path::Path,
};

pub(crate) fn run(args: &Args, command: &ReceiptCommand) -> Result<(), Failure> {
    let ReceiptCommand::Verify { file } = command;
    // A receipt is checked against a root that its reader vouches for, never against the one a hub happens to show.
    let root = TrustedRoot::load(args.root.as_deref().ok_or_else(no_root)?)?;
    if is_report(file) {
        return run_report(args, file, &root);
    }
    let verified = receipt::verify(file, &root)?;
    if args.json {
        json(&verified).print()
    } else {
        output::line(receipt_text(&verified).trim_end())
    }
}

fn no_root() -> Failure {
    Failure::Usage(
        "name the root certificate with --root FILE".into(),
        Some("a virtual hub's root certificate is run/root.pem in its folder"),
    )
}

/// Verifies every receipt of a report; nothing is printed unless all verify.
fn run_report(args: &Args, file: &Path, root: &TrustedRoot) -> Result<(), Failure> {
    let report = Report::load(file)?;
    let verified = report.verify(root)?;
    if !args.json {
        return output::line(report_text(&report, &verified).trim_end());
    }
    for receipt in &verified {
        json(receipt).print()?;
    }
    let failed: Vec<_> = report
        .failed
        .iter()
        .map(|Failed { serial, why }| json!({"serial": serial.to_string(), "why": why}))
        .collect();
    Event::new("report")
        .path("file", file)
        .with("made", report.made)
        .text("master", report.master)
        .choices(report.options)
        .with("receipts", verified.len())
        .with("failed", failed)
        .print()
}

/// Returns whether a file is a report: JSON and armor differ in their first character. One that cannot be read counts
/// as a receipt, whose verification reports the error.
fn is_report(file: &Path) -> bool {
    let Ok(file) = File::open(file) else {
        return false;
    };
    let mut text = BufReader::new(file);
    text.fill_buf()
        .is_ok_and(|first| first.trim_ascii_start().starts_with(b"{"))
}

fn report_text(report: &Report, verified: &[VerifiedReceipt]) -> String {
    let rows: Vec<_> = verified
        .iter()
        .map(VerifiedReceipt::statement)
        .map(|statement| {
            vec![
                statement.secondary.serial.to_string(),
                format!("parcel {}", statement.number),
                format!("in cycle {}", statement.cycle.number),
                condition_name(statement.condition).to_owned(),
            ]
        })
        .collect();
    let mut text = format!(
        "verified: each of these holds what {} cloned to it\n\n{}",
        report.master,
        table::render(&rows)
    );
    if !report.failed.is_empty() {
        text.push_str("\nnotes of the computer that made the report, which no module signed:\n\n");
        // Whoever made the report chose these words, and they go to a terminal.
        let lines = report
            .failed
            .iter()
            .map(|Failed { serial, why }| format!("{serial}  failed: {}\n", shown(why)));
        text.extend(lines);
    }
    if verified.iter().any(VerifiedReceipt::has_virtual_module) {
        text.push_str(VIRTUAL);
    }
    text
}

const VIRTUAL: &str = "\na virtual module took part: for evaluation, not for secrets\n";

fn json(verified: &VerifiedReceipt) -> Event {
    let statement = verified.statement();
    let items: Vec<_> = statement
        .commitments
        .iter()
        .map(|(item, commitment)| json!({"item": item.name(), "commitment": hex(commitment)}))
        .collect();
    Event::new("receipt")
        .text("master", statement.master.serial)
        .with("master_certificate", hex(&statement.master.certificate))
        .text("secondary", statement.secondary.serial)
        .with(
            "secondary_certificate",
            hex(&statement.secondary.certificate),
        )
        .with("number", statement.number)
        .with("cycle", statement.cycle.number)
        .with("secondaries", statement.cycle.secondaries)
        .with("condition", condition_name(statement.condition))
        .with("ticket", permission_name(statement.permission))
        .choices(statement.cycle.options)
        .with("group", hex(&statement.group))
        .epoch(statement.epoch)
        .with("items", items)
        .with("transcript", hex(&statement.transcript))
        .with("proof", hex(&statement.proof))
        .with("virtual", verified.has_virtual_module())
}

fn receipt_text(verified: &VerifiedReceipt) -> String {
    let statement = verified.statement();
    let (master, secondary) = (&statement.master, &statement.secondary);
    let (cycle, options) = (&statement.cycle, statement.cycle.options);
    let items: Vec<_> = statement
        .commitments
        .iter()
        .map(|(item, _)| item.name())
        .collect();
    let chosen = |is_chosen| yes_or_no(is_chosen).to_owned();
    let ticket = permission_name(statement.permission);
    let rows = [
        ("secondary", secondary.serial.to_string()),
        ("  certificate", hex(&secondary.certificate)),
        ("  before", condition_name(statement.condition).to_owned()),
        ("master", master.serial.to_string()),
        ("  certificate", hex(&master.certificate)),
        (
            "  parcel",
            format!("{} in cycle {}", statement.number, cycle.number),
        ),
        (
            "  secondaries",
            format!("{} announced (ticket: {ticket})", cycle.secondaries),
        ),
        ("auto-lock chosen", chosen(options.auto_lock)),
        ("User PIN policy chosen", chosen(options.user_pin_policy)),
        ("master disabled afterwards", chosen(options.disable_master)),
        (
            "group",
            format!("{}, epoch {}", hex(&statement.group), statement.epoch),
        ),
        ("copied", items.join(", ")),
        ("transcript", hex(&statement.transcript)),
        ("proof", hex(&statement.proof)),
    ];
    let mut text = format!(
        "verified: {} holds what {} cloned to it\n\n{}",
        secondary.serial,
        master.serial,
        table::pairs(rows)
    );
    if verified.has_virtual_module() {
        text.push_str(VIRTUAL);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use keywriter::Options;
    use std::fs;

    #[test]
    fn a_report_is_told_by_its_first_character() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(!is_report(&path));
        for (text, expected) in [("\n {", true), ("-----BEGIN", false), ("", false)] {
            fs::write(&path, text).unwrap();
            assert_eq!(is_report(&path), expected, "{text:?}");
        }
    }

    #[test]
    fn what_a_report_notes_cannot_move_the_cursor() {
        let mut report = Report::new(0, "M".parse().unwrap(), Options::default());
        report.failed.push(Failed {
            serial: "A".parse().unwrap(),
            why: "\u{1b}[2Jverified".to_owned(),
        });
        let text = report_text(&report, &[]);
        assert!(text.contains("A  failed: \\u{1b}[2Jverified"), "{text}");
    }
}
