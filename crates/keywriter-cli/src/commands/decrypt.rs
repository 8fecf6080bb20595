//! `keywriter decrypt`

use super::{
    require_app_pin,
    share::{self, DECRYPTED, Ends, FileProgress, Output, ShareChoices, Work},
    survey_all,
};
use crate::{args::Args, failure::Failure};
use keywriter::{
    file::{InputFile, RunFiles},
    share::{Decryption, FileHeader, FileMode, Way, paths::Act, read_header},
};

pub(crate) fn run(args: &Args, choices: &ShareChoices) -> Result<(), Failure> {
    let work = Work::plan(args, choices, Act::Decrypt)?;
    require_app_pin(args)?;
    let mut run = Run::default();
    work.run(args, |job, following, files| {
        one(args, choices, (job, following), files, &mut run)
    })
}

/// What the files of a run share.
#[derive(Default)]
struct Run {
    /// `None` until a file can be read: without one, no module is asked.
    decryption: Option<Decryption>,
    /// Whether it was said that a module keeps the keys of files.
    is_told: bool,
}

fn one(
    args: &Args,
    choices: &ShareChoices,
    (job, following): (&Ends, &[Ends]),
    files: &mut RunFiles,
    run: &mut Run,
) -> Result<(), Failure> {
    let mut input = share::open_input(job)?;
    // The header first: a file that is not encrypted is reported as such, whatever modules are plugged in.
    let header = read_header(&mut input).map_err(|source| share::of_input(job, &input, source))?;
    let decryption = match &mut run.decryption {
        Some(decryption) => decryption,
        none => none.insert(Decryption::new(
            survey_all(args)?,
            choices.module,
            choices.way(),
        )),
    };
    let file = decryption
        .find(&header, |most| headers(following, most))
        .map_err(|error| Failure::from(error).within(job.name()))?;
    let (serial, way) = (file.serial(), file.way());
    if header.mode == FileMode::Fast && way == Way::InModule && !run.is_told {
        share::say_keys_stay(args, choices, serial);
        run.is_told = true;
    }
    let mut output = Output::begin(job, &input, choices.force, files)?;
    let mut progress = FileProgress::new(args, job, input.size(), (serial, way));
    let summary = file.decrypt(&mut input, output.writer(), &mut |bytes| {
        progress.show(bytes);
    });
    drop(progress);
    let summary = summary.map_err(|source| share::of_input(job, &input, source))?;
    output.commit(choices.force, files)?;
    share::print(args, DECRYPTED, job, (serial, &summary))
}

/// Returns at most `most` headers of fast files. A file that cannot be read is reported when its turn comes, and a pipe
/// must not be opened before.
fn headers(jobs: &[Ends], most: usize) -> Vec<FileHeader> {
    let paths = jobs
        .iter()
        .take(most)
        .filter_map(|job| job.input.as_deref());
    let files = paths.filter(|path| path.is_file());
    let headers = files.filter_map(|path| read_header(&mut InputFile::open(path).ok()?).ok());
    headers
        .filter(|header| header.mode == FileMode::Fast)
        .collect()
}
