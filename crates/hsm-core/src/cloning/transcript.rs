//! One running hash over every byte sent, and the keys it gives (PROTOCOL § 4.1).
//!
//! The construction is SIGMA-I: ephemeral shares, then each side's signature over the transcript, sealed under a key of
//! the run. Shared secrets of ECDH and ML-KEM are concatenated and extracted with the transcript as salt (SP 800-56C
//! rev. 2 § 2 and § 5), so that the keys hold while either secret holds.

use super::{Refusal, own};
use crate::crypto::{CryptoError, Provider};
use hsm_protocol::{Sha384Digest, Verifier, writer::Writer};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// SHA-384 over everything so far.
#[derive(Clone, Copy)]
pub(super) struct Transcript(Sha384Digest);

impl Transcript {
    pub(super) fn new<V: Verifier>() -> Self {
        Self(V::sha384(&[SUITE]))
    }

    /// Takes in one message, or one part of one.
    pub(super) fn absorb<V: Verifier>(&mut self, part: &[u8]) {
        self.0 = V::sha384(&[&self.0, part]);
    }

    pub(super) const fn hash(&self) -> &Sha384Digest {
        &self.0
    }
}

/// Names version, suite and purpose: a transcript of anything else begins differently.
const SUITE: &[u8] =
    b"KeyWriter v1 cloning: ECDH-P384 + ML-KEM-1024, ECDSA-P384-SHA384, HKDF-SHA384, AES-256-GCM";

/// The two shared secrets, one after the other.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct SharedSecrets {
    pub(super) ecdh: [u8; 48],
    pub(super) kem: [u8; 32],
}

impl SharedSecrets {
    pub(super) const fn empty() -> Self {
        Self {
            ecdh: [0; 48],
            kem: [0; 32],
        }
    }
}

/// The keys of a run: one for each sealed message, and each is used once.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(super) struct RunKeys {
    grant: [u8; 32],
    consent: [u8; 32],
    parcel: [u8; 32],
}

/// Which message a key seals.
#[derive(Clone, Copy)]
pub(super) enum SealedMessage {
    Grant,
    Consent,
    Parcel,
}

impl RunKeys {
    /// Becomes the same keys, in place: a move would leave the old bytes behind.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.grant.copy_from_slice(&other.grant);
        self.consent.copy_from_slice(&other.consent);
        self.parcel.copy_from_slice(&other.parcel);
    }

    /// Fills in place.
    pub(super) fn derive<C: Provider>(
        &mut self,
        secrets: &SharedSecrets,
        transcript: &Transcript,
    ) -> Result<(), CryptoError> {
        let mut prk = Zeroizing::new([0; 48]);
        // HKDF-Extract is HMAC with the salt as key (RFC 5869 § 2.2).
        C::hmac_sha384(transcript.hash(), &[&secrets.ecdh, &secrets.kem], &mut prk);
        C::hkdf_expand(&prk, &[b"KeyWriter v1 grant key"], &mut self.grant)?;
        C::hkdf_expand(&prk, &[b"KeyWriter v1 consent key"], &mut self.consent)?;
        C::hkdf_expand(&prk, &[b"KeyWriter v1 parcel key"], &mut self.parcel)
    }

    /// Seals `body` in place and appends it with its length; the transcript so far is additional data.
    pub(super) fn seal_into<C: Provider>(
        &self,
        message: SealedMessage,
        transcript: &Transcript,
        body: &mut [u8],
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        let tag = C::gcm_seal(self.key(message), &NONCE, transcript.hash(), body).map_err(own)?;
        out.u16(
            u16::try_from(body.len().saturating_add(tag.len()))
                .map_err(|_overlong| Refusal::Malformed)?,
        )?;
        out.bytes(body)?;
        Ok(out.bytes(&tag)?)
    }

    /// Opens into `out`, which must have the ciphertext's length.
    pub(super) fn open<C: Provider>(
        &self,
        message: SealedMessage,
        transcript: &Transcript,
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        let (ciphertext, tag) = sealed.split_last_chunk().ok_or(CryptoError)?;
        if ciphertext.len() != out.len() {
            return Err(CryptoError);
        }
        out.copy_from_slice(ciphertext);
        C::gcm_open(self.key(message), &NONCE, transcript.hash(), out, tag)
    }

    const fn key(&self, message: SealedMessage) -> &[u8; 32] {
        match message {
            SealedMessage::Grant => &self.grant,
            SealedMessage::Consent => &self.consent,
            SealedMessage::Parcel => &self.parcel,
        }
    }
}

/// Each key seals one message.
const NONCE: [u8; 12] = [0; 12];
