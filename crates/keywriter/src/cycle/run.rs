//! One cloning run, as types: each state is consumed by the message that follows it.
//!
//! The order cannot be broken, because a state has no method for a message out of turn:
//!
//! ```compile_fail
//! use keywriter::{module::ConnectedModule, cycle::run::{Offered, Run}};
//! fn skip_the_master(run: Run<Offered>, secondary: &mut ConnectedModule) {
//!     run.commit(secondary); // only a `Run<Parceled>` has that
//! }
//! ```
//!
//! ```
//! use keywriter::{module::ConnectedModule, cycle::run::{DirectMaster, Run, StepError}};
//! fn clone(master: &mut ConnectedModule, secondary: &mut ConnectedModule) -> Result<Vec<u8>, StepError> {
//!     let master = &mut DirectMaster::new(master);
//!     Run::offer(secondary)?
//!         .grant(master)?
//!         .consent(secondary)?
//!         .parcel(master)?
//!         .commit(secondary)?
//!         .countersign(master)
//! }
//! ```

use crate::module::{ConnectedModule, ModuleError};
use std::sync::Arc;

/// The master as a run sees it: used by one run alone, or through a queue that other runs use too.
pub trait Master {
    /// What keeps the master's memory of one run, for as long as it is needed.
    type RunNumber;

    /// Gives an Offer to the master and returns its Grant.
    fn grant(&mut self, offer: Vec<u8>) -> Result<(Self::RunNumber, Vec<u8>), StepError>;

    /// Gives a Consent to the master and returns its Parcel.
    fn parcel(&mut self, run: Self::RunNumber, consent: Vec<u8>) -> Result<Vec<u8>, StepError>;

    /// Gives a Receipt to the master and returns the finished receipt: the Receipt, then the countersignature.
    fn countersign(&mut self, receipt: Vec<u8>) -> Result<Vec<u8>, StepError>;
}

/// Which module a step failed on, and why.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StepError {
    /// On the secondary.
    #[error(transparent)]
    Secondary(ModuleError),
    /// On the master.
    #[error("the master: {0}")]
    Master(#[source] ModuleError),
    /// The master is lost to every run.
    #[error("the master is no longer available: {0}")]
    MasterLost(#[source] Arc<ModuleError>),
}

impl StepError {
    /// Returns whether a new run may succeed: a connection or a run was lost, and neither module refused.
    pub fn is_worth_another_run(&self) -> bool {
        match self {
            Self::Secondary(error) => error.is_link() || error.is_run_lost(),
            Self::Master(error) => error.is_run_lost(),
            Self::MasterLost(_) => false,
        }
    }
}

/// A run at one moment.
#[derive(Debug)]
#[must_use = "a run that is dropped is over"]
pub struct Run<S>(S);

/// The secondary made an Offer.
#[derive(Debug)]
pub struct Offered {
    offer: Vec<u8>,
}

/// The master made a Grant, and keeps the run under its number.
#[derive(Debug)]
pub struct Granted<T> {
    number: T,
    grant: Vec<u8>,
}

/// The secondary consented.
#[derive(Debug)]
pub struct Consented<T> {
    number: T,
    consent: Vec<u8>,
}

/// The master wrote the run into its journal, and released the Parcel.
#[derive(Debug)]
pub struct Parceled {
    parcel: Vec<u8>,
}

/// The secondary committed; its Receipt needs the master's countersignature.
#[derive(Debug)]
pub struct Committed {
    receipt: Vec<u8>,
}

impl Run<Offered> {
    /// Has the secondary make an Offer.
    pub fn offer(secondary: &mut ConnectedModule) -> Result<Self, StepError> {
        let offer = secondary.offer().map_err(StepError::Secondary)?;
        Ok(Self(Offered { offer }))
    }

    /// Has the master grant it.
    pub fn grant<M: Master>(self, master: &mut M) -> Result<Run<Granted<M::RunNumber>>, StepError> {
        let (number, grant) = master.grant(self.0.offer)?;
        Ok(Run(Granted { number, grant }))
    }
}

impl<T> Run<Granted<T>> {
    /// Has the secondary check the master and consent.
    pub fn consent(self, secondary: &mut ConnectedModule) -> Result<Run<Consented<T>>, StepError> {
        let Granted { number, grant } = self.0;
        let consent = secondary.consent(&grant).map_err(StepError::Secondary)?;
        Ok(Run(Consented { number, consent }))
    }
}

impl<T> Run<Consented<T>> {
    /// Has the master check the secondary, write its journal, and release the Parcel.
    pub fn parcel(
        self,
        master: &mut impl Master<RunNumber = T>,
    ) -> Result<Run<Parceled>, StepError> {
        let Consented { number, consent } = self.0;
        let parcel = master.parcel(number, consent)?;
        Ok(Run(Parceled { parcel }))
    }
}

impl Run<Parceled> {
    /// Has the secondary commit, all or nothing. If its answer is lost, its last Receipt tells which: see
    /// [`Run::resume`].
    pub fn commit(self, secondary: &mut ConnectedModule) -> Result<Run<Committed>, StepError> {
        let receipt = secondary
            .commit(&self.0.parcel)
            .map_err(StepError::Secondary)?;
        Ok(Run(Committed { receipt }))
    }
}

impl Run<Committed> {
    /// Continues with a Receipt that was fetched from the secondary again.
    pub const fn resume(receipt: Vec<u8>) -> Self {
        Self(Committed { receipt })
    }

    /// Has the master check the proof and countersign. Returns the finished receipt.
    pub fn countersign(self, master: &mut impl Master) -> Result<Vec<u8>, StepError> {
        master.countersign(self.0.receipt)
    }
}

/// A master that serves one run at a time.
#[derive(Debug)]
pub struct DirectMaster<'a>(&'a mut ConnectedModule);

impl<'a> DirectMaster<'a> {
    /// Uses a master on which a cycle has begun.
    pub const fn new(module: &'a mut ConnectedModule) -> Self {
        Self(module)
    }
}

impl Master for DirectMaster<'_> {
    type RunNumber = ();

    fn grant(&mut self, offer: Vec<u8>) -> Result<((), Vec<u8>), StepError> {
        let grant = self.0.grant(0, &offer).map_err(StepError::Master)?;
        Ok(((), grant))
    }

    fn parcel(&mut self, (): (), consent: Vec<u8>) -> Result<Vec<u8>, StepError> {
        self.0.parcel(0, &consent).map_err(StepError::Master)
    }

    fn countersign(&mut self, mut receipt: Vec<u8>) -> Result<Vec<u8>, StepError> {
        let countersignature = self.0.countersign(&receipt).map_err(StepError::Master)?;
        receipt.extend_from_slice(&countersignature);
        Ok(receipt)
    }
}
