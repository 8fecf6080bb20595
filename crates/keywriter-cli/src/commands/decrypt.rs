//! `keywriter decrypt`

use super::{
    require_app_pin,
    share::{self, DECRYPTED, Ends, FileProgress, Output, ShareChoices, Work},
    survey_all,
};
use crate::{args::Args, failure::Failure};
use keywriter::{
    file::RunFiles,
    share::{
        decrypt,
        finder::{self, Need},
        paths::Act,
        read_header,
    },
    survey::Survey,
};

pub(crate) fn run(args: &Args, choices: &ShareChoices) -> Result<(), Failure> {
    let work = Work::plan(args, choices, Act::Decrypt)?;
    require_app_pin(args)?;
    // Without a file that can be read, no module is asked.
    let mut survey = None;
    work.run(args, |job, files| {
        one(args, choices, job, files, &mut survey)
    })
}

fn one(
    args: &Args,
    choices: &ShareChoices,
    job: &Ends,
    files: &mut RunFiles,
    survey: &mut Option<Survey>,
) -> Result<(), Failure> {
    let mut input = share::open_input(job)?;
    // The header first: a file that is not encrypted is reported as such, whatever modules are plugged in.
    let header = read_header(&mut input).map_err(|source| share::of_input(job, &input, source))?;
    let survey = match survey {
        Some(survey) => survey,
        none => none.insert(survey_all(args)?),
    };
    let present = finder::find(survey, choices.module, Need::File(&header))
        .map_err(|error| Failure::from(error).within(job.name()))?;
    let whose = present
        .module
        .file_identify(&header)
        .map_err(|source| share::of(job, source.into()))?;
    let mut output = Output::begin(job, &input, choices.force, files)?;
    let mut progress = FileProgress::new(args, job, input.size());
    let summary = decrypt(
        &mut present.module,
        &header,
        &mut input,
        output.writer(),
        &mut |bytes| progress.show(bytes),
    );
    drop(progress);
    let summary = summary.map_err(|source| share::of_input(job, &input, source))?;
    output.commit(choices.force, files)?;
    share::print(
        args,
        DECRYPTED,
        job,
        (present.facts.serial, whose, &summary),
    )
}
