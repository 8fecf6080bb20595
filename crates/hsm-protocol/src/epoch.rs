//! How an epoch of a group's key is named (PROTOCOL § 3.5).

use crate::{Malformed, reader::Reader, writer::Writer};

/// The name of an epoch: its number and its key's check value. Two masters that re-key apart make two epochs of one
/// number, and the check values tell them apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EpochName {
    /// Counts up from 1.
    pub number: u32,
    /// HKDF-Expand of the epoch key under [`EpochName::LABEL`].
    pub check: [u8; 8],
}

impl EpochName {
    /// Its size on the wire, in bytes.
    pub const SIZE: usize = 4 + 8;

    /// The label that the check value is derived with.
    pub const LABEL: &'static [u8] = b"KeyWriter v1 epoch check value";

    /// Reads the fields.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let name = Self {
            number: reader.u32()?,
            check: *reader.array()?,
        };
        if name.number == 0 {
            Err(Malformed)
        } else {
            Ok(name)
        }
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u32(self.number)?;
        writer.bytes(&self.check)
    }

    /// Returns the wire form.
    pub fn to_bytes(self) -> [u8; Self::SIZE] {
        let mut bytes = [0; Self::SIZE];
        let fields = self.number.to_be_bytes().into_iter().chain(self.check);
        bytes
            .iter_mut()
            .zip(fields)
            .for_each(|(byte, of)| *byte = of);
        bytes
    }
}

impl core::fmt::Display for EpochName {
    /// Writes the number and, in brackets, the check value in hexadecimal digits.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "{} ({:016x})",
            self.number,
            u64::from_be_bytes(self.check)
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_reads_back_and_no_epoch_has_number_0() {
        let name = EpochName {
            number: 7,
            check: [1, 2, 3, 4, 5, 6, 7, 8],
        };
        let mut bytes = [0; EpochName::SIZE];
        name.write(&mut Writer::new(&mut bytes)).unwrap();
        assert_eq!(bytes, name.to_bytes());
        assert_eq!(std::format!("{name}"), "7 (0102030405060708)");
        assert_eq!(EpochName::read(&mut Reader::new(&bytes)), Ok(name));
        bytes[3] = 0;
        assert_eq!(EpochName::read(&mut Reader::new(&bytes)), Err(Malformed));
        assert_eq!(
            EpochName::read(&mut Reader::new(&bytes[1..])),
            Err(Malformed)
        );
    }
}
