//! One running hash over every byte sent (PROTOCOL § 4.1).
//!
//! The construction is SIGMA-I: ephemeral shares, then each side's signature over the transcript, sealed under a key
//! of the run.

use super::{Refusal, internal_error};
use crate::{
    crypto::Provider,
    vault::csp::run_keys::{RunKeys, SealedMessage},
};
use hsm_protocol::{Sha384Digest, Verifier, cloning::SUITE, letter::Letter, writer::Writer};

/// SHA-384 over everything so far.
#[derive(Clone, Copy)]
pub(super) struct Transcript(Sha384Digest);

impl Transcript {
    pub(super) fn new<V: Verifier>() -> Self {
        Self(V::sha384(&[SUITE]))
    }

    /// Returns that of a letter, which is one message.
    pub(super) fn of_letter<V: Verifier>(open: &[u8]) -> Self {
        Self(Letter::transcript::<V>(open))
    }

    /// Absorbs one message, or one part of one.
    pub(super) fn absorb<V: Verifier>(&mut self, part: &[u8]) {
        self.0 = V::sha384(&[&self.0, part]);
    }

    pub(super) const fn hash(&self) -> &Sha384Digest {
        &self.0
    }

    /// Seals `body` in place, with the transcript as additional data, and appends it with its length.
    pub(super) fn seal_into<C: Provider>(
        &self,
        keys: &RunKeys,
        message: SealedMessage,
        body: &mut [u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let tag = keys
            .seal::<C>(message, &self.0, body)
            .map_err(internal_error)?;
        let len = body.len().saturating_add(tag.len());
        out.u16(u16::try_from(len).map_err(|_overlong| Refusal::Malformed)?)?;
        out.bytes(body)?;
        Ok(out.bytes(&tag)?)
    }
}
