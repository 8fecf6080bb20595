//! `keywriter recipient`: whom age encrypts to, and where it finds who decrypts.

use super::{launch, survey_all};
use crate::{args::Args, failure::Failure, output};
use keywriter::{
    Serial,
    file::NewFile,
    share::{
        finder::{self, Need},
        hybrid::encode_hybrid,
        recipient::{encode_recipient, identity_file},
    },
};
use serde::Serialize;
use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What is typed behind `recipient`.
#[derive(Debug, clap::Args)]
pub(crate) struct RecipientChoices {
    /// Write the identity file that age takes with -i, and not the recipient
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, default_missing_value = "team.txt")]
    identity: Option<PathBuf>,
    /// The recipient that holds out against a quantum computer too: some 2,600 characters, for age 1.2, rage 0.11 and later
    #[arg(long)]
    post_quantum: bool,
    /// Ask this module [default: the one that is unlocked]
    #[arg(long, value_name = "SERIAL")]
    module: Option<Serial>,
    /// Replace the identity file
    #[arg(long)]
    force: bool,
}

pub(crate) fn run(args: &Args, choices: &RecipientChoices) -> Result<(), Failure> {
    launch(args)?;
    let mut found = finder::find(&mut survey_all(args)?, choices.module, Need::Any)?;
    let serial = found.serial;
    let refused = |source| Failure::Module { serial, source };
    let no_point = |_malformed| Failure::NoRecipient(serial);
    let (group, epoch, text) = if choices.post_quantum {
        let to = found.module.file_hybrid_recipient().map_err(refused)?;
        let text = encode_hybrid(&to).map_err(no_point)?;
        (to.group, to.epoch, text)
    } else {
        let to = found.module.file_recipient().map_err(refused)?;
        let text = encode_recipient(&to).map_err(no_point)?;
        (to.group, to.epoch, text)
    };
    if let Some(path) = &choices.identity {
        let file = identity_file(&group, epoch, &text).map_err(no_point)?;
        write(path, &file, choices.force)?;
    }
    if args.json {
        return output::json(&RecipientLine {
            event: "recipient",
            serial: serial.to_string(),
            recipient: text,
            group: super::hex(&group),
            epoch,
            post_quantum: choices.post_quantum,
            identity: choices
                .identity
                .as_ref()
                .map(|path| path.display().to_string()),
        });
    }
    match &choices.identity {
        Some(path) => output::line(&format!(
            "{}: the identity of {serial}'s team, for age -d -i",
            path.display()
        )),
        None => output::line(&text),
    }
}

fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let write = || {
        let mut file = NewFile::begin(path)?;
        file.write_all(text.as_bytes())?;
        if force {
            file.commit()
        } else {
            file.commit_new()
        }
    };
    write().map_err(|source: io::Error| match source.kind() {
        io::ErrorKind::AlreadyExists => Failure::Exists(path.to_owned()),
        _ => Failure::File {
            act: "write",
            path: path.to_owned(),
            source,
        },
    })
}

#[derive(Serialize)]
struct RecipientLine {
    event: &'static str,
    serial: String,
    recipient: String,
    group: String,
    epoch: u32,
    post_quantum: bool,
    identity: Option<String>,
}
