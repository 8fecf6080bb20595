//! What REKEY is asked for, and what it answers (PROTOCOL § 2.12).

use crate::{EpochName, Malformed, Serial, limits, reader::Reader, writer::Writer};

/// The choices of a re-key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rekey<'a> {
    /// Whether the oldest epoch may be dropped, if the keyring has room for no other.
    pub may_drop: bool,
    retired: &'a [u8],
}

impl<'a> Rekey<'a> {
    /// Reads the serial numbers of the modules that are to be retired: ascending, none twice, at most
    /// [`limits::RETIRED`].
    pub fn parse(may_drop: bool, retired: &'a [u8]) -> Result<Self, Malformed> {
        if retired.len() > limits::RETIRED.saturating_mul(Serial::MAX) {
            return Err(Malformed);
        }
        let mut reader = Reader::new(retired);
        let mut last = None;
        while !reader.is_empty() {
            let serial = Serial::read(&mut reader)?;
            if last.is_some_and(|last| last >= serial) {
                return Err(Malformed);
            }
            last = Some(serial);
        }
        Ok(Self { may_drop, retired })
    }

    /// Returns the modules that are to be retired.
    pub fn retired(&self) -> impl Iterator<Item = Serial> {
        let mut reader = Reader::new(self.retired);
        core::iter::from_fn(move || Serial::read(&mut reader).ok())
    }
}

/// What a re-key made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rekeyed {
    /// The new epoch, which enciphers from now on.
    pub epoch: EpochName,
    /// The epoch that was dropped for it, and whose files this group can read no more.
    pub dropped: Option<EpochName>,
}

impl Rekeyed {
    /// Reads the answer to REKEY.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let epoch = EpochName::read(&mut reader)?;
        let dropped = if reader.is_empty() {
            None
        } else {
            Some(EpochName::read(&mut reader)?)
        };
        reader.finish()?;
        Ok(Self { epoch, dropped })
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        self.epoch.write(writer)?;
        self.dropped.map_or(Ok(()), |dropped| dropped.write(writer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn bytes(serials: &[&str]) -> Vec<u8> {
        let padded = serials.iter().map(|serial| {
            let mut padded = serial.as_bytes().to_vec();
            padded.resize(Serial::MAX, 0);
            padded
        });
        padded.flatten().collect()
    }

    #[test]
    fn serial_numbers_rise_and_none_is_there_twice_or_in_part() {
        for serials in [&[][..], &["A"], &["A", "A1", "B"]] {
            let data = bytes(serials);
            let rekey = Rekey::parse(false, &data).unwrap();
            let read: Vec<_> = rekey.retired().collect();
            let given = serials.iter().map(|serial| serial.parse().unwrap());
            assert_eq!(read, given.collect::<Vec<Serial>>());
        }
        for serials in [&["A", "A"][..], &["B", "A"], &["a"], &[""]] {
            assert_eq!(Rekey::parse(false, &bytes(serials)), Err(Malformed));
        }
        for len in 1..16 {
            assert!(Rekey::parse(false, &bytes(&["A"])[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn as_many_are_retired_at_once_as_a_team_has_room_for() {
        let names: Vec<_> = (0..=limits::RETIRED)
            .map(|at| std::format!("A{at:03}"))
            .collect();
        let names: Vec<_> = names.iter().map(std::string::String::as_str).collect();
        assert!(Rekey::parse(true, &bytes(&names[1..])).is_ok());
        assert!(Rekey::parse(true, &bytes(&names)).is_err());
    }

    #[test]
    fn an_answer_reads_back_and_has_one_epoch_or_two() {
        let name = |number| EpochName {
            number,
            check: [9; 8],
        };
        for dropped in [None, Some(name(1))] {
            let rekeyed = Rekeyed {
                epoch: name(17),
                dropped,
            };
            let mut buffer = [0; 3 * EpochName::SIZE];
            let mut writer = Writer::new(&mut buffer);
            rekeyed.write(&mut writer).unwrap();
            let written = writer.written().len();
            assert_eq!(Rekeyed::parse(&buffer[..written]), Ok(rekeyed));
            for len in (0..buffer.len()).filter(|len| len % EpochName::SIZE != 0 || *len == 0) {
                assert_eq!(Rekeyed::parse(&buffer[..len]), Err(Malformed), "{len}");
            }
            assert!(Rekeyed::parse(&buffer).is_err(), "a third one");
        }
    }
}
