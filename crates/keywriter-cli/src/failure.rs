//! Why the program failed, what to do next, and the exit code (docs/CLI.md).

use crate::output;
pub(crate) use keywriter::error::with_sources;
use keywriter::{
    Serial,
    cipher::CipherError,
    cycle::{
        CycleError,
        plan::{CycleRefusal, MasterRefusal},
    },
    folders::NoHome,
    genuine::RootError,
    license::{CodeError, LicenseError, PinError, PortalError},
    module::ModuleError,
    receipt::ReceiptError,
    report::ReportError,
    settings::SettingsError,
    share::{ShareError, finder::NotFound, paths::PathError},
};
use std::{io, path::PathBuf, process::ExitCode};

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
    Report(#[from] ReportError),
    #[error(transparent)]
    Root(#[from] RootError),
    #[error("name the root certificate with --root FILE")]
    NoRoot,
    #[error("{serial}: {source}")]
    Cipher { serial: Serial, source: CipherError },
    #[error("{file}: {source}")]
    Share { file: String, source: ShareError },
    #[error(transparent)]
    NotFound(#[from] NotFound),
    #[error("{file}: {source}")]
    NoneFor { file: String, source: NotFound },
    #[error(transparent)]
    Paths(#[from] PathError),
    #[error("{} is there already", .0.display())]
    Exists(PathBuf),
    #[error("{} would replace the very file that it is made of", .0.display())]
    SameFile(PathBuf),
    #[error("{0} of {1} files failed")]
    SomeFiles(usize, usize),
    #[error("{0} gave a recipient that is none")]
    NoRecipient(Serial),
    #[error("cannot {act} {}", path.display())]
    File {
        act: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    License(#[from] LicenseError),
    #[error(transparent)]
    PinShape(#[from] PinError),
    #[error("the two new PINs differ")]
    PinsDiffer,
    #[error("cannot ask for the PIN")]
    NoTerminal(#[source] io::Error),
    #[error(transparent)]
    ResponseCode(#[from] CodeError),
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
            Self::Some(_) | Self::SomeFiles(..) => SOME_FAILED,
            Self::Usage(_)
            | Self::NoRoot
            | Self::SameFile(_)
            | Self::Paths(PathError::NoEnding(_) | PathError::OneName(_))
            | Self::NoTerminal(_)
            | Self::Cipher {
                source: CipherError::UnitSize(_) | CipherError::Numbers,
                ..
            } => USAGE,
            Self::NotFound(source) | Self::NoneFor { source, .. } => of_finder(source),
            Self::Share { source, .. } => of_share(source),
            Self::Exists(_)
            | Self::Twins(_)
            | Self::NothingDone
            | Self::Settings(SettingsError::NoMaster) => REFUSED,
            Self::NoModule | Self::Absent(_) => ABSENT,
            Self::PinShape(_) | Self::PinsDiffer | Self::Cycle(CycleError::License(_)) => {
                UNLICENSED
            }
            Self::ResponseCode(_) => BAD_FILE,
            Self::License(error) => of_license(error),
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
            Self::Report(error) if error.is_bad_file() => BAD_FILE,
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
            Self::Report(error) => error.advice(),
            Self::Root(_) | Self::NoRoot => {
                "a virtual hub's root certificate is run/root.pem in its folder"
            }
            Self::Cipher { source, .. } => source.advice(),
            Self::Share { source, .. } => source.advice(),
            Self::NotFound(source) | Self::NoneFor { source, .. } => source.advice(),
            Self::Paths(error) => error.advice(),
            Self::Exists(_) => "name another with -o, or replace it with --force",
            Self::SameFile(_) => "name another file with -o",
            Self::SomeFiles(..) => "see above what to do for each; the others are done",
            Self::NoRecipient(_) => {
                "see that this program and the module's firmware belong together"
            }
            Self::File { .. } => "see that the folder exists and that this user may use it",
            Self::License(error) => error.advice(),
            Self::PinShape(_) | Self::PinsDiffer => "nothing was changed: try again",
            Self::NoTerminal(_) => {
                "run it in a terminal, or give the PIN on a file descriptor: --pin-fd N, KEYWRITER_PIN_FD"
            }
            Self::ResponseCode(_) => {
                "compare it with the portal's page, and give it with --response FILE or type it again"
            }
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

fn of_license(error: &LicenseError) -> u8 {
    match error {
        LicenseError::Portal(PortalError::BadAddress(_) | PortalError::Insecure(_)) => USAGE,
        LicenseError::NotRegistered
        | LicenseError::Pin(_)
        | LicenseError::SamePin
        | LicenseError::Useless(_)
        | LicenseError::OtherNumber(_)
        | LicenseError::Gate(_)
        | LicenseError::Portal(
            PortalError::Refused
            | PortalError::TooManyInstallations { .. }
            | PortalError::BadNumber
            | PortalError::SlowDown { .. },
        ) => UNLICENSED,
        error if error.is_bad_file() => BAD_FILE,
        _ => IO,
    }
}

fn of_share(error: &ShareError) -> u8 {
    match error {
        ShareError::Module(source) => of_module(source),
        error if error.is_bad_file() => BAD_FILE,
        _ => IO,
    }
}

fn of_finder(error: &NotFound) -> u8 {
    match error {
        NotFound::NoModule | NotFound::Absent(_) => ABSENT,
        _ => REFUSED,
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
/// A PIN or a license is not taken.
const UNLICENSED: u8 = 7;
