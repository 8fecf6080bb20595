//! Errors of files and data units that are encrypted or decrypted.

use super::{
    super::{Problem, Reason},
    cannot_read,
};
use crate::{
    cipher::CipherError,
    file::{self, Conflict},
    module::ModuleError,
    share::{NotDecryptable, ShareError, finder::NotFound, paths::PathError},
    text::{listed, shown_path},
};
use hsm_protocol::Status;
use std::io;

impl From<&NotDecryptable> for Problem {
    fn from(error: &NotDecryptable) -> Self {
        match error {
            NotDecryptable::NotFound(error) => error.into(),
            NotDecryptable::Module(error) => error.into(),
        }
    }
}

impl From<&ShareError> for Problem {
    fn from(error: &ShareError) -> Self {
        match error {
            ShareError::NotOurs => Reason::NotEncrypted.into(),
            ShareError::Version(_) => Self::new(Reason::NewerFile).because(error),
            ShareError::Header
            | ShareError::Cut
            | ShareError::Extended
            | ShareError::Damaged(_)
            | ShareError::Changed(_) => Self::new(Reason::FileDamaged).because(error),
            ShareError::Module(ModuleError::Refused(Status::Locked)) => {
                Reason::NoUnlockedModule.into()
            }
            ShareError::Module(error) => error.into(),
            ShareError::Read(source) => read_failed(source),
            ShareError::Write(source) => Self::new(Reason::CannotWrite).because(source),
        }
    }
}

impl From<&NotFound> for Problem {
    fn from(error: &NotFound) -> Self {
        match error {
            NotFound::NoModule => Reason::NoModule.into(),
            NotFound::Hidden(hidden) => hidden.problem().clone(),
            NotFound::Absent(serial) => Self::new(Reason::Absent).about(serial),
            NotFound::DuplicateSerial(serial) => Self::new(Reason::DuplicateSerial).about(serial),
            NotFound::Locked(locked) => {
                Self::new(Reason::NoUnlockedModule).with_detail(listed(locked))
            }
            NotFound::OtherGroup(others) => Self::new(Reason::OtherGroup)
                .with_detail(format_args!("unlocked: {}", listed(others))),
            NotFound::EpochMissing { serial, newest } => Self::new(Reason::EpochMissing)
                .about(serial)
                .with_detail(format_args!("its newest epoch is {newest}")),
            NotFound::Fresh(serial) => Self::new(Reason::NotSetUp).about(serial),
            NotFound::Untrusted { serial, why, roots } => Self::new((*why).into())
                .about(serial)
                .with_roots(roots.as_deref()),
            NotFound::Several(unlocked) => {
                Self::new(Reason::SeveralGroups).with_detail(listed(unlocked))
            }
        }
    }
}

impl From<&PathError> for Problem {
    fn from(error: &PathError) -> Self {
        let (reason, path) = match error {
            PathError::Read { path, source } => return cannot_read(path, source),
            PathError::NoEnding(path) => (Reason::NoOutputName, path),
            PathError::OneName(path) => (Reason::OutputNotFolder, path),
            PathError::Special(path) => (Reason::SpecialFile, path),
            PathError::Nothing(path) => (Reason::NothingToDo, path),
        };
        Self::new(reason).about(shown_path(path))
    }
}

impl From<&Conflict> for Problem {
    fn from(conflict: &Conflict) -> Self {
        match conflict {
            Conflict::Input => Reason::SameFile.into(),
            Conflict::Output => Reason::SameOutput.into(),
        }
    }
}

impl From<&CipherError> for Problem {
    fn from(error: &CipherError) -> Self {
        match error {
            CipherError::UnitSize(size) => {
                Self::new(Reason::UnitSize).with_detail(format_args!("{size} bytes"))
            }
            CipherError::Empty | CipherError::NotWhole => {
                Self::new(Reason::NotWholeBlocks).because(error)
            }
            CipherError::Module(error) => error.into(),
            CipherError::Read(source) => read_failed(source),
            CipherError::Write(source) => Self::new(Reason::CannotWrite).because(source),
            CipherError::Numbers => Reason::UnitNumbers.into(),
        }
    }
}

/// Returns the problem of an input that is named elsewhere.
fn read_failed(source: &io::Error) -> Problem {
    if file::is_changed(source) {
        Reason::InputChanged.into()
    } else {
        Problem::new(Reason::CannotRead).because(source)
    }
}
