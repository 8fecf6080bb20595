//! What happens to the modules of a case, one deed after another, in words that a person can repeat.

use crate::{files::FileSend, team::Rekey};
use hsm_testbench::board::Cut;
use std::fmt::{Display, Formatter, Result};

/// A deed, at a module, and where the power fails in it.
#[derive(Clone, Debug)]
pub(crate) struct Deed {
    pub(crate) module: usize,
    pub(crate) act: Act,
    pub(crate) cut: Option<Cut>,
    /// What an attacker does before power comes back after that cut.
    pub(crate) then: Option<Restore>,
}

/// An attacker puts a blob into the store before power comes. If it is refused, what was there is put back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restore {
    /// Counted from the newest back, modulo those that were ever stored.
    pub(crate) back: usize,
    /// From that byte on it is another blob, counted in the same way.
    pub(crate) mixed: Option<(usize, usize)>,
    /// How torn fuses read.
    pub(crate) reads_burnt: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Keys, as docs/HUB.md writes them.
    Keys(String),
    /// So many milliseconds pass, for all modules.
    Wait(u64),
    Plug,
    Unplug,
    ResetLink,
    PowerUp,
    Restore(Restore),
    Send(Send, Sending),
    /// A link of a chain whose end never comes.
    OpenChain,
    GetResponse,
    Garbage(Garbage),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Send {
    Select,
    Identity,
    Certificate,
    LastReceipt,
    GenerateKey,
    ReadCsr,
    SelfTest {
        run: bool,
    },
    Status,
    /// In the current epoch, or in one that is not there.
    Encipher {
        is_epoch_known: bool,
    },
    /// The ciphertext of that number, from the last one back.
    Decipher(usize),
    CycleBegin {
        options: u8,
        secondaries: u16,
    },
    CycleEnd,
    Journal(u8),
    ClearTable,
    Rekey(Rekey),
    Offer,
    Grant(u8, Pick),
    Consent(Pick),
    Parcel(u8, Pick),
    Commit(Pick),
    Seal(Pick),
    File(FileSend),
}

/// Which message a command carries: of its kind, from the last one back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pick {
    Last(usize),
    Altered(usize),
    /// Too short to be one.
    Short,
    /// Of another protocol version.
    OtherVersion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    Whole,
    /// In so many links.
    Links(usize),
    /// With an answer in parts of so many bytes, of which so many parts are fetched.
    Parts(u8, usize),
}

/// An APDU that is no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Garbage {
    Shape,
    Class,
    Instruction,
    Parameters,
    Length,
    FetchParameters,
}

impl Garbage {
    pub(crate) const ALL: [Self; 6] = [
        Self::Shape,
        Self::Class,
        Self::Instruction,
        Self::Parameters,
        Self::Length,
        Self::FetchParameters,
    ];
}

impl Display for Deed {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "MODULE-{} ", self.module + 1)?;
        match &self.act {
            Act::Keys(text) => write!(f, "keys {text}"),
            Act::Wait(milliseconds) => write!(f, "and the others wait {milliseconds} ms"),
            Act::Send(send, Sending::Whole) => write!(f, "gets {send:?}"),
            Act::Send(send, sending) => write!(f, "gets {send:?}, {sending:?}"),
            other => write!(f, "{other:?}"),
        }?;
        match self.cut {
            Some(Cut::During(number)) => write!(f, ", power cut in operation {number}"),
            Some(Cut::Before(number)) => write!(f, ", power cut before operation {number}"),
            Some(Cut::After(number)) => write!(f, ", power cut after operation {number}"),
            None => Ok(()),
        }?;
        match self.then {
            Some(then) => write!(f, ", then {then:?}"),
            None => Ok(()),
        }
    }
}
