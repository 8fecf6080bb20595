//! One secondary's way through a cycle, and what is done when a link breaks.

use super::{
    Event, Failure,
    plan::{self, Task},
    queue::{DeskHandle, DeskMaster, Permits, reopen},
    run::{Committed, Run, StepError},
};
use crate::{
    discovery::Connector,
    module::ConnectedModule,
    survey::{Facts, Present},
    transport::Place,
};
use hsm_protocol::Serial;

/// What every worker of a cycle needs.
#[derive(Clone)]
pub(crate) struct Worker<'a> {
    pub(crate) connector: &'a dyn Connector,
    pub(crate) emit: &'a (dyn Fn(Event) + Sync),
    pub(crate) desk: DeskHandle,
    pub(crate) permits: Permits,
    pub(crate) master: Serial,
}

/// How it went.
pub(crate) struct Outcome {
    pub(crate) serial: Serial,
    pub(crate) place: Place,
    pub(crate) end: End,
}

/// What a worker leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    Refused,
    /// Its link broke: it may come back.
    Unplugged,
}

impl Worker<'_> {
    /// Does what the plan says, reports it, and lets go of the module.
    pub(crate) fn work(self, present: Present, task: &Task) -> Outcome {
        let Present {
            facts: Facts { serial, place, .. },
            receipt,
            module,
            other: _other,
        } = present;
        let mut secondary = Secondary {
            worker: &self,
            serial,
            place,
            module,
            receipt,
        };
        let finished = match task {
            Task::Clone { .. } => secondary.clone_to(),
            Task::Finish | Task::Refetch => secondary.finish(),
        };
        let place = secondary.place;
        let end = match finished {
            Ok(receipt) => {
                (self.emit)(Event::Done {
                    serial,
                    receipt: Some(receipt),
                    already: matches!(task, Task::Finish | Task::Refetch),
                });
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
        Outcome { serial, place, end }
    }
}

struct Secondary<'a> {
    worker: &'a Worker<'a>,
    serial: Serial,
    place: Place,
    module: ConnectedModule,
    /// The receipt of an earlier run.
    receipt: Option<Vec<u8>>,
}

impl Secondary<'_> {
    /// Runs until one succeeds or a module refuses.
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
        self.step(1);
        let run = run.grant(&mut master)?;
        self.step(2);
        let run = run.consent(&mut self.module)?;
        self.step(3);
        let run = run.parcel(&mut master)?;
        self.step(4);
        let run = match run.commit(&mut self.module) {
            Err(StepError::Secondary(error)) if error.is_link() => {
                self.find_out(StepError::Secondary(error))?
            }
            committed => committed?,
        };
        self.step(5);
        let receipt = run.seal(&mut master)?;
        self.step(6);
        Ok(receipt)
    }

    /// The answer to the Parcel was lost. A secondary that committed has a new receipt; another one is what it was.
    fn find_out(&mut self, lost: StepError) -> Result<Run<Committed>, StepError> {
        self.reconnect()?;
        let receipt = self.module.last_receipt().map_err(StepError::Secondary)?;
        let is_new = |receipt: &Vec<u8>| {
            self.receipt.as_ref() != Some(receipt)
                && plan::names(receipt, self.worker.master, self.serial).is_some()
        };
        receipt.filter(is_new).map(Run::resume).ok_or(lost)
    }

    /// Only the Seal is missing.
    fn finish(&mut self) -> Result<Vec<u8>, StepError> {
        let receipt = self.receipt.clone().unwrap_or_default();
        let mut master = self.master();
        let receipt = Run::resume(receipt).seal(&mut master)?;
        self.step(6);
        Ok(receipt)
    }

    fn reconnect(&mut self) -> Result<(), StepError> {
        let worker = self.worker;
        self.module = reopen(worker.connector, &self.place, self.serial)
            .map_err(|error| StepError::Secondary(error.into_pulled_out()))?;
        Ok(())
    }

    fn master(&self) -> DeskMaster {
        DeskMaster {
            desk: self.worker.desk.clone(),
            serial: self.serial,
            permit: None,
        }
    }

    fn step(&self, step: u8) {
        let serial = self.serial;
        (self.worker.emit)(Event::Step { serial, step });
    }
}

/// How often a run is tried while links break.
const RUNS: u8 = 3;
