//! The chunks of a shared file (docs/FORMAT.md § 3), and the commands that cipher them in a module.

use super::header::{BLOCK, FileHeader, FileMode};
use crate::{Malformed, Status, limits, reader::Reader, writer::Writer};

/// The four bytes before a chunk's ciphertext: how long its plaintext is, and whether the file ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    /// Whether this is the file's last chunk.
    pub last: bool,
    /// The length of the plaintext, in bytes; the ciphertext's follows from it.
    pub len: u32,
}

impl Lead {
    /// Its size, in bytes.
    pub const SIZE: usize = 4;

    const LAST: u32 = 1 << 31;

    /// Reads it, for the chunk of that index in a file with chunks of that size. Every chunk but the last is full, and
    /// only the first may be empty: there is one way to cut a file.
    pub const fn parse(
        bytes: [u8; Self::SIZE],
        chunk_size: u32,
        index: u64,
    ) -> Result<Self, Malformed> {
        let word = u32::from_be_bytes(bytes);
        let lead = Self {
            last: word & Self::LAST != 0,
            len: word & !Self::LAST,
        };
        if lead.is_valid(chunk_size, index) {
            Ok(lead)
        } else {
            Err(Malformed)
        }
    }

    /// Returns whether the chunk with that index may have this length.
    pub const fn is_valid(self, chunk_size: u32, index: u64) -> bool {
        if self.last {
            self.len <= chunk_size && (self.len != 0 || index == 0)
        } else {
            self.len == chunk_size
        }
    }

    /// Returns the bytes before the ciphertext.
    pub const fn to_bytes(self) -> [u8; Self::SIZE] {
        let last = if self.last { Self::LAST } else { 0 };
        (self.len | last).to_be_bytes()
    }

    /// Returns the length of the ciphertext, in bytes: filled up to whole blocks by a module, as long as the plaintext
    /// in a fast file.
    pub fn cipher_len(self, mode: FileMode) -> usize {
        let len = usize::try_from(self.len).unwrap_or(usize::MAX);
        match mode {
            FileMode::InModule(_) => len.checked_next_multiple_of(BLOCK).unwrap_or(usize::MAX),
            FileMode::Fast => len,
        }
    }
}

/// Returns the nonce of a chunk of a fast file, as STREAM has it (Hoang and others, CRYPTO 2015): three zeros, the index
/// and whether it is the last chunk. So chunks cannot change places, nor can a file end earlier.
pub fn fast_nonce(index: u64, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    if let Some((before, flag)) = nonce.split_last_chunk_mut::<1>() {
        *flag = [u8::from(last)];
        if let Some(place) = before.last_chunk_mut() {
            *place = index.to_be_bytes();
        }
    }
    nonce
}

/// The size of a chunk's tag, in bytes.
pub const TAG: usize = 16;

/// The size of a chunk without its ciphertext, in bytes.
pub const CHUNK_OVERHEAD: usize = Lead::SIZE + TAG;

/// A chunk to seal: the next of a file that this module has begun (PROTOCOL § 2.9).
#[derive(Clone, Copy, Debug)]
pub struct SealChunk<'a> {
    /// The file's header, as FILE BEGIN returned it.
    pub header: &'a [u8; FileHeader::SIZE],
    /// The chunk's index, from 0.
    pub index: u64,
    /// Whether it is the last.
    pub last: bool,
    /// Its plaintext.
    pub plain: &'a [u8],
}

impl<'a> SealChunk<'a> {
    /// The size of the fields before the plaintext, in bytes.
    pub const FIELDS: usize = FileHeader::SIZE + 8 + 1;

    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Status> {
        let mut reader = Reader::new(bytes);
        let chunk = Self {
            header: reader.array()?,
            index: reader.u64()?,
            last: reader.flag()?,
            plain: reader.rest(),
        };
        if chunk.plain.len() > limits::CIPHER_DATA {
            return Err(Status::TooLarge);
        }
        Ok(chunk)
    }

    /// Appends the fields before the plaintext.
    pub fn write_fields(
        writer: &mut Writer<'_>,
        header: &[u8; FileHeader::SIZE],
        index: u64,
        last: bool,
    ) -> Result<(), Malformed> {
        writer.bytes(header)?;
        writer.u64(index)?;
        writer.flag(last)
    }
}

/// A chunk to open. The module stores nothing of it (PROTOCOL § 2.9).
#[derive(Clone, Copy, Debug)]
pub struct OpenChunk<'a> {
    /// The file's header.
    pub header: FileHeader,
    /// The index of the chunk in the file, from 0.
    pub index: u64,
    /// The bytes before the ciphertext.
    pub lead: Lead,
    /// Lead and ciphertext: what a module's tag covers.
    pub tagged: &'a [u8],
    /// The tag.
    pub tag: &'a [u8; TAG],
}

impl<'a> OpenChunk<'a> {
    /// The size of the fields before the chunk, in bytes.
    pub const FIELDS: usize = FileHeader::SIZE + 8;

    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Status> {
        let mut reader = Reader::new(bytes);
        let header = FileHeader::parse(reader.array()?).map_err(|_bad| Status::Malformed)?;
        let index = reader.u64()?;
        let (tagged, tag) = reader.rest().split_last_chunk().ok_or(Status::Malformed)?;
        let (lead, cipher) = tagged.split_first_chunk().ok_or(Status::Malformed)?;
        let lead = Lead::parse(*lead, header.chunk_size, index)?;
        if cipher.len() != lead.cipher_len(header.mode) {
            return Err(Status::Malformed);
        }
        Ok(Self {
            header,
            index,
            lead,
            tagged,
            tag,
        })
    }

    /// Returns the length of its plaintext, in bytes.
    pub fn plain_len(&self) -> usize {
        usize::try_from(self.lead.len).unwrap_or(usize::MAX)
    }

    /// Returns the ciphertext.
    pub fn cipher(&self) -> &'a [u8] {
        self.tagged.get(Lead::SIZE..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::sample::HEADER, *};

    #[test]
    fn a_file_is_cut_in_one_way_only() {
        let parse = |last, len, index| {
            let bytes = Lead { last, len }.to_bytes();
            Lead::parse(bytes, 64, index)
        };
        assert!(parse(false, 64, 0).is_ok() && parse(true, 64, 0).is_ok());
        assert!(parse(true, 63, 7).is_ok());
        assert_eq!(parse(false, 63, 0), Err(Malformed), "not full");
        assert_eq!(parse(true, 65, 0), Err(Malformed), "too long");
        assert!(parse(true, 0, 0).is_ok(), "an empty file");
        assert_eq!(parse(true, 0, 1), Err(Malformed), "an empty end");
    }

    #[test]
    fn a_module_fills_the_ciphertext_up_to_whole_blocks() {
        for (len, padded) in [(0, 0), (1, 16), (16, 16), (17, 32), (61_440, 61_440)] {
            let lead = Lead { last: true, len };
            assert_eq!(lead.cipher_len(HEADER.mode), padded);
            assert_eq!(
                lead.cipher_len(FileMode::Fast),
                usize::try_from(len).unwrap()
            );
        }
        let mut bytes = [0; OpenChunk::FIELDS + CHUNK_OVERHEAD + 16];
        bytes[..FileHeader::SIZE].copy_from_slice(&HEADER.to_bytes().unwrap());
        bytes[OpenChunk::FIELDS..][..4].copy_from_slice(&Lead { last: true, len: 9 }.to_bytes());
        assert!(OpenChunk::parse(&bytes).is_ok());
        for len in 0..bytes.len() {
            assert!(OpenChunk::parse(&bytes[..len]).is_err(), "{len}");
        }
    }
}
