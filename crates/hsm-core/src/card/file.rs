//! Shared files (PROTOCOL § 2.9, docs/FORMAT.md): chunks are ciphered and authenticated here.
//!
//! The keys of a file are derived from the bytes of its header; those of the last file are retained for its next chunk.
//! They never leave, but for the key of a fast file: its header says that the host ciphers it.

use crate::{
    crypto::{CryptoError, Direction, Provider, Rng},
    vault::csp::{
        contents::Csps,
        file_keys::{FileKeys, derive_fast},
        keyring::{Keyring, NoEpoch},
    },
};
use hsm_protocol::{
    Status,
    file::{FAST_KEY, FastHeaders, FastKey, FileHeader, FileMode, Lead, OpenChunk, SealChunk},
    limits,
    writer::Writer,
};

/// The files of a session.
#[derive(Default)]
pub(crate) struct Files {
    writing: Writing,
    keys: FileKeys,
}

/// The files that the module is writing. Each takes its chunks strictly in order, so that no nonce is used twice
/// whatever the host does; they end with the session.
#[derive(Default)]
struct Writing {
    files: [Option<FileInProgress>; limits::FILES],
    clock: u64,
}

/// A file that has begun and takes its next chunk.
struct FileInProgress {
    header: FileHeader,
    bytes: [u8; FileHeader::SIZE],
    /// The index of the next chunk.
    next: u64,
    used: u64,
}

impl Files {
    /// Begins a file in the current epoch and mode. If too many are in progress, the one unused for longest ends.
    pub(crate) fn begin<C: Provider>(
        &mut self,
        rng: &mut dyn Rng,
        csps: &Csps,
        chunk_size: u32,
        out: &mut Writer<'_>,
    ) -> Result<(), Status> {
        let mode = FileMode::InModule(csps.settings.mode);
        let header = new_header::<C>(rng, &csps.keyring, mode, chunk_size)?;
        let bytes = header.to_bytes()?;
        let writing = &mut self.writing;
        let used = writing.tick();
        let place = writing
            .files
            .iter_mut()
            .min_by_key(|file| file.as_ref().map(|file| file.used))
            .ok_or(Status::TooLarge)?;
        *place = Some(FileInProgress {
            header,
            bytes,
            next: 0,
            used,
        });
        Ok(out.bytes(&bytes)?)
    }

    /// Seals the next chunk of a file. After the last chunk, the file takes no more.
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
        let failed = |CryptoError| Status::MemoryFailure;
        let keys = ready::<C>(&mut self.keys, &csps.keyring, &header)?;
        let start = out.len();
        out.bytes(&lead.to_bytes())?;
        let buffer = out.reserve(lead.cipher_len(header.mode))?;
        let (plain, padding) = buffer
            .split_at_mut_checked(chunk.plain.len())
            .ok_or(Status::MemoryFailure)?;
        plain.copy_from_slice(chunk.plain);
        padding.fill(0);
        let FileMode::InModule(mode) = header.mode else {
            // Never: no fast file is in progress here.
            return Err(Status::OutOfOrder);
        };
        keys.cipher::<C>(mode, chunk.index, Direction::Encipher, buffer)
            .map_err(failed)?;
        let tagged = out.written().get(start..).unwrap_or_default();
        let tag = keys.tag::<C>(chunk.index, tagged).map_err(failed)?;
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
        let keys = ready::<C>(&mut self.keys, &csps.keyring, header)?;
        let start = out.len();
        let buffer = out.reserve(chunk.cipher().len())?;
        match header.mode {
            FileMode::InModule(mode) => {
                keys.verify::<C>(*index, chunk.tagged, chunk.tag)
                    .map_err(|CryptoError| Status::NotAuthentic)?;
                buffer.copy_from_slice(chunk.cipher());
                keys.cipher::<C>(mode, *index, Direction::Decipher, buffer)
                    .map_err(|CryptoError| Status::MemoryFailure)?;
            }
            FileMode::Fast => {
                buffer.copy_from_slice(chunk.cipher());
                keys.open_fast::<C>(*index, chunk.lead.last, buffer, chunk.tag)
                    .map_err(|CryptoError| Status::NotAuthentic)?;
            }
        }
        let len = usize::try_from(chunk.lead.len).map_err(|_overlong| Status::TooLarge)?;
        out.truncate(start.saturating_add(len));
        Ok(())
    }
}

/// Makes the header of a file in the current epoch.
fn new_header<C: Provider>(
    rng: &mut dyn Rng,
    keyring: &Keyring,
    mode: FileMode,
    chunk_size: u32,
) -> Result<FileHeader, Status> {
    let mut salt = [0; 32];
    rng.fill(&mut salt)
        .map_err(|CryptoError| Status::MemoryFailure)?;
    Ok(FileHeader {
        mode,
        group: keyring.group_tag::<C>(&salt),
        epoch: keyring.epoch_tag::<C>(&salt, keyring.current().name),
        chunk_size,
        salt,
    })
}

/// Begins files that the host ciphers, and releases their keys. Nothing of them stays here.
pub(crate) fn begin_fast<C: Provider>(
    rng: &mut dyn Rng,
    csps: &Csps,
    chunk_size: u32,
    count: u16,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let keyring = &csps.keyring;
    let epoch = keyring.current();
    out.bytes(keyring.group())?;
    epoch.name.write(out)?;
    for _ in 0..count {
        let header = new_header::<C>(rng, keyring, FileMode::Fast, chunk_size)?;
        let bytes = header.to_bytes()?;
        out.bytes(&bytes)?;
        derive_fast::<C>(&epoch.key, &bytes, out.reserve(FAST_KEY)?)
            .map_err(|CryptoError| Status::MemoryFailure)?;
    }
    Ok(())
}

/// Releases the keys of files that the host ciphers. One that is not there keeps no other from being released.
pub(crate) fn release<C: Provider>(
    csps: &Csps,
    headers: &FastHeaders<'_>,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    out.bytes(csps.keyring.group())?;
    for header in headers.iter() {
        match csps.keyring.epoch_of::<C>(&header) {
            Ok(epoch) => {
                out.u16(Status::Success.to_word())?;
                epoch.name.write(out)?;
                derive_fast::<C>(&epoch.key, &header.to_bytes()?, out.reserve(FAST_KEY)?)
                    .map_err(|CryptoError| Status::MemoryFailure)?;
            }
            Err(reason) => FastKey::write_none(reason.into(), out)?,
        }
    }
    Ok(())
}

/// Makes the keys of a header's file ready; they still are, if its last chunk was the last of all.
fn ready<'a, C: Provider>(
    keys: &'a mut FileKeys,
    keyring: &Keyring,
    header: &FileHeader,
) -> Result<&'a FileKeys, Status> {
    let bytes = header.to_bytes()?;
    if !keys.are_of(&bytes) {
        let epoch = keyring.epoch_of::<C>(header)?;
        keys.derive::<C>(&epoch.key, header.mode, bytes)
            .map_err(|CryptoError| Status::MemoryFailure)?;
    }
    Ok(keys)
}

/// Tells whose file it is: group and epoch.
pub(crate) fn identify<C: Provider>(
    csps: &Csps,
    header: &FileHeader,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let epoch = csps.keyring.epoch_of::<C>(header)?;
    out.bytes(csps.keyring.group())?;
    Ok(epoch.name.write(out)?)
}

impl From<NoEpoch> for Status {
    fn from(reason: NoEpoch) -> Self {
        match reason {
            NoEpoch::OtherGroup => Self::NotFound,
            NoEpoch::Missing => Self::EpochMissing,
        }
    }
}

impl Writing {
    /// Counts a chunk before it is sealed: if that fails, the chunk cannot be requested again. Returns the file's
    /// header.
    fn advance(&mut self, chunk: &SealChunk<'_>, lead: Lead) -> Result<FileHeader, Status> {
        let used = self.tick();
        let is_meant = |file: &FileInProgress| file.bytes == *chunk.header;
        let place = self
            .files
            .iter_mut()
            .find(|place| place.as_ref().is_some_and(is_meant))
            .ok_or(Status::OutOfOrder)?;
        let file = place.as_mut().ok_or(Status::OutOfOrder)?;
        if file.next != chunk.index {
            return Err(Status::OutOfOrder);
        }
        if !lead.is_valid(file.header.chunk_size, chunk.index) {
            return Err(Status::Malformed);
        }
        file.next = file.next.checked_add(1).ok_or(Status::TooLarge)?;
        file.used = used;
        let header = file.header;
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
