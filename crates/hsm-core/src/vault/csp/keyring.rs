//! The group's keys: one for each epoch.

use crate::crypto::{CryptoError, Rng};
use hsm_protocol::{Malformed, limits, reader::Reader, writer::Writer};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The key of one epoch. It is never used itself: keys for each use are derived from it (`epoch_keys`, `file_keys`).
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct EpochKey([u8; 48]);

impl EpochKey {
    const SIZE: usize = 48;

    pub(super) const fn expose(&self) -> &[u8; 48] {
        &self.0
    }
}

impl Default for EpochKey {
    fn default() -> Self {
        Self([0; 48])
    }
}

/// One generation of the group's key.
#[derive(Default)]
pub(crate) struct Epoch {
    pub(crate) number: u32,
    pub(crate) key: EpochKey,
}

/// Group identity and epochs, whose numbers rise. The current one enciphers; all of them decipher.
#[derive(Default)]
pub(crate) struct Keyring {
    group: [u8; 16],
    older: [Epoch; limits::EPOCHS - 1],
    older_count: usize,
    current: Epoch,
}

impl Keyring {
    /// The size of the encoded form, in bytes; always the same.
    pub(crate) const SIZE: usize = 16 + 1 + limits::EPOCHS * (4 + EpochKey::SIZE);

    /// Becomes a new group with one epoch.
    pub(crate) fn generate(&mut self, rng: &mut dyn Rng) -> Result<(), CryptoError> {
        rng.fill(&mut self.group)?;
        self.older_count = 0;
        self.current.number = 1;
        rng.fill(&mut self.current.key.0)
    }

    pub(crate) const fn group(&self) -> &[u8; 16] {
        &self.group
    }

    /// Returns the epoch that enciphers.
    pub(crate) const fn current(&self) -> &Epoch {
        &self.current
    }

    /// Returns the key of the epoch with that number.
    pub(crate) fn epoch(&self, number: u32) -> Option<&EpochKey> {
        self.epochs()
            .find(|epoch| epoch.number == number)
            .map(|epoch| &epoch.key)
    }

    /// Returns the key of an epoch, if it is one of this group.
    pub(crate) fn epoch_of(&self, group: &[u8; 16], number: u32) -> Option<&EpochKey> {
        self.epoch(number).filter(|_| &self.group == group)
    }

    fn epochs(&self) -> impl Iterator<Item = &Epoch> {
        let older = self.older.get(..self.older_count).unwrap_or_default();
        older.iter().chain([&self.current])
    }

    /// Becomes the same keyring, in place.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.group = other.group;
        self.older_count = other.older_count;
        for (epoch, source) in self.older.iter_mut().zip(&other.older) {
            epoch.copy_from(source);
        }
        self.current.copy_from(&other.current);
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        let count = self.older_count.saturating_add(1);
        writer.bytes(&self.group)?;
        writer.u8(u8::try_from(count).map_err(|_overlong| Malformed)?)?;
        for epoch in self.epochs() {
            writer.u32(epoch.number)?;
            writer.bytes(&epoch.key.0)?;
        }
        let unused = limits::EPOCHS.saturating_sub(count);
        writer
            .reserve(unused.saturating_mul(4 + EpochKey::SIZE))?
            .fill(0);
        Ok(())
    }

    /// Fills this keyring, which was empty, in place. Numbers must rise, and what is not used must be zero.
    pub(crate) fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        self.group = *reader.array()?;
        self.older_count = usize::from(reader.u8()?).checked_sub(1).ok_or(Malformed)?;
        let older = self.older.get_mut(..self.older_count).ok_or(Malformed)?;
        let mut last = 0;
        for epoch in older.iter_mut().chain([&mut self.current]) {
            epoch.number = reader.u32()?;
            epoch
                .key
                .0
                .copy_from_slice(reader.array::<{ EpochKey::SIZE }>()?);
            if epoch.number <= last {
                return Err(Malformed);
            }
            last = epoch.number;
        }
        let used = self.older_count.saturating_add(1);
        let unused = limits::EPOCHS.saturating_sub(used);
        let unused = reader.bytes(unused.saturating_mul(4 + EpochKey::SIZE))?;
        if unused.iter().all(|byte| *byte == 0) {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

impl Epoch {
    fn copy_from(&mut self, other: &Self) {
        self.number = other.number;
        self.key.0.copy_from_slice(&other.key.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    fn encoded(count: u8, epochs: &[(u32, u8)]) -> Vec<u8> {
        let mut bytes = vec![7; 16];
        bytes.push(count);
        for (number, key) in epochs {
            bytes.extend(number.to_be_bytes());
            bytes.extend([*key; EpochKey::SIZE]);
        }
        bytes.resize(Keyring::SIZE, 0);
        bytes
    }

    fn filled(bytes: &[u8]) -> Result<Keyring, Malformed> {
        let mut keyring = Keyring::default();
        keyring.fill(&mut Reader::new(bytes)).map(|()| keyring)
    }

    #[test]
    fn the_last_epoch_is_current_and_all_are_found() {
        let bytes = encoded(3, &[(1, 11), (2, 12), (5, 15)]);
        let Ok(keyring) = filled(&bytes) else {
            panic!("well formed")
        };
        assert_eq!(keyring.current().number, 5);
        for (number, key) in [(1, Some(11)), (2, Some(12)), (5, Some(15)), (3, None)] {
            let found = keyring.epoch(number).map(|found| found.0[0]);
            assert_eq!(found, key, "{number}");
            assert_eq!(
                keyring.epoch_of(&[7; 16], number).map(|found| found.0[0]),
                key
            );
            assert!(keyring.epoch_of(&[8; 16], number).is_none());
        }
        let (mut copy, mut again) = (Keyring::default(), vec![0xFF; Keyring::SIZE]);
        copy.copy_from(&keyring);
        copy.write(&mut Writer::new(&mut again)).unwrap();
        assert_eq!(again, bytes);
    }

    #[test]
    fn a_keyring_is_neither_empty_nor_too_long_nor_out_of_order() {
        let all: Vec<_> = (1..=8).map(|number| (number, 1)).collect();
        assert!(filled(&encoded(8, &all)).is_ok());
        assert!(filled(&encoded(0, &[])).is_err());
        assert!(filled(&encoded(9, &all)).is_err());
        assert!(filled(&encoded(1, &[(0, 1)])).is_err());
        assert!(filled(&encoded(2, &[(2, 1), (2, 1)])).is_err());
        assert!(filled(&encoded(2, &[(2, 1), (1, 1)])).is_err());
    }

    #[test]
    fn what_is_not_used_must_be_zero() {
        assert!(filled(&encoded(1, &[(1, 1), (0, 1)])).is_err());
        assert!(filled(&encoded(1, &[(1, 1), (2, 0)])).is_err());
        assert!(filled(&encoded(1, &[(1, 1), (0, 0)])).is_ok());
    }
}
