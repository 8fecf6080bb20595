//! What is said over the page.

use super::Problem;
use std::path::{Path, PathBuf};

/// A notice over the page. A problem stays until it is closed, solved or tried again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Settings were exported to a file.
    Exported(PathBuf),
    /// Settings were imported.
    Imported,
    /// A report was saved.
    ReportSaved(PathBuf),
    /// A damaged receipt was renamed to this file, and fetched again.
    ReceiptSetAside(PathBuf),
    /// The license was refreshed.
    LicenseRefreshed,
    /// Files were not added, because others are under way.
    NotAdded,
    /// Something went wrong.
    Problem(Problem),
}

impl Notice {
    /// Returns the file that it is about.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Exported(file) | Self::ReportSaved(file) | Self::ReceiptSetAside(file) => {
                Some(file)
            }
            Self::Imported | Self::LicenseRefreshed | Self::NotAdded | Self::Problem(_) => None,
        }
    }

    /// Returns whether it may take the place of another: a problem gives way to problems alone.
    pub(super) const fn may_replace(&self, other: &Self) -> bool {
        matches!(self, Self::Problem(_)) || !matches!(other, Self::Problem(_))
    }

    /// Returns whether it is left in sight until the user closes it.
    pub const fn is_lasting(&self) -> bool {
        matches!(self, Self::ReceiptSetAside(_) | Self::Problem(_))
    }
}
