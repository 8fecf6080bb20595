//! `keywriter receipt verify`

use super::{condition_name, hex, ticket_name, yes_or_no};
use crate::{
    args::{Args, ReceiptCommand},
    failure::Failure,
    output::{self, ChoicesLine},
    table,
};
use keywriter::{
    Options,
    genuine::TrustedRoot,
    protocol::{Statement, VerifiedReceipt},
    receipt,
    report::{Failed, Report},
};
use serde::Serialize;
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
    let line = ReceiptLine::of(&verified);
    if args.json {
        output::json(&line)
    } else {
        output::line(line.text(verified.statement().cycle.options).trim_end())
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
        output::json(&ReceiptLine::of(receipt))?;
    }
    output::json(&ReportLine {
        event: "report",
        file: file.display().to_string(),
        made: report.made,
        master: report.master.to_string(),
        choices: report.options.into(),
        receipts: verified.len(),
        failed: report.failed.iter().map(FailedLine::of).collect(),
    })
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
            .map(|Failed { serial, why }| format!("{serial}  failed: {}\n", why.escape_debug()));
        text.extend(lines);
    }
    if verified.iter().any(VerifiedReceipt::has_virtual_module) {
        text.push_str(VIRTUAL);
    }
    text
}

const VIRTUAL: &str = "\na virtual module took part: for evaluation, not for secrets\n";

/// A report, all of whose receipts verified.
#[derive(Serialize)]
struct ReportLine {
    event: &'static str,
    file: String,
    made: u64,
    master: String,
    #[serde(flatten)]
    choices: ChoicesLine,
    receipts: usize,
    failed: Vec<FailedLine>,
}

#[derive(Serialize)]
struct FailedLine {
    serial: String,
    why: String,
}

impl FailedLine {
    fn of(failed: &Failed) -> Self {
        Self {
            serial: failed.serial.to_string(),
            why: failed.why.clone(),
        }
    }
}

/// A receipt that verified.
#[derive(Serialize)]
struct ReceiptLine {
    event: &'static str,
    master: String,
    master_certificate: String,
    secondary: String,
    secondary_certificate: String,
    number: u64,
    cycle: u32,
    secondaries: u16,
    condition: &'static str,
    ticket: &'static str,
    #[serde(flatten)]
    choices: ChoicesLine,
    group: String,
    epoch: u32,
    items: Vec<ItemLine>,
    transcript: String,
    proof: String,
    #[serde(rename = "virtual")]
    is_virtual: bool,
}

#[derive(Serialize)]
struct ItemLine {
    item: &'static str,
    commitment: String,
}

impl ReceiptLine {
    fn of(verified: &VerifiedReceipt) -> Self {
        let Statement {
            transcript,
            number,
            cycle,
            ticket,
            master,
            secondary,
            condition,
            group,
            epoch,
            commitments,
            proof,
        } = verified.statement();
        Self {
            event: "receipt",
            master: master.serial.to_string(),
            master_certificate: hex(&master.certificate),
            secondary: secondary.serial.to_string(),
            secondary_certificate: hex(&secondary.certificate),
            number: *number,
            cycle: cycle.number,
            secondaries: cycle.secondaries,
            condition: condition_name(*condition),
            ticket: ticket_name(*ticket),
            choices: cycle.options.into(),
            group: hex(group),
            epoch: *epoch,
            items: commitments
                .iter()
                .map(|(item, commitment)| ItemLine {
                    item: item.name(),
                    commitment: hex(commitment),
                })
                .collect(),
            transcript: hex(transcript),
            proof: hex(proof),
            is_virtual: verified.has_virtual_module(),
        }
    }

    fn text(&self, options: Options) -> String {
        let items: Vec<_> = self.items.iter().map(|line| line.item).collect();
        let rows: [(&str, String); 14] = [
            ("secondary", self.secondary.clone()),
            ("  certificate", self.secondary_certificate.clone()),
            ("  before", self.condition.to_owned()),
            ("master", self.master.clone()),
            ("  certificate", self.master_certificate.clone()),
            (
                "  parcel",
                format!("{} in cycle {}", self.number, self.cycle),
            ),
            (
                "  announced",
                format!("{} (ticket: {})", self.secondaries, self.ticket),
            ),
            ("auto-lock chosen", yes_or_no(options.auto_lock).to_owned()),
            (
                "User PIN policy chosen",
                yes_or_no(options.user_pin_policy).to_owned(),
            ),
            (
                "master disabled afterwards",
                yes_or_no(options.disable_master).to_owned(),
            ),
            ("group", format!("{}, epoch {}", self.group, self.epoch)),
            ("copied", items.join(", ")),
            ("transcript", self.transcript.clone()),
            ("proof", self.proof.clone()),
        ];
        let mut text = format!(
            "verified: {} holds what {} cloned to it\n\n{}",
            self.secondary,
            self.master,
            table::pairs(rows)
        );
        if self.is_virtual {
            text.push_str(VIRTUAL);
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
