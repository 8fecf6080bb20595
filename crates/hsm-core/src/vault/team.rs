//! Who may do what in a group besides holding its keys: the part of the keyring that is no secret (PROTOCOL § 4.5).

use heapless::Vec;
use hsm_protocol::{
    Malformed, Serial, Sha384Digest, limits, policy::Policy, reader::Reader, writer::Writer,
};

/// Re-keying masters, the policy's quorum and custodians, and retired modules. Each list is in ascending order, without
/// repetition; modules are named by the hash of their certificate, retired ones by their serial number.
#[derive(Clone, Default, Debug, PartialEq, Eq)]
pub(crate) struct Team {
    rekeying: Vec<Sha384Digest, { limits::REKEYING_MASTERS }>,
    quorum: u8,
    custodians: Vec<Sha384Digest, { limits::CUSTODIANS }>,
    retired: Vec<Serial, { limits::RETIRED }>,
}

impl Team {
    /// The size of the encoded form, in bytes; always the same.
    pub(crate) const SIZE: usize = (1 + limits::REKEYING_MASTERS * 48)
        + 1
        + (1 + limits::CUSTODIANS * 48)
        + (1 + limits::RETIRED * Serial::MAX);

    /// Makes the team of a new group. The module that made the group may re-key it, if it has a certificate.
    pub(crate) fn of_maker(certificate: Option<Sha384Digest>) -> Self {
        Self {
            rekeying: certificate.into_iter().collect(),
            ..Self::default()
        }
    }

    /// Returns who must agree before the group's keys go anywhere.
    pub(crate) fn policy(&self) -> Policy<'_> {
        Policy {
            quorum: self.quorum,
            custodians: &self.custodians,
        }
    }

    /// Returns the team with another policy.
    pub(crate) fn with_policy(&self, policy: &Policy<'_>) -> Result<Self, Malformed> {
        Ok(Self {
            quorum: policy.quorum,
            custodians: Vec::from_slice(policy.custodians).map_err(|_overlong| Malformed)?,
            ..self.clone()
        })
    }

    /// Returns whether the module with that certificate is a custodian.
    pub(crate) fn is_custodian(&self, certificate: &Sha384Digest) -> bool {
        self.custodians.contains(certificate)
    }

    /// Returns whether the module with that certificate may re-key the group.
    pub(crate) fn may_rekey(&self, certificate: &Sha384Digest) -> bool {
        self.rekeying.contains(certificate)
    }

    /// Returns whether the module of that serial number was retired.
    pub(crate) fn is_retired(&self, serial: Serial) -> bool {
        self.retired.contains(&serial)
    }

    /// Returns the team in which these modules are retired, too.
    pub(crate) fn retiring(&self, serials: impl Iterator<Item = Serial>) -> Result<Self, Full> {
        let mut team = self.clone();
        for serial in serials {
            if let Err(place) = team.retired.binary_search(&serial) {
                team.retired.insert(place, serial).map_err(|_serial| Full)?;
            }
        }
        Ok(team)
    }

    /// Writes the lists as TEAM answers them: without the places that are not used.
    pub(crate) fn write_answer(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        write_items(&self.rekeying, writer, |one, writer| writer.bytes(one))?;
        writer.u8(self.quorum)?;
        write_items(&self.custodians, writer, |one, writer| writer.bytes(one))?;
        write_items(&self.retired, writer, Serial::write)
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        write_list(&self.rekeying, writer, |one, writer| writer.bytes(one))?;
        writer.u8(self.quorum)?;
        write_list(&self.custodians, writer, |one, writer| writer.bytes(one))?;
        write_list(&self.retired, writer, Serial::write)
    }

    /// Reads the encoded form. A quorum is at most the number of custodians; without a quorum there are no custodians.
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, Malformed> {
        let team = Self {
            rekeying: read_list(reader, |reader| Ok(*reader.array()?))?,
            quorum: reader.u8()?,
            custodians: read_list(reader, |reader| Ok(*reader.array()?))?,
            retired: read_list(reader, Serial::read)?,
        };
        Policy::new(team.quorum, &team.custodians)?;
        Ok(team)
    }
}

/// As many modules are retired as the list has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Full;

/// Writes the number of items, the items, and zeros in the places that are not used.
fn write_list<T: Listed, const N: usize>(
    list: &Vec<T, N>,
    writer: &mut Writer<'_>,
    write: impl Fn(&T, &mut Writer<'_>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    write_items(list, writer, write)?;
    let unused = N.saturating_sub(list.len()).saturating_mul(T::SIZE);
    writer.reserve(unused)?.fill(0);
    Ok(())
}

/// Writes the number of items, and the items.
fn write_items<T>(
    list: &[T],
    writer: &mut Writer<'_>,
    write: impl Fn(&T, &mut Writer<'_>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    writer.u8(u8::try_from(list.len()).map_err(|_overlong| Malformed)?)?;
    list.iter().try_for_each(|item| write(item, writer))
}

/// Reads what [`write_list`] writes. Items must rise, and places that are not used must be zero.
fn read_list<T: Listed, const N: usize>(
    reader: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Result<T, Malformed>,
) -> Result<Vec<T, N>, Malformed> {
    let count = usize::from(reader.u8()?);
    let mut list = Vec::new();
    for _ in 0..count {
        let item = read(reader)?;
        if list.last().is_some_and(|last| *last >= item) {
            return Err(Malformed);
        }
        list.push(item).map_err(|_full| Malformed)?;
    }
    let unused = N.saturating_sub(count).saturating_mul(T::SIZE);
    if reader.bytes(unused)?.iter().all(|byte| *byte == 0) {
        Ok(list)
    } else {
        Err(Malformed)
    }
}

/// What a list holds.
trait Listed: Ord {
    /// Its size in the encoded form, in bytes.
    const SIZE: usize;
}

impl Listed for Sha384Digest {
    const SIZE: usize = 48;
}

impl Listed for Serial {
    const SIZE: usize = Self::MAX;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn encoded(team: &Team) -> vec::Vec<u8> {
        let mut bytes = vec![0xFF; Team::SIZE];
        team.write(&mut Writer::new(&mut bytes)).unwrap();
        bytes
    }

    fn read(bytes: &[u8]) -> Result<Team, Malformed> {
        let mut reader = Reader::new(bytes);
        let team = Team::read(&mut reader)?;
        reader.finish().map(|()| team)
    }

    fn full() -> Team {
        let serial = |number: u8| std::format!("A{number:03}").parse().unwrap();
        Team {
            rekeying: (0..8).map(|at| [at; 48]).collect(),
            quorum: 2,
            custodians: (7..15).map(|at| [at; 48]).collect(),
            retired: (0..64).map(serial).collect(),
        }
    }

    #[test]
    fn every_team_reads_back() {
        for team in [Team::default(), Team::of_maker(Some([7; 48])), full()] {
            assert_eq!(read(&encoded(&team)), Ok(team));
        }
    }

    #[test]
    fn lists_rise_do_not_repeat_and_are_zero_behind_their_end() {
        let altered = |alter: fn(&mut Team)| {
            let mut team = full();
            alter(&mut team);
            read(&encoded(&team))
        };
        assert!(altered(|team| team.rekeying.swap(0, 1)).is_err());
        assert!(altered(|team| team.rekeying[1] = team.rekeying[0]).is_err());
        assert!(altered(|team| team.custodians.swap(0, 1)).is_err());
        assert!(altered(|team| team.retired.swap(62, 63)).is_err());
        let one = encoded(&Team::of_maker(Some([7; 48])));
        for at in [1 + 48, Team::SIZE - 1] {
            let mut bytes = one.clone();
            bytes[at] = 1;
            assert!(read(&bytes).is_err(), "{at}");
        }
        for count in 9..=255 {
            let mut bytes = one.clone();
            bytes[0] = count;
            assert!(read(&bytes).is_err(), "{count}");
        }
    }

    #[test]
    fn the_65th_retired_module_is_refused_and_one_that_is_known_is_not() {
        let serial = |text: &str| -> Serial { text.parse().unwrap() };
        let some = Team::default().retiring([serial("B"), serial("A"), serial("B")].into_iter());
        let some = some.unwrap();
        assert_eq!(
            read(&encoded(&some)),
            Ok(some.clone()),
            "in order, none twice"
        );
        assert!(some.is_retired(serial("A")) && !some.is_retired(serial("C")));
        let full = full();
        let known = full.retired[5];
        assert_eq!(full.retiring([known].into_iter()), Ok(full.clone()));
        assert_eq!(full.retiring([serial("B")].into_iter()), Err(Full));
    }

    #[test]
    fn a_quorum_has_its_custodians_and_custodians_have_a_quorum() {
        for (quorum, custodians, is_right) in [
            (0, 0, true),
            (0, 1, false),
            (1, 0, false),
            (1, 1, true),
            (2, 1, false),
            (8, 8, true),
            (9, 8, false),
        ] {
            let team = Team {
                quorum,
                custodians: (0..custodians).map(|at| [at; 48]).collect(),
                ..Team::default()
            };
            let team = read(&encoded(&team));
            assert_eq!(team.is_ok(), is_right, "{quorum} of {custodians}");
            assert!(team.is_err() || team.unwrap().policy().quorum == quorum);
        }
    }
}
