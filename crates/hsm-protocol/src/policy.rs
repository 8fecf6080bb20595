//! A team's policy (PROTOCOL § 6.1): how many of which modules must agree before the group's keys go anywhere.

use crate::{Malformed, Sha384Digest, limits, reader::Reader, writer::Writer};

/// A quorum, and the custodians that it is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Policy<'a> {
    /// How many custodians must sign a ticket; 0 asks for no ticket.
    pub quorum: u8,
    /// The custodians: hashes of modules' certificates, ascending, none twice.
    pub custodians: &'a [Sha384Digest],
}

impl<'a> Policy<'a> {
    /// Makes a policy, if it can be kept: at most [`limits::CUSTODIANS`], no more than there are must agree, and there are
    /// custodians exactly if there is a quorum.
    pub fn new(quorum: u8, custodians: &'a [Sha384Digest]) -> Result<Self, Malformed> {
        let count = custodians.len();
        let is_ascending = custodians.is_sorted_by(|one, next| one < next);
        let can_be_kept = usize::from(quorum) <= count && (quorum == 0) == (count == 0);
        if is_ascending && can_be_kept && count <= limits::CUSTODIANS {
            Ok(Self { quorum, custodians })
        } else {
            Err(Malformed)
        }
    }

    /// Reads what remains: quorum and custodians.
    pub fn read(reader: &mut Reader<'a>) -> Result<Self, Malformed> {
        let quorum = reader.u8()?;
        let (custodians, behind) = reader.rest().as_chunks();
        if behind.is_empty() {
            Self::new(quorum, custodians)
        } else {
            Err(Malformed)
        }
    }

    /// Appends the wire form.
    pub fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u8(self.quorum)?;
        self.custodians
            .iter()
            .try_for_each(|custodian| writer.bytes(custodian))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{vec, vec::Vec};

    fn read(bytes: &[u8]) -> Result<Policy<'_>, Malformed> {
        Policy::read(&mut Reader::new(bytes))
    }

    fn wire(quorum: u8, custodians: &[u8]) -> Vec<u8> {
        let mut bytes = vec![quorum];
        for byte in custodians {
            bytes.extend([*byte; 48]);
        }
        bytes
    }

    #[test]
    fn a_policy_can_be_kept_and_reads_back() {
        for (quorum, custodians, is_right) in [
            (0, &[][..], true),
            (1, &[1][..], true),
            (2, &[1, 2, 3], true),
            (8, &[1, 2, 3, 4, 5, 6, 7, 8], true),
            (0, &[1], false),
            (1, &[], false),
            (2, &[1], false),
            (9, &[1, 2, 3, 4, 5, 6, 7, 8, 9], false),
            (1, &[1, 2, 3, 4, 5, 6, 7, 8, 9], false),
            (1, &[2, 1], false),
            (1, &[1, 1], false),
        ] {
            let bytes = wire(quorum, custodians);
            let policy = read(&bytes);
            assert_eq!(policy.is_ok(), is_right, "{quorum} of {custodians:?}");
            if let Ok(policy) = policy {
                let mut again = vec![0; bytes.len()];
                policy.write(&mut Writer::new(&mut again)).unwrap();
                assert_eq!(again, bytes);
            }
        }
    }

    #[test]
    fn a_custodian_in_part_is_none() {
        let bytes = wire(1, &[1, 2]);
        for len in 0..bytes.len() {
            let is_whole = len == 1 + 48;
            assert_eq!(read(&bytes[..len]).is_ok(), is_whole, "{len}");
        }
    }
}
