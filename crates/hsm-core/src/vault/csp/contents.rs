//! What the KEK protects: keyring, stretched PINs and settings.

use super::{keyring::Keyring, pin_records::PinRecords};
use hsm_protocol::{
    Malformed,
    reader::Reader,
    settings::{EncryptionMode, UserPinPolicy, read_auto_lock},
    writer::Writer,
};

/// What an Administrator configures, besides PINs. Readable only once the module is unlocked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) mode: EncryptionMode,
    pub(crate) auto_lock: Option<u8>,
    pub(crate) policy: Option<UserPinPolicy>,
    pub(crate) cloning: bool,
    /// Whether keys of files leave the module.
    pub(crate) releases_keys: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            mode: EncryptionMode::default(),
            auto_lock: None,
            policy: None,
            cloning: false,
            releases_keys: true,
        }
    }
}

impl Settings {
    const SIZE: usize = 1 + 1 + 2 + 1 + 1;

    fn write(self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u8(self.mode.to_byte())?;
        writer.u8(self.auto_lock.unwrap_or(0))?;
        UserPinPolicy::write(self.policy, writer)?;
        writer.flag(self.cloning)?;
        writer.flag(self.releases_keys)
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            mode: EncryptionMode::from_byte(reader.u8()?)?,
            auto_lock: read_auto_lock(reader)?,
            policy: UserPinPolicy::read(reader)?,
            cloning: reader.flag()?,
            releases_keys: reader.flag()?,
        })
    }
}

/// All CSPs that a PIN opens.
#[derive(Default)]
pub(crate) struct Csps {
    pub(crate) keyring: Keyring,
    pub(crate) pins: PinRecords,
    pub(crate) settings: Settings,
}

impl Csps {
    /// The size of the stored form, in bytes; always the same.
    pub(crate) const SIZE: usize = Keyring::SIZE + PinRecords::SIZE + Settings::SIZE;

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        self.keyring.write(writer)?;
        self.pins.write(writer)?;
        self.settings.write(writer)
    }

    /// Fills these, which were empty, in place.
    pub(crate) fn fill(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        self.keyring.fill(&mut reader)?;
        self.pins.fill(&mut reader)?;
        self.settings = Settings::read(&mut reader)?;
        reader.finish()
    }
}
