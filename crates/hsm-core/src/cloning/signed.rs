//! Signatures of the peer. Each check returns what it proves, and what follows asks for that.

use super::{Refusal, transcript::Transcript};
use hsm_protocol::{
    EcPoint, Signature, Verifier,
    certificate::Genuine,
    cloning::{GrantBody, Terms},
    letter::{Letter, Letterbox},
    receipt::{Party, Receipt},
    signed::{SIGNED_MESSAGE, SignedLabel, signed_message},
    ticket::Approval,
};

/// Ticket and cycle, signed by a genuine master.
#[derive(Clone, Copy)]
pub(super) struct SignedTerms {
    master: Party,
    terms: Terms,
}

impl SignedTerms {
    /// Verifies the signature of an opened Grant.
    pub(super) fn verify<V: Verifier>(
        peer: &Genuine<'_>,
        transcript: &Transcript,
        body: &GrantBody<'_>,
    ) -> Result<Self, Refusal> {
        let message = Self::message::<V>(transcript, &body.terms)?;
        verify::<V>(peer.public(), &message, body.signature)?;
        Ok(Self {
            master: party(peer),
            terms: body.terms,
        })
    }

    /// Returns what a master signs with its Grant.
    pub(super) fn message<V: Verifier>(
        transcript: &Transcript,
        terms: &Terms,
    ) -> Result<[u8; SIGNED_MESSAGE], Refusal> {
        let digest = V::sha384(&[transcript.hash(), &terms.to_bytes()?]);
        Ok(signed_message(SignedLabel::Grant, &digest))
    }

    pub(super) const fn master(&self) -> Party {
        self.master
    }

    pub(super) const fn terms(&self) -> Terms {
        self.terms
    }
}

/// Proof that a genuine master signed a letter: what is sealed in it, too.
pub(super) struct SignedLetter(Party);

impl SignedLetter {
    /// Verifies the signature under a letter.
    pub(super) fn verify<V: Verifier>(
        peer: &Genuine<'_>,
        transcript: &Transcript,
        letter: &Letter<'_>,
    ) -> Result<Self, Refusal> {
        let message = Letter::signed::<V>(transcript.hash(), letter.sealed.as_wire());
        verify::<V>(peer.public(), &message, letter.signature)?;
        Ok(Self(party(peer)))
    }

    /// Returns the terms that were sealed in it, as signed.
    pub(super) const fn terms(self, terms: Terms) -> SignedTerms {
        SignedTerms {
            master: self.0,
            terms,
        }
    }
}

/// Verifies the signature of a genuine module under its letterbox.
pub(super) fn verify_letterbox<V: Verifier>(
    module: &Genuine<'_>,
    letterbox: &Letterbox<'_>,
) -> Result<(), Refusal> {
    let message = Letterbox::signed::<V>(letterbox.fields);
    verify::<V>(module.public(), &message, letterbox.signature)
}

/// Verifies the signature of a genuine custodian under its approval.
pub(super) fn verify_approval<V: Verifier>(
    custodian: &Genuine<'_>,
    approval: &Approval<'_>,
) -> Result<(), Refusal> {
    let message = Approval::signed(approval.ticket);
    verify::<V>(custodian.public(), &message, approval.signature)
}

const fn party(module: &Genuine<'_>) -> Party {
    Party {
        serial: module.serial(),
        certificate: *module.hash(),
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
