//! The group's keys: one for each epoch, and one that links its files (PROTOCOL § 4.5).

use crate::{
    crypto::{CryptoError, Provider, Rng},
    vault::team::Team,
};
use hsm_protocol::{
    EpochName, Malformed, Sha384Digest,
    file::{EPOCH_TAG, FileHeader, GROUP_TAG, HeaderTag},
    limits,
    reader::Reader,
    writer::Writer,
};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The key of one epoch. It is never used itself: keys for each use are derived from it (`epoch_keys`, `file_keys`).
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct EpochKey([u8; 48]);

impl EpochKey {
    const SIZE: usize = 48;

    pub(super) const fn expose(&self) -> &[u8; 48] {
        &self.0
    }

    /// Returns the check value of the key's name.
    fn check<C: Provider>(&self) -> Result<[u8; 8], CryptoError> {
        let mut check = [0; 8];
        C::hkdf_expand(&self.0, &[EpochName::LABEL], &mut check)?;
        Ok(check)
    }
}

impl Default for EpochKey {
    fn default() -> Self {
        Self([0; 48])
    }
}

/// The key that makes the tags of the group's file headers: only the group can recognize its own files.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct LinkKey([u8; 32]);

impl LinkKey {
    const SIZE: usize = 32;

    fn tag<C: Provider>(&self, parts: &[&[u8]]) -> HeaderTag {
        let mut mac = [0; 48];
        C::hmac_sha384(&self.0, parts, &mut mac);
        let mut tag = HeaderTag::default();
        tag.iter_mut().zip(mac).for_each(|(byte, of)| *byte = of);
        tag
    }
}

/// One generation of the group's key.
#[derive(Default)]
pub(crate) struct Epoch {
    pub(crate) name: EpochName,
    pub(crate) key: EpochKey,
}

impl Epoch {
    const SIZE: usize = EpochName::SIZE + EpochKey::SIZE;

    fn copy_from(&mut self, other: &Self) {
        self.name = other.name;
        self.key.0.copy_from_slice(&other.key.0);
    }
}

/// Group identity, link key, epochs, whose numbers rise, and the team. The current epoch enciphers; all of them
/// decipher.
#[derive(Default)]
pub(crate) struct Keyring {
    group: [u8; 16],
    link: LinkKey,
    older: [Epoch; limits::EPOCHS - 1],
    older_count: usize,
    current: Epoch,
    team: Team,
}

/// Why a keyring does not have the epoch of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoEpoch {
    /// The file is of another group, or of none.
    OtherGroup,
    /// The file is of this group, and its epoch is not in the keyring.
    Missing,
}

/// Why a member does not take a keyring in place of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotNext {
    /// It is of another group.
    OtherGroup,
    /// An epoch of the member's is another than that of the same number.
    Forked,
    /// The member has a newer epoch.
    Older,
}

impl Keyring {
    /// The size of the encoded form, in bytes; always the same.
    pub(crate) const SIZE: usize =
        16 + LinkKey::SIZE + 1 + limits::EPOCHS * Epoch::SIZE + Team::SIZE;

    /// Becomes a new group with one epoch, made by the module with that certificate.
    pub(crate) fn generate<C: Provider>(
        &mut self,
        rng: &mut dyn Rng,
        certificate: Option<Sha384Digest>,
    ) -> Result<(), CryptoError> {
        rng.fill(&mut self.group)?;
        self.older_count = 0;
        rng.fill(&mut self.current.key.0)?;
        self.current.name = EpochName {
            number: 1,
            check: self.current.key.check::<C>()?,
        };
        rng.fill(&mut self.link.0)?;
        self.team = Team::of_maker(certificate);
        Ok(())
    }

    pub(crate) const fn group(&self) -> &[u8; 16] {
        &self.group
    }

    /// Returns the epoch that enciphers.
    pub(crate) const fn current(&self) -> &Epoch {
        &self.current
    }

    /// Returns the epoch that the next one would take the place of: the oldest, if there is room for no other.
    pub(crate) fn replaced(&self) -> Option<EpochName> {
        let oldest = self
            .older
            .first()
            .filter(|_| self.older_count == self.older.len());
        oldest.map(|epoch| epoch.name)
    }

    /// Gets its next epoch, which enciphers from now on, and a new team. The keys are made where they stay.
    pub(crate) fn advance<C: Provider>(
        &mut self,
        rng: &mut dyn Rng,
        team: Team,
    ) -> Result<(), CryptoError> {
        if self.replaced().is_some() {
            for at in 1..self.older.len() {
                if let Some([epoch, next]) = self.older.get_mut(at.saturating_sub(1)..=at) {
                    epoch.copy_from(next);
                }
            }
            self.older_count = self.older_count.saturating_sub(1);
        }
        let place = self.older.get_mut(self.older_count).ok_or(CryptoError)?;
        place.copy_from(&self.current);
        self.older_count = self.older_count.saturating_add(1);
        rng.fill(&mut self.current.key.0)?;
        self.current.name = EpochName {
            number: self.current.name.number.checked_add(1).ok_or(CryptoError)?,
            check: self.current.key.check::<C>()?,
        };
        self.team = team;
        Ok(())
    }

    /// Gets another team, in the same epoch.
    pub(crate) fn set_team(&mut self, team: Team) {
        self.team = team;
    }

    /// Returns who may do what in the group.
    pub(crate) const fn team(&self) -> &Team {
        &self.team
    }

    /// Returns the epoch of that name.
    pub(crate) fn epoch(&self, name: EpochName) -> Option<&Epoch> {
        self.newest_first().find(|epoch| epoch.name == name)
    }

    /// Returns the epoch of the file with that header.
    pub(crate) fn epoch_of<C: Provider>(&self, header: &FileHeader) -> Result<&Epoch, NoEpoch> {
        if header.group != self.group_tag::<C>(&header.salt) {
            return Err(NoEpoch::OtherGroup);
        }
        self.newest_first()
            .find(|epoch| header.epoch == self.epoch_tag::<C>(&header.salt, epoch.name))
            .ok_or(NoEpoch::Missing)
    }

    /// Checks that a member which holds this keyring may take the next one in its place: it is of the same group, and has
    /// every epoch of this one that is not older than all of its own.
    pub(crate) fn check_next(&self, next: &Self) -> Result<(), NotNext> {
        let is_same_group = self.group == next.group && bool::from(self.link.0.ct_eq(&next.link.0));
        if !is_same_group {
            return Err(NotNext::OtherGroup);
        }
        let oldest = next.newest_first().map(|epoch| epoch.name.number).min();
        let agrees = |epoch: &&Epoch| {
            let number = epoch.name.number;
            let is_dropped = oldest.is_some_and(|oldest| number < oldest);
            let is_later = number > next.current.name.number;
            is_dropped || is_later || next.epoch(epoch.name).is_some()
        };
        if !self.newest_first().all(|epoch| agrees(&epoch)) {
            Err(NotNext::Forked)
        } else if self.current.name.number > next.current.name.number {
            Err(NotNext::Older)
        } else {
            Ok(())
        }
    }

    /// Returns the group tag of a file with that salt.
    pub(crate) fn group_tag<C: Provider>(&self, salt: &[u8; 32]) -> HeaderTag {
        self.link.tag::<C>(&[GROUP_TAG, salt])
    }

    /// Returns the epoch tag of a file with that salt.
    pub(crate) fn epoch_tag<C: Provider>(&self, salt: &[u8; 32], epoch: EpochName) -> HeaderTag {
        self.link.tag::<C>(&[EPOCH_TAG, salt, &epoch.to_bytes()])
    }

    /// Returns all epochs: what is looked for is most often in the current one.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Epoch> {
        let older = self.older.get(..self.older_count).unwrap_or_default();
        [&self.current].into_iter().chain(older.iter().rev())
    }

    /// Returns whether every epoch has the name that its key gives it.
    pub(crate) fn has_true_names<C: Provider>(&self) -> Result<bool, CryptoError> {
        for epoch in self.newest_first() {
            if epoch.key.check::<C>()? != epoch.name.check {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Becomes the same keyring, in place.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.group = other.group;
        self.link.0.copy_from_slice(&other.link.0);
        self.older_count = other.older_count;
        for (epoch, source) in self.older.iter_mut().zip(&other.older) {
            epoch.copy_from(source);
        }
        self.current.copy_from(&other.current);
        self.team.clone_from(&other.team);
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        let count = self.older_count.saturating_add(1);
        writer.bytes(&self.group)?;
        writer.bytes(&self.link.0)?;
        writer.u8(u8::try_from(count).map_err(|_overlong| Malformed)?)?;
        let older = self.older.get(..self.older_count).unwrap_or_default();
        for epoch in older.iter().chain([&self.current]) {
            epoch.name.write(writer)?;
            writer.bytes(&epoch.key.0)?;
        }
        let unused = limits::EPOCHS.saturating_sub(count);
        writer.reserve(unused.saturating_mul(Epoch::SIZE))?.fill(0);
        self.team.write(writer)
    }

    /// Fills this keyring, which was empty, in place. Numbers must rise, and what is not used must be zero.
    pub(crate) fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        self.group = *reader.array()?;
        self.link.0.copy_from_slice(reader.bytes(LinkKey::SIZE)?);
        self.older_count = usize::from(reader.u8()?).checked_sub(1).ok_or(Malformed)?;
        let older = self.older.get_mut(..self.older_count).ok_or(Malformed)?;
        let mut last = 0;
        for epoch in older.iter_mut().chain([&mut self.current]) {
            epoch.name = EpochName::read(reader)?;
            epoch.key.0.copy_from_slice(reader.bytes(EpochKey::SIZE)?);
            if epoch.name.number <= last {
                return Err(Malformed);
            }
            last = epoch.name.number;
        }
        let used = self.older_count.saturating_add(1);
        let unused = limits::EPOCHS.saturating_sub(used);
        let unused = reader.bytes(unused.saturating_mul(Epoch::SIZE))?;
        if unused.iter().any(|byte| *byte != 0) {
            return Err(Malformed);
        }
        self.team = Team::read(reader)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::rust_crypto::RustCrypto as C;
    use hsm_protocol::file::FileMode;
    use std::{vec, vec::Vec};

    fn key(byte: u8) -> EpochKey {
        EpochKey([byte; 48])
    }

    fn name(number: u32, byte: u8) -> EpochName {
        EpochName {
            number,
            check: key(byte).check::<C>().unwrap(),
        }
    }

    fn encoded(count: u8, epochs: &[(u32, u8)]) -> Vec<u8> {
        let mut bytes = vec![7; 16 + LinkKey::SIZE];
        bytes.push(count);
        for (number, byte) in epochs {
            bytes.extend(number.to_be_bytes());
            bytes.extend(name(*number, *byte).check);
            bytes.extend([*byte; EpochKey::SIZE]);
        }
        bytes.resize(Keyring::SIZE, 0);
        bytes
    }

    fn filled(bytes: &[u8]) -> Result<Keyring, Malformed> {
        let mut keyring = Keyring::default();
        keyring.fill(&mut Reader::new(bytes)).map(|()| keyring)
    }

    /// A file of a keyring's group and of an epoch of that name.
    fn header(keyring: &Keyring, epoch: EpochName) -> FileHeader {
        let salt = [3; 32];
        FileHeader {
            mode: FileMode::Fast,
            group: keyring.group_tag::<C>(&salt),
            epoch: keyring.epoch_tag::<C>(&salt, epoch),
            chunk_size: 16,
            salt,
        }
    }

    #[test]
    fn the_last_epoch_is_current_and_all_are_found_by_their_whole_name() {
        let bytes = encoded(3, &[(1, 11), (2, 12), (5, 15)]);
        let Ok(keyring) = filled(&bytes) else {
            panic!("well formed")
        };
        assert_eq!(keyring.current().name, name(5, 15));
        let other = filled(&{
            let mut bytes = bytes.clone();
            bytes[16] = 8;
            bytes
        });
        let Ok(other) = other else { panic!() };
        for (number, byte, is_there) in [
            (1, 11, true),
            (2, 12, true),
            (5, 15, true),
            (3, 13, false),
            // Another master's epoch 2.
            (2, 22, false),
        ] {
            let name = name(number, byte);
            let found = keyring.epoch(name).map(|found| found.key.0[0]);
            assert_eq!(found, is_there.then_some(byte), "{number}");
            let header = header(&keyring, name);
            let found = keyring.epoch_of::<C>(&header);
            assert_eq!(
                found.map(|found| found.key.0[0]),
                is_there.then_some(byte).ok_or(NoEpoch::Missing)
            );
            let found = other.epoch_of::<C>(&header).map(|found| found.name);
            assert_eq!(found, Err(NoEpoch::OtherGroup));
        }
        let (mut copy, mut again) = (Keyring::default(), vec![0xFF; Keyring::SIZE]);
        copy.copy_from(&keyring);
        copy.write(&mut Writer::new(&mut again)).unwrap();
        assert_eq!(again, bytes);
    }

    #[test]
    fn the_next_epoch_takes_the_place_of_the_oldest_when_there_is_no_other() {
        let Ok(mut keyring) = filled(&encoded(1, &[(1, 11)])) else {
            panic!()
        };
        let first = keyring.current().name;
        for number in 2..=40_u32 {
            let replaced = keyring.replaced();
            let expected = number.checked_sub(16).filter(|oldest| *oldest > 0);
            assert_eq!(replaced.map(|epoch| epoch.number), expected, "{number}");
            let before = keyring.current().name;
            let mut rng = Bytes(number.to_be_bytes()[3]);
            keyring.advance::<C>(&mut rng, Team::default()).unwrap();
            assert_eq!(
                keyring.current().name,
                name(number, number.to_be_bytes()[3])
            );
            assert!(keyring.epoch(before).is_some());
            assert_eq!(keyring.has_true_names::<C>(), Ok(true));
            let mut again = vec![0; Keyring::SIZE];
            keyring.write(&mut Writer::new(&mut again)).unwrap();
            assert!(filled(&again).is_ok(), "{number}");
        }
        assert_eq!(keyring.newest_first().count(), limits::EPOCHS);
        assert!(keyring.epoch(first).is_none());
    }

    /// A generator that gives one byte.
    struct Bytes(u8);

    impl Rng for Bytes {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
            out.fill(self.0);
            Ok(())
        }
    }

    #[test]
    fn tags_differ_with_salt_group_and_epoch() {
        let Ok(keyring) = filled(&encoded(1, &[(1, 1)])) else {
            panic!()
        };
        let salts = [[1; 32], [2; 32]];
        let mut tags: Vec<HeaderTag> = salts.map(|salt| keyring.group_tag::<C>(&salt)).into();
        for salt in &salts {
            for (number, byte) in [(1, 1), (2, 1), (1, 2)] {
                tags.push(keyring.epoch_tag::<C>(salt, name(number, byte)));
            }
        }
        tags.sort_unstable();
        tags.dedup();
        assert_eq!(tags.len(), 8);
    }

    #[test]
    fn a_key_under_a_name_of_another_is_told() {
        let Ok(keyring) = filled(&encoded(2, &[(1, 1), (2, 2)])) else {
            panic!()
        };
        assert_eq!(keyring.has_true_names::<C>(), Ok(true));
        let mut bytes = encoded(2, &[(1, 1), (2, 2)]);
        bytes[16 + LinkKey::SIZE + 1 + 4] ^= 1;
        let Ok(keyring) = filled(&bytes) else {
            panic!()
        };
        assert_eq!(keyring.has_true_names::<C>(), Ok(false));
    }

    #[test]
    fn a_keyring_is_neither_empty_nor_too_long_nor_out_of_order() {
        let all: Vec<_> = (1..=16).map(|number| (number, 1)).collect();
        assert!(filled(&encoded(16, &all)).is_ok());
        assert!(filled(&encoded(0, &[])).is_err());
        assert!(filled(&encoded(17, &all)).is_err());
        assert!(filled(&encoded(1, &[(0, 1)])).is_err());
        assert!(filled(&encoded(2, &[(2, 1), (2, 1)])).is_err());
        assert!(filled(&encoded(2, &[(2, 1), (1, 1)])).is_err());
    }

    #[test]
    fn what_is_not_used_must_be_zero() {
        assert!(filled(&encoded(1, &[(1, 1), (0, 1)])).is_err());
        assert!(filled(&encoded(1, &[(1, 1), (2, 0)])).is_err());
        assert!(filled(&encoded(1, &[(1, 1)])).is_ok());
    }
}
