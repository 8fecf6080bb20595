//! A module's commands for shared files, one at a time.

use crate::module::{Attested, ConnectedModule, ModuleError};
use hsm_protocol::{
    EpochName, Malformed,
    command::ins,
    file::{FILE_KEY, FileHeader, SealedFileKey},
    hybrid::HybridFileKey,
    reader::Reader,
    signed::SignedLabel,
    writer::Writer,
};

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
    fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let whose = Self {
            group: *reader.array()?,
            epoch: EpochName::read(&mut reader)?,
        };
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
