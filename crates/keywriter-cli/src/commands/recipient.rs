//! `keywriter recipient`: the team's recipient and identity for age.

use super::{commit, of_file, of_module, require_app_pin, root_for_work, survey_with};
use crate::{
    args::Args,
    failure::Failure,
    output::{self, Event},
};
use keywriter::{
    Serial,
    file::NewFile,
    problem::{Problem, Reason},
    share::{
        RecipientKind, ToldRecipient,
        finder::{self, Need},
        known::KnownTeams,
        recipient::identity_file,
    },
    text::shown_path,
};
use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// The arguments of `recipient`.
#[derive(Debug, clap::Args)]
pub(crate) struct RecipientChoices {
    /// Write the identity file for `age -d -i`, instead of printing the recipient
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "team.txt")]
    identity: Option<PathBuf>,
    /// Print the recipient that is safe against quantum computers too: about 2,600 characters, for age 1.2, rage 0.11
    /// and later
    #[arg(long)]
    post_quantum: bool,
    /// Check that the module's team has this recipient, instead of printing it
    #[arg(long, value_name = "RECIPIENT", conflicts_with = "identity")]
    check: Option<String>,
    /// Use this module [default: the one that is unlocked]
    #[arg(long, value_name = "SERIAL")]
    module: Option<Serial>,
    /// Replace an existing identity file
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args, choices: &RecipientChoices) -> Result<(), Failure> {
    require_app_pin(args)?;
    let root = root_for_work(args)?;
    let survey = survey_with(args, Some(&root))?;
    let mut present = finder::take(survey, choices.module, Need::Any)?;
    let serial = present.facts.serial;
    let kind = if choices.post_quantum {
        RecipientKind::PostQuantum
    } else {
        RecipientKind::Classical
    };
    let told = ToldRecipient::ask(&mut present.module, serial, kind).map_err(of_module(serial))?;
    if let Some(expected) = &choices.check {
        return check(args, &told, expected);
    }
    let folders = args.folders()?;
    let known = KnownTeams {
        recipients: &folders.recipients(),
        receipts: &folders.receipts(),
        root: &root,
    };
    known
        .accept(&told, choices.module.is_some())
        .map_err(|error| Failure::Problem(Problem::from(&error).about(serial)))?;
    if let Some(path) = &choices.identity {
        let invalid = |_malformed| {
            let problem = Problem::new(Reason::Incompatible).about(serial);
            Failure::Problem(problem.with_detail("it returned an invalid recipient"))
        };
        let file = identity_file(told.group(), told.epoch(), told.text()).map_err(invalid)?;
        write(path, &file, choices.force)?;
    }
    if args.json {
        let identity = choices.identity.as_ref();
        return Event::new("recipient")
            .text("serial", serial)
            .with("recipient", told.text())
            .with("group", super::hex(told.group()))
            .epoch(told.epoch())
            .with("post_quantum", choices.post_quantum)
            .maybe_path("identity", identity.map(PathBuf::as_path))
            .print();
    }
    if let Some(path) = &choices.identity {
        return output::line(&format!(
            "{}: the identity of {serial}'s team, for `age -d -i`",
            shown_path(path)
        ));
    }
    output::note(&format!(
        "keywriter: the recipient of group {}, epoch {}, as {serial} told it\n  on another computer or with another \
         clone, `keywriter recipient --check RECIPIENT` compares it\n",
        super::hex(told.group()),
        told.epoch()
    ));
    output::line(told.text())
}

/// Says whether the module's team has that recipient.
fn check(args: &Args, told: &ToldRecipient, expected: &str) -> Result<(), Failure> {
    let serial = told.serial();
    if told.text() != expected.trim() {
        let problem = Problem::new(Reason::RecipientDiffers).about(serial);
        return Err(Failure::Problem(problem));
    }
    if args.json {
        Event::new("recipient-checked")
            .text("serial", serial)
            .with("group", super::hex(told.group()))
            .epoch(told.epoch())
            .print()
    } else {
        output::line(&format!("{serial}: its team has this recipient"))
    }
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let begin = || {
        let mut file = NewFile::begin(path)?;
        file.write_all(text.as_bytes())?;
        Ok(file)
    };
    let file = begin().map_err(of_file(Reason::CannotWrite, path))?;
    commit(file, path, force)
}
