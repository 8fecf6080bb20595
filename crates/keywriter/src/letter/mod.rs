//! Letters: a clone or the group's next epoch for a module that is elsewhere (PROTOCOL § 5). This computer carries them and
//! can open none.
//!
//! | module | what it holds |
//! |---|---|
//! | [`post`] | the files that are mailed |
//! | [`desk`] | what a master does: it writes letters and closes receipts |
//! | [`members`] | who is in a group, and which letterbox each of them has |

pub mod desk;
pub mod members;
pub mod post;

use crate::{
    genuine::{P384, TrustedRoot},
    module::{ConnectedModule, ModuleError},
    receipt::SignedReceipt,
};
use hsm_protocol::{
    EpochName, Malformed, Serial, Sha384Digest, Verifier,
    certificate::{CertificateRefusal, Role},
    cloning::Condition,
    command::ins,
    letter::{Letter, LetterHead, LetterKind, Letterbox},
    message::MessageRefusal,
    receipt::{Party, Statement},
};

/// Why a letterbox or a letter that came by mail is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PostRefusal {
    /// The bytes are damaged.
    #[error("it is damaged")]
    Malformed,
    /// It is for a newer version.
    #[error("it is of another protocol version, for a newer KeyWriter")]
    Version,
    /// Its module is certified under another root.
    #[error("its module is certified under another root of trust")]
    ForeignRoot,
    /// Certificate or signature do not verify.
    #[error("its module's certificate or signature does not verify")]
    NotGenuine,
}

impl From<MessageRefusal> for PostRefusal {
    fn from(refusal: MessageRefusal) -> Self {
        match refusal {
            MessageRefusal::Malformed => Self::Malformed,
            MessageRefusal::Version => Self::Version,
        }
    }
}

impl From<CertificateRefusal> for PostRefusal {
    fn from(refusal: CertificateRefusal) -> Self {
        match refusal {
            CertificateRefusal::Malformed => Self::Malformed,
            CertificateRefusal::ForeignRoot => Self::ForeignRoot,
            CertificateRefusal::NotGenuine => Self::NotGenuine,
        }
    }
}

/// The letterbox of a genuine module, as the module signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GenuineLetterbox {
    bytes: Vec<u8>,
    party: Party,
    condition: Condition,
    number: u64,
    is_virtual: bool,
}

impl GenuineLetterbox {
    /// Checks chain and signature.
    pub fn check(bytes: Vec<u8>, root: &TrustedRoot) -> Result<Self, PostRefusal> {
        let letterbox = Letterbox::parse(&bytes)?;
        let root = root.root().map_err(|Malformed| PostRefusal::Malformed)?;
        let module = root.verify::<P384>(&letterbox.chain)?;
        let message = Letterbox::signed::<P384>(letterbox.fields);
        P384::verify(module.public(), &message, letterbox.signature)
            .map_err(|_bad| PostRefusal::NotGenuine)?;
        let is_virtual = matches!(
            letterbox.chain.leaf().role(),
            Role::Module {
                is_virtual: true,
                ..
            }
        );
        let (party, condition, number) = (
            Party {
                serial: module.serial(),
                certificate: *module.hash(),
            },
            letterbox.condition,
            letterbox.number,
        );
        Ok(Self {
            bytes,
            party,
            condition,
            number,
            is_virtual,
        })
    }

    /// Returns the letterbox as it was signed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns whose it is.
    pub const fn party(&self) -> &Party {
        &self.party
    }

    /// Returns what its module was when it gave the letterbox.
    pub const fn condition(&self) -> Condition {
        self.condition
    }

    /// Returns its number on its module: a later one has a greater number.
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Returns whether its module is virtual.
    pub const fn is_virtual(&self) -> bool {
        self.is_virtual
    }
}

/// A letter whose master is genuine and signed it. What is sealed in it only its module knows.
#[derive(Clone, Debug)]
pub struct GenuineLetter {
    bytes: Vec<u8>,
    head: LetterHead,
    master: Party,
    transcript: Sha384Digest,
}

/// Returns whose letter it says to be. A file of many is looked through by this; what is taken is checked.
pub fn addressee(letter: &[u8]) -> Result<Serial, PostRefusal> {
    Ok(Letter::parse(letter)?.head.to.serial)
}

impl GenuineLetter {
    /// Checks chain and signature.
    pub fn check(bytes: Vec<u8>, root: &TrustedRoot) -> Result<Self, PostRefusal> {
        let letter = Letter::parse(&bytes)?;
        let root = root.root().map_err(|Malformed| PostRefusal::Malformed)?;
        let master = root.verify::<P384>(&letter.chain)?;
        let transcript = Letter::transcript::<P384>(letter.open);
        let message = Letter::signed::<P384>(&transcript, letter.sealed.as_wire());
        P384::verify(master.public(), &message, letter.signature)
            .map_err(|_bad| PostRefusal::NotGenuine)?;
        let (head, master) = (
            letter.head,
            Party {
                serial: master.serial(),
                certificate: *master.hash(),
            },
        );
        Ok(Self {
            bytes,
            head,
            master,
            transcript,
        })
    }

    /// Returns the letter as it was signed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns whose it is, and what for.
    pub const fn head(&self) -> &LetterHead {
        &self.head
    }

    /// Returns who wrote it.
    pub const fn master(&self) -> &Party {
        &self.master
    }

    /// Returns whether this Receipt is the answer to this letter.
    pub fn is_answered_by(&self, receipt: &SignedReceipt) -> bool {
        self.is_answered_in(receipt.statement())
    }

    /// Returns whether a statement is the one of this letter.
    pub fn is_answered_in(&self, statement: &Statement) -> bool {
        statement.transcript == self.transcript && statement.master == self.master
    }
}

/// What a letter is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterFor {
    /// Make the module a clone.
    Join,
    /// Bring the group's epochs to a member.
    Member {
        /// An epoch that the member is known to have.
        shared: EpochName,
    },
}

impl ConnectedModule {
    /// Returns the module's letterbox. If it has none, it makes one first.
    pub fn letterbox(&mut self) -> Result<Vec<u8>, ModuleError> {
        self.command(ins::LETTERBOX, 0, &[])
    }

    /// Master: writes a letter for that letterbox. It needs a cycle.
    pub fn write_letter(
        &mut self,
        what: LetterFor,
        letterbox: &GenuineLetterbox,
    ) -> Result<Vec<u8>, ModuleError> {
        let (kind, data) = match what {
            LetterFor::Join => (LetterKind::Join, letterbox.bytes.clone()),
            LetterFor::Member { shared } => (
                LetterKind::Epoch,
                [&shared.to_bytes()[..], &letterbox.bytes].concat(),
            ),
        };
        self.command(ins::LETTER_WRITE, kind.to_byte(), &data)
    }

    /// Takes a letter, and returns the Receipt. A refusal with [`Status::NeedsPerson`] says that the module asks a person
    /// whether what it holds may be replaced: once that person allowed it, the same command does it.
    ///
    /// [`Status::NeedsPerson`]: hsm_protocol::Status::NeedsPerson
    pub fn take_letter(&mut self, letter: &GenuineLetter) -> Result<Vec<u8>, ModuleError> {
        let ins = match letter.head.kind() {
            LetterKind::Join => ins::LETTER_JOIN,
            LetterKind::Epoch => ins::LETTER_EPOCHS,
        };
        self.command(ins, 0, &letter.bytes)
    }
}
