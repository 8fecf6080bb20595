//! One cloning run, as types: each state knows its moment, and the next message consumes it.
//!
//! The order cannot be broken, because the step for the wrong moment does not exist:
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
//!         .seal(master)
//! }
//! ```

use crate::module::{ConnectedModule, ModuleError};
use std::sync::Arc;

/// The master as a run sees it: alone, or behind a queue that other runs use too.
pub trait Master {
    /// The master's memory of one run, for as long as it is needed.
    type Slot;

    /// Gives an Offer to the master; the Grant comes back.
    fn grant(&mut self, offer: Vec<u8>) -> Result<(Self::Slot, Vec<u8>), StepError>;

    /// Gives a Consent; the Parcel comes back.
    fn parcel(&mut self, slot: Self::Slot, consent: Vec<u8>) -> Result<Vec<u8>, StepError>;

    /// Gives a Receipt; the finished receipt comes back: the Receipt, then its Seal.
    fn seal(&mut self, receipt: Vec<u8>) -> Result<Vec<u8>, StepError>;
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
    #[error("the master is lost: {0}")]
    MasterLost(#[source] Arc<ModuleError>),
}

impl StepError {
    /// Whether a new run may succeed where this one ended: a connection or a run was lost, nobody refused.
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

/// The master made a Grant, and waits in a slot.
#[derive(Debug)]
pub struct Granted<T> {
    slot: T,
    grant: Vec<u8>,
}

/// The secondary consented.
#[derive(Debug)]
pub struct Consented<T> {
    slot: T,
    consent: Vec<u8>,
}

/// The master paid, and released the Parcel.
#[derive(Debug)]
pub struct Parceled {
    parcel: Vec<u8>,
}

/// The secondary committed; its Receipt needs the master's Seal.
#[derive(Debug)]
pub struct Committed {
    receipt: Vec<u8>,
}

impl Run<Offered> {
    /// The secondary makes an Offer.
    pub fn offer(secondary: &mut ConnectedModule) -> Result<Self, StepError> {
        let offer = secondary.offer().map_err(StepError::Secondary)?;
        Ok(Self(Offered { offer }))
    }

    /// The master takes it.
    pub fn grant<M: Master>(self, master: &mut M) -> Result<Run<Granted<M::Slot>>, StepError> {
        let (slot, grant) = master.grant(self.0.offer)?;
        Ok(Run(Granted { slot, grant }))
    }
}

impl<T> Run<Granted<T>> {
    /// The secondary checks the master and consents.
    pub fn consent(self, secondary: &mut ConnectedModule) -> Result<Run<Consented<T>>, StepError> {
        let Granted { slot, grant } = self.0;
        let consent = secondary.consent(&grant).map_err(StepError::Secondary)?;
        Ok(Run(Consented { slot, consent }))
    }
}

impl<T> Run<Consented<T>> {
    /// The master checks the secondary, pays, and releases the Parcel.
    pub fn parcel(self, master: &mut impl Master<Slot = T>) -> Result<Run<Parceled>, StepError> {
        let Consented { slot, consent } = self.0;
        let parcel = master.parcel(slot, consent)?;
        Ok(Run(Parceled { parcel }))
    }
}

impl Run<Parceled> {
    /// The secondary commits, all or nothing. Where its answer is lost, [`Run::resume`] finds out which.
    pub fn commit(self, secondary: &mut ConnectedModule) -> Result<Run<Committed>, StepError> {
        let receipt = secondary
            .commit(&self.0.parcel)
            .map_err(StepError::Secondary)?;
        Ok(Run(Committed { receipt }))
    }
}

impl Run<Committed> {
    /// Goes on with a Receipt that was fetched from the secondary again.
    pub const fn resume(receipt: Vec<u8>) -> Self {
        Self(Committed { receipt })
    }

    /// The master checks the proof and seals; the finished receipt.
    pub fn seal(self, master: &mut impl Master) -> Result<Vec<u8>, StepError> {
        master.seal(self.0.receipt)
    }
}

/// A master that serves one run at a time.
#[derive(Debug)]
pub struct DirectMaster<'a>(&'a mut ConnectedModule);

impl<'a> DirectMaster<'a> {
    /// Uses a master on which a cycle is under way.
    pub const fn new(module: &'a mut ConnectedModule) -> Self {
        Self(module)
    }
}

impl Master for DirectMaster<'_> {
    type Slot = ();

    fn grant(&mut self, offer: Vec<u8>) -> Result<((), Vec<u8>), StepError> {
        let grant = self.0.grant(0, &offer).map_err(StepError::Master)?;
        Ok(((), grant))
    }

    fn parcel(&mut self, (): (), consent: Vec<u8>) -> Result<Vec<u8>, StepError> {
        self.0.parcel(0, &consent).map_err(StepError::Master)
    }

    fn seal(&mut self, mut receipt: Vec<u8>) -> Result<Vec<u8>, StepError> {
        let seal = self.0.seal(&receipt).map_err(StepError::Master)?;
        receipt.extend_from_slice(&seal);
        Ok(receipt)
    }
}
