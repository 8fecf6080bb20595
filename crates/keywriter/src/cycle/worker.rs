//! What a cycle does with one secondary, and what it does when a link breaks.

use super::{
    Event, Failure, Step,
    plan::{self, Task},
    queue::{Permits, QueueHandle, QueuedMaster, reopen},
    run::{Committed, Run, StepError},
};
use crate::{
    discovery::Connector,
    module::ConnectedModule,
    receipt,
    survey::{ModuleFacts, Present},
    transport::Location,
};
use hsm_protocol::Serial;
use std::path::Path;

/// What every worker of a cycle needs.
#[derive(Clone)]
pub(super) struct Worker<'a> {
    pub(super) connector: &'a dyn Connector,
    pub(super) emit: &'a (dyn Fn(Event) + Sync),
    pub(super) queue: QueueHandle,
    pub(super) permits: Permits,
    pub(super) master: Serial,
    /// The folder that receipts are kept in.
    pub(super) receipts: Option<&'a Path>,
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
        let Present {
            facts: ModuleFacts {
                serial, location, ..
            },
            receipt,
            module,
            other: _other,
        } = present;
        let mut secondary = Secondary {
            worker: &self,
            serial,
            location,
            module,
            receipt,
        };
        let finished = match task {
            Task::Clone { .. } => secondary.clone_to(),
            Task::Finish | Task::Refetch => secondary.finish(),
        };
        let location = secondary.location;
        let end = match finished {
            Ok(receipt) => {
                self.finish(
                    serial,
                    receipt,
                    matches!(task, Task::Finish | Task::Refetch),
                );
                End::Done
            }
            Err(error) => {
                let is_unplugged = matches!(&error, StepError::Secondary(why) if why.is_link());
                (self.emit)(Event::Failed {
                    serial,
                    failure: Failure::Step(error),
                });
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

    /// Keeps the receipt, and emits that the secondary is a clone: it is one even if its receipt cannot be kept.
    fn finish(&self, serial: Serial, receipt: Vec<u8>, already: bool) {
        let kept = self.receipts.map(|folder| receipt::keep(folder, &receipt));
        let (kept, error) = match kept.transpose() {
            Ok(path) => (path, None),
            Err(error) => (None, Some(error)),
        };
        (self.emit)(Event::Done {
            serial,
            receipt: Some(receipt),
            kept,
            already,
        });
        if let Some(error) = error {
            (self.emit)(Event::NotKept { serial, error });
        }
    }
}

struct Secondary<'a> {
    worker: &'a Worker<'a>,
    serial: Serial,
    location: Location,
    module: ConnectedModule,
    /// The receipt of an earlier run.
    receipt: Option<Vec<u8>>,
}

impl Secondary<'_> {
    /// Tries until a run succeeds or a module refuses.
    fn clone_to(&mut self) -> Result<Vec<u8>, StepError> {
        let mut runs_left = RUNS;
        loop {
            runs_left -= 1;
            match self.run() {
                Err(error) if runs_left > 0 && error.is_worth_another_run() => {
                    tracing::info!(secondary = %self.serial, %error, "another run");
                    if matches!(&error, StepError::Secondary(why) if why.is_link()) {
                        self.reconnect()?;
                    }
                }
                outcome => return outcome,
            }
        }
    }

    fn run(&mut self) -> Result<Vec<u8>, StepError> {
        let mut master = self.master();
        master.permit = Some(self.worker.permits.acquire());
        let run = Run::offer(&mut self.module)?;
        self.step(Step::Offer);
        let run = run.grant(&mut master)?;
        self.step(Step::Grant);
        let run = run.consent(&mut self.module)?;
        self.step(Step::Consent);
        let run = run.parcel(&mut master)?;
        self.step(Step::Parcel);
        let run = match run.commit(&mut self.module) {
            Err(StepError::Secondary(error)) if error.is_link() => {
                self.find_out(StepError::Secondary(error))?
            }
            committed => committed?,
        };
        self.step(Step::Receipt);
        let receipt = run.countersign(&mut master)?;
        self.step(Step::Countersignature);
        Ok(receipt)
    }

    /// Asks whether the secondary committed, after its answer to the Parcel was lost: if so, it has a new receipt.
    fn find_out(&mut self, lost: StepError) -> Result<Run<Committed>, StepError> {
        self.reconnect()?;
        let receipt = self.module.last_receipt().map_err(StepError::Secondary)?;
        let is_new = |receipt: &Vec<u8>| {
            self.receipt.as_ref() != Some(receipt)
                && plan::names(receipt, self.worker.master, self.serial).is_some()
        };
        receipt.filter(is_new).map(Run::resume).ok_or(lost)
    }

    /// Fetches the countersignature, which is all that is missing.
    fn finish(&mut self) -> Result<Vec<u8>, StepError> {
        let receipt = self.receipt.clone().unwrap_or_default();
        let mut master = self.master();
        let receipt = Run::resume(receipt).countersign(&mut master)?;
        self.step(Step::Countersignature);
        Ok(receipt)
    }

    fn reconnect(&mut self) -> Result<(), StepError> {
        let worker = self.worker;
        self.module = reopen(worker.connector, &self.location, self.serial)
            .map_err(|error| StepError::Secondary(error.into_pulled_out()))?;
        Ok(())
    }

    fn master(&self) -> QueuedMaster {
        QueuedMaster {
            queue: self.worker.queue.clone(),
            serial: self.serial,
            permit: None,
        }
    }

    fn step(&self, step: Step) {
        let serial = self.serial;
        (self.worker.emit)(Event::Step { serial, step });
    }
}

/// How often a run is tried while links break.
const RUNS: u8 = 3;
