//! A team's recipient as one of its modules told it: signed over a challenge of this computer (PROTOCOL § 2.9).

use super::{commands::RecipientKind, hybrid::encode_hybrid, recipient::encode_recipient};
use crate::module::{ConnectedModule, ModuleError};
use hsm_protocol::{
    BadSignature, EpochName, Malformed, Serial, file::Recipient, hybrid::HybridRecipient,
};

/// A recipient that a module told, signed with the key that the module had proved before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldRecipient {
    serial: Serial,
    kind: RecipientKind,
    group: [u8; 16],
    epoch: EpochName,
    text: String,
}

impl ToldRecipient {
    /// Asks the module of that serial number, which is unlocked. What it did not sign with the key that it proved is
    /// refused: another certificate that the cable delivers now counts for nothing.
    pub fn ask(
        module: &mut ConnectedModule,
        serial: Serial,
        kind: RecipientKind,
    ) -> Result<Self, ModuleError> {
        let answer = module.file_recipient(kind)?;
        let verified = module
            .proved_key()
            .ok_or(BadSignature)
            .and_then(|key| answer.verify::<crate::genuine::P384>(&key));
        let fields = module.signed(verified)?;
        let (group, epoch, text) = module.well_formed(encoded(kind, fields))?;
        Ok(Self {
            serial,
            kind,
            group,
            epoch,
            text,
        })
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
    pub const fn epoch(&self) -> EpochName {
        self.epoch
    }

    /// Returns the recipient as age takes it.
    pub fn text(&self) -> &str {
        &self.text
    }

    #[cfg(test)]
    pub(crate) fn for_test(serial: Serial, text: &str) -> Self {
        Self {
            serial,
            kind: RecipientKind::Classical,
            group: [1; 16],
            epoch: EpochName {
                number: 1,
                check: [2; 8],
            },
            text: text.to_owned(),
        }
    }
}

/// Returns group, epoch and the recipient as age takes it.
fn encoded(kind: RecipientKind, fields: &[u8]) -> Result<([u8; 16], EpochName, String), Malformed> {
    Ok(match kind {
        RecipientKind::Classical => {
            let to = Recipient::parse(fields)?;
            (to.group, to.epoch, encode_recipient(&to)?)
        }
        RecipientKind::PostQuantum => {
            let to = HybridRecipient::parse(fields)?;
            (to.group, to.epoch, encode_hybrid(&to)?)
        }
    })
}
