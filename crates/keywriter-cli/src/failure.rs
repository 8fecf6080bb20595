//! Why the program failed, what to do next, and the exit code (docs/CLI.md).

use crate::output;
use keywriter::{
    Serial,
    cipher::CipherError,
    cycle::CycleError,
    folders::NoHome,
    genuine::RootError,
    module::ModuleError,
    plan::{CycleRefusal, MasterRefusal},
    receipt::ReceiptError,
    settings::SettingsError,
};
use std::{error::Error, io, path::PathBuf, process::ExitCode};

/// How a command ends other than well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0} failed")]
    Some(Count),
    #[error("{0}")]
    Usage(String),
    #[error("{serial} cannot be the master: {why}")]
    Master { serial: Serial, why: MasterRefusal },
    #[error("no module found")]
    NoModule,
    #[error("the module {0} is not plugged in")]
    Absent(Serial),
    #[error("the same serial number was found in more than one place: {0}")]
    Twins(Serial),
    #[error("nothing was done: every secondary was refused")]
    NothingDone,
    #[error("the master {0} was lost")]
    MasterLost(Serial),
    #[error("{serial}: {source}")]
    Module { serial: Serial, source: ModuleError },
    #[error(transparent)]
    Cycle(#[from] CycleError),
    #[error(transparent)]
    Settings(#[from] SettingsError),
    #[error(transparent)]
    Receipt(#[from] ReceiptError),
    #[error(transparent)]
    Root(#[from] RootError),
    #[error("name the root certificate with --root FILE")]
    NoRoot,
    #[error("{serial}: {source}")]
    Cipher { serial: Serial, source: CipherError },
    #[error("cannot {act} {}", path.display())]
    File {
        act: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    NoHome(#[from] NoHome),
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

/// So many secondaries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count(pub(crate) usize);

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            1 => f.write_str("1 secondary"),
            count => write!(f, "{count} secondaries"),
        }
    }
}

impl Failure {
    /// The exit code, as documented.
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Some(_) => SOME_FAILED,
            Self::Usage(_)
            | Self::NoRoot
            | Self::Cipher {
                source: CipherError::UnitSize(_) | CipherError::Numbers,
                ..
            } => USAGE,
            Self::Twins(_) | Self::NothingDone | Self::Settings(SettingsError::NoMaster) => REFUSED,
            Self::NoModule | Self::Absent(_) => ABSENT,
            Self::Master { why, .. } => of_master(*why),
            Self::Cycle(CycleError::Refused(refusal)) => of_cycle(refusal),
            Self::Cycle(CycleError::Master { source, .. })
            | Self::Module { source, .. }
            | Self::Cipher {
                source: CipherError::Module(source),
                ..
            } => of_module(source),
            Self::Settings(error) if error.is_bad_file() => BAD_FILE,
            Self::Cipher { source, .. } if source.is_bad_file() => BAD_FILE,
            Self::Root(RootError::NotPem { .. } | RootError::NotRoot { .. })
            | Self::Receipt(ReceiptError::NotReceipt { .. } | ReceiptError::Refused { .. }) => {
                BAD_FILE
            }
            // Files that cannot be read or written, modules that cannot be reached, and what a later version adds.
            _ => IO,
        }
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code())
    }

    /// What to do next.
    pub(crate) fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::Some(_) => {
                "see above what to do for each; `keywriter clone` again does only what is missing"
            }
            Self::Usage(_) | Self::Output(_) => return None,
            Self::Master { why, .. } => why.advice(),
            Self::NoModule => CycleRefusal::NoModule.advice(),
            Self::Absent(_) => "plug it in, and see `keywriter list`",
            Self::Twins(_) => "unplug all but one of them, and see `keywriter list`",
            Self::NothingDone => "see above what to do for each",
            Self::MasterLost(_) => {
                "plug it in, unlock it (KEY, the Admin PIN, KEY) and run `keywriter clone` again: it does only what is missing"
            }
            Self::Module { source, .. } => source.advice(),
            Self::Cycle(error) => error.advice(),
            Self::Settings(error) => error.advice(),
            Self::Receipt(error) => error.advice(),
            Self::Root(_) | Self::NoRoot => {
                "a virtual hub's root certificate is run/root.pem in its folder"
            }
            Self::Cipher { source, .. } => source.advice(),
            Self::File { .. } => "see that the folder exists and that this user may use it",
            Self::NoHome(_) => "set HOME to this user's folder",
        })
    }

    /// Says it on standard error, or with `--json` on standard output.
    pub(crate) fn report(&self, json: bool) {
        let text = with_sources(self);
        if json {
            // Standard output may be gone; the exit code says the same.
            drop(output::json(&output::ErrorLine {
                event: "error",
                code: self.code(),
                error: text,
                advice: self.advice(),
            }));
            return;
        }
        eprintln!("keywriter: {text}");
        if let Some(advice) = self.advice() {
            eprintln!("  {advice}");
        }
    }
}

/// An error with what caused it, as far as the causes say more.
pub(crate) fn with_sources(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(source) = cause {
        let more = source.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = source.source();
    }
    text
}

fn of_cycle(refusal: &CycleRefusal) -> u8 {
    match refusal {
        CycleRefusal::NoModule | CycleRefusal::NoSecondary { .. } => ABSENT,
        CycleRefusal::Master { why, .. } => of_master(*why),
        _ => REFUSED,
    }
}

fn of_module(error: &ModuleError) -> u8 {
    match error {
        ModuleError::Refused(_) => REFUSED,
        _ => IO,
    }
}

fn of_master(why: MasterRefusal) -> u8 {
    match why {
        MasterRefusal::Absent => ABSENT,
        _ => REFUSED,
    }
}

/// Some secondaries failed; the others are fine.
const SOME_FAILED: u8 = 1;
/// The command line is wrong.
const USAGE: u8 = 2;
/// Refused, and nothing was done.
const REFUSED: u8 = 3;
/// No module, or not the one that was named.
const ABSENT: u8 = 4;
/// A file is not what it should be.
const BAD_FILE: u8 = 5;
/// Files, connections or the system failed.
const IO: u8 = 6;
