//! Which tickets this master used, and by which its group came to be what it is (PROTOCOL § 6.4). Stored in the journal's
//! part: the use of a ticket and the entry of what it allowed are one write.

use crate::crypto::{CryptoError, Rng};
use heapless::Vec;
use hsm_protocol::{
    Malformed,
    cloning::Permission,
    limits,
    reader::Reader,
    team::UsedTicket,
    ticket::{self, TicketNumber},
    writer::Writer,
};

/// The list of used tickets. A module that was erased begins another one, with another name: a ticket that names this one
/// is never good for both.
pub(crate) struct Ledger {
    name: ticket::Ledger,
    /// What allowed the last change of epoch or policy that this master made.
    warrant: Permission,
    used: Vec<UsedTicket, { limits::USED_TICKETS }>,
}

/// What a ticket is used for.
#[derive(Clone, Copy)]
pub(crate) struct Use {
    pub(crate) number: TicketNumber,
    pub(crate) kind: UseKind,
}

/// How uses of a ticket are told apart.
#[derive(Clone, Copy)]
pub(crate) enum UseKind {
    /// One of so many.
    Counted(u16),
    /// Of the serial number at that place in the ticket's list; a list has at most 16.
    Named(u8),
    /// All that the ticket allows.
    Whole,
}

/// Why a ticket is not entered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotUsed {
    /// It is used up, for this, or withdrawn.
    UsedUp,
    /// The list has no room for another ticket before the next re-key.
    Full,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            name: [0; 16],
            warrant: Permission::Unrestricted,
            used: Vec::new(),
        }
    }
}

impl Ledger {
    /// The size of the stored form, in bytes; always the same.
    pub(crate) const SIZE: usize =
        16 + Permission::SIZE + 1 + limits::USED_TICKETS * UsedTicket::SIZE;

    /// Begins a list, empty and with a name of its own.
    pub(crate) fn begin(&mut self, rng: &mut dyn Rng) -> Result<(), CryptoError> {
        *self = Self::default();
        rng.fill(&mut self.name)
    }

    pub(crate) const fn name(&self) -> &ticket::Ledger {
        &self.name
    }

    pub(crate) const fn warrant(&self) -> Permission {
        self.warrant
    }

    /// Notes by what the keyring became what it is.
    pub(crate) const fn set_warrant(&mut self, warrant: Permission) {
        self.warrant = warrant;
    }

    /// Forgets the tickets of an epoch that is over: none of them is good any more.
    pub(crate) fn end_epoch(&mut self) {
        self.used.clear();
    }

    /// Enters a use. It must be stored before what it allows is done.
    pub(crate) fn spend(&mut self, of: Use) -> Result<(), NotUsed> {
        let known = self.used.iter_mut().find(|one| one.number == of.number);
        let before = known.as_ref().map_or(0, |known| known.used);
        let after = of.kind.after(before).ok_or(NotUsed::UsedUp)?;
        match known {
            Some(known) => known.used = after,
            None => self
                .used
                .push(UsedTicket {
                    number: of.number,
                    used: after,
                })
                .map_err(|_full| NotUsed::Full)?,
        }
        Ok(())
    }

    /// Checks that a use could be entered.
    pub(crate) fn check(&self, of: Use) -> Result<(), NotUsed> {
        let known = self.used.iter().find(|one| one.number == of.number);
        of.kind
            .after(known.map_or(0, |known| known.used))
            .ok_or(NotUsed::UsedUp)?;
        if known.is_none() && self.used.is_full() {
            return Err(NotUsed::Full);
        }
        Ok(())
    }

    /// Ends a ticket: nothing more of it is entered.
    pub(crate) fn withdraw(&mut self, number: &TicketNumber) -> Result<(), NotUsed> {
        self.used.retain(|one| one.number != *number);
        self.used
            .push(UsedTicket {
                number: *number,
                used: UsedTicket::WITHDRAWN,
            })
            .map_err(|_full| NotUsed::Full)
    }

    /// Writes the tickets, as TEAM answers them.
    pub(crate) fn write_used(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.u8(u8::try_from(self.used.len()).map_err(|_overlong| Malformed)?)?;
        self.used.iter().try_for_each(|one| one.write(writer))
    }

    pub(crate) fn write(&self, writer: &mut Writer<'_>) -> Result<(), Malformed> {
        writer.bytes(&self.name)?;
        self.warrant.write(writer)?;
        self.write_used(writer)?;
        let unused = limits::USED_TICKETS.saturating_sub(self.used.len());
        let unused = unused.saturating_mul(UsedTicket::SIZE);
        writer.reserve(unused)?.fill(0);
        Ok(())
    }

    /// Fills this one, which was empty, in place.
    pub(crate) fn fill(&mut self, reader: &mut Reader<'_>) -> Result<(), Malformed> {
        self.name = *reader.array()?;
        self.warrant = Permission::read(reader)?;
        for _ in 0..reader.u8()? {
            let one = UsedTicket::read(reader)?;
            self.used.push(one).map_err(|_full| Malformed)?;
        }
        let unused = limits::USED_TICKETS.saturating_sub(self.used.len());
        reader
            .bytes(unused.saturating_mul(UsedTicket::SIZE))
            .map(|_zeros| ())
    }
}

impl UseKind {
    /// Returns what is noted of a ticket after this use, if it has it left.
    fn after(self, before: u16) -> Option<u16> {
        if before == UsedTicket::WITHDRAWN {
            return None;
        }
        match self {
            Self::Counted(most) => (before < most).then_some(before.saturating_add(1)),
            Self::Named(place) => {
                let bit = 1_u16.checked_shl(u32::from(place))?;
                (before & bit == 0).then_some(before | bit)
            }
            Self::Whole => (before == 0).then_some(UsedTicket::WITHDRAWN),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn of(number: u8, kind: UseKind) -> Use {
        Use {
            number: [number; 16],
            kind,
        }
    }

    #[test]
    fn a_ticket_is_used_as_often_as_it_says() {
        let mut ledger = Ledger::default();
        for left in [3, 2, 1, 0] {
            let one = of(1, UseKind::Counted(3));
            assert_eq!(ledger.check(one).is_ok(), left > 0);
            assert_eq!(ledger.spend(one).is_ok(), left > 0);
        }
        for place in [0, 15, 3] {
            assert_eq!(ledger.spend(of(2, UseKind::Named(place))), Ok(()));
            let again = ledger.spend(of(2, UseKind::Named(place)));
            assert_eq!(again, Err(NotUsed::UsedUp), "{place}");
        }
        assert_eq!(
            ledger.spend(of(2, UseKind::Named(16))),
            Err(NotUsed::UsedUp)
        );
        assert_eq!(ledger.spend(of(3, UseKind::Whole)), Ok(()));
        assert_eq!(ledger.spend(of(3, UseKind::Whole)), Err(NotUsed::UsedUp));
    }

    #[test]
    fn all_sixteen_of_a_list_are_used_one_by_one() {
        let mut ledger = Ledger::default();
        for place in 0..16 {
            assert_eq!(
                ledger.spend(of(1, UseKind::Named(place))),
                Ok(()),
                "{place}"
            );
        }
        assert_eq!(ledger.spend(of(1, UseKind::Named(0))), Err(NotUsed::UsedUp));
    }

    #[test]
    fn what_was_withdrawn_is_used_up_whether_it_was_used_or_not() {
        let mut ledger = Ledger::default();
        ledger.spend(of(1, UseKind::Counted(9))).unwrap();
        for number in [1, 2] {
            ledger.withdraw(&[number; 16]).unwrap();
            for kind in [UseKind::Counted(9), UseKind::Named(5), UseKind::Whole] {
                assert_eq!(ledger.spend(of(number, kind)), Err(NotUsed::UsedUp));
            }
        }
    }

    #[test]
    fn there_is_room_for_32_tickets_until_the_epoch_ends() {
        let mut ledger = Ledger::default();
        for number in 0..32 {
            ledger.spend(of(number, UseKind::Counted(2))).unwrap();
        }
        assert_eq!(ledger.spend(of(32, UseKind::Whole)), Err(NotUsed::Full));
        assert_eq!(ledger.check(of(32, UseKind::Whole)), Err(NotUsed::Full));
        assert_eq!(ledger.withdraw(&[32; 16]), Err(NotUsed::Full));
        ledger.spend(of(5, UseKind::Counted(2))).unwrap();
        ledger.set_warrant(Permission::Ticket([8; 48]));
        let mut bytes = vec![0xFF; Ledger::SIZE];
        ledger.write(&mut Writer::new(&mut bytes)).unwrap();
        let mut read = Ledger::default();
        read.fill(&mut Reader::new(&bytes)).unwrap();
        assert_eq!(read.spend(of(5, UseKind::Counted(2))), Err(NotUsed::UsedUp));
        assert_eq!(read.warrant(), ledger.warrant());
        ledger.end_epoch();
        assert_eq!(ledger.spend(of(32, UseKind::Whole)), Ok(()));
    }
}
