//! What is most urgent.
//!
//! A Consent goes first: it starts a secondary's longest work and frees one of the master's slots. Then come Offers,
//! which keep secondaries busy, and last Receipts, for which no module waits. But when as many Receipts lie there as
//! the master has slots they go before further Offers: the journal must not lose a pending entry.

use super::{GrantSheet, Reply, Sheet, Slot};
use hsm_protocol::{Serial, limits};
use std::collections::VecDeque;

/// Sheets in the order of their arrival, kind by kind, and the slots that are free.
pub(super) struct Pile {
    parcels: VecDeque<(Slot, Vec<u8>, Reply<Vec<u8>>)>,
    grants: VecDeque<GrantSheet>,
    seals: VecDeque<(Serial, Vec<u8>, Reply<Vec<u8>>)>,
    free: Vec<u8>,
}

/// What to do now.
pub(super) enum Next {
    Grant(u8, GrantSheet),
    Parcel {
        slot: Slot,
        consent: Vec<u8>,
        reply: Reply<Vec<u8>>,
    },
    Seal {
        serial: Serial,
        receipt: Vec<u8>,
        reply: Reply<Vec<u8>>,
    },
}

impl Default for Pile {
    fn default() -> Self {
        Self {
            parcels: VecDeque::new(),
            grants: VecDeque::new(),
            seals: VecDeque::new(),
            free: (0..=u8::MAX).take(limits::RUNS).collect(),
        }
    }
}

impl Pile {
    pub(super) fn add(&mut self, sheet: Sheet) {
        match sheet {
            Sheet::Parcel {
                slot,
                consent,
                reply,
            } => self.parcels.push_back((slot, consent, reply)),
            Sheet::Grant(sheet) => self.grants.push_back(sheet),
            Sheet::Seal {
                serial,
                receipt,
                reply,
            } => self.seals.push_back((serial, receipt, reply)),
            Sheet::Free(number) => self.free.push(number),
            Sheet::Expect(_) => {}
        }
    }

    pub(super) fn next(&mut self) -> Option<Next> {
        if let Some((slot, consent, reply)) = self.parcels.pop_front() {
            return Some(Next::Parcel {
                slot,
                consent,
                reply,
            });
        }
        let is_backlog = self.seals.len() >= limits::RUNS;
        if !is_backlog
            && !self.grants.is_empty()
            && let Some(number) = self.free.pop()
        {
            let sheet = self.grants.pop_front()?;
            return Some(Next::Grant(number, sheet));
        }
        let (serial, receipt, reply) = self.seals.pop_front()?;
        Some(Next::Seal {
            serial,
            receipt,
            reply,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{DeskHandle, ends};
    use super::*;
    use std::sync::mpsc::sync_channel;

    fn grant(desk: &DeskHandle) -> Sheet {
        Sheet::Grant(GrantSheet {
            offer: Vec::new(),
            permit: None,
            desk: desk.clone(),
            reply: sync_channel(1).0,
        })
    }

    fn parcel(desk: &DeskHandle) -> Sheet {
        Sheet::Parcel {
            slot: Slot {
                number: 0,
                desk: desk.clone(),
            },
            consent: Vec::new(),
            reply: sync_channel(1).0,
        }
    }

    fn seal() -> Sheet {
        Sheet::Seal {
            serial: "A".parse().unwrap(),
            receipt: Vec::new(),
            reply: sync_channel(1).0,
        }
    }

    fn order(pile: &mut Pile) -> String {
        std::iter::from_fn(|| pile.next())
            .map(|next| match next {
                Next::Grant(..) => 'G',
                Next::Parcel { .. } => 'P',
                Next::Seal { .. } => 'S',
            })
            .collect()
    }

    #[test]
    fn a_consent_goes_before_an_offer_and_an_offer_before_a_receipt() {
        let (desk, _inbox) = ends();
        let mut pile = Pile::default();
        for sheet in [seal(), grant(&desk), parcel(&desk)] {
            pile.add(sheet);
        }
        assert_eq!(order(&mut pile), "PGS");
    }

    #[test]
    fn a_backlog_of_receipts_goes_before_offers() {
        let (desk, _inbox) = ends();
        let mut pile = Pile::default();
        pile.add(grant(&desk));
        (0..limits::RUNS).for_each(|_| pile.add(seal()));
        assert_eq!(order(&mut pile), "SGSSSSSSS");
    }

    #[test]
    fn no_offer_is_taken_up_without_a_free_slot() {
        let (desk, _inbox) = ends();
        let mut pile = Pile::default();
        (0..=limits::RUNS).for_each(|_| pile.add(grant(&desk)));
        assert_eq!(order(&mut pile), "G".repeat(limits::RUNS));
        pile.add(Sheet::Free(3));
        assert_eq!(order(&mut pile), "G");
    }
}
