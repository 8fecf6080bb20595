//! The format of everything that modules sign (PROTOCOL § 3.3).

use crate::verifier::Sha384Digest;

/// What a module's signature is for. Each use has its own label, so that a signature is valid for one use only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedLabel {
    /// An answer to IDENTITY.
    Identity,
    /// The master, over the transcript up to its Grant.
    Grant,
    /// The secondary, over the transcript up to its Consent.
    Consent,
    /// The secondary, over a statement.
    Receipt,
    /// The master, over a statement and the secondary's signature.
    Countersignature,
}

impl SignedLabel {
    const fn text(self) -> &'static [u8; LABEL] {
        match self {
            Self::Identity => b"KeyWriter v1 identity signature\0",
            Self::Grant => b"KeyWriter v1 grant    signature\0",
            Self::Consent => b"KeyWriter v1 consent  signature\0",
            Self::Receipt => b"KeyWriter v1 receipt  signature\0",
            Self::Countersignature => b"KeyWriter v1 seal     signature\0",
        }
    }
}

const LABEL: usize = 32;

/// The size of every message that a module signs, in bytes.
pub const SIGNED_MESSAGE: usize = LABEL + 48;

/// Returns what a module signs: a label and a hash (PROTOCOL § 3.3).
pub fn signed_message(label: SignedLabel, digest: &Sha384Digest) -> [u8; SIGNED_MESSAGE] {
    let mut message = [0; SIGNED_MESSAGE];
    let (head, tail) = message.split_at_mut(LABEL);
    head.copy_from_slice(label.text());
    tail.copy_from_slice(digest);
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_is_valid_for_another() {
        let labels = [
            SignedLabel::Identity,
            SignedLabel::Grant,
            SignedLabel::Consent,
            SignedLabel::Receipt,
            SignedLabel::Countersignature,
        ];
        for (i, a) in labels.iter().enumerate() {
            for b in labels.iter().skip(i + 1) {
                assert_ne!(a.text(), b.text());
            }
        }
    }
}
