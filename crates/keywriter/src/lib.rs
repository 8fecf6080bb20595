//! Host library: finds modules, relays cloning runs between them, keeps settings and receipts.
//!
//! A host is trusted to relay, not to keep: it holds no secret of a module, takes no PIN of one, and cannot open what
//! it carries. The app's own PIN and the license are in [`mod@license`].
//!
//! | module | what it holds |
//! |---|---|
//! | [`transport`] | APDUs to a module: a hub's socket, a PC/SC reader |
//! | [`module`] | a connected module and its commands |
//! | [`discovery`], [`survey`] | where modules are; which they are and what they admit to being |
//! | [`genuine`], [`trust`] | this computer's opinion of a module's certificate; the root that it rests on |
//! | [`cycle`] | one master, many secondaries at once; its [`plan`](cycle::plan) and each [`run`](mod@cycle::run) |
//! | [`letter`] | clones and epochs for modules that are elsewhere |
//! | [`team`] | a group's next epoch and its policy |
//! | [`ticket`] | what custodians allow a master |
//! | [`teamwork`] | what people do with these three, for every front end |
//! | [`asking`] | commands that a person must allow on the module's keypad |
//! | [`share`] | files that any clone decrypts; the team's recipient for age |
//! | [`cipher`] | a stream's data units, through a module |
//! | [`mod@license`] | registration, the app's PIN, and what needs a license |
//! | [`settings`], [`receipt`], [`nicknames`] | files of this computer |
//! | [`report`] | a cycle's receipts in one file, and on a page to print |
//! | [`folders`], [`mod@file`] | where they are, and how they are written |
//! | [`problem`] | what went wrong, for every front end |
//! | [`error`], [`text`] | words for status words, an error with its sources, bytes as text |

#![forbid(unsafe_code)]

pub mod asking;
pub mod cipher;
pub mod cycle;
pub mod discovery;
pub mod error;
pub mod file;
pub mod folders;
pub mod genuine;
pub mod journal;
pub mod letter;
pub mod license;
pub mod module;
pub mod nicknames;
mod pipeline;
pub mod problem;
pub mod receipt;
pub mod report;
pub mod settings;
pub mod share;
pub mod survey;
pub mod team;
pub mod teamwork;
#[cfg(test)]
mod test_hub;
pub mod text;
pub mod ticket;
pub mod transport;
pub mod trust;

pub use hsm_protocol::{Serial, cloning::Options};

/// What programs show of the protocol's own types.
pub mod protocol {
    pub use hsm_protocol::{
        EpochName, Status,
        cloning::{Condition, Permission},
        identity::LockState,
        journal::{JournalEntry, JournalRow},
        letter::{LetterHead, LetterKind},
        receipt::{Statement, VerifiedReceipt},
        rekey::Rekeyed,
        settings::{EncryptionMode, ModuleStatus, Role},
        team::UsedTicket,
        ticket::Agreed,
    };
}
