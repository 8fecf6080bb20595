//! Sharing files: encrypted on one module, decrypted on any of its clones (docs/FORMAT.md).
//!
//! A fast file is ciphered by this computer, with a key that a module releases for this one file. Otherwise the module
//! makes every byte of it, and checks every byte before it returns plaintext; this computer cuts, joins and names. Memory
//! does not grow with the file. What is written for people to keep goes through
//! [`NewFile`](crate::file::NewFile): under its own name it is there whole, or not at all.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Encryption`], [`Decryption`] | many files, one after the other |
//! | [`Rewrap`] | a file of an older epoch into the current one |
//! | [`FastFile`], `stream`, [`inspect`] | one file: ciphered here, inside a module, or only looked at |
//! | `chunks` | plaintext and files, cut into chunks |
//! | [`finder`] | which module can do it |
//! | [`paths`] | which files, and what they will be called |
//! | [`known`] | recipients and members that this computer knows |
//! | [`recipient`], [`hybrid`] | the team's recipients for age, classical and post-quantum |

mod chunks;
mod commands;
mod fast;
pub mod finder;
pub mod hybrid;
pub mod known;
mod many;
pub mod paths;
pub mod recipient;
mod rewrap;
mod stream;
#[cfg(test)]
mod tests;
mod told;

pub use crate::pipeline::{Awaited, Source};
pub use commands::{RecipientKind, Whose};
pub use fast::FastFile;
pub use hsm_protocol::{
    file::{FileHeader, FileMode, Recipient, SealedFileKey, StanzaTag},
    hybrid::{HybridFileKey, HybridRecipient},
};
pub use many::{Decryptable, Decryption, Encryption, NotDecryptable, Summary, Way};
pub use rewrap::Rewrap;
pub use stream::{Inspection, decrypt_in_module, encrypt_in_module, inspect, read_header};
pub use told::ToldRecipient;

use crate::{module::ModuleError, problem::Reason};
use std::io;

/// The ending of an encrypted file's name.
pub const ENDING: &str = "kw";

/// Returns whether no further file can be worked on after one failed for that reason: the module is gone.
pub const fn ends_run(reason: Reason) -> bool {
    matches!(
        reason,
        Reason::Unplugged
            | Reason::InUse
            | Reason::NoAnswer
            | Reason::CannotConnect
            | Reason::NoService
            | Reason::Incompatible
    )
}

/// Why a file was not encrypted or decrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// It does not begin as our files do.
    #[error("it is not an encrypted file")]
    NotOurs,
    /// A later version of the format.
    #[error("it has version {0} of the format, and this program knows version 1")]
    Version(u8),
    /// The header has a field of no such value.
    #[error("its header is damaged")]
    Header,
    /// It ends before its last chunk does.
    #[error("its end is missing")]
    Cut,
    /// It has data after its last chunk.
    #[error("trailing data after the last chunk")]
    Extended,
    /// A chunk's frame is not one that a module makes.
    #[error("chunk {0} is damaged")]
    Damaged(u64),
    /// A chunk does not verify.
    #[error("chunk {0} was changed, or was not made by a module of its group")]
    Changed(u64),
    /// The module refused or failed.
    #[error("{0}")]
    Module(#[from] ModuleError),
    /// The input failed.
    #[error("cannot read the input")]
    Read(#[source] io::Error),
    /// The output failed.
    #[error("cannot write the output")]
    Write(#[source] io::Error),
}
