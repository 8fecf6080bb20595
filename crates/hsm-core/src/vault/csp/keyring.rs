//! The group's keys: one secret for each epoch, and what is derived from it.

use crate::crypto::{CryptoError, Provider, Rng};
use hsm_protocol::{Malformed, file::FileHeader, limits, reader::Reader, writer::Writer};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The secret of one epoch. Keys are derived from it by use, with labels (HKDF-Expand, RFC 5869); none is shared.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct EpochKey([u8; 48]);

impl Default for EpochKey {
    fn default() -> Self {
        Self([0; 48])
    }
}

impl EpochKey {
    pub(crate) const SIZE: usize = 48;

    /// AES-256-XTS: two halves, which differ but for a chance of 2⁻²⁵⁶; the cipher checks.
    pub(crate) fn derive_xts<C: Provider>(&self) -> Result<Zeroizing<[u8; 64]>, CryptoError> {
        self.derive::<C, 64>(b"KeyWriter v1 data AES-256-XTS")
    }

    /// AES-256-ECB.
    pub(crate) fn derive_ecb<C: Provider>(&self) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        self.derive::<C, 32>(b"KeyWriter v1 data AES-256-ECB")
    }

    /// A shared file's AES-256-XTS key. Its header is part of what it is derived from, salt included.
    pub(crate) fn derive_file_xts<C: Provider>(
        &self,
        header: &[u8; FileHeader::SIZE],
    ) -> Result<Zeroizing<[u8; 64]>, CryptoError> {
        self.derive_file::<C, 64>(b"KeyWriter v1 file AES-256-XTS", header)
    }

    /// A shared file's AES-256-ECB key.
    pub(crate) fn derive_file_ecb<C: Provider>(
        &self,
        header: &[u8; FileHeader::SIZE],
    ) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        self.derive_file::<C, 32>(b"KeyWriter v1 file AES-256-ECB", header)
    }

    /// The key of a shared file's tags.
    pub(crate) fn derive_file_mac<C: Provider>(
        &self,
        header: &[u8; FileHeader::SIZE],
    ) -> Result<Zeroizing<[u8; 32]>, CryptoError> {
        self.derive_file::<C, 32>(b"KeyWriter v1 file AES-256-GMAC", header)
    }

    /// The scalar of the team's recipient. It misses the range from 1 to n − 1 once in 2¹⁹⁰ epochs; there is no second try,
    /// as there is none for keys that are drawn.
    pub(crate) fn derive_recipient<C: Provider>(&self) -> Result<Zeroizing<[u8; 48]>, CryptoError> {
        self.derive::<C, 48>(b"KeyWriter v1 recipient ECDH-P384")
    }

    /// The scalar of the team's post-quantum recipient; of its range see [`Self::derive_recipient`].
    pub(crate) fn derive_hybrid_ecdh<C: Provider>(
        &self,
    ) -> Result<Zeroizing<[u8; 48]>, CryptoError> {
        self.derive::<C, 48>(b"KeyWriter v1 hybrid ECDH-P384")
    }

    /// The seed of the team's post-quantum recipient, `d ‖ z` of FIPS 203 § 7.1.
    pub(crate) fn derive_hybrid_kem<C: Provider>(
        &self,
    ) -> Result<Zeroizing<[u8; 64]>, CryptoError> {
        self.derive::<C, 64>(b"KeyWriter v1 hybrid ML-KEM-1024")
    }

    /// The key of a receipt's commitments.
    pub(crate) fn derive_commitment<C: Provider>(
        &self,
    ) -> Result<Zeroizing<[u8; 48]>, CryptoError> {
        self.derive::<C, 48>(b"KeyWriter v1 receipt commitment")
    }

    /// The key of a receipt's proof of sameness.
    pub(crate) fn derive_proof<C: Provider>(&self) -> Result<Zeroizing<[u8; 48]>, CryptoError> {
        self.derive::<C, 48>(b"KeyWriter v1 receipt proof")
    }

    fn derive_file<C: Provider, const N: usize>(
        &self,
        label: &[u8],
        header: &[u8; FileHeader::SIZE],
    ) -> Result<Zeroizing<[u8; N]>, CryptoError> {
        let mut key = Zeroizing::new([0; N]);
        C::hkdf_expand(&self.0, &[label, header], key.as_mut_slice())?;
        Ok(key)
    }

    fn derive<C: Provider, const N: usize>(
        &self,
        label: &[u8],
    ) -> Result<Zeroizing<[u8; N]>, CryptoError> {
        let mut key = Zeroizing::new([0; N]);
        C::hkdf_expand(&self.0, &[label], key.as_mut_slice())?;
        Ok(key)
    }
}

/// Group identity and epochs, oldest first. The last one enciphers; all of them decipher.
#[derive(Default)]
pub(crate) struct Keyring {
    group: [u8; 16],
    numbers: [u32; limits::EPOCHS],
    keys: [EpochKey; limits::EPOCHS],
    count: u8,
}

impl Keyring {
    /// The size of the encoded form, in bytes; always the same.
    pub(crate) const SIZE: usize = 16 + 1 + limits::EPOCHS * (4 + EpochKey::SIZE);

    /// Becomes a new group with one epoch.
    pub(crate) fn generate(&mut self, rng: &mut dyn Rng) -> Result<(), CryptoError> {
        rng.fill(&mut self.group)?;
        if let (Some(number), Some(key)) = (self.numbers.first_mut(), self.keys.first_mut()) {
            *number = 1;
            rng.fill(&mut key.0)?;
            self.count = 1;
        }
        Ok(())
    }

    pub(crate) const fn group(&self) -> &[u8; 16] {
        &self.group
    }

    /// The epoch that enciphers, with its number.
    pub(crate) fn current(&self) -> Option<(u32, &EpochKey)> {
        self.epochs().last()
    }

    /// The epoch of that number.
    pub(crate) fn epoch(&self, number: u32) -> Option<&EpochKey> {
        self.epochs()
            .find(|(known, _)| *known == number)
            .map(|(_, key)| key)
    }

    fn epochs(&self) -> impl DoubleEndedIterator<Item = (u32, &EpochKey)> {
        let count = usize::from(self.count);
        let numbers = self.numbers.get(..count).unwrap_or_default();
        let keys = self.keys.get(..count).unwrap_or_default();
        numbers.iter().copied().zip(keys)
    }

    /// Becomes the same keyring, in place.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.group = other.group;
        self.numbers = other.numbers;
        self.count = other.count;
        for (key, source) in self.keys.iter_mut().zip(&other.keys) {
            key.0.copy_from_slice(&source.0);
        }
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.bytes(&self.group)?;
        writer.u8(self.count)?;
        for (number, key) in self.numbers.iter().zip(&self.keys) {
            writer.u32(*number)?;
            writer.bytes(&key.0)?;
        }
        Ok(())
    }

    /// Fills in place; numbers must rise.
    pub(crate) fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        self.group = *reader.array()?;
        self.count = reader.u8()?;
        if usize::from(self.count) > limits::EPOCHS {
            return Err(Malformed);
        }
        let mut last = 0;
        for (index, (number, key)) in self.numbers.iter_mut().zip(&mut self.keys).enumerate() {
            *number = reader.u32()?;
            key.0.copy_from_slice(reader.array::<{ EpochKey::SIZE }>()?);
            let used = index < usize::from(self.count);
            if used && *number <= last
                || !used && (*number != 0 || key.0.iter().any(|byte| *byte != 0))
            {
                return Err(Malformed);
            }
            last = *number;
        }
        Ok(())
    }
}
