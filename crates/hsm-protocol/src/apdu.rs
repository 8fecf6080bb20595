//! The shape of a command APDU (ISO 7816-4 § 5.1): cases 1 to 4, short and extended.

use crate::{Malformed, reader::Reader};

/// A command's header, data and expected length. Its meaning is not parsed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandApdu<'a> {
    /// Class, without the chaining bit.
    pub cla: u8,
    /// Whether further links of a chain follow (class bit 5).
    pub chained: bool,
    /// Instruction.
    pub ins: u8,
    /// First parameter.
    pub p1: u8,
    /// Second parameter.
    pub p2: u8,
    /// The command's data.
    pub data: &'a [u8],
    /// The maximum length of the response data that the host accepts, in bytes (Ne); 0 if it accepts no data.
    pub expected: usize,
}

impl<'a> CommandApdu<'a> {
    /// Parses the seven shapes that a command can have.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let [cla, ins, p1, p2] = *reader.array()?;
        let (data, expected) = Self::body(&mut reader)?;
        reader.finish()?;
        Ok(Self {
            cla: cla & !CHAINING,
            chained: cla & CHAINING != 0,
            ins,
            p1,
            p2,
            data,
            expected,
        })
    }

    fn body(reader: &mut Reader<'a>) -> Result<(&'a [u8], usize), Malformed> {
        if reader.is_empty() {
            return Ok((&[], 0));
        }
        let first = reader.u8()?;
        if reader.is_empty() {
            return Ok((&[], short_expected(first)));
        }
        if first != 0 {
            let data = reader.bytes(usize::from(first))?;
            let expected = if reader.is_empty() {
                0
            } else {
                short_expected(reader.u8()?)
            };
            return Ok((data, expected));
        }
        let second = reader.u16()?;
        if reader.is_empty() {
            return Ok((&[], extended_expected(second)));
        }
        if second == 0 {
            return Err(Malformed);
        }
        let data = reader.bytes(usize::from(second))?;
        let expected = if reader.is_empty() {
            0
        } else {
            extended_expected(reader.u16()?)
        };
        Ok((data, expected))
    }
}

fn short_expected(le: u8) -> usize {
    if le == 0 { 256 } else { usize::from(le) }
}

fn extended_expected(le: u16) -> usize {
    if le == 0 { 65_536 } else { usize::from(le) }
}

/// Class bit 5: more links of a command chain follow (ISO 7816-4 § 5.3.3).
pub const CHAINING: u8 = 0x10;

/// Encodes an extended-length command, which accepts up to 65 536 bytes of response, into `out`.
/// Returns its length in bytes.
pub fn encode_extended(header: [u8; 4], data: &[u8], out: &mut [u8]) -> Result<usize, Malformed> {
    let place = out
        .get_mut(HEAD..)
        .and_then(|out| out.get_mut(..data.len()));
    place.ok_or(Malformed)?.copy_from_slice(data);
    complete_extended(header, data.len(), out)
}

/// Completes such a command, whose data is already in `out` from the eighth byte. Returns its length in bytes.
pub fn complete_extended(header: [u8; 4], data: usize, out: &mut [u8]) -> Result<usize, Malformed> {
    let [cla, ins, p1, p2] = header;
    let [high, low] = u16::try_from(data)
        .map_err(|_overlong| Malformed)?
        .to_be_bytes();
    let (head, rest) = out.split_first_chunk_mut::<HEAD>().ok_or(Malformed)?;
    *head = [cla, ins, p1, p2, 0, high, low];
    if data == 0 {
        // Without data there is no Lc: the last two bytes are Le.
        return Ok(HEAD);
    }
    let le = rest.get_mut(data..).and_then(<[u8]>::first_chunk_mut);
    *le.ok_or(Malformed)? = [0; 2];
    Ok(HEAD.saturating_add(data).saturating_add(2))
}

/// Header, the zero of an extended length, and Lc, in bytes.
const HEAD: usize = 7;

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    fn parse(body: &[u8]) -> Result<(Vec<u8>, usize), Malformed> {
        let bytes = [&[0x80, 0x10, 0, 0][..], body].concat();
        CommandApdu::parse(&bytes).map(|c| (c.data.to_vec(), c.expected))
    }

    #[test]
    fn the_seven_shapes_are_read() {
        assert_eq!(parse(&[]), Ok((vec![], 0)));
        assert_eq!(parse(&[5]), Ok((vec![], 5)));
        assert_eq!(parse(&[0]), Ok((vec![], 256)));
        assert_eq!(parse(&[2, 8, 9]), Ok((vec![8, 9], 0)));
        assert_eq!(parse(&[2, 8, 9, 7]), Ok((vec![8, 9], 7)));
        assert_eq!(parse(&[0, 0, 0]), Ok((vec![], 65_536)));
        assert_eq!(parse(&[0, 0, 2, 8, 9]), Ok((vec![8, 9], 0)));
        assert_eq!(parse(&[0, 0, 2, 8, 9, 1, 0]), Ok((vec![8, 9], 256)));
    }

    #[test]
    fn every_other_length_is_malformed() {
        for body in [
            &[3, 8, 9][..],
            &[2, 8, 9, 7, 7],
            &[0, 0],
            &[0, 0, 0, 0],
            &[0, 0, 3, 8, 9],
            &[0, 0, 1, 8, 0],
        ] {
            assert_eq!(parse(body), Err(Malformed), "{body:?}");
        }
        assert!(CommandApdu::parse(&[0x80, 0x10, 0]).is_err());
    }

    #[test]
    fn what_the_host_encodes_the_module_reads() {
        let mut out = [0; 20];
        let len = encode_extended([0x90, 1, 2, 3], &[7; 4], &mut out).unwrap();
        let command = CommandApdu::parse(&out[..len]).unwrap();
        assert_eq!(
            (command.cla, command.chained, command.data, command.expected),
            (0x80, true, &[7; 4][..], 65_536)
        );
    }
}
