//! The header of a shared file (docs/FORMAT.md § 1).

use crate::{Malformed, limits, reader::Reader, settings::EncryptionMode, writer::Writer};

/// The first bytes of every file.
pub const MAGIC: [u8; 6] = *b"KWFILE";

/// The version of the format, after the magic bytes.
pub const VERSION: u8 = 1;

/// A tag in a header: HMAC-SHA-384 under the group's link key, cut to 8 bytes. Whoever lacks that key learns nothing
/// from it, not even whether two files are of one group.
pub type HeaderTag = [u8; 8];

/// The label of a header's group tag; the salt follows it.
pub const GROUP_TAG: &[u8] = b"KeyWriter v1 file group tag";

/// The label of a header's epoch tag; the salt and the epoch's name follow it.
pub const EPOCH_TAG: &[u8] = b"KeyWriter v1 file epoch tag";

/// Who ciphers a file, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileMode {
    /// The module, chunk by chunk: its keys never leave.
    InModule(EncryptionMode),
    /// The host, with AES-256-GCM and a key that a module released for this one file.
    Fast,
}

impl FileMode {
    const fn to_byte(self) -> u8 {
        match self {
            Self::InModule(mode) => mode.to_byte(),
            Self::Fast => 3,
        }
    }

    const fn from_byte(byte: u8) -> Result<Self, Malformed> {
        match (byte, EncryptionMode::from_byte(byte)) {
            (_, Ok(mode)) => Ok(Self::InModule(mode)),
            (3, Err(_)) => Ok(Self::Fast),
            (_, Err(Malformed)) => Err(Malformed),
        }
    }
}

/// The unencrypted header of a file. The keys of the file are derived with these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// Who ciphers the chunks, and how.
    pub mode: FileMode,
    /// By this tag a module recognizes a file of its group ([`GROUP_TAG`]).
    pub group: HeaderTag,
    /// By this tag a module of the group recognizes the epoch ([`EPOCH_TAG`]).
    pub epoch: HeaderTag,
    /// The plaintext of every chunk but the last, in bytes: a multiple of 16, 16 to [`limits::CIPHER_DATA`].
    pub chunk_size: u32,
    /// Random; drawn by the module that began the file.
    pub salt: [u8; 32],
}

/// Why bytes are not a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadHeader {
    /// Another kind of file.
    Magic,
    /// Another version of the format.
    Version(u8),
    /// A field has no such value.
    Field,
}

impl FileHeader {
    /// Its size, in bytes.
    pub const SIZE: usize = 6 + 1 + 1 + 8 + 8 + 4 + 32;

    /// Parses a header. Each header has one encoding.
    pub fn parse(bytes: &[u8; Self::SIZE]) -> Result<Self, BadHeader> {
        let mut reader = Reader::new(bytes);
        if *reader.array()? != MAGIC {
            return Err(BadHeader::Magic);
        }
        match reader.u8()? {
            VERSION => {}
            other => return Err(BadHeader::Version(other)),
        }
        let header = Self {
            mode: FileMode::from_byte(reader.u8()?)?,
            group: *reader.array()?,
            epoch: *reader.array()?,
            chunk_size: reader.u32()?,
            salt: *reader.array()?,
        };
        reader.finish()?;
        if is_chunk_size(header.chunk_size) {
            Ok(header)
        } else {
            Err(BadHeader::Field)
        }
    }

    /// Returns the bytes before the first chunk.
    pub fn to_bytes(&self) -> Result<[u8; Self::SIZE], Malformed> {
        let mut bytes = [0; Self::SIZE];
        let mut writer = Writer::new(&mut bytes);
        writer.bytes(&MAGIC)?;
        writer.u8(VERSION)?;
        writer.u8(self.mode.to_byte())?;
        writer.bytes(&self.group)?;
        writer.bytes(&self.epoch)?;
        writer.u32(self.chunk_size)?;
        writer.bytes(&self.salt)?;
        Ok(bytes)
    }
}

impl From<Malformed> for BadHeader {
    fn from(_: Malformed) -> Self {
        Self::Field
    }
}

/// Returns whether chunks may have that size.
pub fn is_chunk_size(size: u32) -> bool {
    usize::try_from(size)
        .is_ok_and(|size| size != 0 && size.is_multiple_of(BLOCK) && size <= limits::CIPHER_DATA)
}

/// Chunks are cut at multiples of a block of AES.
pub(super) const BLOCK: usize = 16;

#[cfg(test)]
mod tests {
    use super::{super::sample::HEADER, *};

    #[test]
    fn a_header_reads_back() {
        let bytes = HEADER.to_bytes().unwrap();
        assert_eq!(FileHeader::parse(&bytes), Ok(HEADER));
        let fast = FileHeader {
            mode: FileMode::Fast,
            ..HEADER
        };
        assert_eq!(FileHeader::parse(&fast.to_bytes().unwrap()), Ok(fast));
    }

    #[test]
    fn another_file_another_version_and_a_wrong_field_are_told_apart() {
        let altered = |at: usize, value| {
            let mut bytes = HEADER.to_bytes().unwrap();
            bytes[at] = value;
            FileHeader::parse(&bytes)
        };
        for at in 0..6 {
            assert_eq!(altered(at, 0), Err(BadHeader::Magic));
        }
        assert_eq!(altered(6, 2), Err(BadHeader::Version(2)));
        assert_eq!(altered(7, 0), Err(BadHeader::Field), "no such mode");
        assert_eq!(altered(7, 4), Err(BadHeader::Field), "no such mode");
        assert_eq!(altered(24, 1), Err(BadHeader::Field), "chunks too large");
        assert_eq!(altered(27, 65), Err(BadHeader::Field), "no whole blocks");
        assert_eq!(altered(27, 0), Err(BadHeader::Field), "no chunks at all");
    }
}
