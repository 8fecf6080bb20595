//! File keys of age, sealed to the team's recipients.

use super::shared::{EcdhShared, KemShared};
use crate::crypto::{CryptoError, Provider};
use hsm_protocol::file::FILE_KEY;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The file key of one age file, the only CSP that is answered to a host.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct FileKey([u8; FILE_KEY]);

/// A sealed file key: its bytes, and what the key that opens it is derived with.
pub(crate) struct SealedKey<'a> {
    /// The salt of HKDF-Extract.
    pub(crate) salt: &'a [u8],
    /// The info of HKDF-Expand.
    pub(crate) info: &'a [&'a [u8]],
    pub(crate) cipher: &'a [u8; FILE_KEY],
    pub(crate) tag: &'a [u8; 16],
}

impl FileKey {
    /// Becomes what was sealed to the classical recipient.
    pub(crate) fn open<C: Provider>(
        &mut self,
        ecdh: &EcdhShared,
        sealed: &SealedKey<'_>,
    ) -> Result<(), CryptoError> {
        self.open_with::<C>(&[ecdh.expose()], sealed)
    }

    /// Becomes what was sealed to the post-quantum recipient: both secrets are in one key (SP 800-56C rev. 2 § 2).
    pub(crate) fn open_hybrid<C: Provider>(
        &mut self,
        ecdh: &EcdhShared,
        kem: &KemShared,
        sealed: &SealedKey<'_>,
    ) -> Result<(), CryptoError> {
        self.open_with::<C>(&[ecdh.expose(), kem.expose()], sealed)
    }

    /// Extracts and expands a key (RFC 5869) that is used once, and opens the file key with AES-256-GCM.
    fn open_with<C: Provider>(
        &mut self,
        shared: &[&[u8]],
        sealed: &SealedKey<'_>,
    ) -> Result<(), CryptoError> {
        let mut prk = Zeroizing::new([0; 48]);
        C::hmac_sha384(sealed.salt, shared, &mut prk);
        let mut key = Zeroizing::new([0; 32]);
        C::hkdf_expand(&prk, sealed.info, key.as_mut_slice())?;
        self.0.copy_from_slice(sealed.cipher);
        C::gcm_open(&key, &[0; 12], &[], &mut self.0, sealed.tag)
    }

    pub(crate) const fn expose(&self) -> &[u8; FILE_KEY] {
        &self.0
    }
}
