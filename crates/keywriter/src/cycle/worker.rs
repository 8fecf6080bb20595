//! What a cycle does with one secondary, and what it does when a link breaks.

use super::{
    Event, Failure, How, Step, StopRequest,
    plan::{SecondaryRefusal, Task},
    queue::{Permits, QueueHandle, QueuedMaster, reopen},
    run::{Committed, Offered, Run, StepError, Transcript},
};
use crate::{
    asking::{self, ASKS},
    discovery::Connector,
    genuine::TrustedRoot,
    letter::{GenuineLetterbox, members::Letterboxes},
    module::{ConnectedModule, ModuleError},
    receipt::{self, Parties, ProvedReceipt, SignedReceipt},
    survey::{ModuleFacts, Present},
    transport::Location,
};
use hsm_protocol::{EpochName, Serial, Status, receipt::Party};
use std::path::Path;

/// What every worker of a cycle needs.
#[derive(Clone)]
pub(super) struct Worker<'a> {
    pub(super) connector: &'a dyn Connector,
    pub(super) emit: &'a (dyn Fn(Event) + Sync),
    pub(super) queue: QueueHandle,
    pub(super) permits: Permits,
    pub(super) master: Party,
    /// The master's group.
    pub(super) group: [u8; 16],
    /// That group's present epoch.
    pub(super) epoch: EpochName,
    pub(super) root: &'a TrustedRoot,
    /// The folder that receipts are kept in.
    pub(super) receipts: &'a Path,
    pub(super) letterboxes: &'a Letterboxes,
    pub(super) stop: &'a StopRequest,
}

/// How the work on a secondary ended, and where it is.
pub(super) struct Outcome {
    pub(super) serial: Serial,
    pub(super) location: Location,
    pub(super) end: End,
}

/// Whether it is a clone now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Done,
    Refused,
    /// Its link broke: it may come back.
    Unplugged,
}

impl Worker<'_> {
    /// Does what the plan says, emits its events, and releases the module.
    pub(super) fn work(self, present: Present, task: &Task) -> Outcome {
        let party = present.facts.party();
        let Present {
            facts: ModuleFacts {
                serial, location, ..
            },
            receipt,
            module,
            other: _other,
        } = present;
        let Some(party) = party else {
            // The plan has no task for a module that is not genuine.
            return Outcome {
                serial,
                location,
                end: End::Refused,
            };
        };
        let mut secondary = Secondary {
            worker: &self,
            party,
            location,
            module,
        };
        let (finished, how) = match task {
            Task::Clone { .. } => (secondary.clone_to(), How::Cloned),
            Task::Finish | Task::Refetch => (secondary.finish(receipt), How::Completed),
        };
        let location = secondary.location.clone();
        let end = match finished {
            Ok(receipt) => {
                self.finish(serial, receipt, how);
                self.keep_letterbox(&mut secondary.module);
                End::Done
            }
            Err(failure) => {
                let is_unplugged =
                    matches!(&failure, Failure::Step(StepError::Secondary(why)) if why.is_link());
                (self.emit)(Event::Failed { serial, failure });
                if is_unplugged {
                    End::Unplugged
                } else {
                    End::Refused
                }
            }
        };
        Outcome {
            serial,
            location,
            end,
        }
    }

    /// Keeps the new member's letterbox: after a re-key, a letter can be written for it wherever it is then.
    fn keep_letterbox(&self, module: &mut ConnectedModule) {
        let kept = module
            .letterbox()
            .map_err(|error| error.to_string())
            .and_then(|bytes| {
                let letterbox = GenuineLetterbox::check(bytes, self.root);
                letterbox.map_err(|error| error.to_string())
            })
            .and_then(|letterbox| {
                let kept = self.letterboxes.keep(&letterbox, self.root);
                kept.map_err(|error| error.to_string())
            });
        if let Err(error) = kept {
            // It is a clone all the same, and can be asked again.
            tracing::warn!(%error, "a letterbox is not kept");
        }
    }

    /// Keeps the receipt, and emits that the secondary is a clone: it is one even if its receipt cannot be kept.
    fn finish(&self, serial: Serial, receipt: ProvedReceipt, how: How) {
        let tell = |file| (self.emit)(Event::ReceiptSetAside { serial, file });
        let (kept, error) = match receipt::keep(self.receipts, &receipt, self.root, &tell) {
            Ok(path) => (Some(path), None),
            Err(error) => (None, Some(error)),
        };
        (self.emit)(Event::Done {
            serial,
            receipt,
            kept,
            how,
        });
        if let Some(error) = error {
            (self.emit)(Event::NotKept { serial, error });
        }
    }
}

struct Secondary<'a> {
    worker: &'a Worker<'a>,
    party: Party,
    location: Location,
    module: ConnectedModule,
}

impl Secondary<'_> {
    /// Tries until a run succeeds or a module refuses.
    fn clone_to(&mut self) -> Result<ProvedReceipt, Failure> {
        let mut runs_left = RUNS;
        loop {
            runs_left -= 1;
            match self.run() {
                Err(Failure::Step(error)) if runs_left > 0 && error.is_worth_another_run() => {
                    tracing::info!(secondary = %self.party.serial, %error, "another run");
                    if matches!(&error, StepError::Secondary(why) if why.is_link()) {
                        self.reconnect()?;
                    }
                }
                outcome => return outcome,
            }
        }
    }

    fn run(&mut self) -> Result<ProvedReceipt, Failure> {
        let mut master = self.master();
        master.permit = Some(self.worker.permits.acquire());
        let run = match Run::offer(&mut self.module) {
            Err(StepError::Secondary(ModuleError::Refused(Status::NeedsPerson))) => {
                // Others make their Offers while a person is asked.
                master.permit = None;
                let run = self.ask()?;
                master.permit = Some(self.worker.permits.acquire());
                run
            }
            offered => offered?,
        };
        self.step(Step::Offer);
        let run = run.grant(&mut master)?;
        self.step(Step::Grant);
        let run = run.consent(&mut self.module)?;
        self.step(Step::Consent);
        let run = run.parcel(&mut master)?;
        self.step(Step::Parcel);
        let transcript = run.transcript();
        let run = match run.commit(&mut self.module) {
            Err(StepError::Secondary(error)) if error.is_link() => {
                self.find_out(transcript, StepError::Secondary(error))?
            }
            committed => committed?,
        };
        self.step(Step::Receipt);
        Ok(self.countersign(run, &mut master)?)
    }

    fn countersign(
        &self,
        run: Run<Committed>,
        master: &mut QueuedMaster,
    ) -> Result<ProvedReceipt, StepError> {
        let parties = Parties {
            master: self.worker.master,
            secondary: self.party,
            group: self.worker.group,
        };
        let receipt = run.countersign(master)?.prove(&parties, self.worker.root)?;
        self.step(Step::Countersignature);
        Ok(receipt)
    }

    /// Repeats the question until a person has answered it on the secondary's keypad, or its time is over.
    fn ask(&mut self) -> Result<Run<Offered>, Failure> {
        let serial = self.party.serial;
        (self.worker.emit)(Event::Asks { serial });
        let needs_person = |failure: &Failure| {
            matches!(
                failure,
                Failure::Step(StepError::Secondary(ModuleError::Refused(
                    Status::NeedsPerson
                )))
            )
        };
        let refused = StepError::Secondary(ModuleError::Refused(Status::NeedsPerson));
        let worker = self.worker;
        let offer = || {
            if worker.stop.is_requested() {
                return Err(SecondaryRefusal::Stopped.into());
            }
            Ok(Run::offer(&mut self.module)?)
        };
        let pause = |time| worker.connector.pause(time);
        asking::repeat(refused.into(), ASKS, pause, offer, needs_person)
    }

    /// Asks whether the secondary committed, after its answer to the Parcel was lost: if so, it has the run's receipt.
    fn find_out(&mut self, run: Transcript, lost: StepError) -> Result<Run<Committed>, StepError> {
        self.reconnect()?;
        let receipt = self.module.last_receipt().map_err(StepError::Secondary)?;
        receipt
            .and_then(|receipt| SignedReceipt::check(receipt, &self.party, self.worker.root))
            .and_then(|receipt| Run::resume_run(receipt, run))
            .ok_or(lost)
    }

    /// Fetches the countersignature, which is all that is missing.
    fn finish(&self, receipt: Option<SignedReceipt>) -> Result<ProvedReceipt, Failure> {
        let missing = || StepError::Secondary(ModuleError::Refused(Status::NotFound));
        let run = Run::resume(receipt.ok_or_else(missing)?);
        Ok(self.countersign(run, &mut self.master())?)
    }

    fn reconnect(&mut self) -> Result<(), StepError> {
        let worker = self.worker;
        self.module = reopen(worker.connector, &self.location, &self.party, worker.root)
            .map_err(|error| StepError::Secondary(error.into_pulled_out()))?;
        Ok(())
    }

    fn master(&self) -> QueuedMaster {
        QueuedMaster {
            queue: self.worker.queue.clone(),
            serial: self.party.serial,
            permit: None,
        }
    }

    fn step(&self, step: Step) {
        let serial = self.party.serial;
        (self.worker.emit)(Event::Step { serial, step });
    }
}

/// How often a run is tried while links break.
const RUNS: u8 = 3;
