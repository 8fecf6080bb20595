//! The master's queue: one thread talks to the master, and takes the most urgent job of all secondaries.

mod jobs;
mod permits;

pub(super) use permits::{Permit, Permits};

use super::run::{Master, StepError};
use crate::{
    discovery::Connector,
    genuine::{Authenticity, TrustedRoot},
    module::{ConnectedModule, ModuleError},
    survey::{Identified, identify},
    transport::{Location, TransportError},
};
use hsm_protocol::{Serial, Status, cloning::Options, receipt::Party};
use jobs::{JobQueue, Next};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender, SyncSender, sync_channel},
    },
};

/// What is put into the queue.
enum Job {
    Grant(GrantJob),
    Parcel(ParcelJob),
    Countersign(CountersignJob),
    /// A secondary joined the cycle.
    Expect(Serial),
    /// A run number is free again.
    Free(u8),
}

struct GrantJob {
    offer: Vec<u8>,
    /// Given back when the Offer is taken up, so that the next secondary makes its own.
    permit: Option<Permit>,
    /// Where the run number is given back.
    queue: QueueHandle,
    reply: Reply<(RunNumber, Vec<u8>)>,
}

struct ParcelJob {
    run: RunNumber,
    consent: Vec<u8>,
    reply: Reply<Vec<u8>>,
}

struct CountersignJob {
    serial: Serial,
    receipt: Vec<u8>,
    reply: Reply<Vec<u8>>,
}

type Reply<T> = SyncSender<Result<T, StepError>>;

/// The number of one of the master's runs, given back on drop.
pub(super) struct RunNumber {
    number: u8,
    queue: QueueHandle,
}

impl Drop for RunNumber {
    fn drop(&mut self) {
        self.queue.put(Job::Free(self.number));
    }
}

/// Puts jobs into the queue.
#[derive(Clone)]
pub(super) struct QueueHandle(Sender<Job>);

impl QueueHandle {
    /// Announces one more secondary.
    pub(super) fn expect(&self, serial: Serial) {
        self.put(Job::Expect(serial));
    }

    fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, StepError> {
        let (reply, answer) = sync_channel(1);
        self.put(job(reply));
        // The queue outlives its handles; if it did not, the job and its reply would be dropped.
        answer.recv().unwrap_or_else(|_dropped| {
            Err(StepError::Master(ModuleError::Refused(Status::OutOfOrder)))
        })
    }

    fn put(&self, job: Job) {
        // Fails only when the queue has ended; no answer is expected then.
        drop(self.0.send(job));
    }
}

/// The master as one secondary's run sees it.
pub(super) struct QueuedMaster {
    pub(super) queue: QueueHandle,
    pub(super) serial: Serial,
    pub(super) permit: Option<Permit>,
}

impl Master for QueuedMaster {
    type RunNumber = RunNumber;

    fn grant(&mut self, offer: Vec<u8>) -> Result<(RunNumber, Vec<u8>), StepError> {
        let (permit, queue) = (self.permit.take(), self.queue.clone());
        self.queue.ask(|reply| {
            Job::Grant(GrantJob {
                offer,
                permit,
                queue,
                reply,
            })
        })
    }

    fn parcel(&mut self, run: RunNumber, consent: Vec<u8>) -> Result<Vec<u8>, StepError> {
        self.queue.ask(|reply| {
            Job::Parcel(ParcelJob {
                run,
                consent,
                reply,
            })
        })
    }

    fn countersign(&mut self, receipt: Vec<u8>) -> Result<Vec<u8>, StepError> {
        let serial = self.serial;
        self.queue.ask(|reply| {
            Job::Countersign(CountersignJob {
                serial,
                receipt,
                reply,
            })
        })
    }
}

/// The thread that talks to the master, and its cycle.
pub(super) struct MasterQueue<'a> {
    connector: &'a dyn Connector,
    root: &'a TrustedRoot,
    link: Link,
    location: Location,
    party: Party,
    options: Options,
    /// Secondaries whose receipts are still to be countersigned.
    outstanding: BTreeSet<Serial>,
    has_countersigned: bool,
}

/// What the master is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Grant,
    Parcel,
    Countersignature(Serial),
}

enum Link {
    Up(ConnectedModule),
    Lost(Arc<ModuleError>),
}

/// How the cycle ended for the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MasterEnd {
    /// It disabled cloning on itself.
    pub(super) has_disabled: bool,
    /// It was lost.
    pub(super) is_lost: bool,
}

/// Where jobs arrive.
pub(super) struct Inbox(Receiver<Job>);

/// Returns a queue's two ends.
pub(super) fn channel() -> (QueueHandle, Inbox) {
    let (sender, receiver) = mpsc::channel();
    (QueueHandle(sender), Inbox(receiver))
}

impl<'a> MasterQueue<'a> {
    /// Begins the cycle on the master.
    pub(super) fn open(
        (connector, root): (&'a dyn Connector, &'a TrustedRoot),
        mut master: ConnectedModule,
        party: Party,
        options: Options,
        outstanding: BTreeSet<Serial>,
    ) -> Result<Self, ModuleError> {
        master.cycle_begin(options, count(outstanding.len()))?;
        Ok(Self {
            connector,
            root,
            location: master.location().clone(),
            link: Link::Up(master),
            party,
            options,
            outstanding,
            has_countersigned: false,
        })
    }

    /// Works until all handles are dropped, then ends the cycle.
    pub(super) fn serve(mut self, inbox: &Inbox) -> MasterEnd {
        let mut queue = JobQueue::default();
        loop {
            while let Ok(job) = inbox.0.try_recv() {
                self.sort(job, &mut queue);
            }
            match queue.next() {
                Some(next) => self.perform(next),
                None => match inbox.0.recv() {
                    Ok(job) => self.sort(job, &mut queue),
                    Err(_dropped) => break,
                },
            }
        }
        self.end()
    }

    fn sort(&mut self, job: Job, queue: &mut JobQueue) {
        match job {
            Job::Expect(serial) => {
                self.outstanding.insert(serial);
            }
            job => queue.add(job),
        }
    }

    fn perform(&mut self, next: Next) {
        match next {
            Next::Grant(number, job) => {
                drop(job.permit);
                let run = RunNumber {
                    number,
                    queue: job.queue,
                };
                let grant = self.ask(Asked::Grant, |master| master.grant(number, &job.offer));
                answer(&job.reply, grant.map(|grant| (run, grant)));
            }
            Next::Parcel(ParcelJob {
                run,
                consent,
                reply,
            }) => {
                // If the run was lost with the link, the master says so, and the secondary makes another Offer.
                let parcel = self.ask(Asked::Parcel, |master| master.parcel(run.number, &consent));
                drop(run);
                answer(&reply, parcel);
            }
            Next::Countersign(CountersignJob {
                serial,
                mut receipt,
                reply,
            }) => {
                let countersigned = self.ask(Asked::Countersignature(serial), |master| {
                    master.countersign(&receipt)
                });
                if countersigned.is_ok() {
                    self.has_countersigned |= self.outstanding.remove(&serial);
                }
                answer(
                    &reply,
                    countersigned.map(|countersignature| {
                        receipt.extend_from_slice(&countersignature);
                        receipt
                    }),
                );
            }
        }
    }

    /// Asks the master; opens a lost link and begins a lost cycle again, once.
    fn ask<T>(
        &mut self,
        asked: Asked,
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
            tracing::info!(master = %self.party.serial, %error, "the master is connected again");
            self.link = match reopen(self.connector, &self.location, &self.party, self.root)
                .and_then(|master| self.begin_again(master, asked))
            {
                Ok(master) => Link::Up(master),
                Err(error) => Link::Lost(Arc::new(error.into_pulled_out())),
            };
        } else if error.is_run_lost() && asked != Asked::Parcel {
            // Another program reset the module; a Grant or a countersignature needs nothing but the cycle.
            tracing::info!(master = %self.party.serial, "the cycle is begun again");
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

    /// Begins another cycle for what is left: a reader's reset ended the cycle, but did not lock the module.
    fn begin_again(
        &self,
        mut master: ConnectedModule,
        asked: Asked,
    ) -> Result<ConnectedModule, ModuleError> {
        let mut left = self.outstanding.len();
        if let Asked::Countersignature(serial) = asked
            && self.options.disable_master
        {
            // The master counts a countersignature once. Was this one counted before its answer was lost?
            let entries = master.journal()?.entries;
            let newest = entries.iter().find(|entry| entry.serial == serial);
            left =
                left.saturating_sub(usize::from(newest.is_some_and(|entry| entry.countersigned)));
        }
        master.cycle_begin(self.options, count(left))?;
        Ok(master)
    }

    fn end(self) -> MasterEnd {
        let has_disabled =
            self.options.disable_master && self.has_countersigned && self.outstanding.is_empty();
        let is_lost = match self.link {
            Link::Lost(_) => true,
            Link::Up(mut master) => {
                // A master that has disabled itself has ended the cycle too.
                if !has_disabled && let Err(error) = master.cycle_end() {
                    tracing::debug!(master = %self.party.serial, %error, "the cycle was over already");
                }
                false
            }
        };
        MasterEnd {
            has_disabled,
            is_lost,
        }
    }
}

/// Connects to a location again, and makes sure that the same module is there: the one with that certificate's key.
pub(super) fn reopen(
    connector: &dyn Connector,
    location: &Location,
    party: &Party,
    root: &TrustedRoot,
) -> Result<ConnectedModule, ModuleError> {
    let mut module = ConnectedModule::new(connector.open(location)?);
    if matches!(location, Location::Reader(_)) {
        module.select()?;
    }
    let Identified {
        identity,
        certificate: check,
        ..
    } = identify(&mut module, Some(root))?;
    let is_same = check.authenticity == Authenticity::Genuine
        && identity.serial == party.serial
        && check.digest == Some(party.certificate);
    if is_same {
        Ok(module)
    } else {
        let location = location.clone();
        Err(TransportError::PulledOut { location }.into())
    }
}

fn answer<T>(reply: &Reply<T>, outcome: Result<T, StepError>) {
    // A worker waits for its reply; one that does not has ended.
    drop(reply.send(outcome));
}

fn count(secondaries: usize) -> u16 {
    // A master refuses a cycle of 0; one that only fetches receipts again announces 1.
    u16::try_from(secondaries.max(1)).unwrap_or(u16::MAX)
}
