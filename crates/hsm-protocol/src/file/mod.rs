//! Files that a team shares: the header and the chunks (docs/FORMAT.md).
//!
//! A file is a header followed by its chunks. A module makes the header; the chunks are made by the module, or by the
//! host with a key that the module releases for this one file ([`FileMode`]).

mod chunk;
mod header;
mod keys;

pub use self::{
    chunk::{CHUNK_OVERHEAD, Lead, OpenChunk, SealChunk, TAG, fast_nonce},
    header::{
        BadHeader, EPOCH_TAG, FileHeader, FileMode, GROUP_TAG, HeaderTag, MAGIC, VERSION,
        is_chunk_size,
    },
    keys::{FAST_KEY, FastHeaders, FastKey, NewFastFile},
};
pub use crate::recipient::{FILE_KEY, Recipient, STANZA_TAG, SealedFileKey, StanzaTag};

use self::header::BLOCK;
use crate::{
    Status,
    apdu::CommandApdu,
    command::{challenge, ins},
    hybrid::HybridFileKey,
    limits,
    reader::Reader,
    signed::Challenge,
};

/// Commands for shared files (PROTOCOL § 2.9).
#[derive(Clone, Copy, Debug)]
pub enum FileCommand<'a> {
    /// Begins a file.
    Begin {
        /// The plaintext of every chunk but the last, in bytes.
        chunk_size: u32,
    },
    /// Begins files whose chunks the host makes, and releases their keys.
    BeginFast {
        /// The plaintext of every chunk but the last, in bytes.
        chunk_size: u32,
        /// How many, 1 to [`limits::FAST_KEYS`].
        count: u16,
    },
    /// Releases the keys of such files.
    Release(FastHeaders<'a>),
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
        match (apdu.ins, apdu.p1) {
            (ins::FILE_BEGIN, 0) => {
                let mut reader = Reader::new(apdu.data);
                let chunk_size = chunk_size(&mut reader)?;
                reader.finish()?;
                Ok(Self::Begin { chunk_size })
            }
            (ins::FILE_BEGIN, 1) => {
                let mut reader = Reader::new(apdu.data);
                let chunk_size = chunk_size(&mut reader)?;
                let count = reader.u16()?;
                reader.finish()?;
                match usize::from(count) {
                    0 => Err(Status::Malformed),
                    1..=limits::FAST_KEYS => Ok(Self::BeginFast { chunk_size, count }),
                    _ => Err(Status::TooLarge),
                }
            }
            (ins::FILE_SEAL, 0) => SealChunk::parse(apdu.data).map(Self::Seal),
            (ins::FILE_OPEN, 0) => OpenChunk::parse(apdu.data).map(Self::Open),
            (ins::FILE_IDENTIFY, 0) => {
                let bytes = apdu
                    .data
                    .try_into()
                    .map_err(|_length| Status::WrongLength)?;
                let header = FileHeader::parse(bytes).map_err(|_bad| Status::Malformed)?;
                Ok(Self::Identify(header))
            }
            (ins::FILE_IDENTIFY, 1) => FastHeaders::parse(apdu.data).map(Self::Release),
            (ins::FILE_RECIPIENT, 0) => Ok(Self::Recipient {
                challenge: challenge(apdu)?,
            }),
            (ins::FILE_RECIPIENT, 1) => Ok(Self::HybridRecipient {
                challenge: challenge(apdu)?,
            }),
            (ins::FILE_UNWRAP, 0) => SealedFileKey::parse(apdu.data).map(Self::Unwrap),
            (ins::FILE_UNWRAP, 1) => Ok(Self::HybridUnwrap(HybridFileKey::parse(apdu.data)?)),
            _ => Err(Status::WrongParameters),
        }
    }

    /// Returns whether a key of a file leaves the module, which its Administrator can forbid.
    pub const fn releases_key(&self) -> bool {
        match self {
            Self::BeginFast { .. } | Self::Release(_) | Self::Unwrap(_) | Self::HybridUnwrap(_) => {
                true
            }
            Self::Begin { .. }
            | Self::Seal(_)
            | Self::Open(_)
            | Self::Identify(_)
            | Self::Recipient { .. }
            | Self::HybridRecipient { .. } => false,
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
            Self::BeginFast { count, .. } => NewFastFile::answer(usize::from(*count)),
            Self::Release(headers) => FastKey::answer(headers.count()),
            Self::Unwrap(_) | Self::HybridUnwrap(_) => FILE_KEY,
            Self::Begin { .. }
            | Self::Identify(_)
            | Self::Recipient { .. }
            | Self::HybridRecipient { .. } => 0,
        }
    }
}

fn chunk_size(reader: &mut Reader<'_>) -> Result<u32, Status> {
    let size = reader.u32()?;
    if is_chunk_size(size) {
        Ok(size)
    } else {
        Err(Status::Malformed)
    }
}

#[cfg(test)]
mod sample {
    use super::{FileHeader, FileMode};
    use crate::settings::EncryptionMode;

    pub(super) const HEADER: FileHeader = FileHeader {
        mode: FileMode::InModule(EncryptionMode::Xts),
        group: [1; 8],
        epoch: [2; 8],
        chunk_size: 64,
        salt: [3; 32],
    };
}
