//! The keys of a cloning run (PROTOCOL § 4.1).

use super::shared::{EcdhShared, KemShared};
use crate::crypto::{CryptoError, Provider};
use hsm_protocol::Sha384Digest;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The keys of a run: one for each sealed message. Each is used once.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct RunKeys {
    grant: [u8; 32],
    consent: [u8; 32],
    parcel: [u8; 32],
}

/// Which message a key seals.
#[derive(Clone, Copy)]
pub(crate) enum SealedMessage {
    Grant,
    Consent,
    Parcel,
}

impl RunKeys {
    /// Becomes the same keys, in place.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.grant.copy_from_slice(&other.grant);
        self.consent.copy_from_slice(&other.consent);
        self.parcel.copy_from_slice(&other.parcel);
    }

    /// Becomes the keys of a run. Both shared secrets are concatenated and extracted with the transcript as salt
    /// (SP 800-56C rev. 2 § 2 and § 5), so that the keys hold while either secret holds.
    pub(crate) fn derive<C: Provider>(
        &mut self,
        ecdh: &EcdhShared,
        kem: &KemShared,
        transcript: &Sha384Digest,
    ) -> Result<(), CryptoError> {
        let mut prk = Zeroizing::new([0; 48]);
        // HKDF-Extract is HMAC with the salt as key (RFC 5869 § 2.2).
        C::hmac_sha384(transcript, &[ecdh.expose(), kem.expose()], &mut prk);
        C::hkdf_expand(&prk, &[b"KeyWriter v1 grant key"], &mut self.grant)?;
        C::hkdf_expand(&prk, &[b"KeyWriter v1 consent key"], &mut self.consent)?;
        C::hkdf_expand(&prk, &[b"KeyWriter v1 parcel key"], &mut self.parcel)
    }

    /// Seals `body` in place and returns its tag; the transcript so far is additional data.
    pub(crate) fn seal<C: Provider>(
        &self,
        message: SealedMessage,
        transcript: &Sha384Digest,
        body: &mut [u8],
    ) -> Result<[u8; 16], CryptoError> {
        C::gcm_seal(self.key(message), &NONCE, transcript, body)
    }

    /// Opens into `out`, which must have the ciphertext's length.
    pub(crate) fn open<C: Provider>(
        &self,
        message: SealedMessage,
        transcript: &Sha384Digest,
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        open_once::<C>(self.key(message), transcript, sealed, out)
    }

    const fn key(&self, message: SealedMessage) -> &[u8; 32] {
        match message {
            SealedMessage::Grant => &self.grant,
            SealedMessage::Consent => &self.consent,
            SealedMessage::Parcel => &self.parcel,
        }
    }
}

/// Opens what a key sealed that seals one message only, into `out`, which must have the ciphertext's length.
pub(super) fn open_once<C: Provider>(
    key: &[u8; 32],
    transcript: &Sha384Digest,
    sealed: &[u8],
    out: &mut [u8],
) -> Result<(), CryptoError> {
    let (ciphertext, tag) = sealed.split_last_chunk().ok_or(CryptoError)?;
    if ciphertext.len() != out.len() {
        return Err(CryptoError);
    }
    out.copy_from_slice(ciphertext);
    C::gcm_open(key, &NONCE, transcript, out, tag)
}

/// Each key seals one message.
pub(super) const NONCE: [u8; 12] = [0; 12];
