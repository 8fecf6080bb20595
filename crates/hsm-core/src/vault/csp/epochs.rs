//! What a letter brings to a member of the group (PROTOCOL § 5.3): the keyring, team included, and no PIN or setting.

use super::keyring::Keyring;
use hsm_protocol::{Malformed, reader::Reader, writer::Writer};

/// The contents of such a letter, once it is opened.
pub(crate) struct EpochContents {
    pub(crate) number: u64,
    pub(crate) keyring: Keyring,
    /// Comes back in the Receipt, as that of a Parcel does.
    pub(crate) token: [u8; 48],
}

impl Default for EpochContents {
    fn default() -> Self {
        Self {
            number: 0,
            keyring: Keyring::default(),
            token: [0; 48],
        }
    }
}

impl EpochContents {
    /// Their size, in bytes; always the same.
    pub(crate) const SIZE: usize = 8 + Keyring::SIZE + 48;

    /// Writes what a master sends.
    pub(crate) fn write(
        writer: &mut Writer<'_>,
        number: u64,
        keyring: &Keyring,
        token: &[u8; 48],
    ) -> Result<(), Malformed> {
        writer.u64(number)?;
        keyring.write(writer)?;
        writer.bytes(token)
    }

    /// Fills these, which were empty, in place.
    pub(crate) fn fill(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let mut reader = Reader::new(bytes);
        self.number = reader.u64()?;
        self.keyring.fill(&mut reader)?;
        self.token = *reader.array()?;
        reader.finish()
    }
}
