//! The key of a letter (PROTOCOL § 5.3).

use super::{
    epoch_keys::LetterSecret,
    keyring::EpochKey,
    run_keys::{NONCE, open_once},
    shared::{EcdhShared, KemShared},
};
use crate::crypto::{CryptoError, Provider};
use hsm_protocol::Sha384Digest;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The key that seals one letter.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct LetterKey([u8; 32]);

impl LetterKey {
    /// Becomes the key of the letter with that transcript, as the keys of a run are made (`run_keys`). In a letter to a
    /// member a secret of an epoch that both have is part of it: the letterbox alone opens nothing.
    pub(crate) fn derive<C: Provider>(
        &mut self,
        ecdh: &EcdhShared,
        kem: &KemShared,
        shared: Option<&EpochKey>,
        transcript: &Sha384Digest,
    ) -> Result<(), CryptoError> {
        let mut prk = Zeroizing::new([0; 48]);
        let mut extract = |parts: &[&[u8]]| C::hmac_sha384(transcript, parts, &mut prk);
        match shared {
            None => extract(&[ecdh.expose(), kem.expose()]),
            Some(epoch) => LetterSecret::with::<C, _>(epoch, |secret| {
                extract(&[ecdh.expose(), kem.expose(), secret.expose()]);
            })?,
        }
        C::hkdf_expand(&prk, &[b"KeyWriter v1 letter key"], &mut self.0)
    }

    /// Seals `body` in place and returns its tag; the transcript is additional data.
    pub(crate) fn seal<C: Provider>(
        &self,
        transcript: &Sha384Digest,
        body: &mut [u8],
    ) -> Result<[u8; 16], CryptoError> {
        C::gcm_seal(&self.0, &NONCE, transcript, body)
    }

    /// Opens into `out`, which must have the ciphertext's length.
    pub(crate) fn open<C: Provider>(
        &self,
        transcript: &Sha384Digest,
        sealed: &[u8],
        out: &mut [u8],
    ) -> Result<(), CryptoError> {
        open_once::<C>(&self.0, transcript, sealed, out)
    }
}
