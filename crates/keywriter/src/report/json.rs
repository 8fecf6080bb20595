//! The JSON of a report.

use super::{Entry, EntryError, Failed, Report, ReportError};
use crate::{
    receipt::LABEL,
    settings::{Format, Wrong, as_text},
    text::hex,
};
use hsm_protocol::{
    Serial,
    cloning::{Condition, Options},
    receipt::{FinishedReceipt, Item, Statement},
};
use pem_rfc7468::LineEnding;
use serde::{Deserialize, Serialize};
use std::{io, path::Path};

/// Why a text is not a report.
#[derive(Debug)]
pub(super) enum Bad {
    Text(Wrong),
    Entry(usize, EntryError),
}

impl Bad {
    pub(super) fn at(self, path: &Path) -> ReportError {
        let path = path.to_owned();
        match self {
            Self::Text(what) => ReportError::Wrong { path, what },
            Self::Entry(index, what) => ReportError::Entry {
                path,
                number: index + 1,
                what,
            },
        }
    }
}

/// Returns the text of a report with these entries.
pub(super) fn encode(report: &Report, entries: &[Entry<'_>]) -> io::Result<Vec<u8>> {
    let Options {
        auto_lock,
        user_pin_policy,
        disable_master,
    } = report.options;
    let file = ReportFile {
        format: FORMAT.name.to_owned(),
        version: FORMAT.version,
        made: report.made,
        master: report.master,
        auto_lock,
        user_pin_policy,
        disable_master,
        clones: entries
            .iter()
            .map(CloneFields::of)
            .collect::<Result<_, _>>()?,
        failed: report.failed.clone(),
    };
    let mut text = serde_json::to_vec_pretty(&file)?;
    text.push(b'\n');
    Ok(text)
}

/// Reads a report's text, and compares every field of a clone with its receipt.
pub(super) fn parse(text: &[u8]) -> Result<Report, Bad> {
    let file: ReportFile = FORMAT.parse(text).map_err(Bad::Text)?;
    let master = file.master;
    let receipts: Vec<_> = file
        .clones
        .iter()
        .enumerate()
        .map(|(index, clone)| clone.receipt().map_err(|what| Bad::Entry(index, what)))
        .collect::<Result<_, _>>()?;
    let mut entries: Vec<Entry<'_>> = Vec::new();
    for (index, (fields, bytes)) in file.clones.iter().zip(&receipts).enumerate() {
        let bad = |what| Bad::Entry(index, what);
        let entry = Entry::parse(bytes, master).map_err(bad)?;
        fields.compare(&entry).map_err(bad)?;
        if entries.iter().any(|known| known.is_same_run(&entry)) {
            return Err(bad(EntryError::Twice));
        }
        entries.push(entry);
    }
    Ok(Report {
        made: file.made,
        master,
        options: Options {
            auto_lock: file.auto_lock,
            user_pin_policy: file.user_pin_policy,
            disable_master: file.disable_master,
        },
        failed: file.failed,
        receipts,
    })
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct ReportFile {
    format: String,
    version: u64,
    made: u64,
    #[serde(with = "as_text")]
    master: Serial,
    auto_lock: bool,
    user_pin_policy: bool,
    disable_master: bool,
    clones: Vec<CloneFields>,
    failed: Vec<Failed>,
}

/// What a receipt says, in readable form, and the receipt.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct CloneFields {
    serial: String,
    certificate: String,
    master_certificate: String,
    number: u64,
    cycle: u32,
    secondaries: u16,
    auto_lock: bool,
    user_pin_policy: bool,
    disable_master: bool,
    condition: String,
    group: String,
    epoch: u32,
    epoch_check: String,
    items: Vec<String>,
    transcript: String,
    receipt: String,
}

impl CloneFields {
    fn of(entry: &Entry<'_>) -> io::Result<Self> {
        let Statement {
            transcript,
            number,
            cycle,
            permission: _,
            master,
            secondary,
            condition,
            group,
            epoch,
            commitments,
            proof: _,
            token: _,
        } = &entry.statement;
        let items = commitments.iter().map(|(item, _)| Item::name(item));
        let receipt = pem_rfc7468::encode_string(LABEL, LineEnding::LF, entry.bytes);
        Ok(Self {
            serial: secondary.serial.to_string(),
            certificate: hex(&secondary.certificate),
            master_certificate: hex(&master.certificate),
            number: *number,
            cycle: cycle.number,
            secondaries: cycle.secondaries,
            auto_lock: cycle.options.auto_lock,
            user_pin_policy: cycle.options.user_pin_policy,
            disable_master: cycle.options.disable_master,
            condition: condition_name(*condition).to_owned(),
            group: hex(group),
            epoch: epoch.number,
            epoch_check: hex(&epoch.check),
            items: items.map(str::to_owned).collect(),
            transcript: hex(transcript),
            receipt: receipt.map_err(io::Error::other)?,
        })
    }

    /// Returns the bytes of the armored receipt.
    fn receipt(&self) -> Result<Vec<u8>, EntryError> {
        match pem_rfc7468::decode_vec(self.receipt.as_bytes()) {
            Ok((LABEL, bytes)) if bytes.len() <= FinishedReceipt::MAX => Ok(bytes),
            Ok(_) | Err(_) => Err(EntryError::NotReceipt),
        }
    }

    /// Checks that every field is what the receipt says, including the armor, which has one form.
    fn compare(&self, entry: &Entry<'_>) -> Result<(), EntryError> {
        let signed = Self::of(entry).map_err(|_never| EntryError::NotReceipt)?;
        let Self {
            serial,
            certificate,
            master_certificate,
            number,
            cycle,
            secondaries,
            auto_lock,
            user_pin_policy,
            disable_master,
            condition,
            group,
            epoch,
            epoch_check,
            items,
            transcript,
            receipt,
        } = self;
        let fields = [
            ("serial", *serial == signed.serial),
            ("certificate", *certificate == signed.certificate),
            (
                "master_certificate",
                *master_certificate == signed.master_certificate,
            ),
            ("number", *number == signed.number),
            ("cycle", *cycle == signed.cycle),
            ("secondaries", *secondaries == signed.secondaries),
            ("auto_lock", *auto_lock == signed.auto_lock),
            (
                "user_pin_policy",
                *user_pin_policy == signed.user_pin_policy,
            ),
            ("disable_master", *disable_master == signed.disable_master),
            ("condition", *condition == signed.condition),
            ("group", *group == signed.group),
            ("epoch", *epoch == signed.epoch),
            ("epoch_check", *epoch_check == signed.epoch_check),
            ("items", *items == signed.items),
            ("transcript", *transcript == signed.transcript),
            ("receipt", *receipt == signed.receipt),
        ];
        match fields.iter().find(|(_, is_same)| !is_same) {
            Some((name, _)) => Err(EntryError::Field(name)),
            None => Ok(()),
        }
    }
}

const fn condition_name(condition: Condition) -> &'static str {
    match condition {
        Condition::Shipment => "shipment",
        Condition::Reset => "reset",
        Condition::Replaced => "replaced",
        Condition::Member => "member",
    }
}

const FORMAT: Format = Format {
    name: "keywriter-report",
    version: 1,
};
