//! A team's recipient as one of its modules told it: signed over a challenge of this computer (PROTOCOL § 2.9).

use super::{commands::RecipientKind, hybrid::encode_hybrid, recipient::encode_recipient};
use crate::{
    genuine::{P384, TrustedRoot},
    module::{Attested, ConnectedModule, ModuleError},
};
use hsm_protocol::{
    BadSignature, Malformed, Serial,
    certificate::{CertificateRefusal, Chain, Role},
    file::Recipient,
    hybrid::HybridRecipient,
};

/// A recipient that the holder of a module's certified key told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldRecipient {
    serial: Serial,
    kind: RecipientKind,
    group: [u8; 16],
    epoch: u32,
    text: String,
    chain: Vec<u8>,
    answer: Attested,
}

/// Why an answer is no recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTold {
    /// Certificate, recipient or point has the wrong shape.
    Malformed,
    /// The certified key did not sign it.
    NotSigned,
}

impl From<Malformed> for NotTold {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl From<BadSignature> for NotTold {
    fn from(_: BadSignature) -> Self {
        Self::NotSigned
    }
}

impl ToldRecipient {
    /// Asks a module that is unlocked. What its certified key did not sign is refused; who certified that key is for
    /// [`Self::check_root`].
    pub fn ask(module: &mut ConnectedModule, kind: RecipientKind) -> Result<Self, ModuleError> {
        let chain = module.own_chain()?;
        let answer = module.file_recipient(kind)?;
        match Self::of(kind, chain, answer) {
            Ok(told) => Ok(told),
            Err(NotTold::Malformed) => module.well_formed(Err(Malformed)),
            Err(NotTold::NotSigned) => module.signed(Err(BadSignature)),
        }
    }

    /// Verifies an answer with the key in the chain.
    pub(crate) fn of(
        kind: RecipientKind,
        chain: Vec<u8>,
        answer: Attested,
    ) -> Result<Self, NotTold> {
        let parsed = Chain::parse(&chain).map_err(|_refusal| NotTold::Malformed)?;
        let leaf = parsed.leaf();
        let Role::Module { serial, .. } = leaf.role() else {
            return Err(NotTold::Malformed);
        };
        let fields = answer.verify::<P384>(leaf.public())?;
        let (group, epoch, text) = match kind {
            RecipientKind::Classical => {
                let to = Recipient::parse(fields)?;
                (to.group, to.epoch, encode_recipient(&to)?)
            }
            RecipientKind::PostQuantum => {
                let to = HybridRecipient::parse(fields)?;
                (to.group, to.epoch, encode_hybrid(&to)?)
            }
        };
        Ok(Self {
            serial,
            kind,
            group,
            epoch,
            text,
            chain,
            answer,
        })
    }

    /// Checks that the module that told it is certified under this root.
    pub fn check_root(&self, root: &TrustedRoot) -> Result<(), CertificateRefusal> {
        let chain = Chain::parse(&self.chain)?;
        root.root()?.verify::<P384>(&chain).map(drop)
    }

    /// Returns the serial number of the module that told it.
    pub const fn serial(&self) -> Serial {
        self.serial
    }

    /// Returns which of the team's recipients it is.
    pub const fn kind(&self) -> RecipientKind {
        self.kind
    }

    /// Returns the team's group.
    pub const fn group(&self) -> &[u8; 16] {
        &self.group
    }

    /// Returns the epoch from whose key the recipient is derived.
    pub const fn epoch(&self) -> u32 {
        self.epoch
    }

    /// Returns the recipient as age takes it.
    pub fn text(&self) -> &str {
        &self.text
    }
}
