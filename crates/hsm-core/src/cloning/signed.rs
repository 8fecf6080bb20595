//! Signatures of the peer. Each check returns what it proves, and what follows asks for that.

use super::{Refusal, transcript::Transcript};
use hsm_protocol::{
    EcPoint, Signature, Verifier,
    certificate::Genuine,
    cloning::{Cycle, GrantBody, Ticket},
    receipt::{Party, Receipt},
    signed::{SIGNED_MESSAGE, SignedLabel, signed_message},
};

/// The terms of a Grant, signed by a genuine master over the transcript.
#[derive(Clone, Copy)]
pub(super) struct SignedTerms {
    master: Party,
    ticket: Ticket,
    cycle: Cycle,
}

impl SignedTerms {
    /// Verifies the signature of an opened Grant.
    pub(super) fn verify<V: Verifier>(
        peer: &Genuine<'_>,
        transcript: &Transcript,
        body: &GrantBody<'_>,
    ) -> Result<Self, Refusal> {
        let message = Self::message::<V>(transcript, body.ticket, body.cycle)?;
        verify::<V>(peer.public(), &message, body.signature)?;
        Ok(Self {
            master: Party {
                serial: peer.serial(),
                certificate: *peer.hash(),
            },
            ticket: body.ticket,
            cycle: body.cycle,
        })
    }

    /// Returns what a master signs with its Grant.
    pub(super) fn message<V: Verifier>(
        transcript: &Transcript,
        ticket: Ticket,
        cycle: Cycle,
    ) -> Result<[u8; SIGNED_MESSAGE], Refusal> {
        let terms = GrantBody::terms(ticket, &cycle)?;
        let digest = V::sha384(&[transcript.hash(), &terms]);
        Ok(signed_message(SignedLabel::Grant, &digest))
    }

    pub(super) const fn master(&self) -> Party {
        self.master
    }

    pub(super) const fn ticket(&self) -> Ticket {
        self.ticket
    }

    pub(super) const fn cycle(&self) -> Cycle {
        self.cycle
    }
}

/// Proof that the secondary of a run signed its transcript up to the Consent.
pub(super) struct Consented(());

impl Consented {
    /// Verifies the signature of an opened Consent.
    pub(super) fn verify<V: Verifier>(
        public: &EcPoint,
        transcript: &Transcript,
        signature: &Signature,
    ) -> Result<Self, Refusal> {
        verify::<V>(public, &Self::message(transcript), signature).map(Self)
    }

    /// Returns what a secondary signs with its Consent.
    pub(super) fn message(transcript: &Transcript) -> [u8; SIGNED_MESSAGE] {
        signed_message(SignedLabel::Consent, transcript.hash())
    }
}

/// Verifies the signature of a genuine secondary under its Receipt.
pub(super) fn verify_receipt<V: Verifier>(
    secondary: &Genuine<'_>,
    receipt: &Receipt<'_>,
) -> Result<(), Refusal> {
    let message = Receipt::signed::<V>(receipt.statement_bytes);
    verify::<V>(secondary.public(), &message, receipt.signature)
}

fn verify<V: Verifier>(
    public: &EcPoint,
    message: &[u8; SIGNED_MESSAGE],
    signature: &Signature,
) -> Result<(), Refusal> {
    V::verify(public, message, signature).map_err(|_bad| Refusal::NotGenuine)
}
