//! The problem that each error of this library is.

mod data;
mod files;
mod license;
mod modules;

use super::{Problem, Reason};
use crate::{error::with_sources, receipt, settings::Wrong, text::shown_path};
use hsm_protocol::{certificate::CertificateRefusal, receipt::ReceiptRefusal};
use std::{error::Error, path::Path};

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
