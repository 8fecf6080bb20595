//! What `encrypt` and `decrypt` share: files one after the other, each whole or not at all.

use crate::{
    args::Args,
    failure::Failure,
    output::{self, Event},
};
use indicatif::{ProgressBar, ProgressStyle};
use keywriter::{
    Serial,
    file::NewFile,
    problem::Reason,
    protocol::EncryptionMode,
    share::{ShareError, Summary, paths::Job},
    text::shown_path,
};
use std::{
    fs::{self, File},
    io::{self, IsTerminal, Write},
    os::fd::AsFd,
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

impl ShareChoices {
    /// Returns the jobs, in order.
    pub(crate) fn ends(
        &self,
        json: bool,
        plan: impl FnOnce(&[PathBuf], Option<&Path>) -> Result<Vec<Job>, Failure>,
    ) -> Result<Vec<Ends>, Failure> {
        let is_pipe = |path: &Path| path == Path::new("-");
        let output = self.output.as_deref();
        let to_stdout = output.is_some_and(is_pipe);
        let from_stdin = self.files.iter().any(|path| is_pipe(path));
        if (to_stdout || from_stdin) && self.files.len() > 1 {
            return Err(Failure::Usage(
                "standard input or output takes one file only".into(),
                None,
            ));
        }
        let ends = if from_stdin {
            let output = output.filter(|path| !is_pipe(path)).map(Path::to_owned);
            vec![Ends {
                input: None,
                output,
            }]
        } else if to_stdout {
            let input = self.files.first().cloned();
            vec![Ends {
                input,
                output: None,
            }]
        } else {
            let jobs = plan(&self.files, output)?;
            let ends = jobs.into_iter().map(|job| Ends {
                input: Some(job.input),
                output: Some(job.output),
            });
            ends.collect()
        };
        if json && ends.iter().any(|ends| ends.output.is_none()) {
            let text =
                "--json prints to standard output, and so does this command: name a file with -o";
            return Err(Failure::Usage(text.into(), None));
        }
        Ok(ends)
    }
}

/// Does every job. One that fails does not keep the others from being done, unless the module is gone.
pub(crate) fn run_all(
    args: &Args,
    jobs: &[Ends],
    mut run: impl FnMut(&Ends) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut failed = 0;
    for job in jobs {
        let outcome = run(job);
        let Err(failure) = outcome else {
            continue;
        };
        if jobs.len() == 1 || is_gone(&failure) {
            return Err(failure);
        }
        failed += 1;
        if args.json {
            let event = Event::new("file-failed").path("file", job.input());
            event.failure(&failure).print()?;
        } else {
            failure.report(false);
        }
    }
    if failed == 0 {
        Ok(())
    } else {
        Err(Failure::SomeFiles(failed, jobs.len()))
    }
}

const fn is_gone(failure: &Failure) -> bool {
    let Failure::Problem(problem) = failure else {
        return false;
    };
    matches!(
        problem.reason,
        Reason::Unplugged
            | Reason::InUse
            | Reason::NoAnswer
            | Reason::CannotConnect
            | Reason::NoService
            | Reason::Incompatible
    )
}

/// Opens a job's input; its length in bytes, where that is known.
pub(crate) fn open_input(job: &Ends) -> Result<(File, Option<u64>), Failure> {
    let open = || {
        let file = match &job.input {
            Some(path) => File::open(path)?,
            // Not as `Stdin`: what that holds in its buffer cannot be polled for.
            None => io::stdin().as_fd().try_clone_to_owned()?.into(),
        };
        let metadata = file.metadata()?;
        Ok((file, metadata))
    };
    let (file, metadata) = open().map_err(|source| of(job, ShareError::Read(source)))?;
    let len = metadata.is_file().then_some(metadata.len());
    Ok((file, len))
}

/// A job's output: a file appears only when it is whole.
pub(crate) enum Output {
    File(NewFile, PathBuf),
    Stdout(io::StdoutLock<'static>),
}

impl Output {
    pub(crate) fn begin(job: &Ends, force: bool) -> Result<Self, Failure> {
        let Some(path) = &job.output else {
            return Ok(Self::Stdout(io::stdout().lock()));
        };
        let real = |path: &Path| fs::canonicalize(path).ok();
        if let (Some(output), Some(input)) = (real(path), job.input.as_deref())
            && Some(output) == real(input)
        {
            return Err(Failure::about(Reason::SameFile, shown_path(path)));
        }
        if !force && path.symlink_metadata().is_ok() {
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
    pub(crate) fn commit(self, force: bool) -> Result<(), Failure> {
        let Self::File(file, path) = self else {
            return Ok(());
        };
        super::commit(file, &path, force)
    }
}

/// Makes an error of one job a failure.
pub(crate) fn of(job: &Ends, source: ShareError) -> Failure {
    Failure::from(source).within(job.name())
}

/// How far a job is: a bar on a terminal, events with `--json`.
pub(crate) struct FileProgress {
    bar: Option<ProgressBar>,
    json: Option<Instant>,
    file: PathBuf,
    of: Option<u64>,
}

impl FileProgress {
    pub(crate) fn new(args: &Args, job: &Ends, of: Option<u64>) -> Self {
        let has_bar = !args.json && io::stderr().is_terminal();
        Self {
            bar: has_bar.then(|| bar(&job.name(), of)),
            json: args.json.then(Instant::now),
            file: job.input().to_owned(),
            of,
        }
    }

    pub(crate) fn show(&mut self, bytes: u64) {
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
            .with("group", super::hex(&header.group))
            .with("epoch", header.epoch)
            .with("mode", super::mode_name(header.mode))
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
    if event == ENCRYPTED && header.mode == EncryptionMode::Ecb {
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
