//! Errors of what this computer keeps: settings, roots, receipts, recipients and reports.

use super::{
    super::{Problem, Reason},
    cannot_read, cannot_write, causes, not_verified, wrong,
};
use crate::{
    folders::NoHome, genuine::RootError, receipt::ReceiptError, report::ReportError,
    settings::SettingsError, share::known::NotTheTeams, text::shown_path, trust::PinRootError,
};

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
