//! Plaintext and files, cut into chunks as they are read: what needs no module.

use super::ShareError;
use crate::pipeline::{self, read_error};
use hsm_protocol::file::{BadHeader, CHUNK_OVERHEAD, FileHeader, FileMode, Lead};
use std::io::Read;

/// Reads until the buffer is full or the input ends. Returns the number of bytes read.
fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> Result<usize, ShareError> {
    pipeline::fill(input, buffer).map_err(|error| read_error(error, ShareError::Read))
}

/// Reads a file's header.
pub(super) fn header(
    input: &mut dyn Read,
) -> Result<(FileHeader, [u8; FileHeader::SIZE]), ShareError> {
    let mut bytes = [0; FileHeader::SIZE];
    let len = fill(input, &mut bytes)?;
    match FileHeader::parse(&bytes) {
        Ok(header) if len == bytes.len() => Ok((header, bytes)),
        // Too short for a header: it is one of ours that was cut if it begins as they do.
        _ if len < bytes.len() && len > MAGIC_LEN && begins_as_ours(&bytes) => Err(ShareError::Cut),
        Err(BadHeader::Version(version)) if len == bytes.len() => Err(ShareError::Version(version)),
        Err(BadHeader::Field) if len == bytes.len() => Err(ShareError::Header),
        _ => Err(ShareError::NotOurs),
    }
}

const MAGIC_LEN: usize = hsm_protocol::file::MAGIC.len();

fn begins_as_ours(bytes: &[u8]) -> bool {
    bytes.starts_with(&hsm_protocol::file::MAGIC)
}

/// Plaintext, cut into chunks.
pub(super) struct PlainChunks {
    size: usize,
    index: u64,
    /// A byte that was read beyond the last chunk.
    ahead: Option<u8>,
    is_over: bool,
}

/// A chunk of plaintext.
pub(super) struct PlainChunk {
    pub(super) index: u64,
    pub(super) len: usize,
    pub(super) last: bool,
}

impl PlainChunks {
    pub(super) const fn new(size: usize) -> Self {
        Self {
            size,
            index: 0,
            ahead: None,
            is_over: false,
        }
    }

    /// Reads the next chunk into the front of `room`, which has one byte more than a chunk; `None` after the last one.
    pub(super) fn next(
        &mut self,
        input: &mut dyn Read,
        room: &mut [u8],
    ) -> Result<Option<PlainChunk>, ShareError> {
        if self.is_over {
            return Ok(None);
        }
        let kept = usize::from(self.ahead.is_some());
        if let (Some(byte), Some(first)) = (self.ahead.take(), room.first_mut()) {
            *first = byte;
        }
        let read = fill(input, room.get_mut(kept..).unwrap_or_default())?;
        // Only the byte after a full chunk tells that it is not the last.
        let len = kept + read;
        self.ahead = room.get(self.size).copied().filter(|_| len > self.size);
        self.is_over = self.ahead.is_none();
        let index = self.index;
        self.index += 1;
        Ok(Some(PlainChunk {
            index,
            len: len.min(self.size),
            last: self.is_over,
        }))
    }
}

/// The chunks that follow a file's header.
pub(super) struct FileChunks {
    mode: FileMode,
    chunk_size: u32,
    index: u64,
    is_over: bool,
}

/// A chunk as it is in the file.
#[derive(Clone, Copy)]
pub(super) struct FileChunk {
    pub(super) index: u64,
    pub(super) lead: Lead,
    /// Its size, in bytes.
    pub(super) len: usize,
}

impl FileChunks {
    pub(super) const fn new(header: &FileHeader) -> Self {
        Self {
            mode: header.mode,
            chunk_size: header.chunk_size,
            index: 0,
            is_over: false,
        }
    }

    /// Returns the most bytes that a chunk takes.
    pub(super) fn room(&self) -> usize {
        usize::try_from(self.chunk_size).unwrap_or(0) + CHUNK_OVERHEAD
    }

    /// Reads the next chunk into the front of `room`; `None` after the last one, if the file ends there.
    pub(super) fn next(
        &mut self,
        input: &mut dyn Read,
        room: &mut [u8],
    ) -> Result<Option<FileChunk>, ShareError> {
        if self.is_over {
            return Ok(None);
        }
        let index = self.index;
        let len = self.room();
        let room = room.get_mut(..len).ok_or(ShareError::Damaged(index))?;
        let len = fill(input, room)?;
        let Some((lead, _)) = room.get(..len).and_then(<[u8]>::split_first_chunk) else {
            return Err(ShareError::Cut);
        };
        let lead = Lead::parse(*lead, self.chunk_size, index)
            .map_err(|_shape| ShareError::Damaged(index))?;
        let expected = lead.cipher_len(self.mode) + CHUNK_OVERHEAD;
        if len < expected {
            return Err(ShareError::Cut);
        }
        if len > expected || lead.last && fill(input, &mut [0])? != 0 {
            return Err(ShareError::Extended);
        }
        self.is_over = lead.last;
        self.index += 1;
        Ok(Some(FileChunk { index, lead, len }))
    }
}
