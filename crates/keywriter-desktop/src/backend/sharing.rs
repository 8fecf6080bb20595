//! Encrypts and decrypts files, one after the other, each whole or not at all. On the thread of the modules.

use super::Emit;
use crate::model::{
    Event, Existing, FilesEvent, FilesOrder, FilesOutcome, FilesProgress, Problem, Reason,
    SharedFile,
};
use keywriter::{
    Serial,
    cycle::StopRequest,
    file::{self, InputFile, NewFile, RunFiles},
    protocol::EncryptionMode,
    share::{
        Awaited, Decryption, Encryption, FileHeader, FileMode, ShareError, Source, Summary, Way,
        ends_run,
        finder::{self, Need, NotFound},
        paths::{Act, Job, Plan},
        read_header,
    },
    survey::Survey,
    text::shown_path,
};
use std::{
    convert::Infallible,
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::mpsc::Sender,
    time::{Duration, Instant},
};

/// Files to encrypt or decrypt.
pub(super) struct Sharing {
    pub(super) order: FilesOrder,
    pub(super) stop: StopRequest,
    pub(super) emit: Emit,
    /// Dropped with the rest of the order, when nothing is written any more.
    pub(super) _under_way: Sender<Infallible>,
}

impl Sharing {
    /// Works on the files, and reports their ends. Without a file to work on, no module is asked.
    pub(super) fn run(self, survey: impl FnOnce() -> Survey) {
        let ended = self.share(survey).unwrap_or_else(FilesEvent::Refused);
        (self.emit)(Event::Files(ended));
    }

    fn share(&self, survey: impl FnOnce() -> Survey) -> Result<FilesEvent, Problem> {
        let FilesOrder {
            act,
            inputs,
            named,
            output,
            existing,
        } = &self.order;
        if let Some(folder) = output.as_deref().filter(|folder| !folder.is_dir()) {
            return Err(Problem::new(Reason::OutputNotFolder).about(shown_path(folder)));
        }
        let plan =
            Plan::new(*act, inputs, output.as_deref()).map_err(|error| Problem::from(&error))?;
        let mut outcome = FilesOutcome::default();
        for error in plan.failed {
            let problem = Problem::from(&error).about("");
            outcome.failed.push((error.path().to_owned(), problem));
        }
        let mut jobs = plan.jobs;
        let is_there = |job: &Job| file::would_replace(&job.output);
        match existing {
            Existing::Ask => {
                let there: Vec<_> = jobs.iter().filter(|job| is_there(job)).collect();
                if !there.is_empty() && !self.stop.is_requested() {
                    let there = there.into_iter().map(|job| job.output.clone());
                    return Ok(FilesEvent::Existing(there.collect()));
                }
            }
            Existing::Keep => {
                let (there, others): (Vec<_>, _) = jobs.into_iter().partition(is_there);
                outcome.left_out = inputs_of(&there);
                jobs = others;
            }
            Existing::Replace(_) => {}
        }
        if self.stop.is_requested() {
            outcome.not_done = inputs_of(&jobs);
        } else if !jobs.is_empty() {
            let cipher = Cipher::find(*act, *named, jobs.len(), survey())
                .map_err(|error| Problem::from(&error))?;
            let run = Run::new(&self.emit, &self.stop, existing, &jobs);
            run.all(cipher, &jobs, &mut outcome);
        }
        outcome.is_stopped = self.stop.is_requested() && !outcome.not_done.is_empty();
        Ok(FilesEvent::Ended(outcome))
    }
}

fn inputs_of(jobs: &[Job]) -> Vec<PathBuf> {
    jobs.iter().map(|job| job.input.clone()).collect()
}

/// What ciphers the files.
enum Cipher {
    Encryption(Box<Encryption>),
    Decryption(Decryption),
}

impl Cipher {
    /// Encrypts with a device that is found now; which ones decrypt, each file says.
    fn find(
        act: Act,
        named: Option<Serial>,
        files: usize,
        survey: Survey,
    ) -> Result<Self, NotFound> {
        Ok(match act {
            Act::Encrypt => {
                let present = finder::take(survey, named, Need::Any)?;
                Self::Encryption(Box::new(Encryption::new(present, Way::Fast, files)))
            }
            Act::Decrypt => Self::Decryption(Decryption::new(survey, None, Way::Fast)),
        })
    }
}

/// What the files of a run share.
struct Run<'a> {
    stop: &'a StopRequest,
    existing: &'a Existing,
    files: RunFiles,
    course: Course<'a>,
}

impl<'a> Run<'a> {
    fn new(emit: &'a Emit, stop: &'a StopRequest, existing: &'a Existing, jobs: &[Job]) -> Self {
        let mut files = RunFiles::default();
        for job in jobs {
            files.reads(&job.input);
        }
        Self {
            stop,
            existing,
            files,
            course: Course::new(emit, jobs),
        }
    }

    /// Works on every file. One that fails does not keep the others from being done, unless the module is gone.
    fn all(mut self, mut cipher: Cipher, jobs: &[Job], outcome: &mut FilesOutcome) {
        let mut left = jobs;
        while let Some((job, following)) = left.split_first() {
            if self.stop.is_requested() {
                break;
            }
            self.course.begin(job);
            let done = self.one(&mut cipher, job, following);
            self.course.end();
            match done {
                Ok(summary) => {
                    let mode = FileMode::InModule(EncryptionMode::Ecb);
                    outcome.shows_blocks |=
                        matches!(cipher, Cipher::Encryption(_)) && summary.header.mode == mode;
                    outcome.done.push(SharedFile {
                        input: job.input.clone(),
                        output: job.output.clone(),
                    });
                }
                // What it was stopped in has not failed.
                Err(_) if self.stop.is_requested() => break,
                Err(problem) => {
                    let is_over = ends_run(problem.reason);
                    outcome.failed.push((job.input.clone(), problem));
                    if is_over {
                        left = following;
                        break;
                    }
                }
            }
            left = following;
        }
        outcome.not_done = inputs_of(left);
    }

    fn one(
        &mut self,
        cipher: &mut Cipher,
        job: &Job,
        following: &[Job],
    ) -> Result<Summary, Problem> {
        let mut input =
            InputFile::open(&job.input).map_err(|error| Problem::from(&ShareError::Read(error)))?;
        let done = match cipher {
            Cipher::Encryption(encryption) => {
                self.course.progress.is_slow = encryption.way() == Way::InModule;
                let mut output = self.begin(job, &input)?;
                let mut stoppable = Stoppable(&mut input, self.stop);
                let done = encryption.encrypt(&mut stoppable, &mut output, &mut |bytes| {
                    self.course.note(bytes);
                });
                done.map(|summary| (summary, output))
            }
            Cipher::Decryption(decryption) => {
                let header = read_header(&mut input).map_err(|error| of_input(&input, &error))?;
                let file = decryption
                    .find(&header, |most| headers(following, most))
                    .map_err(|error| Problem::from(&error))?;
                self.course.progress.is_slow = file.way() == Way::InModule;
                let mut output = self.begin(job, &input)?;
                let mut stoppable = Stoppable(&mut input, self.stop);
                let done = file.decrypt(&mut stoppable, &mut output, &mut |bytes| {
                    self.course.note(bytes);
                });
                done.map(|summary| (summary, output))
            }
        };
        let (summary, output) = done.map_err(|error| of_input(&input, &error))?;
        self.commit(output, &job.output)?;
        Ok(summary)
    }

    /// Begins an output, unless that would lose a file: one of this run, or one that the user was not asked about.
    fn begin(&mut self, job: &Job, input: &InputFile) -> Result<NewFile, Problem> {
        let path = &job.output;
        self.files.reads_open(input.file());
        self.files
            .check(path)
            .map_err(|conflict| Problem::from(&conflict).about(shown_path(path)))?;
        if file::would_replace(path) && !self.may_replace(path) {
            return Err(Problem::new(Reason::FileExists).about(shown_path(path)));
        }
        let begin = || {
            // What is in folders keeps its place in the folder of the results.
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            NewFile::begin(path)
        };
        begin().map_err(|error| cannot_write(path, &error))
    }

    fn commit(&mut self, output: NewFile, path: &Path) -> Result<(), Problem> {
        let open = output.file().try_clone();
        let committed = if self.may_replace(path) {
            output.commit()
        } else {
            output.commit_new()
        };
        committed.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                Problem::new(Reason::FileExists).about(shown_path(path))
            }
            _ => cannot_write(path, &error),
        })?;
        // Without a second descriptor, a second output of that name is refused all the same, unless it may be replaced.
        if let Ok(open) = open {
            self.files.wrote(&open);
        }
        Ok(())
    }

    fn may_replace(&self, path: &Path) -> bool {
        matches!(self.existing, Existing::Replace(agreed) if agreed.contains(path))
    }
}

/// How far a run is; reported now and then.
struct Course<'a> {
    emit: &'a Emit,
    progress: FilesProgress,
    /// The bytes of the files that are finished.
    before: u64,
    /// The bytes of the file that is under way.
    size: u64,
    last: Instant,
}

impl<'a> Course<'a> {
    fn new(emit: &'a Emit, jobs: &[Job]) -> Self {
        let progress = FilesProgress {
            total: jobs.len(),
            size: jobs.iter().map(|job| size(&job.input)).sum(),
            ..FilesProgress::default()
        };
        Self {
            emit,
            progress,
            before: 0,
            size: 0,
            last: Instant::now(),
        }
    }

    fn begin(&mut self, job: &Job) {
        self.progress.file.clone_from(&job.input);
        self.size = size(&job.input);
        if self.progress.finished == 0 {
            self.report();
        }
    }

    fn note(&mut self, bytes: u64) {
        self.progress.bytes = self.before + bytes.min(self.size);
        self.report_now_and_then();
    }

    fn end(&mut self) {
        self.before += self.size;
        self.progress.bytes = self.before;
        self.progress.finished += 1;
        self.report_now_and_then();
    }

    fn report_now_and_then(&mut self) {
        if self.last.elapsed() > BETWEEN {
            self.report();
        }
    }

    fn report(&mut self) {
        self.last = Instant::now();
        (self.emit)(Event::Files(FilesEvent::Progress(self.progress.clone())));
    }
}

/// An input that ends with an error once the user has had enough.
struct Stoppable<'a>(&'a mut InputFile, &'a StopRequest);

impl Read for Stoppable<'_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.1.is_requested() {
            return Err(io::Error::other("stopped"));
        }
        self.0.read(bytes)
    }
}

impl Source for Stoppable<'_> {
    fn waits_on(&self) -> Option<Awaited> {
        self.0.waits_on()
    }
}

/// Returns at most `most` headers of fast files: their keys are released together.
fn headers(jobs: &[Job], most: usize) -> Vec<FileHeader> {
    let paths = jobs.iter().take(most).map(|job| &job.input);
    let files = paths.filter(|path| path.is_file());
    let headers = files.filter_map(|path| read_header(&mut InputFile::open(path).ok()?).ok());
    headers
        .filter(|header| header.mode == FileMode::Fast)
        .collect()
}

/// Makes a problem of an error with an open input. What was read of a file that changed says nothing.
fn of_input(input: &InputFile, error: &ShareError) -> Problem {
    match (error, input.check()) {
        (ShareError::Module(_) | ShareError::Write(_), _) | (_, Ok(())) => error.into(),
        (_, Err(changed)) => (&ShareError::Read(changed)).into(),
    }
}

fn cannot_write(path: &Path, error: &io::Error) -> Problem {
    Problem::new(Reason::CannotWrite)
        .about(shown_path(path))
        .because(error)
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// How long at least between two reports.
const BETWEEN: Duration = Duration::from_millis(100);
