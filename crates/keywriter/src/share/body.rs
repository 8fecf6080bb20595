//! A file cut into chunks, on its way in: what can be told without a module.

use super::ShareError;
use hsm_protocol::file::{BadHeader, CHUNK_OVERHEAD, FileHeader, Lead};
use std::io::{self, Read};

/// Reads until the buffer is full or the input ends.
pub(super) fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut used = 0;
    while let Some(rest) = buffer.get_mut(used..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(count) => used += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(used)
}

/// Reads a file's header.
pub(super) fn header(
    input: &mut dyn Read,
) -> Result<(FileHeader, [u8; FileHeader::SIZE]), ShareError> {
    let mut bytes = [0; FileHeader::SIZE];
    let len = fill(input, &mut bytes).map_err(ShareError::read)?;
    match FileHeader::parse(&bytes) {
        Ok(header) if len == bytes.len() => Ok((header, bytes)),
        // Too short to be told from any other file, unless it begins as ours do.
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

/// The chunks behind a header.
pub(super) struct Body<'a> {
    input: &'a mut dyn Read,
    chunk_size: u32,
    index: u64,
    is_over: bool,
}

/// A chunk as it stands in the file.
#[derive(Clone, Copy)]
pub(super) struct Frame {
    pub(super) index: u64,
    pub(super) lead: Lead,
    /// Its size, in bytes.
    pub(super) len: usize,
}

impl<'a> Body<'a> {
    pub(super) const fn new(input: &'a mut dyn Read, header: &FileHeader) -> Self {
        Self {
            input,
            chunk_size: header.chunk_size,
            index: 0,
            is_over: false,
        }
    }

    /// The room that a chunk takes at most.
    pub(super) fn room(&self) -> usize {
        usize::try_from(self.chunk_size).unwrap_or(0) + CHUNK_OVERHEAD
    }

    /// Reads the next chunk into the front of `place`; `None` behind the last one, if the file ends there.
    pub(super) fn next(&mut self, place: &mut [u8]) -> Result<Option<Frame>, ShareError> {
        if self.is_over {
            return Ok(None);
        }
        let index = self.index;
        let room = self.room();
        let place = place.get_mut(..room).ok_or(ShareError::Damaged(index))?;
        let len = fill(self.input, place).map_err(ShareError::read)?;
        let Some((lead, _)) = place.get(..len).and_then(<[u8]>::split_first_chunk) else {
            return Err(ShareError::Cut);
        };
        let lead = Lead::parse(*lead, self.chunk_size, index)
            .map_err(|_shape| ShareError::Damaged(index))?;
        let expected = lead.padded() + CHUNK_OVERHEAD;
        if len < expected {
            return Err(ShareError::Cut);
        }
        if len > expected || lead.last && self.goes_on()? {
            return Err(ShareError::Extended);
        }
        self.is_over = lead.last;
        self.index += 1;
        Ok(Some(Frame { index, lead, len }))
    }

    fn goes_on(&mut self) -> Result<bool, ShareError> {
        let len = fill(self.input, &mut [0]).map_err(ShareError::read)?;
        Ok(len != 0)
    }
}
