//! Serial numbers: what people call a module by.

use crate::{Malformed, reader::Reader, writer::Writer};
use core::fmt;

/// A module's serial number: 1 to [`Serial::MAX`] characters of `A–Z`, `0–9` and `-`.
///
/// On the wire it takes a fixed [`Serial::MAX`] bytes, filled up with zeros (PROTOCOL § 2.3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial([u8; Self::MAX]);

impl Serial {
    /// The longest serial number, in characters, and its size on the wire, in bytes.
    pub const MAX: usize = 16;

    /// Parses a serial number from text.
    ///
    /// ```
    /// use hsm_protocol::Serial;
    /// assert_eq!(Serial::parse(b"VM0001")?.as_str(), "VM0001");
    /// assert!(Serial::parse(b"vm 1").is_err());
    /// # Ok::<(), hsm_protocol::Malformed>(())
    /// ```
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let allowed = |c: &u8| c.is_ascii_uppercase() || c.is_ascii_digit() || *c == b'-';
        if text.is_empty() || !text.iter().all(allowed) {
            return Err(Malformed);
        }
        let mut padded = [0; Self::MAX];
        padded
            .get_mut(..text.len())
            .ok_or(Malformed)?
            .copy_from_slice(text);
        Ok(Self(padded))
    }

    /// Reads a serial number in its wire form.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let padded: &[u8; Self::MAX] = reader.array()?;
        let text = padded.split(|c| *c == 0).next().unwrap_or_default();
        let serial = Self::parse(text)?;
        // Anything after the first zero would be a second encoding.
        if &serial.0 == padded {
            Ok(serial)
        } else {
            Err(Malformed)
        }
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.bytes(&self.0)
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        let text = self.0.split(|c| *c == 0).next().unwrap_or_default();
        core::str::from_utf8(text).unwrap_or_default()
    }
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::str::FromStr for Serial {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::parse(text.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_has_one_wire_form() {
        let mut bytes = [0; 16];
        bytes[..3].copy_from_slice(b"A-1");
        assert_eq!(
            Serial::read(&mut Reader::new(&bytes)).unwrap().as_str(),
            "A-1"
        );
        bytes[9] = b'X';
        assert_eq!(Serial::read(&mut Reader::new(&bytes)), Err(Malformed));
    }

    #[test]
    fn every_other_character_is_refused() {
        for c in 0..=255u8 {
            let good = c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'-';
            assert_eq!(Serial::parse(&[c]).is_ok(), good, "{c}");
        }
        assert!(Serial::parse(&[b'A'; 17]).is_err());
    }
}
