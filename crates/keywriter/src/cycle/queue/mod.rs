//! The master's desk: one thread talks to the master and takes the most urgent of what lies there.

mod jobs;
mod permits;

pub(crate) use permits::{Permit, Permits};

use crate::{
    cycle::run::{Master, StepError},
    discovery::Connector,
    module::{ConnectedModule, ModuleError},
    transport::{Place, TransportError},
};
use hsm_protocol::{Serial, Status, cloning::Options};
use jobs::{Next, Pile};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        mpsc::{Receiver, Sender, SyncSender, channel, sync_channel},
    },
};

/// What is put on the desk.
enum Sheet {
    Grant(GrantSheet),
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
    /// A secondary joined the cycle.
    Expect(Serial),
    /// A run is over.
    Free(u8),
}

struct GrantSheet {
    offer: Vec<u8>,
    /// Given back when the Offer is taken up, so that the next secondary makes its own.
    permit: Option<Permit>,
    /// Where the slot reports that it is free.
    desk: DeskHandle,
    reply: Reply<(Slot, Vec<u8>)>,
}

type Reply<T> = SyncSender<Result<T, StepError>>;

/// One of the master's runs; dropping it makes the place free.
pub(crate) struct Slot {
    number: u8,
    desk: DeskHandle,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.desk.put(Sheet::Free(self.number));
    }
}

/// Puts sheets on the desk.
#[derive(Clone)]
pub(crate) struct DeskHandle(Sender<Sheet>);

impl DeskHandle {
    /// Tells the desk of one more secondary.
    pub(crate) fn expect(&self, serial: Serial) {
        self.put(Sheet::Expect(serial));
    }

    fn ask<T>(&self, sheet: impl FnOnce(Reply<T>) -> Sheet) -> Result<T, StepError> {
        let (reply, answer) = sync_channel(1);
        self.put(sheet(reply));
        // The desk outlives its handles; were it not so, the sheet is dropped and with it the reply.
        answer.recv().unwrap_or_else(|_dropped| {
            Err(StepError::Master(ModuleError::Refused(Status::OutOfOrder)))
        })
    }

    fn put(&self, sheet: Sheet) {
        // Comes back only from a desk that is gone, and is nobody's concern then.
        drop(self.0.send(sheet));
    }
}

/// The desk as one secondary's run sees it.
pub(crate) struct DeskMaster {
    pub(crate) desk: DeskHandle,
    pub(crate) serial: Serial,
    pub(crate) permit: Option<Permit>,
}

impl Master for DeskMaster {
    type Slot = Slot;

    fn grant(&mut self, offer: Vec<u8>) -> Result<(Slot, Vec<u8>), StepError> {
        let (permit, desk) = (self.permit.take(), self.desk.clone());
        self.desk.ask(|reply| {
            Sheet::Grant(GrantSheet {
                offer,
                permit,
                desk,
                reply,
            })
        })
    }

    fn parcel(&mut self, slot: Slot, consent: Vec<u8>) -> Result<Vec<u8>, StepError> {
        self.desk.ask(|reply| Sheet::Parcel {
            slot,
            consent,
            reply,
        })
    }

    fn seal(&mut self, receipt: Vec<u8>) -> Result<Vec<u8>, StepError> {
        let serial = self.serial;
        self.desk.ask(|reply| Sheet::Seal {
            serial,
            receipt,
            reply,
        })
    }
}

/// The master and its cycle.
pub(crate) struct Desk<'a> {
    connector: &'a dyn Connector,
    link: Link,
    place: Place,
    serial: Serial,
    options: Options,
    /// Secondaries whose receipts are still to be sealed.
    outstanding: BTreeSet<Serial>,
    has_sealed: bool,
}

/// What the master is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Grant,
    Parcel,
    Seal(Serial),
}

enum Link {
    Up(ConnectedModule),
    Lost(Arc<ModuleError>),
}

/// How a desk was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// The master disabled cloning on itself.
    pub(crate) has_disabled: bool,
    /// The master was lost.
    pub(crate) is_lost: bool,
}

/// Where sheets arrive.
pub(crate) struct Inbox(Receiver<Sheet>);

/// A desk's two ends.
pub(crate) fn ends() -> (DeskHandle, Inbox) {
    let (sender, receiver) = channel();
    (DeskHandle(sender), Inbox(receiver))
}

impl<'a> Desk<'a> {
    /// Begins the cycle on the master.
    pub(crate) fn open(
        connector: &'a dyn Connector,
        mut master: ConnectedModule,
        serial: Serial,
        options: Options,
        outstanding: BTreeSet<Serial>,
    ) -> Result<Self, ModuleError> {
        master.cycle_begin(options, count(outstanding.len()))?;
        Ok(Self {
            connector,
            place: master.place().clone(),
            link: Link::Up(master),
            serial,
            options,
            outstanding,
            has_sealed: false,
        })
    }

    /// Works until nobody can put anything on the desk any more, then ends the cycle.
    pub(crate) fn serve(mut self, inbox: &Inbox) -> Left {
        let mut pile = Pile::default();
        loop {
            while let Ok(sheet) = inbox.0.try_recv() {
                self.sort(sheet, &mut pile);
            }
            match pile.next() {
                Some(next) => self.perform(next),
                None => match inbox.0.recv() {
                    Ok(sheet) => self.sort(sheet, &mut pile),
                    Err(_nobody) => break,
                },
            }
        }
        self.leave()
    }

    fn sort(&mut self, sheet: Sheet, pile: &mut Pile) {
        match sheet {
            Sheet::Expect(serial) => {
                self.outstanding.insert(serial);
            }
            sheet => pile.add(sheet),
        }
    }

    fn perform(&mut self, next: Next) {
        match next {
            Next::Grant(number, sheet) => {
                let GrantSheet {
                    offer,
                    permit,
                    desk,
                    reply,
                } = sheet;
                drop(permit);
                let slot = Slot { number, desk };
                let grant = self.ask(Step::Grant, |master| master.grant(number, &offer));
                answer(&reply, grant.map(|grant| (slot, grant)));
            }
            Next::Parcel {
                slot,
                consent,
                reply,
            } => {
                // Where the run is lost with the link, the master says so, and the secondary makes another Offer.
                let parcel = self.ask(Step::Parcel, |master| master.parcel(slot.number, &consent));
                drop(slot);
                answer(&reply, parcel);
            }
            Next::Seal {
                serial,
                mut receipt,
                reply,
            } => {
                let seal = self.ask(Step::Seal(serial), |master| master.seal(&receipt));
                if seal.is_ok() {
                    self.has_sealed |= self.outstanding.remove(&serial);
                }
                answer(
                    &reply,
                    seal.map(|seal| {
                        receipt.extend_from_slice(&seal);
                        receipt
                    }),
                );
            }
        }
    }

    /// Asks the master; a link or a cycle that was lost is taken up again, once.
    fn ask<T>(
        &mut self,
        step: Step,
        command: impl Fn(&mut ConnectedModule) -> Result<T, ModuleError>,
    ) -> Result<T, StepError> {
        let error = match &mut self.link {
            Link::Lost(why) => return Err(StepError::MasterLost(Arc::clone(why))),
            Link::Up(master) => match command(master) {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            },
        };
        if error.is_link() {
            tracing::info!(master = %self.serial, %error, "the link to the master is taken up again");
            self.link = match reopen(self.connector, &self.place, self.serial)
                .and_then(|master| self.begin_again(master, step))
            {
                Ok(master) => Link::Up(master),
                Err(error) => Link::Lost(Arc::new(error.into_pulled_out())),
            };
        } else if error.is_run_lost() && step != Step::Parcel {
            // Somebody reset the module; a Grant or a Seal misses nothing but the cycle.
            tracing::info!(master = %self.serial, "the cycle is begun again");
            if let Link::Up(master) = &mut self.link {
                let left = count(self.outstanding.len());
                master
                    .cycle_begin(self.options, left)
                    .map_err(StepError::Master)?;
            }
        } else {
            return Err(StepError::Master(error));
        }
        match &mut self.link {
            Link::Lost(why) => Err(StepError::MasterLost(Arc::clone(why))),
            Link::Up(master) => command(master).map_err(StepError::Master),
        }
    }

    /// A reader's reset ended the cycle, not the unlock: begins another one for what is left.
    fn begin_again(
        &self,
        mut master: ConnectedModule,
        step: Step,
    ) -> Result<ConnectedModule, ModuleError> {
        let mut left = self.outstanding.len();
        if let Step::Seal(serial) = step
            && self.options.disable_master
        {
            // The master counts a Seal once. Was this one counted before its answer was lost?
            let entries = master.journal()?.entries;
            let newest = entries.iter().find(|entry| entry.serial == serial);
            left =
                left.saturating_sub(usize::from(newest.is_some_and(|entry| entry.countersigned)));
        }
        master.cycle_begin(self.options, count(left))?;
        Ok(master)
    }

    fn leave(self) -> Left {
        let has_disabled =
            self.options.disable_master && self.has_sealed && self.outstanding.is_empty();
        let is_lost = match self.link {
            Link::Lost(_) => true,
            Link::Up(mut master) => {
                // A master that has disabled itself has ended the cycle too.
                if !has_disabled && let Err(error) = master.cycle_end() {
                    tracing::debug!(master = %self.serial, %error, "the cycle was over already");
                }
                false
            }
        };
        Left {
            has_disabled,
            is_lost,
        }
    }
}

/// Connects to a place again, and makes sure that the same module is there.
pub(crate) fn reopen(
    connector: &dyn Connector,
    place: &Place,
    serial: Serial,
) -> Result<ConnectedModule, ModuleError> {
    let mut module = ConnectedModule::new(connector.open(place)?);
    if matches!(place, Place::Reader(_)) {
        module.select()?;
    }
    if module.identity()?.identity().serial == serial {
        Ok(module)
    } else {
        let place = place.clone();
        Err(TransportError::PulledOut { place }.into())
    }
}

fn answer<T>(reply: &Reply<T>, outcome: Result<T, StepError>) {
    // A worker waits for its reply; one that does not is gone.
    drop(reply.send(outcome));
}

fn count(secondaries: usize) -> u16 {
    // A master begins no cycle of none; one that only fetches receipts again announces one.
    u16::try_from(secondaries.max(1)).unwrap_or(u16::MAX)
}
