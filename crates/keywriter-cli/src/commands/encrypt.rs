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
        encrypt,
        finder::{self, Found, Need},
        paths::Act,
    },
};

pub(crate) fn run(args: &Args, choices: &ShareChoices) -> Result<(), Failure> {
    let work = Work::plan(args, choices, Act::Encrypt)?;
    require_app_pin(args)?;
    let mut found = finder::find(&mut survey_all(args)?, choices.module, Need::Any)?;
    work.run(args, |job, files| {
        one(args, choices, job, files, &mut found)
    })
}

fn one(
    args: &Args,
    choices: &ShareChoices,
    job: &Ends,
    files: &mut RunFiles,
    found: &mut Found,
) -> Result<(), Failure> {
    let mut input = share::open_input(job)?;
    let mut output = Output::begin(job, &input, choices.force, files)?;
    let mut progress = FileProgress::new(args, job, input.size());
    let summary = encrypt(
        &mut found.module,
        &mut input,
        output.writer(),
        &mut |bytes| progress.show(bytes),
    );
    drop(progress);
    let summary = summary.map_err(|source| share::of_input(job, &input, source))?;
    let whose = found.module.file_identify(&summary.header)?;
    output.commit(choices.force, files)?;
    share::print(args, ENCRYPTED, job, (found.serial, whose, &summary))
}
