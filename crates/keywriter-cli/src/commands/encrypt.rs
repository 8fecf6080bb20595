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
        finder::{self, Need},
        paths::Act,
    },
    survey::Present,
};

pub(crate) fn run(args: &Args, choices: &ShareChoices) -> Result<(), Failure> {
    let work = Work::plan(args, choices, Act::Encrypt)?;
    require_app_pin(args)?;
    let mut present = finder::take(survey_all(args)?, choices.module, Need::Any)?;
    work.run(args, |job, files| {
        one(args, choices, job, files, &mut present)
    })
}

fn one(
    args: &Args,
    choices: &ShareChoices,
    job: &Ends,
    files: &mut RunFiles,
    present: &mut Present,
) -> Result<(), Failure> {
    let mut input = share::open_input(job)?;
    let mut output = Output::begin(job, &input, choices.force, files)?;
    let mut progress = FileProgress::new(args, job, input.size());
    let summary = encrypt(
        &mut present.module,
        &mut input,
        output.writer(),
        &mut |bytes| progress.show(bytes),
    );
    drop(progress);
    let summary = summary.map_err(|source| share::of_input(job, &input, source))?;
    let whose = present
        .module
        .file_identify(&summary.header)
        .map_err(|source| share::of(job, source.into()))?;
    output.commit(choices.force, files)?;
    share::print(
        args,
        ENCRYPTED,
        job,
        (present.facts.serial, whose, &summary),
    )
}
