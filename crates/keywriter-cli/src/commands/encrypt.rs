//! `keywriter encrypt`

use super::{
    require_app_pin,
    share::{self, ENCRYPTED, Ends, FileProgress, Output, ShareChoices},
    survey_all,
};
use crate::{args::Args, failure::Failure};
use keywriter::share::{
    encrypt,
    finder::{self, Found, Need},
    paths::{self, Act},
};

pub(crate) fn run(args: &Args, choices: &ShareChoices) -> Result<(), Failure> {
    let jobs = choices.ends(args.json, |files, output| {
        Ok(paths::jobs(Act::Encrypt, files, output)?)
    })?;
    require_app_pin(args)?;
    let mut found = finder::find(&mut survey_all(args)?, choices.module, Need::Any)?;
    share::run_all(args, &jobs, |job| one(args, choices, job, &mut found))
}

fn one(args: &Args, choices: &ShareChoices, job: &Ends, found: &mut Found) -> Result<(), Failure> {
    let (mut input, len) = share::open_input(job)?;
    let mut output = Output::begin(job, choices.force)?;
    let mut progress = FileProgress::new(args, job, len);
    let summary = encrypt(
        &mut found.module,
        &mut input,
        output.writer(),
        &mut |bytes| progress.show(bytes),
    );
    drop(progress);
    let summary = summary.map_err(|source| share::of(job, source))?;
    output.commit(choices.force)?;
    share::print(args, ENCRYPTED, job, (found.serial, &summary))
}
