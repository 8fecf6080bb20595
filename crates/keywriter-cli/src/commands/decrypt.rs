//! `keywriter decrypt`

use super::{
    require_app_pin,
    share::{self, DECRYPTED, Ends, FileProgress, Output, ShareChoices, Work},
    survey_all,
};
use crate::{args::Args, failure::Failure};
use keywriter::{
    Serial,
    file::RunFiles,
    share::{
        FileHeader, decrypt,
        finder::{self, Found, Need},
        paths::Act,
        read_header,
    },
    survey::Survey,
};

pub(crate) fn run(args: &Args, choices: &ShareChoices) -> Result<(), Failure> {
    let work = Work::plan(args, choices, Act::Decrypt)?;
    require_app_pin(args)?;
    let mut modules = Modules {
        args,
        named: choices.module,
        survey: None,
        found: Vec::new(),
    };
    work.run(args, |job, files| {
        one(args, choices, job, files, &mut modules)
    })
}

fn one(
    args: &Args,
    choices: &ShareChoices,
    job: &Ends,
    files: &mut RunFiles,
    modules: &mut Modules<'_>,
) -> Result<(), Failure> {
    let mut input = share::open_input(job)?;
    // The header first: a file that is not encrypted is reported as such, whatever modules are plugged in.
    let header = read_header(&mut input).map_err(|source| share::of_input(job, &input, source))?;
    let found = modules
        .of(&header)
        .map_err(|failure| failure.within(job.name()))?;
    let whose = found.module.file_identify(&header)?;
    let mut output = Output::begin(job, &input, choices.force, files)?;
    let mut progress = FileProgress::new(args, job, input.size());
    let summary = decrypt(
        &mut found.module,
        &header,
        &mut input,
        output.writer(),
        &mut |bytes| progress.show(bytes),
    );
    drop(progress);
    let summary = summary.map_err(|source| share::of_input(job, &input, source))?;
    output.commit(choices.force, files)?;
    share::print(args, DECRYPTED, job, (found.serial, whose, &summary))
}

/// The modules that files were decrypted with so far, and the others that are plugged in.
struct Modules<'a> {
    args: &'a Args,
    named: Option<Serial>,
    survey: Option<Survey>,
    found: Vec<Found>,
}

impl Modules<'_> {
    /// Finds the module that holds a file's key.
    fn of(&mut self, header: &FileHeader) -> Result<&mut Found, Failure> {
        let mut found = self.found.iter_mut();
        let known = found.position(|found| found.module.file_identify(header).is_ok());
        if known.is_none() {
            let survey = match &mut self.survey {
                Some(survey) => survey,
                none => none.insert(survey_all(self.args)?),
            };
            let found = finder::find(survey, self.named, Need::File(header))?;
            self.found.push(found);
        }
        let place = known.unwrap_or(self.found.len().saturating_sub(1));
        // It was found or pushed just now.
        self.found
            .get_mut(place)
            .ok_or_else(|| finder::NotFound::NoModule.into())
    }
}
