//! Receipts and their files: what both modules signed, for anyone who has the root certificate.
//!
//! Nothing that a cable or a disk delivered is believed: a secondary is a clone for this computer only by a
//! [`ProvedReceipt`], which no code makes but the check of both signatures.

use crate::{
    file::NewFile,
    genuine::{P384, TrustedRoot},
    text::{hex, shown_path},
};
use hsm_protocol::{
    Malformed, Sha384Digest, Verifier,
    certificate::CertificateRefusal,
    receipt::{FinishedReceipt, Party, Receipt, ReceiptRefusal, Statement, VerifiedReceipt},
};
use pem_rfc7468::LineEnding;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// The label of the PEM armor.
pub const LABEL: &str = "KEYWRITER RECEIPT";

/// Why a receipt was not kept, not read, or not accepted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReceiptError {
    /// It cannot be read.
    #[error("cannot read the receipt {}", shown_path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write the receipt {}", shown_path(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not an armored receipt.
    #[error("{} is not a receipt file", shown_path(path))]
    NotReceipt {
        /// The file.
        path: PathBuf,
    },
    /// The receipt does not verify under this root.
    #[error("{}: {}", shown_path(path), words(*why))]
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
        ReceiptRefusal::Version => "a receipt of another protocol version, for a newer KeyWriter",
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
        ReceiptRefusal::Impossible => {
            "both modules signed it, but no cloning ends in such a statement"
        }
    }
}

/// Why a finished receipt does not prove the clone that it was expected to prove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproved {
    /// It does not verify.
    #[error("{}", words(*.0))]
    Refused(ReceiptRefusal),
    /// It verifies, and is about other modules, another group or another run.
    #[error("it is the receipt of another run")]
    OtherRun,
}

/// Who takes part in a run, and what is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parties {
    /// The master.
    pub master: Party,
    /// The secondary.
    pub secondary: Party,
    /// The master's group.
    pub group: [u8; 16],
}

impl Parties {
    /// Returns whether a statement is about these.
    pub fn are_in(&self, statement: &Statement) -> bool {
        statement.master == self.master
            && statement.secondary == self.secondary
            && statement.group == self.group
    }
}

/// A Receipt that its secondary signed; the master's half is missing (PROTOCOL § 4.6).
#[derive(Clone, Debug)]
pub struct SignedReceipt {
    bytes: Vec<u8>,
    statement: Statement,
}

impl SignedReceipt {
    /// Checks that `secondary` signed the Receipt, and that the Receipt names it.
    pub fn check(bytes: Vec<u8>, secondary: &Party, root: &TrustedRoot) -> Option<Self> {
        let statement = signed_statement(&bytes, secondary, root);
        if statement.is_none() {
            tracing::warn!(secondary = %secondary.serial, "its last receipt does not verify");
        }
        let statement = statement?;
        Some(Self { bytes, statement })
    }

    /// Returns what the secondary signed.
    pub const fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Returns the Receipt.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

fn signed_statement(bytes: &[u8], secondary: &Party, root: &TrustedRoot) -> Option<Statement> {
    let receipt = Receipt::parse(bytes).ok()?;
    let statement = receipt.statement().ok()?;
    let root = root.root().ok()?;
    let signer = root.verify::<P384>(&receipt.chain).ok()?;
    let is_its_own = signer.serial() == secondary.serial
        && *signer.hash() == secondary.certificate
        && statement.secondary == *secondary;
    let message = Receipt::signed::<P384>(receipt.statement_bytes);
    P384::verify(signer.public(), &message, receipt.signature).ok()?;
    is_its_own.then_some(statement)
}

/// A finished receipt that verified under this computer's root, and is of the run that it was expected to be of.
#[derive(Clone, Debug)]
pub struct ProvedReceipt {
    bytes: Vec<u8>,
    verified: Box<VerifiedReceipt>,
}

impl ProvedReceipt {
    /// Checks a finished receipt: both chains, both signatures, the parties, the group and the run's transcript.
    pub fn check(
        bytes: Vec<u8>,
        parties: &Parties,
        transcript: &Sha384Digest,
        root: &TrustedRoot,
    ) -> Result<Self, Unproved> {
        let verified = check(&bytes, root).map_err(Unproved::Refused)?;
        let statement = verified.statement();
        if !parties.are_in(statement) || statement.transcript != *transcript {
            return Err(Unproved::OtherRun);
        }
        Ok(Self {
            bytes,
            verified: Box::new(verified),
        })
    }

    /// Returns the finished receipt.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns what both modules signed.
    pub fn statement(&self) -> &Statement {
        self.verified.statement()
    }
}

fn check(bytes: &[u8], root: &TrustedRoot) -> Result<VerifiedReceipt, ReceiptRefusal> {
    let root = root.root().map_err(|Malformed| ReceiptRefusal::Malformed)?;
    FinishedReceipt::parse(bytes)?.verify::<P384>(&root)
}

/// Finds the kept receipt of a run. A file that does not verify is set aside under another name, so that the receipt
/// is fetched again; `tell` hears that name.
pub fn find(
    folder: &Path,
    parties: &Parties,
    run: &Statement,
    root: &TrustedRoot,
    tell: &dyn Fn(PathBuf),
) -> Option<(PathBuf, ProvedReceipt)> {
    let path = folder.join(file_name(run));
    match load(&path) {
        Ok(bytes) => match ProvedReceipt::check(bytes, parties, &run.transcript, root) {
            Ok(proved) => return Some((path, proved)),
            Err(error) => tracing::warn!(%error, "a kept receipt is not valid"),
        },
        Err(ReceiptError::NotReceipt { .. }) => {}
        Err(ReceiptError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return None;
        }
        Err(error) => {
            tracing::warn!(%error, "a receipt is not read");
            return None;
        }
    }
    set_aside(&path).into_iter().for_each(tell);
    None
}

/// Keeps a receipt in a folder and returns the file's path. A valid file of the same run stays; one that is not valid
/// is set aside as by [`find`].
pub fn keep(
    folder: &Path,
    receipt: &ProvedReceipt,
    root: &TrustedRoot,
    tell: &dyn Fn(PathBuf),
) -> Result<PathBuf, ReceiptError> {
    let statement = receipt.statement();
    let parties = Parties {
        master: statement.master,
        secondary: statement.secondary,
        group: statement.group,
    };
    if let Some((path, _kept)) = find(folder, &parties, statement, root, tell) {
        return Ok(path);
    }
    let path = folder.join(file_name(statement));
    write_new(&path, &receipt.bytes)?;
    Ok(path)
}

/// Keeps a finished receipt that was made elsewhere, if it verifies. Returns its file, and whether it is a new one.
pub fn import(
    folder: &Path,
    bytes: &[u8],
    root: &TrustedRoot,
) -> Result<(PathBuf, bool), ReceiptError> {
    let verified = check(bytes, root).map_err(|why| ReceiptError::Refused {
        path: folder.to_owned(),
        why,
    })?;
    let path = folder.join(file_name(verified.statement()));
    if verify(&path, root).is_ok() {
        return Ok((path, false));
    }
    write_new(&path, bytes)?;
    Ok((path, true))
}

/// Writes a receipt to a file that is not there yet.
fn write_new(path: &Path, bytes: &[u8]) -> Result<(), ReceiptError> {
    let write = |source| ReceiptError::Write {
        path: path.to_owned(),
        source,
    };
    let text = pem_rfc7468::encode_string(LABEL, LineEnding::LF, bytes)
        .map_err(|error| write(io::Error::other(error)))?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(write)?;
    }
    let mut file = NewFile::begin(path).map_err(write)?;
    file.write_all(text.as_bytes()).map_err(write)?;
    file.commit_new().map_err(write)
}

/// Returns the name of a receipt's file. The transcript tells runs apart: numbers begin anew with another master.
pub fn file_name(statement: &Statement) -> String {
    let run = statement.transcript.first_chunk::<RUN>();
    let run = hex(run.map_or(&[], |run| run.as_slice()));
    let (secondary, number) = (statement.secondary.serial, statement.number);
    format!("{secondary}-{number}-{run}.receipt.pem")
}

/// How many bytes of the transcript are in a name.
const RUN: usize = 8;

/// Gives a file the first free name of `NAME.invalid`, `NAME.invalid-2` and so on, and returns it.
fn set_aside(path: &Path) -> Option<PathBuf> {
    let mut names = (1_u32..).map(|number| {
        let mut name = path.as_os_str().to_owned();
        name.push(".invalid");
        if number > 1 {
            name.push(format!("-{number}"));
        }
        PathBuf::from(name)
    });
    let aside = names.find(|name| name.symlink_metadata().is_err())?;
    // Then the receipt that is fetched cannot be kept, and that is told.
    let renamed = fs::rename(path, &aside)
        .inspect_err(|error| tracing::warn!(%error, "an invalid receipt is not set aside"));
    renamed.ok().map(|()| aside)
}

/// Reads a receipt file and returns the receipt's bytes.
pub fn load(path: &Path) -> Result<Vec<u8>, ReceiptError> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_MAX).read_to_end(&mut text))
        .map_err(|source| ReceiptError::Read {
            path: path.to_owned(),
            source,
        })?;
    match pem_rfc7468::decode_vec(&text) {
        Ok((LABEL, bytes)) if bytes.len() <= FinishedReceipt::MAX => Ok(bytes),
        Ok(_) | Err(_) => Err(ReceiptError::NotReceipt {
            path: path.to_owned(),
        }),
    }
}

/// The most bytes of a file that are read: far more than a receipt in armor takes.
const FILE_MAX: u64 = 64 * 1024;

/// Checks a receipt file; only the root is needed.
pub fn verify(path: &Path, root: &TrustedRoot) -> Result<VerifiedReceipt, ReceiptError> {
    let bytes = load(path)?;
    check(&bytes, root).map_err(|why| ReceiptError::Refused {
        path: path.to_owned(),
        why,
    })
}
