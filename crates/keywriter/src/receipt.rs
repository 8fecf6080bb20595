//! Receipt files: what both modules signed, for anyone who has the root certificate.

use crate::{
    file::NewFile,
    genuine::{P384, TrustedRoot},
};
use hsm_protocol::{
    Malformed, Serial,
    certificate::CertificateRefusal,
    limits,
    receipt::{FinishedReceipt, ReceiptRefusal, VerifiedReceipt},
};
use pem_rfc7468::LineEnding;
use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

/// The label of the PEM armor.
pub const LABEL: &str = "KEYWRITER RECEIPT";

/// Why a receipt was not kept, not read, or not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// It cannot be read.
    #[error("cannot read the receipt {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write the receipt {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Another receipt has this name already.
    #[error("{} is another receipt, and was kept", path.display())]
    Other {
        /// The file.
        path: PathBuf,
    },
    /// The modules returned an invalid receipt.
    #[error("the modules returned an invalid receipt")]
    Malformed(#[source] Malformed),
    /// The file is not an armored receipt.
    #[error("{} is not a receipt file", path.display())]
    NotReceipt {
        /// The file.
        path: PathBuf,
    },
    /// The receipt does not verify under this root.
    #[error("{}: {}", path.display(), words(*why))]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        why: ReceiptRefusal,
    },
}

/// Returns a refusal in words.
pub(crate) const fn words(why: ReceiptRefusal) -> &'static str {
    match why {
        ReceiptRefusal::Malformed => "not a receipt",
        ReceiptRefusal::Secondary(why) => match why {
            CertificateRefusal::Malformed => "the secondary's certificate is malformed",
            CertificateRefusal::ForeignRoot => "the secondary is certified under another root",
            CertificateRefusal::NotGenuine => "the secondary's certificate does not verify",
        },
        ReceiptRefusal::Master(why) => match why {
            CertificateRefusal::Malformed => "the master's certificate is malformed",
            CertificateRefusal::ForeignRoot => "the master is certified under another root",
            CertificateRefusal::NotGenuine => "the master's certificate does not verify",
        },
        ReceiptRefusal::OtherModule => "the statement names other modules than the certificates",
        ReceiptRefusal::SecondarySignature => "the secondary did not sign this statement",
        ReceiptRefusal::MasterSignature => "the master did not countersign this receipt",
    }
}

/// Keeps a finished receipt in a folder and returns the file's path. An existing file stays: a second receipt for the
/// same Parcel differs in its signatures only.
pub fn keep(folder: &Path, receipt: &[u8]) -> Result<PathBuf, ReceiptError> {
    let finished = FinishedReceipt::parse(receipt).map_err(ReceiptError::Malformed)?;
    let statement = finished
        .receipt
        .statement()
        .map_err(ReceiptError::Malformed)?;
    let path = folder.join(file_name(statement.secondary.serial, statement.number));
    let write = |source| ReceiptError::Write {
        path: path.clone(),
        source,
    };
    let text = pem_rfc7468::encode_string(LABEL, LineEnding::LF, receipt)
        .map_err(|error| write(io::Error::other(error)))?;
    fs::create_dir_all(folder).map_err(write)?;
    let mut file = NewFile::begin(&path).map_err(write)?;
    file.write_all(text.as_bytes()).map_err(write)?;
    match file.commit_new() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let is_same = load(&path).is_ok_and(|kept| is_same_statement(&kept, &finished));
            if is_same {
                Ok(path)
            } else {
                Err(ReceiptError::Other { path })
            }
        }
        committed => committed.map_err(write).map(|()| path.clone()),
    }
}

/// Returns the name of the file of a secondary's receipt for the Parcel of that number.
pub fn file_name(secondary: Serial, number: u64) -> String {
    format!("{secondary}-{number}.receipt.pem")
}

/// Reads a receipt file and returns the receipt's bytes.
pub fn load(path: &Path) -> Result<Vec<u8>, ReceiptError> {
    let text = fs::read(path).map_err(|source| ReceiptError::Read {
        path: path.to_owned(),
        source,
    })?;
    match pem_rfc7468::decode_vec(&text) {
        Ok((LABEL, bytes)) if bytes.len() <= limits::RECEIPT => Ok(bytes),
        Ok(_) | Err(_) => Err(ReceiptError::NotReceipt {
            path: path.to_owned(),
        }),
    }
}

/// Checks a receipt file; only the root is needed.
pub fn verify(path: &Path, root: &TrustedRoot) -> Result<VerifiedReceipt, ReceiptError> {
    let bytes = load(path)?;
    let refused = |why| ReceiptError::Refused {
        path: path.to_owned(),
        why,
    };
    let malformed = |Malformed| refused(ReceiptRefusal::Malformed);
    let root = root.root().map_err(malformed)?;
    let finished = FinishedReceipt::parse(&bytes).map_err(malformed)?;
    finished.verify::<P384>(&root).map_err(refused)
}

fn is_same_statement(kept: &[u8], new: &FinishedReceipt<'_>) -> bool {
    FinishedReceipt::parse(kept)
        .is_ok_and(|kept| kept.receipt.statement_bytes == new.receipt.statement_bytes)
}
