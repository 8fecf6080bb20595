//! What a module tells an unlocked host of its group (PROTOCOL § 6.5): who may do what, and which tickets it used.

use crate::{
    Malformed, Serial, Sha384Digest, limits,
    policy::Policy,
    reader::Reader,
    ticket::{Ledger, TicketNumber},
    writer::Writer,
};

/// The answer to TEAM. Each list is ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TeamAnswer<'a> {
    /// The list that the module enters used tickets in.
    pub ledger: Ledger,
    /// The modules that may re-key: hashes of their certificates.
    pub rekeying: &'a [Sha384Digest],
    /// The policy.
    pub policy: Policy<'a>,
    retired: &'a [[u8; Serial::MAX]],
    used: &'a [[u8; UsedTicket::SIZE]],
}

/// How far a ticket is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedTicket {
    /// The ticket.
    pub number: TicketNumber,
    /// If it allows a number of modules: how many there were. If it names them: a bit for each, the first the lowest.
    /// All bits if it was withdrawn.
    pub used: u16,
}

impl UsedTicket {
    /// Its size, in bytes.
    pub const SIZE: usize = 16 + 2;

    /// What `used` is of a ticket that was withdrawn.
    pub const WITHDRAWN: u16 = u16::MAX;

    /// Reads the fields.
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            number: *reader.array()?,
            used: reader.u16()?,
        })
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.bytes(&self.number)?;
        writer.u16(self.used)
    }
}

impl<'a> TeamAnswer<'a> {
    /// Parses the fields of the answer, without its signature.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(bytes);
        let ledger = *reader.array()?;
        let rekeying = list(&mut reader, limits::REKEYING_MASTERS)?;
        let quorum = reader.u8()?;
        let custodians = list(&mut reader, limits::CUSTODIANS)?;
        let answer = Self {
            ledger,
            rekeying,
            policy: Policy::new(quorum, custodians)?,
            retired: list(&mut reader, limits::RETIRED)?,
            used: list(&mut reader, limits::USED_TICKETS)?,
        };
        reader.finish()?;
        let is_readable = answer.retired().count() == answer.retired.len();
        if is_readable {
            Ok(answer)
        } else {
            Err(Malformed)
        }
    }

    /// Returns the modules that were retired.
    pub fn retired(&self) -> impl Iterator<Item = Serial> + use<'a> {
        self.retired
            .iter()
            .map_while(|padded| Serial::read(&mut Reader::new(padded)).ok())
    }

    /// Returns the tickets of this epoch that the module used.
    pub fn used(&self) -> impl Iterator<Item = UsedTicket> + use<'a> {
        self.used
            .iter()
            .map_while(|bytes| UsedTicket::read(&mut Reader::new(bytes)).ok())
    }
}

/// Reads a count, and as many items.
fn list<'a, const N: usize>(
    reader: &mut Reader<'a>,
    most: usize,
) -> Result<&'a [[u8; N]], Malformed> {
    let count = usize::from(reader.u8()?);
    if count > most {
        return Err(Malformed);
    }
    let (items, _) = reader.bytes(count.saturating_mul(N))?.as_chunks();
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    fn answer() -> Vec<u8> {
        let mut bytes = vec![7; 16];
        bytes.push(1);
        bytes.extend([1; 48]);
        bytes.extend([2, 2]);
        bytes.extend([[2; 48], [3; 48]].concat());
        bytes.push(1);
        bytes.extend(b"A-1\0\0\0\0\0\0\0\0\0\0\0\0\0");
        bytes.push(1);
        bytes.extend([[9; 16].as_slice(), &[0, 3]].concat());
        bytes
    }

    #[test]
    fn an_answer_has_its_lists_whole_and_nothing_behind() {
        let bytes = answer();
        let team = TeamAnswer::parse(&bytes).unwrap();
        assert_eq!((team.ledger, team.rekeying), ([7; 16], &[[1; 48]][..]));
        assert_eq!(team.policy.quorum, 2);
        let retired: Vec<_> = team.retired().collect();
        assert_eq!(retired, ["A-1".parse().unwrap()]);
        let used = UsedTicket {
            number: [9; 16],
            used: 3,
        };
        assert_eq!(team.used().collect::<Vec<_>>(), [used]);
        for len in 0..bytes.len() {
            assert!(TeamAnswer::parse(&bytes[..len]).is_err(), "{len}");
        }
        assert!(TeamAnswer::parse(&[&bytes[..], &[0]].concat()).is_err());
        for (at, value) in [
            (16, 9),
            (65, 3),
            (66, 9),
            (66 + 1 + 96, 65),
            (66 + 98, b'a'),
        ] {
            let mut changed = bytes.clone();
            changed[at] = value;
            assert!(TeamAnswer::parse(&changed).is_err(), "{at}");
        }
    }
}
