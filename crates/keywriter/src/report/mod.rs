//! The report of a cloning cycle: its receipts in one file for programs, and on one page for people (docs/REPORT.md).
//!
//! This computer has no key and signs nothing. What the report says of each clone is recomputed from that clone's
//! receipt, which both modules signed; the rest is a note of this computer.

mod json;
mod page;
#[cfg(test)]
mod tests;
mod words;

pub use page::Language;

use crate::{
    cycle::{Event, How},
    error::with_sources,
    file,
    genuine::{P384, TrustedRoot},
    receipt,
    settings::{Wrong, as_text},
    text::shown_path,
};
use hsm_protocol::{
    Malformed, Serial,
    cloning::Options,
    message::MessageRefusal,
    receipt::{FinishedReceipt, ReceiptRefusal, Statement, VerifiedReceipt},
};
use serde::{Deserialize, Serialize};
use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

/// How a cycle went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// When it was made, in seconds since 1970-01-01 00:00 UTC, by this computer's clock. It is not signed.
    pub made: u64,
    /// The master. Every receipt is of this master.
    pub master: Serial,
    /// The choices of the cycle. They are not signed here; each receipt has those that it was made under.
    pub options: Options,
    /// Finished receipts (PROTOCOL § 4.7), as [`Event::Done`] gives them.
    pub receipts: Vec<Vec<u8>>,
    /// The secondaries that were not cloned. This is not signed.
    pub failed: Vec<Failed>,
}

/// A secondary that was not cloned.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Failed {
    /// The secondary.
    #[serde(with = "as_text")]
    pub serial: Serial,
    /// Why, in words.
    pub why: String,
}

/// Why a report was not saved, not read, or not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// It cannot be read.
    #[error("cannot read the report {}", shown_path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write the report {}", shown_path(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The text is not a report.
    #[error("{}: {what}", shown_path(path))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        what: Wrong,
    },
    /// What it says of a clone is not what the modules signed.
    #[error("{}: clone {number}: {what}", shown_path(path))]
    Entry {
        /// The file.
        path: PathBuf,
        /// Which clone of the report, from 1.
        number: usize,
        /// What is wrong with it.
        #[source]
        what: EntryError,
    },
    /// A receipt is malformed.
    #[error("receipt {number} of the report is malformed")]
    Malformed {
        /// Which receipt of the report, from 1.
        number: usize,
    },
    /// A receipt does not verify under this root.
    #[error("the receipt of {serial}: {}", receipt::words(*why))]
    Refused {
        /// The secondary, as the receipt names it.
        serial: Serial,
        /// Why.
        why: ReceiptRefusal,
    },
    /// There is no receipt to verify.
    #[error("the report has no receipt, and proves nothing")]
    NoReceipt,
}

/// What is wrong with a clone's entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EntryError {
    /// It has no armored receipt.
    #[error("field \"receipt\" is not a receipt")]
    NotReceipt,
    /// The receipt has another value.
    #[error("field \"{0}\" is not what the receipt says")]
    Field(&'static str),
    /// The receipt names another master than the report.
    #[error("the receipt is of the master {0}")]
    OtherMaster(Serial),
    /// An earlier entry has the same receipt.
    #[error("its run is in the report twice")]
    Twice,
}

impl Report {
    /// Makes the report of a cycle that has not begun.
    pub const fn new(made: u64, master: Serial, options: Options) -> Self {
        Self {
            made,
            master,
            options,
            receipts: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// Returns whether another cycle of this master with these choices goes on with this report.
    pub fn is_of(&self, master: Serial, options: Options) -> bool {
        (self.master, self.options) == (master, options)
    }

    /// Notes what an event says of a secondary: its receipt, or its last failure until it is done.
    pub fn note(&mut self, event: &Event) {
        match event {
            Event::Done {
                serial,
                receipt,
                how,
                ..
            } => {
                self.failed.retain(|failed| failed.serial != *serial);
                if *how != How::Already {
                    self.receipts.push(receipt.as_bytes().to_vec());
                }
            }
            Event::Failed { serial, failure } => {
                self.failed.retain(|failed| failed.serial != *serial);
                self.failed.push(Failed {
                    serial: *serial,
                    why: with_sources(failure),
                });
            }
            Event::Unusable { .. }
            | Event::Evaluation { .. }
            | Event::Preflight { .. }
            | Event::CycleBegan { .. }
            | Event::Joined { .. }
            | Event::Asks { .. }
            | Event::Step { .. }
            | Event::ReceiptSetAside { .. }
            | Event::NotKept { .. }
            | Event::CycleEnded(_) => {}
        }
    }

    /// Checks every receipt; only the root is needed. Fails if one of them does not verify.
    pub fn verify(&self, root: &TrustedRoot) -> Result<Vec<VerifiedReceipt>, ReportError> {
        if self.receipts.is_empty() {
            return Err(ReportError::NoReceipt);
        }
        let verified = self.receipts.iter().enumerate().map(|(index, bytes)| {
            let malformed = |_refusal| ReportError::Malformed { number: index + 1 };
            let (finished, statement) = parse(bytes).map_err(malformed)?;
            verify(&finished, root).map_err(|why| ReportError::Refused {
                serial: statement.secondary.serial,
                why,
            })
        });
        verified.collect()
    }

    /// Writes the report as JSON, in place of what was there.
    pub fn save(&self, path: &Path) -> Result<(), ReportError> {
        let text = json::encode(self, &self.entries(path)?);
        let written = text.and_then(|text| file::replace(path, &text));
        written.map_err(|source| ReportError::Write {
            path: path.to_owned(),
            source,
        })
    }

    /// Reads a report's JSON, and checks that what it says of each clone is what the receipt says.
    /// [`Self::verify`] checks the signatures.
    pub fn load(path: &Path) -> Result<Self, ReportError> {
        let mut text = Vec::new();
        File::open(path)
            .and_then(|file| file.take(SIZE_MAX).read_to_end(&mut text))
            .map_err(|source| ReportError::Read {
                path: path.to_owned(),
                source,
            })?;
        json::parse(&text).map_err(|bad| bad.at(path))
    }

    /// Writes the report as one page of HTML without scripts, in place of what was there. With a root, each receipt is
    /// verified, and the page says whether it verified.
    pub fn save_page(
        &self,
        path: &Path,
        root: Option<&TrustedRoot>,
        language: Language,
    ) -> Result<(), ReportError> {
        let page = page::render(self, self.entries(path)?, root, language);
        let written = page.and_then(|page| file::replace(path, page.as_bytes()));
        written.map_err(|source| ReportError::Write {
            path: path.to_owned(),
            source,
        })
    }

    /// Parses the receipts, and returns each run once. All must be of the one master.
    fn entries(&self, path: &Path) -> Result<Vec<Entry<'_>>, ReportError> {
        let mut entries: Vec<Entry<'_>> = Vec::new();
        for (index, bytes) in self.receipts.iter().enumerate() {
            let entry = Entry::parse(bytes, self.master).map_err(|what| ReportError::Entry {
                path: path.to_owned(),
                number: index + 1,
                what,
            })?;
            if !entries.iter().any(|known| known.is_same_run(&entry)) {
                entries.push(entry);
            }
        }
        Ok(entries)
    }
}

/// A receipt of the report's master, not yet verified.
struct Entry<'a> {
    bytes: &'a [u8],
    finished: FinishedReceipt<'a>,
    statement: Statement,
}

impl<'a> Entry<'a> {
    fn parse(bytes: &'a [u8], master: Serial) -> Result<Self, EntryError> {
        let (finished, statement) = parse(bytes).map_err(|_refusal| EntryError::NotReceipt)?;
        if statement.master.serial != master {
            return Err(EntryError::OtherMaster(statement.master.serial));
        }
        Ok(Self {
            bytes,
            finished,
            statement,
        })
    }

    /// Returns whether both are of one run; their signatures may differ.
    fn is_same_run(&self, other: &Self) -> bool {
        self.statement.transcript == other.statement.transcript
    }
}

fn parse(bytes: &[u8]) -> Result<(FinishedReceipt<'_>, Statement), MessageRefusal> {
    let finished = FinishedReceipt::parse(bytes)?;
    let statement = finished.receipt.statement()?;
    Ok((finished, statement))
}

fn verify(
    finished: &FinishedReceipt<'_>,
    root: &TrustedRoot,
) -> Result<VerifiedReceipt, ReceiptRefusal> {
    let root = root.root().map_err(|Malformed| ReceiptRefusal::Malformed)?;
    finished.verify::<P384>(&root)
}

/// The most bytes of a report that are read, enough for thousands of clones. A longer one is cut off there, and fails.
const SIZE_MAX: u64 = 64 * 1024 * 1024;
