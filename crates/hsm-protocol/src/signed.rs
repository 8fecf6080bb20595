//! The format of everything that modules sign (PROTOCOL § 3.3).

use crate::{BadSignature, EcPoint, Malformed, Signature, Verifier, verifier::Sha384Digest};

/// What a module's signature is for. Each use has its own label, so that a signature is valid for one use only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedLabel {
    /// An answer to IDENTITY.
    Identity,
    /// An answer to STATUS with a challenge.
    Status,
    /// An answer to FILE RECIPIENT.
    Recipient,
    /// An answer to JOURNAL with a challenge.
    Journal,
    /// The master, over the transcript up to its Grant.
    Grant,
    /// The secondary, over the transcript up to its Consent.
    Consent,
    /// The secondary, over a statement.
    Receipt,
    /// The master, over a statement and the secondary's signature.
    Countersignature,
    /// A module, over its letterbox.
    Letterbox,
    /// The master, over a letter.
    Letter,
    /// A custodian, over a ticket.
    Ticket,
    /// An answer to TEAM.
    Team,
}

impl SignedLabel {
    /// Every label.
    pub const ALL: [Self; 12] = [
        Self::Identity,
        Self::Status,
        Self::Recipient,
        Self::Journal,
        Self::Grant,
        Self::Consent,
        Self::Receipt,
        Self::Countersignature,
        Self::Letterbox,
        Self::Letter,
        Self::Ticket,
        Self::Team,
    ];

    const fn text(self) -> &'static [u8; LABEL] {
        match self {
            Self::Identity => b"KeyWriter v1 identity signature\0",
            Self::Status => b"KeyWriter v1 status   signature\0",
            Self::Recipient => b"KeyWriter v1 recipientsignature\0",
            Self::Journal => b"KeyWriter v1 journal  signature\0",
            Self::Grant => b"KeyWriter v1 grant    signature\0",
            Self::Consent => b"KeyWriter v1 consent  signature\0",
            Self::Receipt => b"KeyWriter v1 receipt  signature\0",
            Self::Countersignature => b"KeyWriter v1 seal     signature\0",
            Self::Letterbox => b"KeyWriter v1 letterboxsignature\0",
            Self::Letter => b"KeyWriter v1 letter   signature\0",
            Self::Ticket => b"KeyWriter v1 ticket   signature\0",
            Self::Team => b"KeyWriter v1 team     signature\0",
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

/// The size of a host's challenge, in bytes.
pub const CHALLENGE: usize = 32;

/// What a host asks with, fresh each time.
pub type Challenge = [u8; CHALLENGE];

/// What a module's signature under an answer says: to which command and which challenge it answers what.
#[derive(Clone, Copy, Debug)]
pub struct AnswerSignature<'a> {
    /// Which command: each has its label.
    pub label: SignedLabel,
    /// The command's P1.
    pub p1: u8,
    /// The host's challenge.
    pub challenge: &'a Challenge,
}

impl AnswerSignature<'_> {
    /// Returns what the module signs: challenge, P1 and the answer's fields (PROTOCOL § 3.3).
    pub fn message<V: Verifier>(&self, fields: &[u8]) -> [u8; SIGNED_MESSAGE] {
        let digest = V::sha384(&[self.challenge, &[self.p1], fields]);
        signed_message(self.label, &digest)
    }

    /// Checks that the holder of `public` gave this answer.
    pub fn verify<V: Verifier>(
        &self,
        public: &EcPoint,
        answer: &SignedFields<'_>,
    ) -> Result<(), BadSignature> {
        V::verify(public, &self.message::<V>(answer.fields), answer.signature)
    }
}

/// An answer that ends with a signature.
#[derive(Clone, Copy, Debug)]
pub struct SignedFields<'a> {
    /// The answer's fields.
    pub fields: &'a [u8],
    /// The signature over them.
    pub signature: &'a Signature,
}

impl<'a> SignedFields<'a> {
    /// Splits an answer. What the fields mean is not looked at.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let (fields, signature) = bytes.split_last_chunk().ok_or(Malformed)?;
        Ok(Self { fields, signature })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_is_valid_for_another() {
        for (i, a) in SignedLabel::ALL.iter().enumerate() {
            for b in SignedLabel::ALL.iter().skip(i + 1) {
                assert_ne!(a.text(), b.text());
            }
        }
    }

    /// Shows what is hashed, in place of a hash.
    struct Shown;

    impl Verifier for Shown {
        fn verify_either_form(
            _: &EcPoint,
            message: &[u8],
            signature: &Signature,
        ) -> Result<(), BadSignature> {
            let digest = message.get(LABEL..).unwrap_or_default();
            if signature.starts_with(digest) {
                Ok(())
            } else {
                Err(BadSignature)
            }
        }

        fn sha384(parts: &[&[u8]]) -> Sha384Digest {
            let mut digest = [0; 48];
            for (place, byte) in digest.iter_mut().zip(parts.concat()) {
                *place = byte;
            }
            digest
        }
    }

    #[test]
    fn an_answer_is_signed_with_its_challenge_and_its_parameter() {
        let said = AnswerSignature {
            label: SignedLabel::Recipient,
            p1: 1,
            challenge: &[7; CHALLENGE],
        };
        let message = said.message::<Shown>(b"fields");
        assert!(message.starts_with(b"KeyWriter v1 recipientsignature\0"));
        let mut answer = [0; 6 + 96];
        answer[..6].copy_from_slice(b"fields");
        answer[6..][..48].copy_from_slice(&message[LABEL..]);
        let answer = SignedFields::parse(&answer).unwrap();
        assert!(said.verify::<Shown>(&[4; 97], &answer).is_ok());
        let other = AnswerSignature { p1: 0, ..said };
        assert!(other.verify::<Shown>(&[4; 97], &answer).is_err());
        let other = AnswerSignature {
            challenge: &[8; CHALLENGE],
            ..said
        };
        assert!(other.verify::<Shown>(&[4; 97], &answer).is_err());
        assert!(SignedFields::parse(&[0; 95]).is_err());
    }
}
