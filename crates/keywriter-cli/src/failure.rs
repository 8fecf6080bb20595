//! How a command fails: a problem of the library, or what only a command line can do wrong.

use crate::{
    output,
    words::{self, IO, REFUSED, SOME_FAILED, USAGE},
};
use keywriter::{
    error::with_sources,
    problem::{Problem, Reason},
    text::counted,
};
use std::{borrow::Cow, io, process::ExitCode};

/// Why a command did not do all that it was asked to.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The library says why.
    Problem(Problem),
    /// The command line is wrong: what, and what to do.
    Usage(String, Option<&'static str>),
    /// The PIN cannot be asked for.
    NoTerminal(io::Error),
    /// Standard output cannot be written.
    Output(io::Error),
    /// So many secondaries failed; the others are clones.
    SomeSecondaries(usize),
    /// Every secondary was refused before the cycle began.
    EverySecondary,
    /// So many files failed, of so many.
    SomeFiles(usize, usize),
    /// So many letters or replies failed, of so many.
    SomeLetters(usize, usize),
}

impl<E> From<E> for Failure
where
    for<'a> Problem: From<&'a E>,
{
    fn from(error: E) -> Self {
        Self::Problem((&error).into())
    }
}

impl Failure {
    /// Makes the failure of a reason that concerns something.
    pub(crate) fn about(reason: Reason, subject: impl std::fmt::Display) -> Self {
        Self::Problem(Problem::new(reason).about(subject))
    }

    /// Names the file that it happened with.
    pub(crate) fn within(self, file: impl std::fmt::Display) -> Self {
        match self {
            Self::Problem(problem) => Self::Problem(problem.within(file)),
            other => other,
        }
    }

    /// Returns the exit code and the code for programs, as documented.
    pub(crate) const fn codes(&self) -> (u8, &'static str) {
        match self {
            Self::Problem(problem) => (words::of(problem.reason).exit, problem.reason.code()),
            Self::Usage(..) => (USAGE, "usage"),
            Self::NoTerminal(_) => (USAGE, "no-terminal"),
            Self::Output(_) => (IO, "output-failed"),
            Self::SomeSecondaries(_) => (SOME_FAILED, "some-secondaries-failed"),
            Self::EverySecondary => (REFUSED, "every-secondary-refused"),
            Self::SomeFiles(..) => (SOME_FAILED, "some-files-failed"),
            Self::SomeLetters(..) => (SOME_FAILED, "some-letters-failed"),
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.codes().0)
    }

    /// Returns what is wrong.
    pub(crate) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Problem(problem) => words::line(problem).into(),
            Self::Usage(text, _) => text.into(),
            Self::NoTerminal(error) => {
                format!("cannot ask for the PIN: {}", with_sources(error)).into()
            }
            Self::Output(error) => {
                format!("cannot write to standard output: {}", with_sources(error)).into()
            }
            Self::SomeSecondaries(count) => {
                let secondaries = counted(*count, "secondary", "secondaries");
                format!("{secondaries} failed").into()
            }
            Self::EverySecondary => "nothing was done: every secondary was refused".into(),
            Self::SomeFiles(failed, all) => {
                format!("{failed} of {} failed", counted(*all, "file", "files")).into()
            }
            Self::SomeLetters(failed, all) => {
                format!("{failed} of {} failed", counted(*all, "letter", "letters")).into()
            }
        }
    }

    /// Returns what to do next.
    pub(crate) const fn advice(&self) -> Option<&'static str> {
        match self {
            Self::Problem(problem) => Some(words::of(problem.reason).advice),
            Self::Usage(_, advice) => *advice,
            Self::NoTerminal(_) => Some(
                "run it in a terminal, or give the PIN on a file descriptor: --pin-fd N, KEYWRITER_PIN_FD",
            ),
            Self::Output(_) => None,
            Self::SomeSecondaries(_) => Some(
                "see above what to do for each; `keywriter clone` again does only what is missing",
            ),
            Self::EverySecondary => Some("see above what to do for each"),
            Self::SomeFiles(..) | Self::SomeLetters(..) => {
                Some("see above what to do for each; the others are done")
            }
        }
    }

    /// Prints it on standard error, or with `--json` on standard output.
    pub(crate) fn report(&self, json: bool) {
        if json {
            // Standard output may be gone; the exit code says the same.
            drop(output::Event::new("error").failure(self).print());
            return;
        }
        output::note(&format!("keywriter: {}\n", self.text()));
        if let Some(advice) = self.advice() {
            output::note(&format!("  {advice}\n"));
        }
    }
}
