//! Raw data units, as the CIPHER command takes them (PROTOCOL § 2.7).

use crate::{EpochName, Malformed, Status, limits, reader::Reader, writer::Writer};

/// Consecutive data units and how they are numbered (PROTOCOL § 2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataUnits<'a> {
    /// The epoch whose key is used.
    pub epoch: EpochName,
    /// The size of a unit, in bytes: a multiple of 16, not 0.
    pub unit_size: u16,
    /// The number of the first unit.
    pub first: u64,
    /// Whole units; the last may be shorter, in whole blocks of 16 bytes.
    pub data: &'a [u8],
}

impl<'a> DataUnits<'a> {
    /// The size of the fields before the data, in bytes.
    pub const HEADER: usize = EpochName::SIZE + 2 + 8;

    pub(crate) fn parse(bytes: &'a [u8]) -> Result<Self, Status> {
        let mut reader = Reader::new(bytes);
        let units = Self {
            epoch: EpochName::read(&mut reader)?,
            unit_size: reader.u16()?,
            first: reader.u64()?,
            data: reader.rest(),
        };
        let size = usize::from(units.unit_size);
        if size == 0
            || !size.is_multiple_of(BLOCK)
            || units.data.is_empty()
            || !units.data.len().is_multiple_of(BLOCK)
        {
            return Err(Status::Malformed);
        }
        if units.data.len() > limits::CIPHER_DATA {
            return Err(Status::TooLarge);
        }
        let last =
            u64::try_from(units.data.len().div_ceil(size)).map_err(|_overlong| Status::TooLarge)?;
        units.first.checked_add(last).ok_or(Status::Malformed)?;
        Ok(units)
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        self.epoch.write(writer)?;
        writer.u16(self.unit_size)?;
        writer.u64(self.first)?;
        writer.bytes(self.data)
    }
}

const BLOCK: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_units_are_whole_blocks_of_whole_units() {
        let encode = |unit_size, first, len: usize| {
            let mut out = [0; 200];
            let mut writer = Writer::new(&mut out);
            DataUnits {
                epoch: EpochName {
                    number: 1,
                    check: [0; 8],
                },
                unit_size,
                first,
                data: &[0; 96][..len],
            }
            .write(&mut writer)
            .unwrap();
            DataUnits::parse(writer.written()).map(|_| ())
        };
        assert_eq!(encode(32, 0, 96), Ok(()));
        assert_eq!(encode(64, 0, 96), Ok(()), "a shorter last unit");
        assert_eq!(encode(32, 0, 0), Err(Status::Malformed));
        assert_eq!(encode(32, 0, 33), Err(Status::Malformed));
        assert_eq!(encode(0, 0, 32), Err(Status::Malformed));
        assert_eq!(encode(24, 0, 48), Err(Status::Malformed));
        assert_eq!(encode(32, u64::MAX, 32), Err(Status::Malformed));
    }
}
