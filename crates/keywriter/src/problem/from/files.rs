//! Errors of what this computer keeps: settings, roots, receipts, recipients and reports.

use super::{
    super::{Problem, Reason},
    cannot_read, cannot_write, causes, not_verified, wrong,
};
use crate::{
    folders::NoHome,
    genuine::RootError,
    letter::{PostRefusal, desk::CloseError, post::PostError},
    nicknames::NicknamesError,
    receipt::{ReceiptError, Unproved},
    report::ReportError,
    settings::SettingsError,
    share::known::NotTheTeams,
    text::shown_path,
    ticket::TicketError,
    trust::PinRootError,
};
use std::io::ErrorKind;

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

impl From<&NicknamesError> for Problem {
    fn from(error: &NicknamesError) -> Self {
        match error {
            NicknamesError::Read { path, source } => cannot_read(path, source),
            NicknamesError::Write { path, source } => cannot_write(path, source),
            NicknamesError::Invalid { path, source } => Self::new(Reason::SettingsInvalid)
                .about(shown_path(path))
                .because(source),
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

impl From<&PostError> for Problem {
    fn from(error: &PostError) -> Self {
        match error {
            PostError::Read { path, source } => cannot_read(path, source),
            PostError::Write { path, source } if source.kind() == ErrorKind::AlreadyExists => {
                Self::new(Reason::FileExists).about(shown_path(path))
            }
            PostError::Write { path, source } => cannot_write(path, source),
            PostError::NotPost { path } => Self::new(Reason::PostInvalid).about(shown_path(path)),
        }
    }
}

impl From<&TicketError> for Problem {
    fn from(error: &TicketError) -> Self {
        match error {
            TicketError::NotAllowed => Self::new(Reason::TicketImpossible),
            TicketError::AddressTooLong => Self::new(Reason::PortalAddress).with_detail(error),
            TicketError::Random(_) => Self::new(Reason::SystemFailed).because(error),
        }
    }
}

impl From<PostRefusal> for Problem {
    fn from(why: PostRefusal) -> Self {
        let reason = match why {
            PostRefusal::Malformed | PostRefusal::NotGenuine => Reason::PostNotVerified,
            PostRefusal::Version => Reason::VersionDiffers,
            PostRefusal::ForeignRoot => Reason::ForeignRoot,
        };
        Self::new(reason).with_detail(why)
    }
}

impl From<&CloseError> for Problem {
    fn from(error: &CloseError) -> Self {
        match error {
            CloseError::NotSigned => Self::new(Reason::PostNotVerified).with_detail(error),
            CloseError::Master(error) => error.into(),
            CloseError::Unproved(Unproved::Refused(why)) => not_verified(*why),
            CloseError::Unproved(why @ Unproved::OtherRun) => {
                Self::new(Reason::ReceiptNotVerified).because(why)
            }
            CloseError::NotKept(error) => error.into(),
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
