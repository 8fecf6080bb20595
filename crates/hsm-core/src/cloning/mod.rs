//! Cloning (PROTOCOL § 4): the master's part (`master`, `countersign`) and the secondary's (`secondary`); and letters
//! (§ 5), which do in one message what a run does in six: written by a master (`letter::write`), taken by a module that
//! is elsewhere (`letter::take`); and what custodians sign before either, where a group wants that (`approval`).
//!
//! The parts share the transcript, the checks of signatures, what is proved (`proof`), what a master releases
//! (`release`) and what a module stores (`commit`), nothing else. The two parts of a run are small enums with one way
//! forward: a message uses up what the state holds, and an error leaves `Idle`, so that the keys of the run are dropped.

pub(crate) mod approval;
pub(crate) mod commit;
pub(crate) mod countersign;
pub(crate) mod letter;
pub(crate) mod master;
mod proof;
mod release;
pub(crate) mod secondary;
mod signed;
mod transcript;

use crate::{
    crypto::CryptoError,
    platform::Fault,
    presented::NotAllowed,
    vault::{csp::keyring::NotNext, journal::TableFull, store::NotStored, writes::NoneLeft},
};
use hsm_protocol::{
    Status,
    certificate::{CertificateRefusal, Chain, Genuine, Role},
    message::MessageRefusal,
};

/// Why a module ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The message has the wrong shape.
    Malformed,
    /// The previous message is missing.
    OutOfOrder,
    /// The peer uses another protocol version or suite.
    Version,
    /// The peer's certificate comes from another root.
    ForeignRoot,
    /// The peer's certificate or signature does not verify.
    NotGenuine,
    /// Both are the same module.
    SameModule,
    /// One is virtual and the other is not.
    OtherKind,
    /// The peer was retired from this module's group.
    Retired,
    /// The master of a letter with epochs may not re-key this module's group.
    NotRekeyingMaster,
    /// A letter is for another letterbox than the module has now.
    OtherLetterbox,
    /// A letter's epochs contradict those of the module.
    Forked,
    /// A letter's epochs are older than those of the module.
    OlderLetter,
    /// Cloning is disabled on this master.
    CloningDisabled,
    /// More than the module has room for.
    TooLarge,
    /// The group's policy asks for a ticket that is not there.
    NotAllowed(NotAllowed),
    /// A ticket is of another group or epoch, or an approval of another ticket.
    OtherTicket,
    /// The module is no custodian of this group.
    NotCustodian,
    /// A message was changed, or belongs to another run.
    Broken,
    /// There is no last receipt.
    NotFound,
    /// What was stored is not what was sent.
    NotProved,
    /// The module is worn out, and stores nothing any more.
    WornOut,
    /// The journal has no room for another module.
    JournalFull,
    /// The host caused too many writes.
    TooManyWrites,
    /// The board failed.
    Fault,
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Malformed => Self::Malformed,
            Refusal::OutOfOrder => Self::OutOfOrder,
            Refusal::Version => Self::VersionRefused,
            Refusal::ForeignRoot => Self::ForeignRoot,
            Refusal::NotGenuine => Self::NotGenuine,
            Refusal::SameModule => Self::SameModule,
            Refusal::OtherKind => Self::OtherKind,
            Refusal::Retired => Self::Retired,
            Refusal::NotRekeyingMaster => Self::NotRekeyingMaster,
            Refusal::OtherLetterbox => Self::OtherLetterbox,
            Refusal::Forked => Self::Forked,
            Refusal::OlderLetter => Self::OlderLetter,
            Refusal::CloningDisabled => Self::CloningDisabled,
            Refusal::TooLarge => Self::TooLarge,
            Refusal::NotAllowed(reason) => reason.into(),
            Refusal::OtherTicket => Self::OtherTicket,
            Refusal::NotCustodian => Self::NotCustodian,
            Refusal::Broken => Self::RunBroken,
            Refusal::NotFound => Self::NotFound,
            Refusal::NotProved => Self::NotProved,
            Refusal::WornOut => Self::WornOut,
            Refusal::JournalFull => Self::JournalFull,
            Refusal::TooManyWrites => Self::TooManyWrites,
            Refusal::Fault => Self::MemoryFailure,
        }
    }
}

impl From<Fault> for Refusal {
    fn from(_: Fault) -> Self {
        Self::Fault
    }
}

impl From<NotStored> for Refusal {
    fn from(reason: NotStored) -> Self {
        match reason {
            NotStored::Fault => Self::Fault,
            NotStored::WornOut => Self::WornOut,
        }
    }
}

impl From<TableFull> for Refusal {
    fn from(_: TableFull) -> Self {
        Self::JournalFull
    }
}

impl From<NotNext> for Refusal {
    fn from(reason: NotNext) -> Self {
        match reason {
            NotNext::OtherGroup => Self::Malformed,
            NotNext::Forked => Self::Forked,
            NotNext::Older => Self::OlderLetter,
        }
    }
}

impl From<NotAllowed> for Refusal {
    fn from(reason: NotAllowed) -> Self {
        Self::NotAllowed(reason)
    }
}

impl From<NoneLeft> for Refusal {
    fn from(_: NoneLeft) -> Self {
        Self::TooManyWrites
    }
}

impl From<hsm_protocol::Malformed> for Refusal {
    fn from(_: hsm_protocol::Malformed) -> Self {
        Self::Malformed
    }
}

impl From<MessageRefusal> for Refusal {
    fn from(refusal: MessageRefusal) -> Self {
        match refusal {
            MessageRefusal::Malformed => Self::Malformed,
            MessageRefusal::Version => Self::Version,
        }
    }
}

impl From<CertificateRefusal> for Refusal {
    fn from(refusal: CertificateRefusal) -> Self {
        match refusal {
            CertificateRefusal::Malformed => Self::Malformed,
            CertificateRefusal::ForeignRoot => Self::ForeignRoot,
            CertificateRefusal::NotGenuine => Self::NotGenuine,
        }
    }
}

/// Checks that these are two different modules of one kind: a virtual module, whose key is on a host, gets nothing
/// from a hardware module.
fn check_pair(own: &Chain<'_>, peer: &Genuine<'_>) -> Result<(), Refusal> {
    let Role::Module { serial, is_virtual } = own.leaf().role() else {
        return Err(Refusal::Fault);
    };
    if peer.serial() == serial {
        return Err(Refusal::SameModule);
    }
    if peer.is_virtual() == is_virtual {
        Ok(())
    } else {
        Err(Refusal::OtherKind)
    }
}

/// Returns the refusal after a primitive failed on our own data: in practice, the generator failed.
fn internal_error(_: CryptoError) -> Refusal {
    Refusal::Fault
}

/// Returns the refusal after a primitive failed on something that the peer sent.
fn peer_error(_: CryptoError) -> Refusal {
    Refusal::Broken
}
