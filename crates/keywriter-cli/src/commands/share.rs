//! What `encrypt` and `decrypt` share: files one after the other, each whole or not at all.

use crate::{
    args::Args,
    failure::Failure,
    output::{self, Event},
    system,
};
use indicatif::{ProgressBar, ProgressStyle};
use keywriter::{
    Serial,
    file::{self, InputFile, NewFile, RunFiles},
    problem::Reason,
    protocol::EncryptionMode,
    share::{
        FileMode, ShareError, Summary, Way, ends_run,
        paths::{Act, Job, PathError, Plan},
    },
    text::shown_path,
};
use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// The arguments of `encrypt` and `decrypt`.
#[derive(Debug, clap::Args)]
pub(crate) struct ShareChoices {
    /// Files, and folders with everything below them; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// The file to write, or an existing folder; - is standard output [default: beside each file]
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Use this module [default: an unlocked one that can do it]
    #[arg(long, value_name = "SERIAL")]
    pub(crate) module: Option<Serial>,
    /// Replace existing files
    #[arg(long)]
    pub(crate) force: bool,
    /// Pass every byte through the module, so that no key leaves it: slow
    #[arg(long)]
    pub(crate) in_module: bool,
}

impl ShareChoices {
    /// Returns who is to cipher the files.
    pub(crate) const fn way(&self) -> Way {
        if self.in_module {
            Way::InModule
        } else {
            Way::Fast
        }
    }
}

/// Where a job reads from and writes to.
#[derive(Clone, Debug)]
pub(crate) struct Ends {
    /// `None`: standard input.
    pub(crate) input: Option<PathBuf>,
    /// `None`: standard output.
    pub(crate) output: Option<PathBuf>,
}

impl Ends {
    /// Returns its name in messages, safe to show.
    pub(crate) fn name(&self) -> String {
        let input = self.input.as_deref();
        input.map_or("-".into(), shown_path)
    }

    /// Returns its input as a program needs it.
    pub(crate) fn input(&self) -> &Path {
        self.input.as_deref().unwrap_or(Path::new("-"))
    }
}

impl From<Job> for Ends {
    fn from(Job { input, output }: Job) -> Self {
        Self {
            input: Some(input),
            output: Some(output),
        }
    }
}

/// The work of one command.
pub(crate) struct Work {
    jobs: Vec<Ends>,
    /// How many of the named files and folders cannot be worked on; they are reported.
    failed: usize,
    pub(crate) files: RunFiles,
}

impl Work {
    /// Returns the work that is named, and reports what of it cannot be done.
    pub(crate) fn plan(args: &Args, choices: &ShareChoices, act: Act) -> Result<Self, Failure> {
        let is_pipe = |path: &Path| path == Path::new("-");
        let output = choices.output.as_deref();
        let to_stdout = output.is_some_and(is_pipe);
        let from_stdin = choices.files.iter().any(|path| is_pipe(path));
        if (to_stdout || from_stdin) && choices.files.len() > 1 {
            return Err(Failure::Usage(
                "standard input or output takes one file only".into(),
                None,
            ));
        }
        let Plan { jobs, failed } = if to_stdout || from_stdin {
            Plan::default()
        } else {
            Plan::new(act, &choices.files, output)?
        };
        let mut jobs: Vec<Ends> = jobs.into_iter().map(Ends::from).collect();
        if to_stdout || from_stdin {
            let named = choices.files.first().filter(|path| !is_pipe(path));
            jobs.push(Ends {
                input: named.cloned(),
                output: output.filter(|path| !is_pipe(path)).map(Path::to_owned),
            });
        }
        if args.json && jobs.iter().any(|ends| ends.output.is_none()) {
            let text =
                "--json prints to standard output, and so does this command: name a file with -o";
            return Err(Failure::Usage(text.into(), None));
        }
        let mut files = RunFiles::default();
        for input in jobs.iter().filter_map(|ends| ends.input.as_deref()) {
            files.reads(input);
        }
        let work = Self {
            failed: failed.len(),
            jobs,
            files,
        };
        work.report(args, failed)?;
        Ok(work)
    }

    /// Reports what cannot be done. With nothing else to do, it ends the command.
    fn report(&self, args: &Args, failed: Vec<PathError>) -> Result<(), Failure> {
        let is_all = self.jobs.is_empty() && failed.len() == 1;
        for error in failed {
            let path = error.path().to_owned();
            let failure = Failure::from(error);
            if is_all {
                return Err(failure);
            }
            report(args, &path, &failure)?;
        }
        if self.jobs.is_empty() {
            return Err(self.some_failed(self.failed));
        }
        Ok(())
    }

    /// Returns how many files there are to do.
    pub(crate) const fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Does every job; `run` gets it with those that follow. One that fails does not keep the others from being done,
    /// unless the module is gone.
    pub(crate) fn run(
        mut self,
        args: &Args,
        mut run: impl FnMut(&Ends, &[Ends], &mut RunFiles) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut failed = self.failed;
        let mut jobs = self.jobs.as_slice();
        while let Some((job, following)) = jobs.split_first() {
            jobs = following;
            let outcome = run(job, following, &mut self.files);
            let Err(failure) = outcome else {
                continue;
            };
            if self.jobs.len() + self.failed == 1 || is_gone(&failure) {
                return Err(failure);
            }
            failed += 1;
            report(args, job.input(), &failure)?;
        }
        if failed == 0 {
            Ok(())
        } else {
            Err(self.some_failed(failed))
        }
    }

    fn some_failed(&self, failed: usize) -> Failure {
        Failure::SomeFiles(failed, self.jobs.len() + self.failed)
    }
}

/// Reports the failure of one file of several.
fn report(args: &Args, file: &Path, failure: &Failure) -> Result<(), Failure> {
    if !args.json {
        failure.report(false);
        return Ok(());
    }
    let event = Event::new("file-failed").path("file", file);
    event.failure(failure).print()
}

const fn is_gone(failure: &Failure) -> bool {
    matches!(failure, Failure::Problem(problem) if ends_run(problem.reason))
}

/// Opens a job's input.
pub(crate) fn open_input(job: &Ends) -> Result<InputFile, Failure> {
    let opened = match &job.input {
        Some(path) => InputFile::open(path),
        None => InputFile::stdin(),
    };
    opened.map_err(|source| of(job, ShareError::Read(source)))
}

/// A job's output: a file appears only when it is whole.
pub(crate) enum Output {
    File(NewFile, PathBuf),
    Stdout(io::StdoutLock<'static>),
}

impl Output {
    /// Begins it, unless that would lose a file that the run reads or wrote before.
    pub(crate) fn begin(
        job: &Ends,
        input: &InputFile,
        force: bool,
        files: &mut RunFiles,
    ) -> Result<Self, Failure> {
        files.reads_open(input.file());
        let Some(path) = &job.output else {
            if system::stdout_was_closed() {
                let closed = format!(
                    "it is closed; -o {} discards what is written",
                    system::NOWHERE
                );
                return Err(Failure::Output(io::Error::other(closed)));
            }
            let out = io::stdout().lock();
            if let Ok(open) = system::stdout_file(&out) {
                files
                    .check_open(&open)
                    .map_err(|conflict| Failure::from(conflict).within("-"))?;
            }
            return Ok(Self::Stdout(out));
        };
        files
            .check(path)
            .map_err(|conflict| Failure::from(conflict).within(shown_path(path)))?;
        if !force && file::would_replace(path) {
            return Err(Failure::about(Reason::FileExists, shown_path(path)));
        }
        let begin = || {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            NewFile::begin(path)
        };
        let file = begin().map_err(super::of_file(Reason::CannotWrite, path))?;
        Ok(Self::File(file, path.clone()))
    }

    pub(crate) fn writer(&mut self) -> &mut dyn Write {
        match self {
            Self::File(file, _) => file,
            Self::Stdout(out) => out,
        }
    }

    /// Gives the file its name.
    pub(crate) fn commit(self, force: bool, files: &mut RunFiles) -> Result<(), Failure> {
        let Self::File(file, path) = self else {
            return Ok(());
        };
        let open = file.file().try_clone();
        super::commit(file, &path, force)?;
        // Without a second descriptor, a second output of that name is refused only without --force.
        if let Ok(open) = open {
            files.wrote(&open);
        }
        Ok(())
    }
}

/// Says that files pass through the module although `--in-module` was not given.
pub(crate) fn say_keys_stay(args: &Args, choices: &ShareChoices, serial: Serial) {
    if !args.json && !choices.in_module {
        output::note(&format!(
            "{serial} keeps the keys of files, as its Administrator chose: every byte passes through it, which is slow\n"
        ));
    }
}

/// Makes an error of one job a failure.
pub(crate) fn of(job: &Ends, source: ShareError) -> Failure {
    Failure::from(source).within(job.name())
}

/// Makes an error of a job whose input is open a failure. What was read of a file that changed says nothing.
pub(crate) fn of_input(job: &Ends, input: &InputFile, source: ShareError) -> Failure {
    match (&source, input.check()) {
        (ShareError::Module(_) | ShareError::Write(_), _) | (_, Ok(())) => of(job, source),
        (_, Err(changed)) => of(job, ShareError::Read(changed)),
    }
}

/// How far a job is: a bar on a terminal, events with `--json`.
pub(crate) struct FileProgress {
    bar: Option<ProgressBar>,
    json: Option<Instant>,
    file: PathBuf,
    of: Option<u64>,
    /// When a slow job began, until it was said how long it takes.
    slow: Option<(Serial, Instant)>,
}

impl FileProgress {
    /// Shows the progress of a job on a module.
    pub(crate) fn new(
        args: &Args,
        job: &Ends,
        of: Option<u64>,
        (serial, way): (Serial, Way),
    ) -> Self {
        let has_bar = !args.json && io::stderr().is_terminal();
        let is_said = !args.json && way == Way::InModule;
        Self {
            bar: has_bar.then(|| bar(&job.name(), of)),
            json: args.json.then(Instant::now),
            file: job.input().to_owned(),
            of,
            slow: is_said.then(|| (serial, Instant::now())),
        }
    }

    pub(crate) fn show(&mut self, bytes: u64) {
        self.say_how_long(bytes);
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
        }
        if let Some(last) = self.json.as_mut().filter(|last| last.elapsed() > BETWEEN) {
            *last = Instant::now();
            let event = Event::new("progress")
                .path("file", &self.file)
                .with("bytes", bytes)
                .with("of", self.of);
            // Standard output may be gone; the exit code says how the work ended.
            drop(event.print());
        }
    }
}

impl FileProgress {
    /// Says how long a slow job takes, once its pace is known.
    fn say_how_long(&mut self, bytes: u64) {
        let Some((serial, since)) = self.slow.filter(|(_, since)| since.elapsed() > PACE) else {
            return;
        };
        self.slow = None;
        let left = self.of.unwrap_or(0).saturating_sub(bytes);
        let pace = since.elapsed().as_millis() * u128::from(left);
        let seconds = pace / u128::from(bytes.max(1)) / 1000;
        if seconds < 10 {
            return;
        }
        let text = format!(
            "  {}: every byte passes through {serial}, so this takes about {} more\n",
            shown_path(&self.file),
            duration(seconds)
        );
        match &self.bar {
            Some(bar) => bar.suspend(|| output::note(&text)),
            None => output::note(&text),
        }
    }
}

/// Returns about how long that is.
fn duration(seconds: u128) -> String {
    match seconds {
        ..100 => format!("{seconds} seconds"),
        100..6000 => format!("{} minutes", seconds.div_ceil(60)),
        _ => format!("{} hours", seconds.div_ceil(3600)),
    }
}

/// After that time the pace of a job is known.
const PACE: Duration = Duration::from_secs(1);

impl Drop for FileProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(name: &str, of: Option<u64>) -> ProgressBar {
    let (bar, template) = match of {
        Some(len) => (
            ProgressBar::new(len),
            "{prefix} [{bar:24}] {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        ),
        None => (ProgressBar::no_length(), "{prefix} {bytes} {bytes_per_sec}"),
    };
    let style = ProgressStyle::with_template(template);
    bar.set_style(style.unwrap_or_else(|_never| ProgressStyle::default_bar()));
    bar.set_prefix(name.to_owned());
    bar
}

/// How long at least between two events.
const BETWEEN: Duration = Duration::from_millis(200);

/// Prints what was done.
pub(crate) fn print(
    args: &Args,
    event: &'static str,
    job: &Ends,
    (serial, summary): (Serial, &Summary),
) -> Result<(), Failure> {
    let header = &summary.header;
    if let (true, Some(output)) = (args.json, &job.output) {
        return Event::new(event)
            .path("file", job.input())
            .path("output", output)
            .text("serial", serial)
            .with("bytes", summary.bytes)
            .with("group", super::hex(&summary.whose.group))
            .epoch(summary.whose.epoch)
            .with("mode", super::file_mode_name(header.mode))
            .print();
    }
    if let Some(output) = &job.output {
        output::line(&format!(
            "{}: {event} {} bytes with {serial} into {}",
            job.name(),
            summary.bytes,
            shown_path(output)
        ))?;
    }
    if event == ENCRYPTED && header.mode == FileMode::InModule(EncryptionMode::Ecb) {
        output::note(&format!(
            "  {}: encrypted with AES-256-ECB, as the module is set: equal blocks show\n",
            job.name()
        ));
    }
    Ok(())
}

/// The event of an encrypted file.
pub(crate) const ENCRYPTED: &str = "encrypted";

/// The event of a decrypted file.
pub(crate) const DECRYPTED: &str = "decrypted";
