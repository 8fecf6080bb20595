//! The keys of a shared file (docs/FORMAT.md), derived from an epoch's key and the file's header.

use super::keyring::EpochKey;
use crate::crypto::{CryptoError, Direction, Provider};
use hsm_protocol::{
    file::{FileHeader, FileMode, fast_nonce},
    settings::EncryptionMode,
};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The keys of the file whose chunk came last: the next chunk is most often of the same file.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct FileKeys {
    /// All zero if there are no keys: no file has such a header.
    header: [u8; FileHeader::SIZE],
    /// AES-256-XTS; AES-256-ECB and AES-256-GCM take the first half.
    data: [u8; 64],
    mac: [u8; 32],
}

impl Default for FileKeys {
    fn default() -> Self {
        Self {
            header: [0; FileHeader::SIZE],
            data: [0; 64],
            mac: [0; 32],
        }
    }
}

impl FileKeys {
    /// Returns whether they are the keys of the file with that header.
    pub(crate) fn are_of(&self, header: &[u8; FileHeader::SIZE]) -> bool {
        &self.header == header
    }

    /// Becomes the keys of the file with that header, in place.
    pub(crate) fn derive<C: Provider>(
        &mut self,
        epoch: &EpochKey,
        mode: FileMode,
        header: [u8; FileHeader::SIZE],
    ) -> Result<(), CryptoError> {
        self.zeroize();
        let derive =
            |label: &[u8], key: &mut [u8]| C::hkdf_expand(epoch.expose(), &[label, &header], key);
        let half = self.data.first_chunk_mut::<32>().ok_or(CryptoError)?;
        match mode {
            FileMode::InModule(EncryptionMode::Xts) => {
                derive(b"KeyWriter v1 file AES-256-XTS", &mut self.data)?;
            }
            FileMode::InModule(EncryptionMode::Ecb) => {
                derive(b"KeyWriter v1 file AES-256-ECB", half)?;
            }
            FileMode::Fast => derive_fast::<C>(epoch, &header, half)?,
        }
        if let FileMode::InModule(_) = mode {
            derive(b"KeyWriter v1 file AES-256-GMAC", &mut self.mac)?;
        }
        self.header = header;
        Ok(())
    }

    /// Ciphers a chunk as one data unit, numbered by its index.
    pub(crate) fn cipher<C: Provider>(
        &self,
        mode: EncryptionMode,
        index: u64,
        direction: Direction,
        buffer: &mut [u8],
    ) -> Result<(), CryptoError> {
        if buffer.is_empty() {
            return Ok(());
        }
        match mode {
            EncryptionMode::Xts => C::xts(&self.data, u128::from(index), direction, buffer),
            EncryptionMode::Ecb => {
                let key = self.data.first_chunk().ok_or(CryptoError)?;
                C::ecb(key, direction, buffer)
            }
        }
    }

    /// Opens a chunk of a fast file, in place.
    pub(crate) fn open_fast<C: Provider>(
        &self,
        index: u64,
        last: bool,
        buffer: &mut [u8],
        tag: &[u8; 16],
    ) -> Result<(), CryptoError> {
        let key = self.data.first_chunk().ok_or(CryptoError)?;
        C::gcm_open(key, &fast_nonce(index, last), &[], buffer, tag)
    }

    /// Returns the tag of a chunk: GMAC over its lead and ciphertext (SP 800-38D).
    pub(crate) fn tag<C: Provider>(
        &self,
        index: u64,
        tagged: &[u8],
    ) -> Result<[u8; 16], CryptoError> {
        C::gcm_seal(&self.mac, &nonce(index), tagged, &mut [])
    }

    /// Verifies the tag of a chunk.
    pub(crate) fn verify<C: Provider>(
        &self,
        index: u64,
        tagged: &[u8],
        tag: &[u8; 16],
    ) -> Result<(), CryptoError> {
        C::gcm_open(&self.mac, &nonce(index), tagged, &mut [], tag)
    }
}

/// Derives the key of a fast file, 32 bytes: the only key of a file that leaves the module. Its label differs from those
/// of files whose keys stay.
pub(crate) fn derive_fast<C: Provider>(
    epoch: &EpochKey,
    header: &[u8; FileHeader::SIZE],
    key: &mut [u8],
) -> Result<(), CryptoError> {
    C::hkdf_expand(
        epoch.expose(),
        &[b"KeyWriter v1 file AES-256-GCM", header],
        key,
    )
}

/// Returns the nonce of a chunk's GMAC. It binds the chunk to its index; the key binds it to the file's header.
fn nonce(index: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    if let Some(place) = nonce.last_chunk_mut() {
        *place = index.to_be_bytes();
    }
    nonce
}
