//! Answers that the module signs, over a challenge of this computer: whoever relays them cannot change them.

use super::{ConnectedModule, ModuleError};
use crate::genuine::P384;
use hsm_protocol::{
    BadSignature, EcPoint, Malformed, Verifier,
    identity::{Identity, SignedIdentity},
    signed::{AnswerSignature, Challenge, SignedFields, SignedLabel},
};

/// An answer to IDENTITY, with the challenge it answers.
#[derive(Clone, Debug)]
pub struct SignedAnswer {
    challenge: Challenge,
    bytes: Vec<u8>,
    identity: Identity,
}

impl SignedAnswer {
    /// Takes an answer to that challenge.
    pub(super) const fn new(challenge: Challenge, bytes: Vec<u8>, identity: Identity) -> Self {
        Self {
            challenge,
            bytes,
            identity,
        }
    }

    /// Returns the fields.
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Checks that the holder of `public` gave this answer.
    pub fn verify<V: Verifier>(&self, public: &EcPoint) -> Result<(), BadSignature> {
        SignedIdentity::parse(&self.bytes)
            .map_err(|Malformed| BadSignature)?
            .verify::<V>(public, &self.challenge)
    }
}

/// An answer that ends with the module's signature over it and a challenge. Its fields are only for those who verify it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attested {
    label: SignedLabel,
    p1: u8,
    challenge: Challenge,
    bytes: Vec<u8>,
}

impl Attested {
    /// Takes an answer to such a command with such a challenge.
    pub(crate) const fn new(
        label: SignedLabel,
        p1: u8,
        challenge: Challenge,
        bytes: Vec<u8>,
    ) -> Self {
        Self {
            label,
            p1,
            challenge,
            bytes,
        }
    }

    /// Returns the fields, whoever gave this answer.
    pub(crate) fn unverified(&self) -> Result<&[u8], Malformed> {
        Ok(SignedFields::parse(&self.bytes)?.fields)
    }

    /// Returns the fields if the holder of `public` gave this answer.
    pub fn verify<V: Verifier>(&self, public: &EcPoint) -> Result<&[u8], BadSignature> {
        let answer = SignedFields::parse(&self.bytes).map_err(|Malformed| BadSignature)?;
        let said = AnswerSignature {
            label: self.label,
            p1: self.p1,
            challenge: &self.challenge,
        };
        said.verify::<V>(public, &answer)?;
        Ok(answer.fields)
    }
}

impl ConnectedModule {
    /// Returns the fields of an answer, which the module signed if its key is known.
    pub(crate) fn fields(
        &mut self,
        ins: u8,
        p1: u8,
        label: SignedLabel,
    ) -> Result<Vec<u8>, ModuleError> {
        let Some(key) = self.key else {
            return self.command(ins, p1, &[]);
        };
        let answer = self.attested(ins, p1, label)?;
        let fields = self.signed(answer.verify::<P384>(&key))?;
        Ok(fields.to_vec())
    }

    /// Sends a command with a new random challenge.
    pub(crate) fn attested(
        &mut self,
        ins: u8,
        p1: u8,
        label: SignedLabel,
    ) -> Result<Attested, ModuleError> {
        let challenge = challenge()?;
        let bytes = self.command(ins, p1, &challenge)?;
        Ok(Attested::new(label, p1, challenge, bytes))
    }

    /// Returns what was verified, or whose answer was not signed.
    pub(crate) fn signed<T>(&self, verified: Result<T, BadSignature>) -> Result<T, ModuleError> {
        verified.map_err(|BadSignature| ModuleError::NotSigned {
            location: self.location().clone(),
        })
    }
}

/// Returns a new random challenge.
pub(super) fn challenge() -> Result<Challenge, ModuleError> {
    let mut challenge = [0; 32];
    getrandom::fill(&mut challenge).map_err(ModuleError::Random)?;
    Ok(challenge)
}
