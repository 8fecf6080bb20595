//! The problem that each error of this library is.

use super::{Problem, Reason};
use crate::{
    cipher::CipherError,
    cycle::{
        CycleError, Failure,
        plan::{CycleRefusal, MasterRefusal, SecondaryRefusal},
        run::StepError,
    },
    error::with_sources,
    file::{self, Conflict},
    folders::NoHome,
    genuine::RootError,
    license::{
        CodeError, GateRefusal, LicenseError, NumberError, PinError, PortalError, VerifyError,
        pin::PinRefusal,
    },
    module::ModuleError,
    receipt::{self, ReceiptError, Unproved},
    report::ReportError,
    settings::{SettingsError, Wrong},
    share::{ShareError, finder::NotFound, known::NotTheTeams, paths::PathError},
    text::{listed, shown_path},
    transport::TransportError,
    trust::PinRootError,
};
use hsm_protocol::{Status, certificate::CertificateRefusal, receipt::ReceiptRefusal};
use std::{error::Error, io, path::Path};

impl From<MasterRefusal> for Reason {
    fn from(why: MasterRefusal) -> Self {
        match why {
            MasterRefusal::Absent => Self::Absent,
            MasterRefusal::DuplicateSerial => Self::DuplicateSerial,
            MasterRefusal::NotCertified => Self::NotCertified,
            MasterRefusal::ForeignRoot => Self::ForeignRoot,
            MasterRefusal::NotGenuine => Self::NotGenuine,
            MasterRefusal::UnknownRoot => Self::NoRoot,
            MasterRefusal::Fresh => Self::NotSetUp,
            MasterRefusal::Locked => Self::Locked,
            MasterRefusal::UnlockedAsUser => Self::UnlockedAsUser,
            MasterRefusal::CloningDisabled => Self::CloningDisabled,
        }
    }
}

impl From<SecondaryRefusal> for Reason {
    fn from(why: SecondaryRefusal) -> Self {
        match why {
            SecondaryRefusal::Absent => Self::Absent,
            SecondaryRefusal::DuplicateSerial => Self::DuplicateSerial,
            SecondaryRefusal::NotCertified => Self::NotCertified,
            SecondaryRefusal::ForeignRoot => Self::ForeignRoot,
            SecondaryRefusal::NotGenuine => Self::NotGenuine,
            SecondaryRefusal::UnknownRoot => Self::NoRoot,
            SecondaryRefusal::LockedNotFresh => Self::SecondaryLocked,
            SecondaryRefusal::OtherTeam => Self::OtherTeam,
            SecondaryRefusal::UnlockedAsUser => Self::UnlockedAsUser,
            SecondaryRefusal::Stopped => Self::Stopped,
            SecondaryRefusal::NoLicense => Self::LicenseNeeded,
        }
    }
}

impl From<Status> for Reason {
    fn from(status: Status) -> Self {
        match status {
            Status::Locked => Self::Locked,
            Status::NotAdministrator => Self::UnlockedAsUser,
            Status::CloningDisabled => Self::CloningDisabled,
            Status::ForeignRoot => Self::PeerForeignRoot,
            Status::NotGenuine => Self::PeerNotGenuine,
            Status::SameModule => Self::SameModule,
            Status::OtherKind => Self::OtherKind,
            Status::NotProved => Self::NotProved,
            Status::NotCertified => Self::NotCertified,
            Status::VersionRefused => Self::VersionDiffers,
            Status::RunBroken | Status::OutOfOrder | Status::ChainBroken => Self::Interrupted,
            Status::MemoryFailure => Self::MemoryFailed,
            Status::NotFound => Self::NotInModule,
            Status::TooLarge => Self::TooLarge,
            Status::NotAuthentic => Self::NotAuthentic,
            Status::NeedsPerson => Self::NotConfirmed,
            Status::JournalFull => Self::JournalFull,
            Status::TooManyWrites => Self::TooManyWrites,
            Status::WornOut => Self::WornOut,
            Status::EpochMissing => Self::EpochMissing,
            Status::Success
            | Status::More(_)
            | Status::WrongLength
            | Status::Malformed
            | Status::WrongParameters
            | Status::UnknownInstruction
            | Status::UnknownClass
            | Status::AlreadyCertified => Self::CommandRefused,
        }
    }
}

impl From<&TransportError> for Problem {
    fn from(error: &TransportError) -> Self {
        let (reason, location) = match error {
            TransportError::Absent { location } | TransportError::PulledOut { location } => {
                (Reason::Unplugged, location)
            }
            TransportError::InUse { location } | TransportError::Reset { location } => {
                (Reason::InUse, location)
            }
            TransportError::Silent { location } => (Reason::NoAnswer, location),
            TransportError::Malformed { location } | TransportError::TooLong { location, .. } => {
                return Self::new(Reason::Incompatible)
                    .about(location)
                    .because(error);
            }
            TransportError::Io { location, source } => match source.kind() {
                io::ErrorKind::PermissionDenied => (Reason::NotPermitted, location),
                _ => (Reason::CannotConnect, location),
            },
            TransportError::Service {
                location,
                source: pcsc::Error::SecurityViolation,
            } => (Reason::NotPermitted, location),
            TransportError::Service { location, .. } => (Reason::NoService, location),
        };
        Self::new(reason).about(location).with_detail(causes(error))
    }
}

impl From<&ModuleError> for Problem {
    fn from(error: &ModuleError) -> Self {
        match error {
            ModuleError::Transport(error) => error.into(),
            ModuleError::Refused(status) => {
                let reason = Reason::from(*status);
                let is_shared = matches!(reason, Reason::CommandRefused | Reason::Interrupted);
                let detail = if is_shared {
                    error.to_string()
                } else {
                    String::new()
                };
                Self::new(reason).with_detail(detail)
            }
            ModuleError::UnknownStatus { location, .. } | ModuleError::Malformed { location } => {
                Self::new(Reason::Incompatible)
                    .about(location)
                    .because(error)
            }
            ModuleError::Inconsistent(location) => {
                Self::new(Reason::JournalInconsistent).about(location)
            }
            ModuleError::NotSigned { location } => {
                Self::new(Reason::AnswerNotSigned).about(location)
            }
            ModuleError::SelfTest(test) => Self::new(Reason::SelfTestFailed)
                .with_detail(format_args!("the test of {}", test.name())),
            ModuleError::Random(_) => Self::new(Reason::SystemFailed).because(error),
        }
    }
}

impl From<&StepError> for Problem {
    fn from(error: &StepError) -> Self {
        match error {
            StepError::Secondary(error) => error.into(),
            StepError::Master(error) => {
                let problem = Self::from(error);
                match problem.detail.as_str() {
                    "" => problem.with_detail("reported by the master"),
                    _ => problem,
                }
            }
            StepError::MasterLost(error) => Self::new(Reason::MasterLost).because(error.as_ref()),
            StepError::Unproved(Unproved::Refused(why)) => not_verified(*why),
            StepError::Unproved(why @ Unproved::OtherRun) => {
                Self::new(Reason::ReceiptNotVerified).because(why)
            }
        }
    }
}

impl From<&Failure> for Problem {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Refused { why, roots } => {
                Self::new((*why).into()).with_roots(roots.as_deref())
            }
            Failure::Hidden(hidden) => hidden.problem().clone(),
            Failure::Step(error) => error.into(),
        }
    }
}

impl From<&CycleRefusal> for Problem {
    fn from(refusal: &CycleRefusal) -> Self {
        match refusal {
            CycleRefusal::NoModule => Reason::NoModule.into(),
            CycleRefusal::Master { serial, why, roots } => Self::new((*why).into())
                .about(serial)
                .with_roots(roots.as_deref()),
            CycleRefusal::SameModule { serial } => Self::new(Reason::SameModule).about(serial),
            CycleRefusal::TwoMasters { master, others } => Self::new(Reason::TwoMasters)
                .about(listed(others))
                .with_detail(format_args!("the master is {master}")),
            CycleRefusal::NoSecondary { .. } => Reason::NoSecondary.into(),
            CycleRefusal::TooMany { count } => Self::new(Reason::TooManySecondaries).about(count),
        }
    }
}

impl From<&CycleError> for Problem {
    fn from(error: &CycleError) -> Self {
        match error {
            CycleError::Refused(refusal) => refusal.into(),
            CycleError::Hidden(hidden) => hidden.problem().clone(),
            CycleError::License(refusal) => refusal.into(),
            CycleError::Master { serial, source } => Self::from(source).about(serial),
        }
    }
}

impl From<&GateRefusal> for Problem {
    fn from(refusal: &GateRefusal) -> Self {
        match refusal {
            GateRefusal::Unregistered => Self::new(Reason::NotRegistered)
                .with_detail("cloning hardware modules needs a license"),
            GateRefusal::Lapsed(day) => Self::new(Reason::LicenseExpired).about(day),
            GateRefusal::Revoked => Reason::LicenseRevoked.into(),
            GateRefusal::NotYet(day) => Self::new(Reason::ClockWrong).about(day),
            GateRefusal::Unverified(VerifyError::OtherKey { .. }) => {
                Self::new(Reason::OtherBuild).because(refusal)
            }
            GateRefusal::OtherInstallation | GateRefusal::Unverified(_) | GateRefusal::Damaged => {
                Self::new(Reason::LicenseInvalid).because(refusal)
            }
        }
    }
}

impl From<&LicenseError> for Problem {
    fn from(error: &LicenseError) -> Self {
        match error {
            LicenseError::NotRegistered => Reason::NotRegistered.into(),
            LicenseError::Pin(refusal) => {
                let reason = match refusal {
                    PinRefusal::Wrong { .. } => Reason::PinWrong,
                    PinRefusal::Wait { .. } => Reason::PinWait,
                };
                Self::new(reason).after(refusal.wait())
            }
            LicenseError::SamePin => Reason::PinUnchanged.into(),
            LicenseError::Portal(error) => error.into(),
            LicenseError::Gate(refusal) => refusal.into(),
            LicenseError::Useless(refusal) => match Self::from(refusal) {
                Self {
                    reason: Reason::LicenseInvalid,
                    detail,
                    ..
                } => Self::new(Reason::LicenseRejected).with_detail(detail),
                other => other,
            },
            LicenseError::OtherNumber(_) => Self::new(Reason::LicenseRejected).because(error),
            LicenseError::Read { path, source } => cannot_read(path, source),
            LicenseError::Write { path, source } => cannot_write(path, source),
            LicenseError::Wrong { path, what } => wrong(Reason::LicenseFileInvalid, path, what),
            LicenseError::Hash(_) | LicenseError::Random(_) => {
                Self::new(Reason::SystemFailed).because(error)
            }
        }
    }
}

impl From<&PortalError> for Problem {
    fn from(error: &PortalError) -> Self {
        match error {
            PortalError::BadAddress(url) => Self::new(Reason::PortalAddress).about(url),
            PortalError::Insecure(url) => Self::new(Reason::PortalAddress)
                .about(url)
                .with_detail("without HTTPS, the PIN would cross the network in the clear"),
            PortalError::Unreachable { url, .. } => Self::new(Reason::PortalUnreachable)
                .about(url)
                .with_detail(causes(error)),
            PortalError::Refused => Reason::PortalRefused.into(),
            PortalError::TooManyInstallations { most } => {
                Self::new(Reason::TooManyInstallations).about(most)
            }
            PortalError::OtherKey => Self::new(Reason::OtherBuild).because(error),
            PortalError::BadNumber => Reason::NumberInvalid.into(),
            PortalError::SlowDown { retry_after } => {
                Self::new(Reason::PortalRateLimit).after(*retry_after)
            }
            PortalError::Unexpected { url, status } => Self::new(Reason::PortalIncompatible)
                .about(url)
                .with_detail(format_args!("HTTP status {status}")),
        }
    }
}

impl From<&NumberError> for Problem {
    fn from(error: &NumberError) -> Self {
        match error {
            NumberError::Slip => Reason::NumberMistyped.into(),
            NumberError::Malformed => Reason::NumberInvalid.into(),
        }
    }
}

impl From<&PinError> for Problem {
    fn from(_: &PinError) -> Self {
        Reason::PinInvalid.into()
    }
}

impl From<&CodeError> for Problem {
    fn from(error: &CodeError) -> Self {
        Self::new(Reason::ResponseCodeInvalid).because(error)
    }
}

impl From<&SettingsError> for Problem {
    fn from(error: &SettingsError) -> Self {
        match error {
            SettingsError::NoMaster => Reason::NoMaster.into(),
            SettingsError::Read { path, source } => cannot_read(path, source),
            SettingsError::Write { path, source } => cannot_write(path, source),
            SettingsError::Wrong { path, what } => wrong(Reason::SettingsInvalid, path, what),
        }
    }
}

impl From<&RootError> for Problem {
    fn from(error: &RootError) -> Self {
        match error {
            RootError::Read { path, source } => cannot_read(path, source),
            RootError::HubOpen { path } => Self::new(Reason::HubOpen).about(shown_path(path)),
            RootError::NotPem { path, .. } | RootError::NotRoot { path } => {
                Self::new(Reason::RootInvalid)
                    .about(shown_path(path))
                    .with_detail(causes(error))
            }
        }
    }
}

impl From<&PinRootError> for Problem {
    fn from(error: &PinRootError) -> Self {
        match error {
            PinRootError::Root(error) => error.into(),
            PinRootError::OtherPinned { .. } => Self::new(Reason::RootPinned).because(error),
            PinRootError::Write { path, source } => cannot_write(path, source),
        }
    }
}

impl From<&ReceiptError> for Problem {
    fn from(error: &ReceiptError) -> Self {
        match error {
            ReceiptError::Read { path, source } => cannot_read(path, source),
            ReceiptError::Write { path, source } => Self::new(Reason::ReceiptNotKept)
                .about(shown_path(path))
                .because(source),
            ReceiptError::NotReceipt { path } => {
                Self::new(Reason::ReceiptInvalid).about(shown_path(path))
            }
            ReceiptError::Refused { path, why } => not_verified(*why).about(shown_path(path)),
        }
    }
}

impl From<&NotTheTeams> for Problem {
    fn from(error: &NotTheTeams) -> Self {
        match error {
            NotTheTeams::Contradicts { .. } => Self::new(Reason::RecipientDiffers).because(error),
            NotTheTeams::Stranger { .. } | NotTheTeams::OtherTeam { .. } => {
                Self::new(Reason::NotInReceipts).because(error)
            }
            NotTheTeams::File { path, source } => cannot_write(path, source),
        }
    }
}

impl From<&ReportError> for Problem {
    fn from(error: &ReportError) -> Self {
        match error {
            ReportError::Read { path, source } => cannot_read(path, source),
            ReportError::Write { path, source } => cannot_write(path, source),
            ReportError::Wrong { path, what } => wrong(Reason::ReportInvalid, path, what),
            ReportError::Entry { path, number, what } => Self::new(Reason::ReportInconsistent)
                .about(shown_path(path))
                .with_detail(format_args!("clone {number}: {what}")),
            ReportError::Malformed { .. } => Self::new(Reason::ReportInconsistent).because(error),
            ReportError::Refused { serial, why } => not_verified(*why).about(serial),
            ReportError::NoReceipt => Reason::ReportEmpty.into(),
        }
    }
}

impl From<&NoHome> for Problem {
    fn from(_: &NoHome) -> Self {
        Reason::NoStateFolder.into()
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
            NotFound::ForeignRoot { serial, roots } => Self::new(Reason::ForeignRoot)
                .about(serial)
                .with_roots(roots.as_deref()),
            NotFound::UnknownRoot { serial, roots } => Self::new(Reason::NoRoot)
                .about(serial)
                .with_roots(roots.as_deref()),
            NotFound::NotGenuine(serial) => Self::new(Reason::NotGenuine).about(serial),
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

fn cannot_read(path: &Path, source: &dyn Error) -> Problem {
    Problem::new(Reason::CannotRead)
        .about(shown_path(path))
        .because(source)
}

fn cannot_write(path: &Path, source: &dyn Error) -> Problem {
    Problem::new(Reason::CannotWrite)
        .about(shown_path(path))
        .because(source)
}

fn wrong(reason: Reason, path: &Path, what: &Wrong) -> Problem {
    let reason = match what {
        Wrong::NewerVersion { .. } => Reason::NewerFile,
        _ => reason,
    };
    Problem::new(reason).about(shown_path(path)).because(what)
}

fn not_verified(why: ReceiptRefusal) -> Problem {
    let reason = match why {
        ReceiptRefusal::Secondary(CertificateRefusal::ForeignRoot)
        | ReceiptRefusal::Master(CertificateRefusal::ForeignRoot) => Reason::ReceiptForeignRoot,
        _ => Reason::ReceiptNotVerified,
    };
    Problem::new(reason).with_detail(receipt::words(why))
}

/// Returns what the system or a parser said, without the error's own text.
fn causes(error: &dyn Error) -> String {
    error.source().map(with_sources).unwrap_or_default()
}
