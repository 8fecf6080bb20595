//! Bytes in: takes from the front of a slice, never panics, leaves nothing over.

use crate::Malformed;

/// A cursor over bytes from outside.
#[derive(Clone, Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Returns a reader at the first byte.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Reads the next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], Malformed> {
        let (head, tail) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = tail;
        Ok(head)
    }

    /// Reads the next `len` bytes.
    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], Malformed> {
        let (head, tail) = self.0.split_at_checked(len).ok_or(Malformed)?;
        self.0 = tail;
        Ok(head)
    }

    /// Reads the next byte.
    pub fn u8(&mut self) -> Result<u8, Malformed> {
        let [byte] = *self.array()?;
        Ok(byte)
    }

    /// Reads a big-endian 16-bit number.
    pub fn u16(&mut self) -> Result<u16, Malformed> {
        Ok(u16::from_be_bytes(*self.array()?))
    }

    /// Reads a big-endian 32-bit number.
    pub fn u32(&mut self) -> Result<u32, Malformed> {
        Ok(u32::from_be_bytes(*self.array()?))
    }

    /// Reads a big-endian 64-bit number.
    pub fn u64(&mut self) -> Result<u64, Malformed> {
        Ok(u64::from_be_bytes(*self.array()?))
    }

    /// Reads a 16-bit length, at most `max`, and as many bytes.
    pub fn prefixed(&mut self, max: usize) -> Result<&'a [u8], Malformed> {
        let len = usize::from(self.u16()?);
        if len > max {
            return Err(Malformed);
        }
        self.bytes(len)
    }

    /// Reads `0` or `1`; any other byte is an error, so that a value has one encoding.
    pub fn flag(&mut self) -> Result<bool, Malformed> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Malformed),
        }
    }

    /// Returns all remaining bytes.
    pub fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.0)
    }

    /// Returns whether no bytes remain.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Ends the reading; an error if bytes remain.
    pub fn finish(self) -> Result<(), Malformed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_read_takes_nothing() {
        let mut reader = Reader::new(&[1, 2]);
        assert_eq!(reader.u32(), Err(Malformed));
        assert_eq!(reader.u16(), Ok(0x0102));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn what_is_left_over_is_an_error() {
        let mut reader = Reader::new(&[0, 1, 9, 9]);
        assert_eq!(reader.prefixed(1), Ok(&[9][..]));
        assert_eq!(reader.finish(), Err(Malformed));
    }

    #[test]
    fn a_length_over_its_maximum_is_refused_before_it_is_read() {
        assert_eq!(Reader::new(&[0, 2, 9, 9]).prefixed(1), Err(Malformed));
    }

    #[test]
    fn a_flag_has_one_encoding() {
        assert_eq!(Reader::new(&[2]).flag(), Err(Malformed));
    }
}
