//! The keys of fast files, which modules release to the host (docs/FORMAT.md § 3.2, PROTOCOL § 2.9).

use super::header::{FileHeader, FileMode};
use crate::{EpochName, Malformed, Status, limits, reader::Reader, writer::Writer};

/// The size of a fast file's key, in bytes: AES-256.
pub const FAST_KEY: usize = 32;

const _: () = assert!(
    NewFastFile::answer(limits::FAST_KEYS) <= limits::CIPHER_DATA,
    "one answer holds them"
);

/// The headers of fast files, one after the other.
#[derive(Clone, Copy, Debug)]
pub struct FastHeaders<'a>(&'a [[u8; FileHeader::SIZE]]);

impl<'a> FastHeaders<'a> {
    /// Parses 1 to [`limits::FAST_KEYS`] headers. The header of an in-module file is [`Status::Malformed`].
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Status> {
        let (headers, rest) = bytes.as_chunks();
        if !rest.is_empty() || headers.is_empty() {
            return Err(Status::WrongLength);
        }
        if headers.len() > limits::FAST_KEYS {
            return Err(Status::TooLarge);
        }
        let is_fast =
            |bytes| FileHeader::parse(bytes).is_ok_and(|header| header.mode == FileMode::Fast);
        if headers.iter().all(is_fast) {
            Ok(Self(headers))
        } else {
            Err(Status::Malformed)
        }
    }

    /// Returns how many.
    pub(super) const fn count(&self) -> usize {
        self.0.len()
    }

    /// Returns each.
    pub fn iter(&self) -> impl Iterator<Item = FileHeader> {
        // All were parsed before.
        self.0
            .iter()
            .filter_map(|bytes| FileHeader::parse(bytes).ok())
    }
}

/// A fast file that a module began: its header and its key. The answer is group (16) ‖ epoch (12) ‖ one for each file.
#[derive(Clone, Copy)]
pub struct NewFastFile<'a> {
    /// What the file begins with.
    pub header: &'a [u8; FileHeader::SIZE],
    /// Its key.
    pub key: &'a [u8; FAST_KEY],
}

impl<'a> NewFastFile<'a> {
    const SIZE: usize = FileHeader::SIZE + FAST_KEY;

    /// Returns the size of an answer with so many, in bytes.
    pub const fn answer(count: usize) -> usize {
        (16 + EpochName::SIZE).saturating_add(count.saturating_mul(Self::SIZE))
    }

    /// Reads one.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        Ok(Self {
            header: reader.array()?,
            key: reader.array()?,
        })
    }
}

/// What is answered for one of [`FastHeaders`]. The answer is group (16) ‖ one for each header.
#[derive(Clone, Copy)]
pub struct FastKey<'a> {
    /// The epoch of the file.
    pub epoch: EpochName,
    /// Its key.
    pub key: &'a [u8; FAST_KEY],
}

impl<'a> FastKey<'a> {
    const SIZE: usize = 2 + EpochName::SIZE + FAST_KEY;

    /// Returns the size of an answer with so many, in bytes.
    pub const fn answer(count: usize) -> usize {
        16_usize.saturating_add(count.saturating_mul(Self::SIZE))
    }

    /// Appends why a key was not released: a status word, and zeros.
    pub fn write_none(status: Status, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u16(status.to_word())?;
        writer.reserve(EpochName::SIZE + FAST_KEY)?.fill(0);
        Ok(())
    }

    /// Reads a key, or the status that says why it was not released.
    pub fn read(reader: &mut Reader<'a>) -> Result<Result<Self, Status>, Malformed> {
        let status = Status::from_word(reader.u16()?).ok_or(Malformed)?;
        let fields = reader.bytes(EpochName::SIZE + FAST_KEY)?;
        if status != Status::Success {
            let is_empty = fields.iter().all(|byte| *byte == 0);
            return is_empty.then_some(Err(status)).ok_or(Malformed);
        }
        let mut fields = Reader::new(fields);
        Ok(Ok(Self {
            epoch: EpochName::read(&mut fields)?,
            key: fields.array()?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::EncryptionMode;
    use std::vec::Vec;

    fn header(mode: FileMode) -> [u8; FileHeader::SIZE] {
        let header = FileHeader {
            mode,
            group: [1; 8],
            epoch: [2; 8],
            chunk_size: 64,
            salt: [3; 32],
        };
        header.to_bytes().unwrap()
    }

    #[test]
    fn only_headers_of_fast_files_are_taken() {
        let fast = header(FileMode::Fast);
        let parsed = |bytes: &[u8]| FastHeaders::parse(bytes).map(|headers| headers.iter().count());
        assert_eq!(parsed(&fast), Ok(1));
        let most = fast.repeat(limits::FAST_KEYS);
        assert_eq!(parsed(&most), Ok(limits::FAST_KEYS));
        assert_eq!(parsed(&[&most[..], &fast].concat()), Err(Status::TooLarge));
        for len in (0..150).filter(|len| *len == 0 || len % FileHeader::SIZE != 0) {
            assert_eq!(parsed(&most[..len]), Err(Status::WrongLength), "{len}");
        }
        for mode in [EncryptionMode::Xts, EncryptionMode::Ecb] {
            let kept = header(FileMode::InModule(mode));
            assert_eq!(parsed(&[fast, kept].concat()), Err(Status::Malformed));
        }
    }

    #[test]
    fn a_key_reads_back_and_so_does_why_there_is_none() {
        let mut bytes = Vec::from(0x9000_u16.to_be_bytes());
        bytes.extend([0, 0, 0, 1]);
        bytes.extend([8; 8]);
        bytes.extend([7; FAST_KEY]);
        let read = |bytes: &[u8]| {
            let read = FastKey::read(&mut Reader::new(bytes));
            read.map(|answer| answer.map(|fast| (fast.epoch.number, *fast.key)))
        };
        assert_eq!(read(&bytes), Ok(Ok((1, [7; FAST_KEY]))));
        let mut none = [0xFF; FastKey::SIZE];
        FastKey::write_none(Status::NotFound, &mut Writer::new(&mut none)).unwrap();
        assert_eq!(read(&none), Ok(Err(Status::NotFound)));
        none[FastKey::SIZE - 1] = 1;
        assert_eq!(read(&none), Err(Malformed), "not all zero");
    }
}
