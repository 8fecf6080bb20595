//! A report as a page of HTML.

use super::{Entry, Failed, Report, verify, words::Words};
use crate::{genuine::TrustedRoot, text::hex};
use askama::Template;
use hsm_protocol::{
    Serial, certificate::CertificateRefusal, cloning::Options, receipt::ReceiptRefusal,
};
use license_token::Day;
use std::io;

/// The languages of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English
    English,
    /// Deutsch
    German,
    /// Français
    French,
}

/// Returns the text of the page.
pub(super) fn render(
    report: &Report,
    mut entries: Vec<Entry<'_>>,
    root: Option<&TrustedRoot>,
    language: Language,
) -> io::Result<String> {
    let words = Words::of(language);
    entries.sort_by_key(|entry| (entry.statement.secondary.serial, entry.statement.number));
    let rows = entries.iter().map(|entry| Row::of(entry, root, words));
    let rows: Vec<_> = rows.collect();
    let page = Page {
        words,
        made: time(report.made),
        master: report.master,
        choices: choices(report.options, words),
        has_virtual: rows.iter().any(|row| row.is_virtual),
        clones: rows.len(),
        verified: root.map(|_| {
            rows.iter()
                .filter(|row| row.verification.is_verified())
                .count()
        }),
        groups: Group::all(rows),
        failed: &report.failed,
    };
    page.render().map_err(io::Error::other)
}

#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    words: &'static Words,
    made: String,
    master: Serial,
    choices: String,
    has_virtual: bool,
    clones: usize,
    /// How many receipts verified; `None`: no root was given.
    verified: Option<usize>,
    groups: Vec<Group>,
    failed: &'a [Failed],
}

/// Clones to which the same items were copied. Mostly there is one group.
struct Group {
    copied: String,
    rows: Vec<Row>,
}

impl Group {
    fn all(rows: Vec<Row>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        for row in rows {
            match groups.iter_mut().find(|group| group.copied == row.copied) {
                Some(group) => group.rows.push(row),
                None => groups.push(Self {
                    copied: row.copied.clone(),
                    rows: vec![row],
                }),
            }
        }
        groups
    }
}

struct Row {
    serial: Serial,
    number: u64,
    cycle: u32,
    before: &'static str,
    copied: String,
    transcript: String,
    verification: Verification,
    is_virtual: bool,
}

impl Row {
    fn of(entry: &Entry<'_>, root: Option<&TrustedRoot>, words: &Words) -> Self {
        let statement = &entry.statement;
        let verified = root.map(|root| verify(&entry.finished, root));
        let items = statement.commitments.iter();
        let items: Vec<_> = items.map(|(item, _)| words.item(item)).collect();
        Self {
            serial: statement.secondary.serial,
            number: statement.number,
            cycle: statement.cycle.number,
            before: words.condition(statement.condition),
            copied: items.join(", "),
            transcript: short(&statement.transcript),
            is_virtual: matches!(&verified, Some(Ok(verified)) if verified.has_virtual_module()),
            verification: match verified {
                None => Verification::Unchecked,
                Some(Ok(_)) => Verification::Verified,
                Some(Err(
                    ReceiptRefusal::Secondary(CertificateRefusal::ForeignRoot)
                    | ReceiptRefusal::Master(CertificateRefusal::ForeignRoot),
                )) => Verification::OtherRoot,
                Some(Err(_)) => Verification::Refused,
            },
        }
    }
}

/// Whether a receipt verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verification {
    /// No root was given.
    Unchecked,
    /// Both modules signed it.
    Verified,
    /// Its modules are certified under another root.
    OtherRoot,
    /// It does not verify.
    Refused,
}

impl Verification {
    fn is_verified(self) -> bool {
        self == Self::Verified
    }

    fn is_alarm(self) -> bool {
        matches!(self, Self::OtherRoot | Self::Refused)
    }

    fn words(self, words: &Words) -> &'static str {
        match self {
            Self::Unchecked => words.unchecked,
            Self::Verified => words.verified,
            Self::OtherRoot => words.other_root,
            Self::Refused => words.refused,
        }
    }
}

fn choices(options: Options, words: &Words) -> String {
    let all = [
        (options.auto_lock, words.auto_lock),
        (options.user_pin_policy, words.user_pin_policy),
        (options.disable_master, words.disable_master),
    ];
    let chosen = all.iter().filter(|(is_chosen, _)| *is_chosen);
    let chosen: Vec<_> = chosen.map(|(_, name)| *name).collect();
    if chosen.is_empty() {
        words.none.to_owned()
    } else {
        chosen.join(", ")
    }
}

/// Returns the first eight bytes, in groups that can be read aloud.
fn short(transcript: &[u8]) -> String {
    let groups = transcript.chunks(2).take(4).map(hex);
    groups.collect::<Vec<_>>().join(" ")
}

/// Returns `YYYY-MM-DD HH:MM UTC`, which sorts, and means the same in every language.
fn time(seconds: u64) -> String {
    let minutes = seconds / 60 % (24 * 60);
    let day = Day::from_unix(seconds);
    format!("{day} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}
