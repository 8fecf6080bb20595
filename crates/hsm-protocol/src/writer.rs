//! Bytes out: a writer fills a slice from the front and fails when it is full.

use crate::Malformed;

/// A cursor over the bytes to fill.
#[derive(Debug)]
pub struct Writer<'a> {
    out: &'a mut [u8],
    used: usize,
}

impl<'a> Writer<'a> {
    /// Returns a writer at the first byte.
    pub const fn new(out: &'a mut [u8]) -> Self {
        Self { out, used: 0 }
    }

    /// Appends `bytes`, or nothing if they do not fit.
    pub fn bytes(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        self.reserve(bytes.len())?.copy_from_slice(bytes);
        Ok(())
    }

    /// Returns the next `len` bytes for the caller to fill.
    pub fn reserve(&mut self, len: usize) -> Result<&mut [u8], Malformed> {
        let end = self.used.checked_add(len).ok_or(Malformed)?;
        let place = self.out.get_mut(self.used..end).ok_or(Malformed)?;
        self.used = end;
        Ok(place)
    }

    /// Appends one byte.
    pub fn u8(&mut self, value: u8) -> Result<(), Malformed> {
        self.bytes(&[value])
    }

    /// Appends a big-endian 16-bit number.
    pub fn u16(&mut self, value: u16) -> Result<(), Malformed> {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends a big-endian 32-bit number.
    pub fn u32(&mut self, value: u32) -> Result<(), Malformed> {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends a big-endian 64-bit number.
    pub fn u64(&mut self, value: u64) -> Result<(), Malformed> {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends a 16-bit length and the bytes.
    pub fn prefixed(&mut self, bytes: &[u8]) -> Result<(), Malformed> {
        let len = u16::try_from(bytes.len()).map_err(|_overlong| Malformed)?;
        self.u16(len)?;
        self.bytes(bytes)
    }

    /// Appends `1` or `0`.
    pub fn flag(&mut self, value: bool) -> Result<(), Malformed> {
        self.u8(u8::from(value))
    }

    /// Removes and wipes all but the first `len` bytes.
    pub fn truncate(&mut self, len: usize) {
        if let Some(taken) = self.out.get_mut(len..self.used) {
            taken.fill(0);
            self.used = len;
        }
    }

    /// Returns how many more bytes fit.
    pub const fn room(&self) -> usize {
        self.out.len().saturating_sub(self.used)
    }

    /// Returns how many bytes were written.
    pub const fn len(&self) -> usize {
        self.used
    }

    /// Returns whether nothing was written yet.
    pub const fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Returns what was written so far.
    pub fn written(&self) -> &[u8] {
        self.out.get(..self.used).unwrap_or(&[])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_not_begun() {
        let mut out = [0xFF; 3];
        let mut writer = Writer::new(&mut out);
        assert_eq!(writer.u16(0x0102), Ok(()));
        assert_eq!(writer.u16(0x0304), Err(Malformed));
        assert_eq!(writer.written(), [1, 2]);
        assert_eq!(out, [1, 2, 0xFF]);
    }
}
