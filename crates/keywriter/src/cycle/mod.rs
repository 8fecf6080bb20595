//! A cloning cycle: one master, many secondaries at the same time. The command line and the desktop app both run it.
//!
//! Each secondary has its own thread, and the master one more, so that a slow module does not delay the others.
//! A module that is pulled out fails alone; one that is plugged in meanwhile joins, unless the cycle is for named
//! modules, or disables its master after a counted number of clones.

mod coordinator;
pub mod plan;
#[cfg(test)]
mod proof_tests;
mod queue;
pub mod run;
#[cfg(test)]
mod tests;
mod worker;

use crate::{
    discovery::Connector,
    genuine::TrustedRoot,
    letter::members::Letterboxes,
    license::{GateRefusal, HardwarePermit},
    module::ModuleError,
    receipt::{self, Parties, ProvedReceipt, ReceiptError, SignedReceipt},
    survey::{Depth, Hidden, OtherRoot, Survey, survey},
    transport::Location,
};
use coordinator::Coordinator;
use hsm_protocol::{Serial, cloning::Options};
use plan::{CycleRefusal, MasterRefusal, Plan, Request, SecondaryRefusal, Task};
use run::StepError;
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// The most secondaries that are cloned to at the same time.
pub const JOBS_MAX: usize = 64;

/// A cycle to be run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// What the user asks for.
    pub request: Request,
    /// Secondaries at the same time, 1 to [`JOBS_MAX`]; `None`: all that are present.
    pub jobs: Option<usize>,
    /// The root certificate that this computer trusts.
    pub root: TrustedRoot,
    /// The folder that receipts are kept in; a receipt that is missing there, or not valid, is fetched again.
    pub receipts: PathBuf,
    /// Where the letterboxes of the clones are kept.
    pub letterboxes: Letterboxes,
    /// The license that new cycles on hardware modules need, or why it is missing.
    pub hardware: Result<HardwarePermit, GateRefusal>,
    /// How its user stops it.
    pub stop: StopRequest,
}

/// A user's request to begin no further secondary. Runs that have begun are finished.
#[derive(Clone, Debug, Default)]
pub struct StopRequest(Arc<AtomicBool>);

impl StopRequest {
    /// Requests it.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Returns the flag, for a signal handler.
    pub fn flag(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.0)
    }

    /// Returns whether it was requested.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What happens in a cycle. Events of different secondaries come from different threads.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// A location where a module is, or may be, gave no useful answer: the cycle does without it.
    Unusable {
        /// Where.
        location: Location,
        /// Why.
        error: ModuleError,
    },
    /// The master is virtual: no license is needed, and secrets are not protected.
    Evaluation {
        /// The master.
        master: Serial,
    },
    /// What is about to be done.
    Preflight {
        /// The master.
        master: Serial,
        /// Secondaries that get work.
        secondaries: Vec<Serial>,
        /// Those of them that are in use, and lose what they hold.
        replaced: Vec<Serial>,
    },
    /// The master began the cycle.
    CycleBegan {
        /// The master.
        master: Serial,
        /// How many secondaries were announced to it.
        secondaries: usize,
        /// How many are worked on at the same time.
        jobs: usize,
        /// The choices.
        options: Options,
    },
    /// A module was plugged in and joins.
    Joined {
        /// The module.
        serial: Serial,
    },
    /// A secondary is in use and asks for a person: on its keypad, KEY+1 is to be held for one second. It waits for
    /// [`ASKS`](crate::asking::ASKS).
    Asks {
        /// The secondary.
        serial: Serial,
    },
    /// A secondary's run passed a step.
    Step {
        /// The secondary.
        serial: Serial,
        /// Which one.
        step: Step,
    },
    /// A secondary is a clone, as its receipt proves.
    Done {
        /// The secondary.
        serial: Serial,
        /// The finished receipt.
        receipt: ProvedReceipt,
        /// The file that it is kept in; `None` if it could not be kept.
        kept: Option<PathBuf>,
        /// What was done for that.
        how: How,
    },
    /// The file in which a clone's receipt should be is not that receipt: it has another name now, and the receipt is
    /// fetched again.
    ReceiptSetAside {
        /// The secondary.
        serial: Serial,
        /// The file's new name.
        file: PathBuf,
    },
    /// The receipt of a clone could not be kept. The next cycle fetches it again.
    NotKept {
        /// The secondary.
        serial: Serial,
        /// Why.
        error: ReceiptError,
    },
    /// A secondary is what it was before, or its receipt is still to be fetched.
    Failed {
        /// The secondary.
        serial: Serial,
        /// Why.
        failure: Failure,
    },
    /// All are finished.
    CycleEnded(Summary),
}

/// What a cycle did for a secondary that is a clone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It was cloned.
    Cloned,
    /// It committed in an earlier cycle; its receipt was completed, or fetched again.
    Completed,
    /// Nothing: its receipt was here.
    Already,
}

/// The messages of a run, in their order (PROTOCOL § 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The secondary made an Offer.
    Offer,
    /// The master granted it.
    Grant,
    /// The secondary consented.
    Consent,
    /// The master released the Parcel.
    Parcel,
    /// The secondary committed and signed the Receipt.
    Receipt,
    /// The master countersigned.
    Countersignature,
}

impl Step {
    /// How many steps a run has.
    pub const COUNT: u8 = Self::Countersignature.number();

    /// Returns its number, from 1.
    pub const fn number(self) -> u8 {
        self as u8 + 1
    }

    /// Returns its name in JSON and on progress bars.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::Grant => "grant",
            Self::Consent => "consent",
            Self::Parcel => "parcel",
            Self::Receipt => "receipt",
            Self::Countersignature => "seal",
        }
    }
}

/// Why a secondary failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// It was not begun.
    #[error("{why}")]
    Refused {
        /// Why.
        why: SecondaryRefusal,
        /// The roots that differ, if that is why.
        roots: Option<Box<OtherRoot>>,
    },
    /// It was named, and may be where nothing could be asked.
    #[error(transparent)]
    Hidden(Box<Hidden>),
    /// A step of its run failed.
    #[error(transparent)]
    Step(#[from] StepError),
}

impl From<SecondaryRefusal> for Failure {
    fn from(why: SecondaryRefusal) -> Self {
        Self::Refused { why, roots: None }
    }
}

/// How a cycle went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Secondaries that are clones of this master now.
    pub done: usize,
    /// Secondaries that are not.
    pub failed: usize,
    /// Whether the master was asked to do anything.
    pub began: bool,
    /// The master disabled cloning on itself.
    pub disabled: bool,
    /// The connection to the master was lost.
    pub master_lost: bool,
}

/// Why there was no cycle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CycleError {
    /// The plan does not allow it.
    #[error(transparent)]
    Refused(#[from] CycleRefusal),
    /// A module that is needed may be where nothing could be asked.
    #[error(transparent)]
    Hidden(Box<Hidden>),
    /// There are hardware modules, and no license for them.
    #[error(transparent)]
    License(#[from] GateRefusal),
    /// The master failed before it began.
    #[error("the master {serial}: {source}")]
    Master {
        /// The master.
        serial: Serial,
        /// Why.
        source: ModuleError,
    },
}

/// Runs a cycle from the survey to its end.
pub fn run(
    connector: &dyn Connector,
    setup: &Setup,
    emit: &(dyn Fn(Event) + Sync),
) -> Result<Summary, CycleError> {
    let Setup {
        request,
        root,
        receipts,
        ..
    } = setup;
    let master = request.master;
    // The watch begins first, so that no module that is plugged in during the survey is missed.
    let watch = connector.watch();
    let mut locations = connector.locations();
    let mut found = survey(connector, locations.clone(), Some(root), Depth::Receipts);
    found.note_obstacles(connector);
    let hiding = found.hiding();
    let plan = preflight(request, &mut found);
    // These are asked again while the cycle runs.
    locations.retain(|location| !found.absent.contains(location));
    for (location, error) in found.unusable.drain(..) {
        locations.remove(&location);
        emit(Event::Unusable { location, error });
    }
    let mut plan = plan?;
    let kept = plan.settle(|serial, run| {
        let parties = parties(&found, master, serial)?;
        receipt::find(receipts, &parties, run, root, &|file| {
            emit(Event::ReceiptSetAside { serial, file });
        })
    });
    if is_virtual(master, &found) {
        emit(Event::Evaluation { master });
    } else {
        check_license(&plan, &setup.hardware)?;
    }
    emit(Event::Preflight {
        master,
        secondaries: plan.tasks.iter().map(|(serial, _)| *serial).collect(),
        replaced: plan.replaced(),
    });

    let mut cycle = Coordinator::new(setup, (connector, emit), locations, (&found, &plan));
    cycle.report_settled(&plan, kept, &hiding);
    let mut summary = Summary::default();
    if !plan.tasks.is_empty() {
        let left = cycle.work(found, plan.tasks, watch)?;
        summary.began = true;
        summary.disabled = left.has_disabled;
        summary.master_lost = left.is_lost;
    }
    (summary.done, summary.failed) = cycle.count();
    emit(Event::CycleEnded(summary));
    Ok(summary)
}

/// Returns who would take part in a run.
fn parties(found: &Survey, master: Serial, secondary: Serial) -> Option<Parties> {
    let facts = |serial| {
        let mut facts = found.modules.iter().map(|present| &present.facts);
        facts.find(|facts| facts.serial == serial)
    };
    let master = facts(master)?;
    Some(Parties {
        master: master.party()?,
        secondary: facts(secondary)?.party()?,
        group: master.status?.group,
    })
}

/// Returns whether a master's certificate says that it is virtual. Modules only clone to others of their kind.
fn is_virtual(master: Serial, found: &Survey) -> bool {
    let mut facts = found.modules.iter().map(|present| &present.facts);
    facts.any(|facts| facts.serial == master && facts.certificate.is_virtual == Some(true))
}

/// Checks that there is a license if any hardware module is cloned anew. Finishing an earlier cycle needs none.
fn check_license(
    plan: &Plan,
    hardware: &Result<HardwarePermit, GateRefusal>,
) -> Result<(), GateRefusal> {
    let is_new = |(_, task): &(Serial, Task)| matches!(task, Task::Clone { .. });
    match hardware {
        Err(refusal) if plan.tasks.iter().any(is_new) => Err(*refusal),
        Err(_) | Ok(_) => Ok(()),
    }
}

/// Plans a cycle for what a survey with [`Depth::Receipts`] found. Changes nothing; asks the master for its journal if
/// that matters.
pub fn preflight(request: &Request, found: &mut Survey) -> Result<Plan, CycleError> {
    let master = request.master;
    let journal = if is_journal_needed(master, found) {
        let present = found
            .modules
            .iter_mut()
            .find(|present| present.facts.serial == master && present.facts.cloning().is_some());
        let read = present.map(|present| present.module.journal()).transpose();
        read.map_err(|source| CycleError::Master {
            serial: master,
            source,
        })?
    } else {
        None
    };
    Plan::make(request, found, journal.as_ref()).map_err(|refusal| {
        let missing = match refusal {
            CycleRefusal::Master {
                why: MasterRefusal::Absent,
                ..
            } => found
                .hiding()
                .of(Some(master))
                .map(|hidden| hidden.within(master)),
            CycleRefusal::NoModule | CycleRefusal::NoSecondary { .. } => found.hiding().of(None),
            _ => None,
        };
        missing.map_or(CycleError::Refused(refusal), |hidden| {
            CycleError::Hidden(Box::new(hidden))
        })
    })
}

/// Returns whether any last receipt names this master. Reading the journal takes several commands.
fn is_journal_needed(master: Serial, found: &Survey) -> bool {
    found.modules.iter().any(|present| {
        let statement = present.receipt.as_ref().map(SignedReceipt::statement);
        statement.is_some_and(|statement| statement.master.serial == master)
    })
}
