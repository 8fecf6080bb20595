//! `keywriter encrypt`

use super::{
    require_app_pin,
    share::{self, ENCRYPTED, Ends, FileProgress, Output, ShareChoices, Work},
    survey_all,
};
use crate::{args::Args, failure::Failure};
use keywriter::{
    file::RunFiles,
    share::{
        Encryption, Way,
        finder::{self, Need},
        paths::Act,
    },
};

pub(crate) fn run(args: &Args, choices: &ShareChoices) -> Result<(), Failure> {
    let work = Work::plan(args, choices, Act::Encrypt)?;
    require_app_pin(args)?;
    let present = finder::take(survey_all(args)?, choices.module, Need::Any)?;
    let mut encryption = Encryption::new(present, choices.way(), work.len());
    if encryption.way() == Way::InModule {
        share::say_keys_stay(args, choices, encryption.serial());
    }
    work.run(args, |job, _, files| {
        one(args, choices, job, files, &mut encryption)
    })
}

fn one(
    args: &Args,
    choices: &ShareChoices,
    job: &Ends,
    files: &mut RunFiles,
    encryption: &mut Encryption,
) -> Result<(), Failure> {
    let mut input = share::open_input(job)?;
    let mut output = Output::begin(job, &input, choices.force, files)?;
    let with = (encryption.serial(), encryption.way());
    let mut progress = FileProgress::new(args, job, input.size(), with);
    let summary = encryption.encrypt(&mut input, output.writer(), &mut |bytes| {
        progress.show(bytes);
    });
    drop(progress);
    let summary = summary.map_err(|source| share::of_input(job, &input, source))?;
    output.commit(choices.force, files)?;
    share::print(args, ENCRYPTED, job, (encryption.serial(), &summary))
}
