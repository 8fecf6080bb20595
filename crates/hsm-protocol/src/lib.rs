//! What both ends of the wire agree on, and nothing secret.
//!
//! `no_std`, no allocation, no cryptography: the caller supplies a [`Verifier`].
//! The normative text is `docs/PROTOCOL.md`; items name its sections.
//!
//! | module | what it holds |
//! |---|---|
//! | [`reader`], [`writer`] | bytes in, bytes out |
//! | [`apdu`] | the shape of a command (ISO 7816-4) |
//! | [`command`] | its meaning: every field checked |
//! | [`status`] | status words |
//! | [`epoch`] | how an epoch of a group's key is named |
//! | [`identity`] | who a module is and what it admits to being |
//! | [`mod@file`] | shared files: header, chunks, the team's recipient |
//! | [`hybrid`] | the team's post-quantum recipient |
//! | [`message`] | what every message of a run begins with |
//! | [`cloning`] | the messages of a cloning run |
//! | [`certificate`] | parsing and verifying certificates |
//! | [`receipt`] | the statement both modules sign |
//! | [`letter`] | what a master seals for a module that is elsewhere |
//! | [`rekey`] | the next epoch of a group |
//! | [`policy`] | which modules must agree before its keys go anywhere |
//! | [`ticket`] | what they agree to |
//! | [`team`] | who may do what in a group |
//! | [`settings`] | a module's settings and its status once unlocked |
//! | [`signed`] | the one shape of what modules sign |
//! | [`journal`] | whom a master cloned to |
//! | [`frame`] | a module's socket, and the names in a hub's folder |
//! | [`limits`] | every maximum |

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic,
        clippy::unreachable,
        clippy::as_conversions
    )
)]

#[cfg(test)]
extern crate std;

pub mod apdu;
pub mod certificate;
pub mod cloning;
pub mod command;
mod data_units;
pub mod epoch;
pub mod file;
pub mod frame;
pub mod hybrid;
pub mod identity;
pub mod journal;
pub mod letter;
pub mod limits;
pub mod message;
pub mod policy;
pub mod reader;
pub mod receipt;
mod recipient;
pub mod rekey;
pub mod self_test;
pub mod serial;
pub mod settings;
pub mod signed;
mod statement;
pub mod status;
pub mod team;
pub mod ticket;
pub mod usb;
pub mod verifier;
pub mod writer;

pub use epoch::EpochName;
pub use serial::Serial;
pub use status::Status;
pub use verifier::{BadSignature, EcPoint, Sha384Digest, Signature, Verifier};

/// Bytes that are not what they must be: too short, too long, an unknown tag, a second encoding of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl core::fmt::Display for Malformed {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("malformed bytes")
    }
}

impl core::error::Error for Malformed {}
