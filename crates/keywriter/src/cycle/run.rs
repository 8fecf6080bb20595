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
//! use keywriter::{
//!     cycle::run::{DirectMaster, Run, StepError},
//!     genuine::TrustedRoot,
//!     module::ConnectedModule,
//!     receipt::{Parties, ProvedReceipt},
//! };
//! fn clone(
//!     (master, secondary): (&mut ConnectedModule, &mut ConnectedModule),
//!     (parties, root): (&Parties, &TrustedRoot),
//! ) -> Result<ProvedReceipt, StepError> {
//!     let master = &mut DirectMaster::new(master);
//!     Run::offer(secondary)?
//!         .grant(master)?
//!         .consent(secondary)?
//!         .parcel(master)?
//!         .commit(secondary)?
//!         .countersign(master)?
//!         .prove(parties, root)
//! }
//! ```

use crate::{
    genuine::{P384, TrustedRoot},
    module::{ConnectedModule, ModuleError},
    receipt::{Parties, ProvedReceipt, SignedReceipt, Unproved},
};
use hsm_protocol::{
    Sha384Digest, Verifier,
    cloning::{Grant, SUITE},
};
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
    /// On neither, but what arrived here as the finished receipt does not prove that the secondary is a clone.
    #[error("the receipt that arrived is not valid: {0}")]
    Unproved(#[from] Unproved),
}

impl StepError {
    /// Returns whether a new run may succeed: a connection or a run was lost, and neither module refused.
    pub fn is_worth_another_run(&self) -> bool {
        match self {
            Self::Secondary(error) => error.is_link() || error.is_run_lost(),
            Self::Master(error) => error.is_run_lost(),
            Self::MasterLost(_) | Self::Unproved(_) => false,
        }
    }
}

/// The running hash over the messages of a run up to the Consent, as both modules compute it (PROTOCOL § 4.2). This
/// computer needs it to tell the receipt of this run from those of earlier runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transcript(Sha384Digest);

impl Transcript {
    /// Returns the transcript of a run whose Offer is this.
    fn of_offer(offer: &[u8]) -> Self {
        Self(P384::sha384(&[SUITE])).absorb(offer)
    }

    fn absorb(self, part: &[u8]) -> Self {
        Self(P384::sha384(&[&self.0, part]))
    }

    /// Absorbs a Grant in its two parts. A malformed one is absorbed whole: no module goes on with it.
    fn absorb_grant(self, grant: &[u8]) -> Self {
        let open = Grant::parse(grant).map_or(grant.len(), |grant| grant.open.len());
        let (open, sealed) = grant.split_at_checked(open).unwrap_or((grant, &[]));
        self.absorb(open).absorb(sealed)
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
    transcript: Transcript,
}

/// The secondary consented.
#[derive(Debug)]
pub struct Consented<T> {
    number: T,
    consent: Vec<u8>,
    transcript: Transcript,
}

/// The master wrote the run into its journal, and released the Parcel.
#[derive(Debug)]
pub struct Parceled {
    parcel: Vec<u8>,
    transcript: Transcript,
}

/// The secondary committed; its Receipt needs the master's countersignature.
#[derive(Debug)]
pub struct Committed {
    receipt: Vec<u8>,
    transcript: Transcript,
}

/// The master countersigned, as far as this computer was told.
#[derive(Debug)]
pub struct Countersigned {
    finished: Vec<u8>,
    transcript: Transcript,
}

impl Run<Offered> {
    /// Has the secondary make an Offer.
    pub fn offer(secondary: &mut ConnectedModule) -> Result<Self, StepError> {
        let offer = secondary.offer().map_err(StepError::Secondary)?;
        Ok(Self(Offered { offer }))
    }

    /// Has the master grant it.
    pub fn grant<M: Master>(self, master: &mut M) -> Result<Run<Granted<M::RunNumber>>, StepError> {
        let transcript = Transcript::of_offer(&self.0.offer);
        let (number, grant) = master.grant(self.0.offer)?;
        Ok(Run(Granted {
            transcript: transcript.absorb_grant(&grant),
            number,
            grant,
        }))
    }
}

impl<T> Run<Granted<T>> {
    /// Has the secondary check the master and consent.
    pub fn consent(self, secondary: &mut ConnectedModule) -> Result<Run<Consented<T>>, StepError> {
        let Granted {
            number,
            grant,
            transcript,
        } = self.0;
        let consent = secondary.consent(&grant).map_err(StepError::Secondary)?;
        Ok(Run(Consented {
            transcript: transcript.absorb(&consent),
            number,
            consent,
        }))
    }
}

impl<T> Run<Consented<T>> {
    /// Has the master check the secondary, write its journal, and release the Parcel.
    pub fn parcel(
        self,
        master: &mut impl Master<RunNumber = T>,
    ) -> Result<Run<Parceled>, StepError> {
        let Consented {
            number,
            consent,
            transcript,
        } = self.0;
        let parcel = master.parcel(number, consent)?;
        Ok(Run(Parceled { parcel, transcript }))
    }
}

impl Run<Parceled> {
    /// Returns the run's transcript, which its Receipt names.
    pub const fn transcript(&self) -> Transcript {
        self.0.transcript
    }

    /// Has the secondary commit, all or nothing. If its answer is lost, its last Receipt tells which: see
    /// [`Run::resume`].
    pub fn commit(self, secondary: &mut ConnectedModule) -> Result<Run<Committed>, StepError> {
        let Parceled { parcel, transcript } = self.0;
        let receipt = secondary.commit(&parcel).map_err(StepError::Secondary)?;
        Ok(Run(Committed {
            receipt,
            transcript,
        }))
    }
}

impl Run<Committed> {
    /// Continues with a Receipt that was fetched from the secondary again.
    pub fn resume(receipt: SignedReceipt) -> Self {
        let transcript = Transcript(receipt.statement().transcript);
        Self(Committed {
            receipt: receipt.into_bytes(),
            transcript,
        })
    }

    /// Continues with a Receipt that was fetched again, if it is that of the run with this transcript.
    pub fn resume_run(receipt: SignedReceipt, run: Transcript) -> Option<Self> {
        let is_same = receipt.statement().transcript == run.0;
        is_same.then(|| Self::resume(receipt))
    }

    /// Has the master check the proof and countersign.
    pub fn countersign(self, master: &mut impl Master) -> Result<Run<Countersigned>, StepError> {
        let Committed {
            receipt,
            transcript,
        } = self.0;
        let finished = master.countersign(receipt)?;
        Ok(Run(Countersigned {
            finished,
            transcript,
        }))
    }
}

impl Run<Countersigned> {
    /// Checks what arrived. Only this makes a secondary a clone for this computer.
    pub fn prove(self, parties: &Parties, root: &TrustedRoot) -> Result<ProvedReceipt, StepError> {
        let Countersigned {
            finished,
            transcript,
        } = self.0;
        Ok(ProvedReceipt::check(
            finished,
            parties,
            &transcript.0,
            root,
        )?)
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
