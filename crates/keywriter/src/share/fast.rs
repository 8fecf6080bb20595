//! Fast files: this computer ciphers them, with the key that a module released for each (docs/FORMAT.md § 3.2).

use super::{
    ShareError, Whose,
    chunks::{FileChunk, FileChunks, PlainChunks},
};
use crate::pipeline::{Source, Steps, in_batches};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use hsm_protocol::file::{CHUNK_OVERHEAD, FAST_KEY, FileHeader, Lead, TAG, fast_nonce};
use std::io::{Read, Write};
use zeroize::Zeroizing;

/// A fast file that a module began or whose key it released. The key opens this one file, and is gone with this value.
pub struct FastFile {
    header: FileHeader,
    whose: Whose,
    key: Zeroizing<[u8; FAST_KEY]>,
}

impl FastFile {
    pub(super) fn new(header: FileHeader, whose: Whose, key: &[u8; FAST_KEY]) -> Self {
        Self {
            header,
            whose,
            key: Zeroizing::new(*key),
        }
    }

    /// Returns its header.
    pub const fn header(&self) -> &FileHeader {
        &self.header
    }

    /// Returns which team's file it is.
    pub const fn whose(&self) -> Whose {
        self.whose
    }

    fn cipher(&self) -> Result<LessSafeKey, ShareError> {
        let key = UnboundKey::new(&AES_256_GCM, self.key.as_slice());
        key.map(LessSafeKey::new)
            .map_err(|_length| ShareError::Header)
    }

    /// Encrypts `input` into `output`, the header first. Calls `progress` with the number of bytes that are done, and
    /// returns it. Each file is encrypted once: the nonces count its chunks.
    pub fn encrypt(
        self,
        input: &mut dyn Source,
        output: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<u64, ShareError> {
        let bytes = self.header.to_bytes().map_err(|_full| ShareError::Header)?;
        output.write_all(&bytes).map_err(ShareError::Write)?;
        let cipher = self.cipher()?;
        let size = usize::try_from(self.header.chunk_size).unwrap_or(0);
        let count = chunks_in_batch(input);
        let mut chunks = PlainChunks::new(size);
        let mut total = 0;
        in_batches(
            input,
            Steps {
                new: || Batch::new(count, size + CHUNK_OVERHEAD),
                read: |input: &mut dyn Read, batch: &mut Batch| {
                    batch.fill(|room| {
                        // A byte more than a chunk is read: see `PlainChunks`. The tag takes its place.
                        let room = room.get_mut(Lead::SIZE..).unwrap_or_default();
                        let chunk =
                            chunks.next(input, room.get_mut(..=size).unwrap_or_default())?;
                        Ok(chunk.map(|chunk| FileChunk {
                            index: chunk.index,
                            lead: Lead {
                                last: chunk.last,
                                len: u32::try_from(chunk.len).unwrap_or(u32::MAX),
                            },
                            len: chunk.len + CHUNK_OVERHEAD,
                        }))
                    })
                },
                work: |batch: &mut Batch| batch.each(|chunk, bytes| seal(&cipher, chunk, bytes)),
                write: |batch: &mut Batch| {
                    for (chunk, bytes) in batch.chunks() {
                        output.write_all(bytes).map_err(ShareError::Write)?;
                        total += u64::from(chunk.lead.len);
                        progress(total);
                    }
                    batch.failed()
                },
            },
        )?;
        output.flush().map_err(ShareError::Write)?;
        Ok(total)
    }

    /// Decrypts the chunks that follow the header in `input`. A chunk is written once its tag was verified; an error may
    /// come after some were.
    pub fn decrypt(
        &self,
        input: &mut dyn Source,
        output: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<u64, ShareError> {
        let cipher = self.cipher()?;
        let count = chunks_in_batch(input);
        let mut chunks = FileChunks::new(&self.header);
        let room = chunks.room();
        let mut total = 0;
        in_batches(
            input,
            Steps {
                new: || Batch::new(count, room),
                read: |input: &mut dyn Read, batch: &mut Batch| {
                    batch.fill(|room| chunks.next(input, room))
                },
                work: |batch: &mut Batch| batch.each(|chunk, bytes| open(&cipher, chunk, bytes)),
                write: |batch: &mut Batch| {
                    for (chunk, bytes) in batch.chunks() {
                        output.write_all(plain(bytes)).map_err(ShareError::Write)?;
                        total += u64::from(chunk.lead.len);
                        progress(total);
                    }
                    batch.failed()
                },
            },
        )?;
        output.flush().map_err(ShareError::Write)?;
        Ok(total)
    }

    /// Takes the place of another file with chunks of the same size, which follow its header in `input`: each is sealed
    /// anew under this file's key. Index, length and the mark of the last one stay.
    pub(super) fn replace(
        self,
        old: &Self,
        input: &mut dyn Source,
        output: &mut dyn Write,
        progress: &mut dyn FnMut(u64),
    ) -> Result<u64, ShareError> {
        let bytes = self.header.to_bytes().map_err(|_full| ShareError::Header)?;
        output.write_all(&bytes).map_err(ShareError::Write)?;
        let (from, to) = (old.cipher()?, self.cipher()?);
        let count = chunks_in_batch(input);
        let mut chunks = FileChunks::new(&old.header);
        let room = chunks.room();
        let mut total = 0;
        in_batches(
            input,
            Steps {
                new: || Batch::new(count, room),
                read: |input: &mut dyn Read, batch: &mut Batch| {
                    batch.fill(|room| chunks.next(input, room))
                },
                work: |batch: &mut Batch| {
                    batch.each(|chunk, bytes| {
                        open(&from, chunk, bytes)?;
                        seal(&to, chunk, bytes)
                    });
                },
                write: |batch: &mut Batch| {
                    for (chunk, bytes) in batch.chunks() {
                        output.write_all(bytes).map_err(ShareError::Write)?;
                        total += u64::from(chunk.lead.len);
                        progress(total);
                    }
                    batch.failed()
                },
            },
        )?;
        output.flush().map_err(ShareError::Write)?;
        Ok(total)
    }
}

/// How many chunks are read, ciphered and written together: one, if the input may keep its reader waiting.
fn chunks_in_batch(input: &dyn Source) -> usize {
    if input.waits_on().is_some() { 1 } else { 16 }
}

/// Chunks as they are in the file, one after the other.
struct Batch {
    bytes: Vec<u8>,
    /// The place of a full chunk, in bytes.
    place: usize,
    chunks: Vec<FileChunk>,
    /// What came after them instead of another chunk.
    failed: Option<ShareError>,
}

impl Batch {
    fn new(count: usize, place: usize) -> Self {
        Self {
            bytes: vec![0; count * place],
            place,
            chunks: Vec::with_capacity(count),
            failed: None,
        }
    }

    /// Fills every place with the next chunk. Returns whether more may follow.
    fn fill(
        &mut self,
        mut next: impl FnMut(&mut [u8]) -> Result<Option<FileChunk>, ShareError>,
    ) -> bool {
        self.chunks.clear();
        for place in self.bytes.chunks_mut(self.place) {
            match next(place) {
                Ok(Some(chunk)) => self.chunks.push(chunk),
                Ok(None) => return false,
                Err(error) => {
                    self.failed = Some(error);
                    return false;
                }
            }
        }
        self.chunks.last().is_some_and(|chunk| !chunk.lead.last)
    }

    /// Ciphers each chunk, up to the first that fails.
    fn each(&mut self, cipher: impl Fn(&FileChunk, &mut [u8]) -> Result<(), ShareError>) {
        let mut done = 0;
        for (chunk, place) in self.chunks.iter().zip(self.bytes.chunks_mut(self.place)) {
            if let Err(error) = cipher(chunk, place.get_mut(..chunk.len).unwrap_or_default()) {
                // It comes before what may have failed in reading.
                self.failed = Some(error);
                break;
            }
            done += 1;
        }
        self.chunks.truncate(done);
    }

    /// Returns each chunk with its bytes.
    fn chunks(&self) -> impl Iterator<Item = (&FileChunk, &[u8])> {
        let places = self.bytes.chunks(self.place);
        let bytes = |chunk: &FileChunk, place| <[u8]>::get(place, ..chunk.len).unwrap_or_default();
        let chunks = self.chunks.iter().zip(places);
        chunks.map(move |(chunk, place)| (chunk, bytes(chunk, place)))
    }

    /// Returns what came after the chunks instead of another.
    fn failed(&mut self) -> Result<(), ShareError> {
        self.failed.take().map_or(Ok(()), Err)
    }
}

/// Makes a chunk of the plaintext in its middle.
fn seal(cipher: &LessSafeKey, chunk: &FileChunk, bytes: &mut [u8]) -> Result<(), ShareError> {
    let (lead, plain, place) = parts(chunk, bytes)?;
    let tag = cipher
        .seal_in_place_separate_tag(nonce(chunk), Aad::empty(), plain)
        .map_err(|_overlong| ShareError::Damaged(chunk.index))?;
    *lead = chunk.lead.to_bytes();
    place.copy_from_slice(tag.as_ref());
    Ok(())
}

/// Deciphers a chunk in place, if it verifies.
fn open(cipher: &LessSafeKey, chunk: &FileChunk, bytes: &mut [u8]) -> Result<(), ShareError> {
    let sealed = bytes.get_mut(Lead::SIZE..).unwrap_or_default();
    cipher
        .open_in_place(nonce(chunk), Aad::empty(), sealed)
        .map(drop)
        .map_err(|_wrong| ShareError::Changed(chunk.index))
}

fn nonce(chunk: &FileChunk) -> Nonce {
    Nonce::assume_unique_for_key(fast_nonce(chunk.index, chunk.lead.last))
}

type Parts<'a> = (&'a mut [u8; Lead::SIZE], &'a mut [u8], &'a mut [u8; TAG]);

/// Divides a chunk into lead, text and tag.
fn parts<'a>(chunk: &FileChunk, bytes: &'a mut [u8]) -> Result<Parts<'a>, ShareError> {
    bytes
        .split_first_chunk_mut()
        .and_then(|(lead, rest)| {
            rest.split_last_chunk_mut()
                .map(|(text, tag)| (lead, text, tag))
        })
        .ok_or(ShareError::Damaged(chunk.index))
}

/// Returns a chunk's text.
fn plain(bytes: &[u8]) -> &[u8] {
    let end = bytes.len().saturating_sub(TAG);
    bytes.get(Lead::SIZE..end).unwrap_or_default()
}
