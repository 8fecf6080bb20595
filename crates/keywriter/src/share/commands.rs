//! A module's commands for shared files, one at a time.

use super::fast::FastFile;
use crate::module::{Attested, ConnectedModule, ModuleError};
use hsm_protocol::{
    EpochName, Malformed, Status,
    command::ins,
    file::{FILE_KEY, FastKey, FileHeader, FileMode, NewFastFile, SealedFileKey},
    hybrid::HybridFileKey,
    reader::Reader,
    signed::SignedLabel,
    writer::Writer,
};
use zeroize::Zeroizing;

/// Which of the team's two recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientKind {
    /// ECDH P-384.
    Classical,
    /// With ML-KEM-1024 besides.
    PostQuantum,
}

impl RecipientKind {
    /// Returns P1 of the commands.
    pub(crate) const fn p1(self) -> u8 {
        match self {
            Self::Classical => 0,
            Self::PostQuantum => 1,
        }
    }
}

/// Which team's file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whose {
    /// The group.
    pub group: [u8; 16],
    /// The epoch whose key it is under.
    pub epoch: EpochName,
}

impl Whose {
    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            group: *reader.array()?,
            epoch: EpochName::read(reader)?,
        })
    }

    fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let whose = Self::read(&mut reader)?;
        reader.finish()?;
        Ok(whose)
    }
}

impl ConnectedModule {
    /// Begins a shared file with chunks of so many bytes and returns its header; the module must be unlocked.
    pub fn file_begin(&mut self, chunk_size: u32) -> Result<[u8; FileHeader::SIZE], ModuleError> {
        let answer = self.command(ins::FILE_BEGIN, 0, &chunk_size.to_be_bytes())?;
        self.well_formed(answer.try_into().map_err(|_length| Malformed))
    }

    /// Returns whose file it is: group and epoch; the module must be unlocked. A module of another group refuses with
    /// [`Status::NotFound`], one that lacks the epoch with [`Status::EpochMissing`].
    ///
    /// [`Status::NotFound`]: hsm_protocol::Status::NotFound
    /// [`Status::EpochMissing`]: hsm_protocol::Status::EpochMissing
    pub fn file_identify(&mut self, header: &FileHeader) -> Result<Whose, ModuleError> {
        let data = self.well_formed(header.to_bytes())?;
        let answer = self.command(ins::FILE_IDENTIFY, 0, &data)?;
        self.well_formed(Whose::parse(&answer))
    }

    /// Begins so many fast files, at most [`FAST_KEYS`], with chunks of so many bytes; the module must be unlocked. One
    /// that keeps the keys of files refuses with [`Status::KeysStay`].
    ///
    /// [`FAST_KEYS`]: hsm_protocol::limits::FAST_KEYS
    /// [`Status::KeysStay`]: hsm_protocol::Status::KeysStay
    pub fn file_begin_fast(
        &mut self,
        chunk_size: u32,
        count: u16,
    ) -> Result<Vec<FastFile>, ModuleError> {
        let data = [&chunk_size.to_be_bytes()[..], &count.to_be_bytes()].concat();
        let answer = Zeroizing::new(self.command(ins::FILE_BEGIN, 1, &data)?);
        self.well_formed(new_files(&answer, chunk_size, count))
    }

    /// Returns for each header of a fast file, at most [`FAST_KEYS`], the file with its key, or why the key was not released:
    /// [`Status::NotFound`] for another group's, [`Status::EpochMissing`]. The module must be unlocked. One that keeps
    /// the keys of files refuses with [`Status::KeysStay`].
    ///
    /// [`FAST_KEYS`]: hsm_protocol::limits::FAST_KEYS
    /// [`Status::NotFound`]: hsm_protocol::Status::NotFound
    /// [`Status::EpochMissing`]: hsm_protocol::Status::EpochMissing
    /// [`Status::KeysStay`]: hsm_protocol::Status::KeysStay
    pub fn file_release(
        &mut self,
        headers: &[FileHeader],
    ) -> Result<Vec<Result<FastFile, Status>>, ModuleError> {
        let bytes: Result<Vec<_>, Malformed> = headers.iter().map(FileHeader::to_bytes).collect();
        let data = self.well_formed(bytes)?.concat();
        let answer = Zeroizing::new(self.command(ins::FILE_IDENTIFY, 1, &data)?);
        self.well_formed(released(&answer, headers))
    }

    /// Returns the team's recipient of a kind, signed; the module must be unlocked.
    pub fn file_recipient(&mut self, kind: RecipientKind) -> Result<Attested, ModuleError> {
        self.attested(ins::FILE_RECIPIENT, kind.p1(), SignedLabel::Recipient)
    }

    /// Opens a file key that was sealed to the team's recipient; the module must be unlocked.
    pub fn file_unwrap(&mut self, sealed: &SealedFileKey) -> Result<[u8; FILE_KEY], ModuleError> {
        let mut data = [0; SealedFileKey::SIZE];
        self.well_formed(sealed.write(&mut Writer::new(&mut data)))?;
        let answer = self.command(ins::FILE_UNWRAP, 0, &data)?;
        self.well_formed(answer.try_into().map_err(|_length| Malformed))
    }

    /// Opens a file key that was sealed to the team's post-quantum recipient; the module must be unlocked.
    pub fn file_hybrid_unwrap(
        &mut self,
        sealed: &HybridFileKey<'_>,
    ) -> Result<[u8; FILE_KEY], ModuleError> {
        let mut data = [0; HybridFileKey::SIZE];
        self.well_formed(sealed.write(&mut Writer::new(&mut data)))?;
        let answer = self.command(ins::FILE_UNWRAP, 1, &data)?;
        self.well_formed(answer.try_into().map_err(|_length| Malformed))
    }
}

/// Reads what FILE BEGIN answers for fast files.
fn new_files(answer: &[u8], chunk_size: u32, count: u16) -> Result<Vec<FastFile>, Malformed> {
    let mut reader = Reader::new(answer);
    let whose = Whose::read(&mut reader)?;
    let files = (0..count).map(|_| {
        let file = NewFastFile::read(&mut reader)?;
        let header = FileHeader::parse(file.header).map_err(|_bad| Malformed)?;
        let is_meant = header.mode == FileMode::Fast && header.chunk_size == chunk_size;
        is_meant
            .then(|| FastFile::new(header, whose, file.key))
            .ok_or(Malformed)
    });
    let files = files.collect::<Result<_, Malformed>>()?;
    reader.finish()?;
    Ok(files)
}

/// Reads what FILE IDENTIFY answers for fast files.
fn released(
    answer: &[u8],
    headers: &[FileHeader],
) -> Result<Vec<Result<FastFile, Status>>, Malformed> {
    let mut reader = Reader::new(answer);
    let group = *reader.array()?;
    let files = headers.iter().map(|header| {
        let file = |FastKey { epoch, key }| FastFile::new(*header, Whose { group, epoch }, key);
        FastKey::read(&mut reader).map(|key| key.map(file))
    });
    let files = files.collect::<Result<_, Malformed>>()?;
    reader.finish()?;
    Ok(files)
}
