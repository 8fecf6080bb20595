//! `keywriter receipt verify`

use super::{condition_name, hex, ticket_name};
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
};
use serde::Serialize;

pub(crate) fn run(args: &Args, command: &ReceiptCommand) -> Result<(), Failure> {
    let ReceiptCommand::Verify { file } = command;
    // A receipt is checked against a root that its reader vouches for, never against the one a hub happens to show.
    let root = TrustedRoot::load(args.root.as_deref().ok_or(Failure::NoRoot)?)?;
    let verified = receipt::verify(file, &root)?;
    let line = ReceiptLine::of(&verified);
    if args.json {
        output::json(&line)
    } else {
        output::line(line.text(verified.statement().cycle.options).trim_end())
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
        let yes = |is_chosen| if is_chosen { "yes" } else { "no" };
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
            ("auto-lock chosen", yes(options.auto_lock).to_owned()),
            (
                "User PIN policy chosen",
                yes(options.user_pin_policy).to_owned(),
            ),
            (
                "master disabled afterwards",
                yes(options.disable_master).to_owned(),
            ),
            ("group", format!("{}, epoch {}", self.group, self.epoch)),
            ("copied", items.join(", ")),
            ("transcript", self.transcript.clone()),
            ("proof", self.proof.clone()),
        ];
        let rows: Vec<_> = rows
            .map(|(name, value)| vec![name.to_owned(), value])
            .into();
        let mut text = format!(
            "verified: {} holds what {} cloned to it\n\n{}",
            self.secondary,
            self.master,
            table::render(&rows)
        );
        if self.is_virtual {
            text.push_str("\na virtual module took part: good for evaluation, not for secrets\n");
        }
        text
    }
}
