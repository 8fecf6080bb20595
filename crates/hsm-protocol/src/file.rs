//! Files that a team shares: the header and the chunks (docs/FORMAT.md).
//!
//! A file is a header followed by its chunks. A module makes the header and every chunk; a host concatenates them.

pub use crate::recipient::{FILE_KEY, Recipient, STANZA_TAG, SealedFileKey, StanzaTag};

use crate::{
    Malformed, Status,
    apdu::CommandApdu,
    command::{challenge, ins},
    hybrid::HybridFileKey,
    limits,
    reader::Reader,
    settings::EncryptionMode,
    signed::Challenge,
    writer::Writer,
};

/// Commands for shared files (PROTOCOL § 2.9).
#[derive(Clone, Copy, Debug)]
pub enum FileCommand<'a> {
    /// Begins a file.
    Begin {
        /// The plaintext of every chunk but the last, in bytes.
        chunk_size: u32,
    },
    /// Seals the next chunk of a file.
    Seal(SealChunk<'a>),
    /// Opens a chunk.
    Open(OpenChunk<'a>),
    /// Whose file it is: group and epoch.
    Identify(FileHeader),
    /// The team's recipient, signed.
    Recipient {
        /// Chosen by the host, fresh each time.
        challenge: &'a Challenge,
    },
    /// Opens a file key.
    Unwrap(SealedFileKey),
    /// The team's post-quantum recipient, signed.
    HybridRecipient {
        /// Chosen by the host, fresh each time.
        challenge: &'a Challenge,
    },
    /// Opens a file key that was sealed to it.
    HybridUnwrap(HybridFileKey<'a>),
}

impl<'a> FileCommand<'a> {
    pub(crate) fn parse(apdu: &CommandApdu<'a>) -> Result<Self, Status> {
        match apdu.ins {
            ins::FILE_BEGIN => {
                let mut reader = Reader::new(apdu.data);
                let chunk_size = reader.u32()?;
                reader.finish()?;
                if is_chunk_size(chunk_size) {
                    Ok(Self::Begin { chunk_size })
                } else {
                    Err(Status::Malformed)
                }
            }
            ins::FILE_SEAL => SealChunk::parse(apdu.data).map(Self::Seal),
            ins::FILE_OPEN => OpenChunk::parse(apdu.data).map(Self::Open),
            ins::FILE_IDENTIFY => {
                let bytes = apdu
                    .data
                    .try_into()
                    .map_err(|_length| Status::WrongLength)?;
                let header = FileHeader::parse(bytes).map_err(|_bad| Status::Malformed)?;
                Ok(Self::Identify(header))
            }
            ins::FILE_RECIPIENT => Ok(Self::Recipient {
                challenge: challenge(apdu)?,
            }),
            ins::FILE_UNWRAP => SealedFileKey::parse(apdu.data).map(Self::Unwrap),
            _ => Err(Status::UnknownInstruction),
        }
    }

    /// Parses a command with P1 = 1: of the post-quantum recipient.
    pub(crate) fn parse_hybrid(apdu: &CommandApdu<'a>) -> Result<Self, Status> {
        match apdu.ins {
            ins::FILE_RECIPIENT => Ok(Self::HybridRecipient {
                challenge: challenge(apdu)?,
            }),
            ins::FILE_UNWRAP => Ok(Self::HybridUnwrap(HybridFileKey::parse(apdu.data)?)),
            _ => Err(Status::WrongParameters),
        }
    }

    /// Returns how many bytes a host must accept at once, as [`Command::undivided`](crate::command::Command::undivided)
    /// says.
    pub(crate) fn undivided(&self) -> usize {
        match self {
            Self::Seal(chunk) => {
                let padded = chunk.plain.len().div_ceil(BLOCK).saturating_mul(BLOCK);
                padded.saturating_add(CHUNK_OVERHEAD)
            }
            Self::Open(chunk) => chunk.plain_len(),
            Self::Unwrap(_) | Self::HybridUnwrap(_) => FILE_KEY,
            Self::Begin { .. }
            | Self::Identify(_)
            | Self::Recipient { .. }
            | Self::HybridRecipient { .. } => 0,
        }
    }
}

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

/// The unencrypted header of a file. Both keys of the file are derived with these bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHeader {
    /// How the chunks are enciphered.
    pub mode: EncryptionMode,
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
            mode: EncryptionMode::from_byte(reader.u8()?)?,
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

/// The four bytes before a chunk's ciphertext: how long its plaintext is, and whether the file ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    /// Whether this is the file's last chunk.
    pub last: bool,
    /// The length of the plaintext, in bytes; the ciphertext is filled up to whole blocks of 16.
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

    /// Returns the length of the ciphertext, in bytes.
    pub fn padded(self) -> usize {
        usize::try_from(self.len)
            .unwrap_or(usize::MAX)
            .checked_next_multiple_of(BLOCK)
            .unwrap_or(usize::MAX)
    }
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

    fn parse(bytes: &'a [u8]) -> Result<Self, Status> {
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
    /// Lead and ciphertext: what the tag covers.
    pub tagged: &'a [u8],
    /// The tag.
    pub tag: &'a [u8; TAG],
}

impl<'a> OpenChunk<'a> {
    /// The size of the fields before the chunk, in bytes.
    pub const FIELDS: usize = FileHeader::SIZE + 8;

    fn parse(bytes: &'a [u8]) -> Result<Self, Status> {
        let mut reader = Reader::new(bytes);
        let header = FileHeader::parse(reader.array()?).map_err(|_bad| Status::Malformed)?;
        let index = reader.u64()?;
        let (tagged, tag) = reader.rest().split_last_chunk().ok_or(Status::Malformed)?;
        let (lead, cipher) = tagged.split_first_chunk().ok_or(Status::Malformed)?;
        let lead = Lead::parse(*lead, header.chunk_size, index)?;
        if cipher.len() != lead.padded() {
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

    /// Returns the ciphertext, in whole blocks.
    pub fn cipher(&self) -> &'a [u8] {
        self.tagged.get(Lead::SIZE..).unwrap_or_default()
    }
}

const BLOCK: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: FileHeader = FileHeader {
        mode: EncryptionMode::Xts,
        group: [1; 8],
        epoch: [2; 8],
        chunk_size: 64,
        salt: [3; 32],
    };

    #[test]
    fn a_header_reads_back() {
        let bytes = HEADER.to_bytes().unwrap();
        assert_eq!(FileHeader::parse(&bytes), Ok(HEADER));
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
        assert_eq!(altered(24, 1), Err(BadHeader::Field), "chunks too large");
        assert_eq!(altered(27, 65), Err(BadHeader::Field), "no whole blocks");
        assert_eq!(altered(27, 0), Err(BadHeader::Field), "no chunks at all");
    }

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
    fn the_ciphertext_is_filled_up_to_whole_blocks() {
        for (len, padded) in [(0, 0), (1, 16), (16, 16), (17, 32), (61_440, 61_440)] {
            assert_eq!(Lead { last: true, len }.padded(), padded);
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
