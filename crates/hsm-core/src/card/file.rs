//! Shared files (PROTOCOL § 2.9, docs/FORMAT.md): chunks are ciphered and authenticated here, and file keys of age opened.
//!
//! Neither the keys of a file nor the key pair of the team's recipient ever leave. A file's keys are derived from the bytes of
//! its header; those of the last file are kept for its next chunk.

use crate::{
    crypto::{CryptoError, Direction, Provider, Rng},
    vault::csp::{Csps, EpochKey},
};
use hsm_protocol::{
    Malformed, Status,
    file::{FILE_KEY, FileHeader, Lead, OpenChunk, Recipient, SealChunk, SealedFileKey},
    limits,
    settings::EncryptionMode,
    writer::Writer,
};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// What a session does with files.
#[derive(Default)]
pub(crate) struct Files {
    writing: Writing,
    keys: FileKeys,
}

/// The files that a module is writing. Each takes its chunks strictly in order, so that no nonce is used twice
/// whatever the host does; they end with the session.
#[derive(Default)]
struct Writing {
    files: [Option<Slot>; limits::FILES],
    clock: u64,
}

/// The keys of the file whose chunk came last: the next one is most often of the same.
#[derive(Zeroize, ZeroizeOnDrop)]
struct FileKeys {
    /// All zero where there is none: no file has such a header.
    header: [u8; FileHeader::SIZE],
    /// AES-256-XTS; AES-256-ECB takes the first half.
    data: [u8; 64],
    mac: [u8; 32],
}

struct Slot {
    header: FileHeader,
    bytes: [u8; FileHeader::SIZE],
    /// The index of the next chunk.
    next: u64,
    used: u64,
}

impl Files {
    /// Begins a file in the current epoch and mode. Where all slots are taken, the one that was silent longest ends.
    pub(crate) fn begin(
        &mut self,
        rng: &mut dyn Rng,
        csps: &Csps,
        chunk_size: u32,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let (epoch, _) = csps.keyring.current().ok_or(Status::MemoryFailure)?;
        let mut salt = [0; 32];
        rng.fill(&mut salt)
            .map_err(|CryptoError| Status::MemoryFailure)?;
        let header = FileHeader {
            mode: csps.settings.mode,
            group: *csps.keyring.group(),
            epoch,
            chunk_size,
            salt,
        };
        let bytes = header.to_bytes()?;
        let writing = &mut self.writing;
        let used = writing.tick();
        let slot = writing
            .files
            .iter_mut()
            .min_by_key(|slot| slot.as_ref().map(|slot| slot.used))
            .ok_or(Status::TooLarge)?;
        *slot = Some(Slot {
            header,
            bytes,
            next: 0,
            used,
        });
        Ok(out.bytes(&bytes)?)
    }

    /// Makes the next chunk of a file. After the last one, the file takes no more.
    pub(crate) fn seal<C: Provider>(
        &mut self,
        csps: &Csps,
        chunk: &SealChunk<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let lead = Lead {
            last: chunk.last,
            len: u32::try_from(chunk.plain.len()).map_err(|_overlong| Status::TooLarge)?,
        };
        let header = self.writing.advance(chunk, lead)?;
        let epoch = epoch(csps, &header.group, header.epoch)?;
        let failed = |CryptoError| Status::MemoryFailure;
        let keys = self.keys.ready::<C>(epoch, &header).map_err(failed)?;
        let start = out.len();
        out.bytes(&lead.to_bytes())?;
        let buffer = out.reserve(lead.padded())?;
        let (plain, padding) = buffer
            .split_at_mut_checked(chunk.plain.len())
            .ok_or(Status::MemoryFailure)?;
        plain.copy_from_slice(chunk.plain);
        padding.fill(0);
        keys.cipher::<C>(header.mode, chunk.index, Direction::Encipher, buffer)
            .map_err(failed)?;
        let tagged = out.written().get(start..).unwrap_or_default();
        let tag = C::gcm_seal(&keys.mac, &nonce(chunk.index), tagged, &mut []).map_err(failed)?;
        Ok(out.bytes(&tag)?)
    }

    /// Opens a chunk of any epoch, in the mode that its header names. Nothing is deciphered before the tag verifies.
    pub(crate) fn open<C: Provider>(
        &mut self,
        csps: &Csps,
        chunk: &OpenChunk<'_>,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let OpenChunk { header, index, .. } = chunk;
        let epoch = epoch(csps, &header.group, header.epoch)?;
        let keys = self
            .keys
            .ready::<C>(epoch, header)
            .map_err(|CryptoError| Status::MemoryFailure)?;
        C::gcm_open(&keys.mac, &nonce(*index), chunk.tagged, &mut [], chunk.tag)
            .map_err(|CryptoError| Status::NotAuthentic)?;
        let start = out.len();
        let buffer = out.reserve(chunk.lead.padded())?;
        buffer.copy_from_slice(chunk.cipher());
        keys.cipher::<C>(header.mode, *index, Direction::Decipher, buffer)
            .map_err(|CryptoError| Status::MemoryFailure)?;
        let len = usize::try_from(chunk.lead.len).map_err(|_overlong| Status::TooLarge)?;
        out.truncate(start.saturating_add(len));
        Ok(())
    }
}

impl Writing {
    /// Counts a chunk before it is made: nothing that fails afterwards can be asked for again. Its file's header.
    fn advance(&mut self, chunk: &SealChunk<'_>, lead: Lead) -> Result<FileHeader, Status> {
        let used = self.tick();
        let is_meant = |slot: &Slot| slot.bytes == *chunk.header;
        let place = self
            .files
            .iter_mut()
            .find(|place| place.as_ref().is_some_and(is_meant))
            .ok_or(Status::OutOfOrder)?;
        let slot = place.as_mut().ok_or(Status::OutOfOrder)?;
        if slot.next != chunk.index {
            return Err(Status::OutOfOrder);
        }
        if !lead.is_valid(slot.header.chunk_size, chunk.index) {
            return Err(Status::Malformed);
        }
        slot.next = slot.next.checked_add(1).ok_or(Status::TooLarge)?;
        slot.used = used;
        let header = slot.header;
        if lead.last {
            *place = None;
        }
        Ok(header)
    }

    const fn tick(&mut self) -> u64 {
        self.clock = self.clock.saturating_add(1);
        self.clock
    }
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
    /// The keys of that header's file.
    fn ready<C: Provider>(
        &mut self,
        epoch: &EpochKey,
        header: &FileHeader,
    ) -> Result<&Self, CryptoError> {
        let bytes = header.to_bytes().map_err(|Malformed| CryptoError)?;
        if self.header == bytes {
            return Ok(self);
        }
        self.zeroize();
        match header.mode {
            EncryptionMode::Xts => self
                .data
                .copy_from_slice(epoch.derive_file_xts::<C>(&bytes)?.as_slice()),
            EncryptionMode::Ecb => {
                if let Some(place) = self.data.first_chunk_mut::<32>() {
                    place.copy_from_slice(epoch.derive_file_ecb::<C>(&bytes)?.as_slice());
                }
            }
        }
        self.mac
            .copy_from_slice(epoch.derive_file_mac::<C>(&bytes)?.as_slice());
        self.header = bytes;
        Ok(self)
    }

    /// A chunk is one data unit, numbered by its index.
    fn cipher<C: Provider>(
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
}

/// The nonce of a chunk's GMAC. It binds the chunk to its place; the key binds it to its header.
fn nonce(index: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    if let Some(place) = nonce.last_chunk_mut() {
        *place = index.to_be_bytes();
    }
    nonce
}

/// The team's recipient in the current epoch.
pub(crate) fn recipient<C: Provider>(csps: &Csps, out: &mut Writer<'_>) -> Result<(), Status> {
    let (number, key) = csps.keyring.current().ok_or(Status::MemoryFailure)?;
    let (_, point) = key_pair::<C>(key).map_err(|CryptoError| Status::MemoryFailure)?;
    let recipient = Recipient {
        group: *csps.keyring.group(),
        epoch: number,
        point,
    };
    Ok(recipient.write(out)?)
}

/// Opens a file key that was sealed to the team's recipient of any epoch.
pub(crate) fn unwrap<C: Provider>(
    csps: &Csps,
    sealed: &SealedFileKey,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let epoch = epoch(csps, &sealed.group, sealed.epoch)?;
    let mut file_key = Zeroizing::new([0; FILE_KEY]);
    unwrap_with::<C>(epoch, sealed, &mut file_key).map_err(|CryptoError| Status::NotAuthentic)?;
    Ok(out.bytes(file_key.as_slice())?)
}

/// ECDH with the derived key (SP 800-56A § 6.2.2.2), HKDF salted with both points, AES-256-GCM under a key used once.
fn unwrap_with<C: Provider>(
    epoch: &EpochKey,
    sealed: &SealedFileKey,
    file_key: &mut [u8; FILE_KEY],
) -> Result<(), CryptoError> {
    let (secret, point) = key_pair::<C>(epoch)?;
    let mut shared = Zeroizing::new([0; 48]);
    C::ecdh_agree(&secret, &sealed.ephemeral, &mut shared)?;
    let mut salt = [0; 2 * 97];
    let (first, second) = salt.split_at_mut(97);
    first.copy_from_slice(&sealed.ephemeral);
    second.copy_from_slice(&point);
    let mut prk = Zeroizing::new([0; 48]);
    C::hmac_sha384(&salt, &[shared.as_slice()], &mut prk);
    let mut key = Zeroizing::new([0; 32]);
    let info = [
        SealedFileKey::LABEL,
        &sealed.group,
        &sealed.epoch.to_be_bytes(),
    ];
    C::hkdf_expand(&prk, &info, key.as_mut_slice())?;
    file_key.copy_from_slice(&sealed.cipher);
    C::gcm_open(&key, &[0; 12], &[], file_key, &sealed.tag)
}

/// The key pair of an epoch's recipient: the same in every clone.
fn key_pair<C: Provider>(
    epoch: &EpochKey,
) -> Result<(C::EcdhSecret, hsm_protocol::EcPoint), CryptoError> {
    let mut scalar = epoch.derive_recipient::<C>()?;
    let pair = C::ecdh_from_scalar(&scalar);
    scalar.zeroize();
    pair
}

/// The key of that epoch, where this module is of that group and has it.
pub(crate) fn epoch<'a>(
    csps: &'a Csps,
    group: &[u8; 16],
    number: u32,
) -> Result<&'a EpochKey, Status> {
    if csps.keyring.group() != group {
        return Err(Status::NotFound);
    }
    csps.keyring.epoch(number).ok_or(Status::NotFound)
}
