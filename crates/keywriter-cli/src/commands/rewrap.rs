//! `keywriter rewrap`

use super::{
    of_file, require_app_pin,
    share::{self, Ends, FileProgress, ShareChoices, Work},
    survey_all,
};
use crate::{
    args::{Args, RewrapChoices},
    failure::Failure,
    output::{self, Event},
    system::take_over,
};
use keywriter::{
    file::NewFile,
    problem::Reason,
    protocol::EpochName,
    share::{FileMode, Rewrap, ShareError, Way, paths::Act, read_header},
    survey::Survey,
};
use std::path::Path;

pub(crate) fn run(args: &Args, choices: &RewrapChoices) -> Result<(), Failure> {
    let files = ShareChoices {
        files: choices.files.clone(),
        output: None,
        module: choices.module,
        force: false,
        in_module: false,
    };
    require_app_pin(args)?;
    if choices.files.iter().any(|path| path == Path::new("-")) {
        let text = "rewrap replaces files, and standard input is not a file";
        return Err(Failure::Usage(text.into(), None));
    }
    let work = Work::plan(args, &files, Act::Decrypt)?;
    let mut survey = None;
    work.run(args, |job, _, _| one(args, choices, job, &mut survey))
}

fn one(
    args: &Args,
    choices: &RewrapChoices,
    job: &Ends,
    survey: &mut Option<Survey>,
) -> Result<(), Failure> {
    let mut input = share::open_input(job)?;
    let header = read_header(&mut input).map_err(|source| share::of_input(job, &input, source))?;
    let survey = match survey {
        Some(survey) => survey,
        none => none.insert(survey_all(args)?),
    };
    let rewrap = Rewrap::find(survey, choices.module, &header)
        .map_err(|error| Failure::from(error).within(job.name()))?;
    let (serial, from, to) = (rewrap.serial(), rewrap.from(), rewrap.to());
    if rewrap.is_current() {
        return print(args, job, Outcome::Current, (from, to));
    }
    if choices.dry_run {
        return print(args, job, Outcome::Would, (from, to));
    }
    let path = job.input();
    let cannot_write = || of_file(Reason::CannotWrite, path);
    let mut output = NewFile::begin(path).map_err(cannot_write())?;
    let way = match header.mode {
        FileMode::Fast => Way::Fast,
        FileMode::InModule(_) => Way::InModule,
    };
    let mut progress = FileProgress::new(args, job, input.size(), (serial, way));
    let done = rewrap.run(&mut input, &mut output, &mut |bytes| progress.show(bytes));
    drop(progress);
    done.map_err(|source| share::of_input(job, &input, source))?;
    take_over(input.file(), output.file()).map_err(cannot_write())?;
    input
        .check()
        .map_err(|changed| share::of(job, ShareError::Read(changed)))?;
    output.commit().map_err(cannot_write())?;
    print(args, job, Outcome::Done, (from, to))
}

/// What was done with a file.
#[derive(Clone, Copy)]
enum Outcome {
    Done,
    Would,
    Current,
}

fn print(
    args: &Args,
    job: &Ends,
    outcome: Outcome,
    (from, to): (EpochName, EpochName),
) -> Result<(), Failure> {
    if args.json {
        return Event::new("rewrapped")
            .path("file", job.input())
            .with("from", from.number)
            .with("to", to.number)
            .with("done", matches!(outcome, Outcome::Done))
            .print();
    }
    let (name, from, to) = (job.name(), from.number, to.number);
    output::line(&match outcome {
        Outcome::Done => format!("{name}: from epoch {from} into epoch {to}"),
        Outcome::Would => format!("{name}: would go from epoch {from} into epoch {to}"),
        Outcome::Current => format!("{name}: is in epoch {to} already"),
    })
}
