//! What the model answers to a host (docs/PROTOCOL.md § 2.4 and § 4). Messages are symbols: who made them, and in answer to what.

use crate::{
    device::{Asking, JournalLine, Lifecycle, Model, Path, Presence, State, Stored},
    message::{Carried, Command, Content, Items, Message},
    team::Rekey,
};
use hsm_core::time::RUN;
use hsm_protocol::{Status, cloning::Condition, limits};
use std::collections::BTreeSet;

/// What is open between one APDU and the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exchange {
    Closed,
    Collecting,
    Answering,
}

#[derive(Debug)]
pub(crate) enum SecondaryRun {
    Idle,
    Offered { offer: u64, since: u64 },
    Agreed { consent: u64, since: u64 },
}

/// A cycle on a master.
#[derive(Debug)]
pub(crate) struct Cycle {
    terms: Terms,
    pub(crate) runs: [Option<MasterRun>; limits::RUNS],
    sealed: BTreeSet<usize>,
}

/// A run that waits for its Consent.
#[derive(Debug)]
pub(crate) struct MasterRun {
    grant: u64,
    secondary: usize,
    condition: Condition,
    pub(crate) since: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Terms {
    cycle: u32,
    options: u8,
    secondaries: u16,
}

/// The option's bit.
const DISABLE: u8 = 4;

/// A refusal: one of these status words.
pub(crate) type Refusal = Vec<Status>;

pub(crate) fn no<T>(status: Status) -> Result<T, Refusal> {
    Err(vec![status])
}

impl Model {
    /// A whole command arrives; what is answered.
    pub(crate) fn command(&mut self, command: &Command, now: u64) -> Result<Content, Refusal> {
        match command {
            Command::Select | Command::Certificate => Ok(Content::Any),
            Command::Identity => Ok(Content::Identity),
            Command::LastReceipt => match self.stored.receipt {
                Some(run) => Ok(Content::Receipt(run)),
                None => no(Status::NotFound),
            },
            Command::Factory => no(Status::AlreadyCertified),
            Command::SelfTest { run } => Ok(Content::SelfTest { run: *run }),
            Command::Status => self.presence_of().map(|_| Content::Status),
            Command::Cipher { is_epoch_known } => {
                let presence = self.presence_of()?;
                if !is_epoch_known {
                    return no(Status::NotFound);
                }
                presence.last_use = now;
                Ok(Content::Ciphered)
            }
            Command::ClearTable => self.clear_table(now),
            Command::Rekey(rekey) => self.rekey(*rekey, now),
            Command::Journal => {
                self.cycle()?;
                Ok(Content::Journal)
            }
            Command::CycleBegin { options, .. } if *options > 7 => no(Status::Malformed),
            Command::CycleBegin {
                options,
                secondaries,
            } => self.cycle_begin(*options, *secondaries),
            Command::CycleEnd => match self.cycle()?.take() {
                Some(_) => Ok(Content::Nothing),
                None => no(Status::OutOfOrder),
            },
            Command::Grant { run, offer } => self.grant(*run, offer, now),
            Command::Parcel { run, consent } => self.parcel(*run, consent),
            Command::Seal(receipt) => self.seal(receipt),
            Command::Offer => self.offer(now),
            Command::Consent(grant) => self.consent(grant, now),
            Command::Commit(parcel) => self.commit(parcel, now),
            Command::File(command) => self.file_command(command, now),
        }
    }

    /// Needs an unlocked module.
    pub(crate) fn presence_of(&mut self) -> Result<&mut Presence, Refusal> {
        match &mut self.state {
            State::User { presence, .. } | State::Admin { presence, .. } => Ok(presence),
            _ => no(Status::Locked),
        }
    }

    /// Needs the Administrator.
    pub(crate) fn cycle(&mut self) -> Result<&mut Option<Cycle>, Refusal> {
        match &mut self.state {
            State::Admin { cycle, .. } => Ok(cycle),
            State::User { .. } => no(Status::NotAdministrator),
            _ => no(Status::Locked),
        }
    }

    /// Counts a write that the host causes.
    fn spend(&mut self) -> Result<(), Refusal> {
        match &mut self.state {
            State::Admin { writes: 0, .. } => no(Status::TooManyWrites),
            State::Admin { writes, .. } => {
                *writes -= 1;
                Ok(())
            }
            _ => no(Status::Locked),
        }
    }

    /// Needs a module that may be cloned to.
    fn run(&mut self) -> Result<&mut SecondaryRun, Refusal> {
        match &mut self.state {
            State::Fresh { run, .. } | State::Admin { run, .. } => Ok(run),
            State::User { .. } => no(Status::NotAdministrator),
            _ => no(Status::Locked),
        }
    }

    fn cycle_begin(&mut self, options: u8, secondaries: u16) -> Result<Content, Refusal> {
        *self.cycle()? = None;
        if !self.stored.cloning {
            return no(Status::CloningDisabled);
        }
        if secondaries == 0 {
            return no(Status::Malformed);
        }
        if options & DISABLE != 0 && usize::from(secondaries) > limits::DISABLING_CYCLE {
            return no(Status::TooLarge);
        }
        // The first Parcel takes the number.
        let terms = Terms {
            cycle: self.stored.cycles + 1,
            options,
            secondaries,
        };
        *self.cycle()? = Some(Cycle {
            terms,
            runs: Default::default(),
            sealed: BTreeSet::new(),
        });
        Ok(Content::Nothing)
    }

    fn grant(&mut self, run: usize, offer: &Carried, now: u64) -> Result<Content, Refusal> {
        let (id, index) = (self.number(), self.index);
        let retired = self.stored.team.clone();
        let Some(cycle) = self.cycle()? else {
            return no(Status::OutOfOrder);
        };
        cycle.runs[run] = None;
        match offer {
            Carried::Garbage(status) => no(*status),
            // Its last byte is in the signature of the certificate.
            Carried::Altered(_) => Err(vec![Status::NotGenuine, Status::Malformed]),
            Carried::Whole(Message::Offer { secondary, .. }) if *secondary == index => {
                no(Status::SameModule)
            }
            Carried::Whole(Message::Offer { secondary, .. }) if retired.has_retired(*secondary) => {
                no(Status::Retired)
            }
            Carried::Whole(Message::Offer {
                id: offer,
                secondary,
                condition,
            }) => {
                cycle.runs[run] = Some(MasterRun {
                    grant: id,
                    secondary: *secondary,
                    condition: *condition,
                    since: now,
                });
                Ok(Content::Message(Message::Grant {
                    id,
                    offer: *offer,
                    master: index,
                }))
            }
            Carried::Whole(other) => panic!("{other:?} is no Offer"),
        }
    }

    fn parcel(&mut self, run: usize, consent: &Carried) -> Result<Content, Refusal> {
        let (id, master) = (self.number(), self.index);
        let Some(cycle) = self.cycle()? else {
            return no(Status::OutOfOrder);
        };
        let terms = cycle.terms;
        let Some(run) = cycle.runs[run].take() else {
            return no(Status::OutOfOrder);
        };
        match consent {
            Carried::Garbage(status) => no(*status),
            Carried::Whole(Message::Consent { id: consent, grant }) if *grant == run.grant => {
                self.spend()?;
                self.write(|stored| {
                    stored.total += 1;
                    stored.cycles = terms.cycle;
                    let number = stored.total;
                    let rows = &mut stored.table;
                    match rows
                        .iter_mut()
                        .find(|(secondary, ..)| *secondary == run.secondary)
                    {
                        Some((_, parcels, last)) => {
                            *parcels += 1;
                            *last = number;
                        }
                        None => rows.push((run.secondary, 1, number)),
                    }
                    stored.journal.push(JournalLine {
                        number: stored.total,
                        cycle: terms.cycle,
                        options: terms.options,
                        secondaries: terms.secondaries,
                        condition: run.condition,
                        secondary: run.secondary,
                        run: id,
                        sealed: false,
                    });
                    let surplus = stored.journal.len().saturating_sub(limits::JOURNAL_ENTRIES);
                    stored.journal.drain(..surplus);
                });
                Ok(Content::Message(Message::Parcel {
                    run: id,
                    consent: *consent,
                    master,
                    items: Items::of(&self.stored, terms.options),
                }))
            }
            _ => no(Status::RunBroken),
        }
    }

    fn seal(&mut self, receipt: &Carried) -> Result<Content, Refusal> {
        self.cycle()?;
        let (receipt, is_altered) = match receipt {
            // Its first bytes are a length, not a version.
            Carried::Garbage(status) => return no(*status),
            Carried::Whole(receipt) => (receipt, false),
            // Its last byte is in the signature.
            Carried::Altered(receipt) => (receipt, true),
        };
        let Message::Receipt {
            run,
            master,
            secondary,
            items,
        } = receipt
        else {
            panic!("{receipt:?} is no Receipt");
        };
        // What it was sent is in the token; what it holds today plays no part.
        if *master != self.index || items.group() != self.stored.group {
            return no(Status::NotProved);
        }
        if is_altered {
            return no(Status::NotGenuine);
        }
        let at = self.stored.journal.iter().position(|line| line.run == *run);
        let is_noted = at.is_some_and(|at| self.stored.journal[at].sealed);
        if !is_noted {
            let is_last = self.cycle()?.as_mut().is_some_and(|cycle| {
                cycle.sealed.insert(*secondary);
                cycle.terms.options & DISABLE != 0
                    && cycle.sealed.len() >= usize::from(cycle.terms.secondaries)
            });
            if at.is_some() || is_last {
                self.spend()?;
                self.write(|stored| {
                    if let Some(at) = at {
                        stored.journal[at].sealed = true;
                    }
                    stored.cloning &= !is_last;
                });
            }
            if is_last {
                self.seen.push("master disabled by its cycle");
                *self.cycle()? = None;
            }
        }
        Ok(Content::Message(Message::Seal))
    }

    /// A module in use asks; another question takes the place of the one before.
    pub(crate) fn ask(&mut self, digit: u8, rekey: Option<Rekey>, now: u64) -> Result<(), Refusal> {
        let State::Admin { asking, .. } = &mut self.state else {
            return Ok(());
        };
        let is_same = |asking: &Asking| asking.digit == digit && asking.rekey == rekey;
        let is_answered = |asking: &mut Asking| is_same(asking) && asking.is_confirmed;
        if asking.take_if(is_answered).is_some() {
            self.seen.push("a person confirmed");
            return Ok(());
        }
        if !asking.as_ref().is_some_and(is_same) {
            *asking = Some(Asking {
                digit,
                rekey,
                since: now,
                is_pressed: false,
                is_confirmed: false,
            });
        }
        no(Status::NeedsPerson)
    }

    fn clear_table(&mut self, now: u64) -> Result<Content, Refusal> {
        self.cycle()?;
        self.ask(4, None, now)?;
        self.seen.push("the table cleared");
        self.write(|stored| {
            stored.table.clear();
            stored.cleared = stored.total;
        });
        Ok(Content::Nothing)
    }

    fn offer(&mut self, now: u64) -> Result<Content, Refusal> {
        let (offer, secondary) = (self.number(), self.index);
        let condition = match self.stored.lifecycle {
            Lifecycle::Shipment => Condition::Shipment,
            Lifecycle::Reset => Condition::Reset,
            Lifecycle::Configured => Condition::Replaced,
        };
        self.run()?;
        self.ask(1, None, now)?;
        *self.run()? = SecondaryRun::Idle;
        if !self.disk.can_be_erased() {
            return no(Status::WornOut);
        }
        *self.run()? = SecondaryRun::Offered { offer, since: now };
        Ok(Content::Message(Message::Offer {
            id: offer,
            secondary,
            condition,
        }))
    }

    fn consent(&mut self, grant: &Carried, now: u64) -> Result<Content, Refusal> {
        let (id, index) = (self.number(), self.index);
        let is_in_use = matches!(self.state, State::Admin { .. });
        let team = self.stored.team.clone();
        let run = self.run()?;
        let SecondaryRun::Offered { offer, .. } = std::mem::replace(run, SecondaryRun::Idle) else {
            return no(Status::OutOfOrder);
        };
        match grant {
            Carried::Garbage(status) => no(*status),
            Carried::Whole(Message::Grant { master, .. })
            | Carried::Altered(Message::Grant { master, .. })
                if *master == index =>
            {
                no(Status::SameModule)
            }
            Carried::Whole(Message::Grant { master, .. })
            | Carried::Altered(Message::Grant { master, .. })
                if is_in_use && team.has_retired(*master) =>
            {
                no(Status::Retired)
            }
            Carried::Whole(Message::Grant {
                id: grant,
                offer: of,
                ..
            }) if *of == offer => {
                *run = SecondaryRun::Agreed {
                    consent: id,
                    since: now,
                };
                Ok(Content::Message(Message::Consent { id, grant: *grant }))
            }
            _ => no(Status::RunBroken),
        }
    }

    fn commit(&mut self, parcel: &Carried, now: u64) -> Result<Content, Refusal> {
        let is_fresh = self.stored.lifecycle != Lifecycle::Configured;
        let secondary = self.index;
        let run = self.run()?;
        let SecondaryRun::Agreed { consent, .. } = std::mem::replace(run, SecondaryRun::Idle)
        else {
            return no(Status::OutOfOrder);
        };
        let (run, master, items) = match parcel {
            Carried::Garbage(status) => return no(*status),
            Carried::Whole(Message::Parcel {
                run,
                consent: of,
                master,
                items,
            }) if *of == consent => (*run, *master, items.clone()),
            _ => return no(Status::RunBroken),
        };
        self.seen.push(if is_fresh {
            "cloned, fresh"
        } else {
            "cloned, in use"
        });
        self.write(|stored| {
            // Journal and what was not copied: a used module's own, a fresh one's default.
            if is_fresh {
                *stored = Stored::blank(Lifecycle::Configured);
            }
            items.copy_to(stored);
            stored.cloning = false;
            stored.failures.clear();
            stored.steps = 0;
            stored.receipt = Some(run);
        });
        for path in [Path::Admin, Path::User, Path::Recovery] {
            self.clear(path);
        }
        self.lock(now);
        Ok(Content::Message(Message::Receipt {
            run,
            master,
            secondary,
            items,
        }))
    }
}

impl SecondaryRun {
    pub(crate) const fn is_running(&self) -> bool {
        !matches!(self, Self::Idle)
    }

    pub(crate) fn tick(&mut self, now: u64) {
        let since = match self {
            Self::Idle => return,
            Self::Offered { since, .. } | Self::Agreed { since, .. } => *since,
        };
        if now - since > RUN {
            *self = Self::Idle;
        }
    }
}
