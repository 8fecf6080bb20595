//! Sharing files: encrypted on one module, decrypted on any of its clones (docs/FORMAT.md).
//!
//! The module makes every byte of an encrypted file, and checks every byte before it returns plaintext; this computer
//! cuts, joins and names. Memory does not grow with the file. What is written for people to keep goes through
//! [`NewFile`](crate::file::NewFile): under its own name it is there whole, or not at all.
//!
//! | module | what it holds |
//! |---|---|
//! | [`encrypt`], [`decrypt`], [`inspect`] | streams |
//! | `chunks` | plaintext and files, cut into chunks |
//! | [`finder`] | which module can do it |
//! | [`paths`] | which files, and what they will be called |
//! | [`recipient`], [`hybrid`] | the team's recipients for age, classical and post-quantum |

mod chunks;
mod commands;
pub mod finder;
pub mod hybrid;
pub mod paths;
pub mod recipient;
mod stream;
#[cfg(test)]
mod tests;

pub use crate::pipeline::Source;
pub use hsm_protocol::{
    file::{FileHeader, Recipient, SealedFileKey},
    hybrid::{HybridFileKey, HybridRecipient},
};
pub use stream::{Inspection, Summary, decrypt, encrypt, inspect, read_header};

use crate::module::ModuleError;
use hsm_protocol::Status;
use std::io;

/// The ending of an encrypted file's name.
pub const ENDING: &str = "kw";

/// Why a file was not encrypted or decrypted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShareError {
    /// It does not begin as our files do.
    #[error("it is no file that `keywriter encrypt` made")]
    NotOurs,
    /// A later version of the format.
    #[error("it is of version {0} of the format, and this program knows version 1")]
    Version(u8),
    /// The header has a field of no such value.
    #[error("its header is damaged")]
    Header,
    /// It ends before its last chunk does.
    #[error("it is cut off: its end is missing")]
    Cut,
    /// It goes on behind its last chunk.
    #[error("it goes on behind its end")]
    Extended,
    /// A chunk's frame is not one that a module makes.
    #[error("it is damaged in chunk {0}")]
    Damaged(u64),
    /// A chunk does not verify.
    #[error("it was changed: chunk {0} is not what a module of its group made")]
    Changed(u64),
    /// The module refused or failed.
    #[error("{0}")]
    Module(#[from] ModuleError),
    /// The input failed.
    #[error("it cannot be read")]
    Read(#[source] io::Error),
    /// The output failed.
    #[error("what comes of it cannot be written")]
    Write(#[source] io::Error),
}

impl ShareError {
    /// What to do next.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::NotOurs => "name a file that ends in .kw, or see `keywriter inspect`",
            Self::Version(_) => "bring this program to the version that made the file",
            Self::Header | Self::Cut | Self::Extended | Self::Damaged(_) | Self::Changed(_) => {
                "get the file again from whoever sent it; nothing of it was kept"
            }
            Self::Module(ModuleError::Refused(Status::Locked)) => {
                "unlock it on its keypad (SHIFT+KEY, the User PIN, KEY), and run the same command again"
            }
            Self::Module(ModuleError::Refused(Status::OutOfOrder)) => {
                "too many programs encrypt at the same time, or it was locked meanwhile: run the same command again"
            }
            Self::Module(error) => error.advice(),
            Self::Read(_) => "see that the file exists and that this user may read it",
            Self::Write(_) => "see that there is room, and that this user may write there",
        }
    }

    /// Whether the file, not a module or the system, is at fault.
    pub const fn is_bad_file(&self) -> bool {
        matches!(
            self,
            Self::NotOurs
                | Self::Version(_)
                | Self::Header
                | Self::Cut
                | Self::Extended
                | Self::Damaged(_)
                | Self::Changed(_)
        )
    }
}
