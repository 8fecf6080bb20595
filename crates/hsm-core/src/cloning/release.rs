//! What a master does before CSPs leave it, in a Parcel or in a letter: it knows what it will accept as their receipt,
//! and it has stored to whom they go.

use super::{
    Refusal,
    master::{Master, own_party},
    proof::{self, AgreedRun, Copied},
    transcript::Transcript,
};
use crate::{platform::Board, presented::Allowed, vault::journal::Journal};
use hsm_protocol::{
    certificate::Chain,
    cloning::{Condition, Terms},
    journal::JournalEntry,
    receipt::Party,
};

/// To whom CSPs go, and on which terms.
pub(super) struct Receiver {
    pub(super) transcript: Transcript,
    pub(super) terms: Terms,
    pub(super) condition: Condition,
    pub(super) party: Party,
}

/// Lets `seal` seal what goes to the receiver, with the number and the token that go with it, and stores the journal's
/// entry with the use of the ticket that allowed it. What was sealed may be written out after this, and only then.
#[inline(never)]
pub(super) fn release<B: Board>(
    master: &mut Master<'_, B>,
    to: &Receiver,
    allowed: impl FnOnce(&Master<'_, B>, &Journal) -> Result<Allowed, Refusal>,
    seal: impl FnOnce(&mut Master<'_, B>, u64, &[u8; 48]) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut journal = Journal::default();
    master.open_journal(&mut journal)?;
    journal.check_room(to.party.serial)?;
    allowed(master, &journal)?.spend(&mut journal.ledger)?;
    let spent = master.writes.spend()?;
    let number = journal.next_number();
    let token = to.token(master, number)?;
    seal(master, number, &token)?;
    journal.append::<B::Crypto>(to.entry(number))?;
    Ok(master.store(spent, &journal)?)
}

impl Receiver {
    /// Returns the journal's entry of the Parcel or letter with that number.
    const fn entry(&self, number: u64) -> JournalEntry {
        JournalEntry {
            number,
            cycle: self.terms.cycle,
            permission: self.terms.permission,
            condition: self.condition,
            serial: self.party.serial,
            certificate: self.party.certificate,
            transcript: *self.transcript.hash(),
            countersigned: false,
        }
    }

    /// Returns the token of the statement that the receiver will sign, if it stores what it is sent.
    fn token<B: Board>(&self, master: &Master<'_, B>, number: u64) -> Result<[u8; 48], Refusal> {
        let (device, options) = (master.store.device(), self.terms.cycle.options);
        let run = AgreedRun {
            transcript: self.transcript,
            number,
            terms: self.terms,
            master: own_party::<B>(master.platform, &Chain::parse(&device.chain)?),
            secondary: self.party,
            condition: self.condition,
        };
        let settings = &master.csps.settings;
        let copied = Copied {
            auto_lock: options.auto_lock && settings.auto_lock.is_some(),
            policy: options.user_pin_policy && settings.policy.is_some(),
        };
        let expected = run.statement::<B::Crypto>(master.csps, device, copied)?;
        proof::token::<B::Crypto>(&master.platform.secret, &expected)
    }
}
