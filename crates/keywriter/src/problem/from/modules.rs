//! Errors of modules and cycles.

use super::{
    super::{Problem, Reason},
    causes, not_verified,
};
use crate::{
    cycle::{
        CycleError, Failure,
        plan::{CycleRefusal, MasterRefusal, SecondaryRefusal},
        run::StepError,
    },
    genuine::Untrusted,
    module::ModuleError,
    receipt::Unproved,
    text::listed,
    transport::TransportError,
};
use hsm_protocol::Status;
use std::io;

impl From<Untrusted> for Reason {
    fn from(why: Untrusted) -> Self {
        match why {
            Untrusted::NotCertified => Self::NotCertified,
            Untrusted::ForeignRoot => Self::ForeignRoot,
            Untrusted::NotGenuine => Self::NotGenuine,
            Untrusted::UnknownRoot => Self::NoRoot,
        }
    }
}

impl From<MasterRefusal> for Reason {
    fn from(why: MasterRefusal) -> Self {
        match why {
            MasterRefusal::Absent => Self::Absent,
            MasterRefusal::DuplicateSerial => Self::DuplicateSerial,
            MasterRefusal::Untrusted(why) => why.into(),
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
            SecondaryRefusal::Untrusted(why) => why.into(),
            SecondaryRefusal::LockedNotFresh => Self::SecondaryLocked,
            SecondaryRefusal::OtherTeam => Self::OtherTeam,
            SecondaryRefusal::OlderEpoch => Self::OlderEpoch,
            SecondaryRefusal::UnlockedAsUser => Self::UnlockedAsUser,
            SecondaryRefusal::NotAgreed => Self::NotAgreed,
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
            Status::KeysStay => Self::KeysStay,
            Status::Retired => Self::Retired,
            Status::NotRekeyingMaster => Self::NotRekeyingMaster,
            Status::EpochsFull => Self::EpochsFull,
            Status::OtherLetterbox => Self::OtherLetterbox,
            Status::Forked => Self::Forked,
            Status::OlderLetter => Self::OlderLetter,
            Status::NeedsTicket => Self::TicketNeeded,
            Status::OtherTicket => Self::OtherTicket,
            Status::TicketUsed => Self::TicketUsed,
            Status::NotCustodian => Self::NotCustodian,
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
