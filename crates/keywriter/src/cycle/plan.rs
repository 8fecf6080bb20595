//! What a cycle would do with each module, and why not. Modules are not asked here.

use crate::{
    genuine::Authenticity,
    module::Journal,
    survey::{ModuleFacts, Survey},
    text::listed,
};
use hsm_protocol::{
    Malformed, Serial,
    cloning::Options,
    identity::LockState,
    limits,
    receipt::{Receipt, Statement},
    settings::Role,
};
use std::collections::BTreeSet;

/// What the user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The master.
    pub master: Serial,
    /// The choices.
    pub options: Options,
    /// These secondaries and no others; empty: all that are present.
    pub to: Vec<Serial>,
}

/// Why a module cannot be the master.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MasterRefusal {
    /// It is not there.
    #[error("it is not plugged in")]
    Absent,
    /// More than one module has its serial number.
    #[error("its serial number was found in several locations")]
    DuplicateSerial,
    /// It has no certificate.
    #[error("it has no certificate yet")]
    NotCertified,
    /// Its certificate comes from another root.
    #[error("it is certified under another root of trust")]
    ForeignRoot,
    /// Its certificate or its answer does not verify.
    #[error("it is not genuine: its certificate or its signature does not verify")]
    NotGenuine,
    /// This computer trusts no root.
    #[error("this computer has no root certificate to verify it with")]
    UnknownRoot,
    /// It was never set up.
    #[error("it has no Admin PIN yet")]
    Fresh,
    /// It is locked.
    #[error("it is locked")]
    Locked,
    /// Its User unlocked it.
    #[error("it is unlocked by its User, not by its Administrator")]
    UnlockedAsUser,
    /// Cloning is disabled on it.
    #[error("cloning is disabled on it")]
    CloningDisabled,
}

/// Checks what makes a module an active master.
pub fn check_master(facts: &ModuleFacts) -> Result<(), MasterRefusal> {
    match facts.certificate.authenticity {
        Authenticity::Genuine => {}
        Authenticity::ForeignRoot => return Err(MasterRefusal::ForeignRoot),
        Authenticity::NotGenuine => return Err(MasterRefusal::NotGenuine),
        Authenticity::NotCertified => return Err(MasterRefusal::NotCertified),
        Authenticity::UnknownRoot => return Err(MasterRefusal::UnknownRoot),
    }
    match facts.lock {
        LockState::Shipment | LockState::Reset => return Err(MasterRefusal::Fresh),
        LockState::Locked => return Err(MasterRefusal::Locked),
        LockState::Unlocked => {}
    }
    match facts.cloning() {
        None => Err(MasterRefusal::UnlockedAsUser),
        Some(false) => Err(MasterRefusal::CloningDisabled),
        Some(true) => Ok(()),
    }
}

/// Finds the master among what was surveyed.
pub fn find_master(survey: &Survey, serial: Serial) -> Result<&ModuleFacts, MasterRefusal> {
    if survey.is_duplicate(serial) {
        return Err(MasterRefusal::DuplicateSerial);
    }
    let found = survey
        .modules
        .iter()
        .find(|present| present.facts.serial == serial)
        .ok_or(MasterRefusal::Absent)?;
    check_master(&found.facts)?;
    Ok(&found.facts)
}

/// Why nothing is done with a secondary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SecondaryRefusal {
    /// It was named and is not there.
    #[error("it is not plugged in")]
    Absent,
    /// More than one module has its serial number.
    #[error("its serial number was found in several locations")]
    DuplicateSerial,
    /// It has no certificate.
    #[error("it has no certificate yet")]
    NotCertified,
    /// Its certificate comes from another root.
    #[error("it is certified under another root of trust")]
    ForeignRoot,
    /// Its certificate or its answer does not verify.
    #[error("it is not genuine: its certificate or its signature does not verify")]
    NotGenuine,
    /// It is in use and locked.
    #[error("it is locked and holds keys of its own")]
    LockedNotFresh,
    /// Its User unlocked it.
    #[error("it is unlocked by its User, not by its Administrator")]
    UnlockedAsUser,
    /// The cycle was stopped before its turn.
    #[error("the cycle was stopped before its turn")]
    Stopped,
    /// It would be cloned, and without a license the cycle may only finish what an earlier one began.
    #[error("cloning hardware modules needs a license")]
    NoLicense,
}

/// What a cycle does with one module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// All six messages. `replaces`: the module is in use, and what it holds is replaced.
    Clone {
        /// Whether it loses CSPs.
        replaces: bool,
    },
    /// It committed earlier, and only the master's countersignature is missing.
    Finish,
    /// The master countersigned it earlier, and this computer has lost the receipt.
    Refetch,
}

/// What is to be done with one module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This task.
    Do(Task),
    /// Nothing: the master countersigned it in an earlier cycle. `number`: its Parcel's, if the master can
    /// countersign it again.
    IsClone {
        /// The Parcel's number.
        number: Option<u64>,
    },
    /// Nothing, for this reason.
    Refused(SecondaryRefusal),
}

/// What the master knows of earlier cycles.
#[derive(Clone, Copy, Debug)]
pub struct MasterView<'a> {
    /// Its serial number.
    pub serial: Serial,
    /// Its group.
    pub group: Option<[u8; 16]>,
    /// Its journal, if it was read.
    pub journal: Option<&'a Journal>,
}

/// Judges one module that is not the master.
pub fn decide(master: MasterView<'_>, facts: &ModuleFacts, receipt: Option<&[u8]>) -> Decision {
    match facts.certificate.authenticity {
        Authenticity::ForeignRoot => return Decision::Refused(SecondaryRefusal::ForeignRoot),
        Authenticity::NotGenuine => return Decision::Refused(SecondaryRefusal::NotGenuine),
        Authenticity::NotCertified => return Decision::Refused(SecondaryRefusal::NotCertified),
        // The modules verify each other, even if this computer trusts no root.
        Authenticity::Genuine | Authenticity::UnknownRoot => {}
    }
    let earlier = earlier(master, facts, receipt);
    if earlier == Some(Earlier::Pending) {
        return Decision::Do(Task::Finish);
    }
    match (facts.lock, facts.role()) {
        (LockState::Shipment | LockState::Reset, _) => {
            Decision::Do(Task::Clone { replaces: false })
        }
        (LockState::Unlocked, Some(Role::Administrator)) => {
            Decision::Do(Task::Clone { replaces: true })
        }
        (LockState::Unlocked, _) => Decision::Refused(SecondaryRefusal::UnlockedAsUser),
        (LockState::Locked, _) => match earlier {
            Some(Earlier::Sealed { number }) => Decision::IsClone { number },
            Some(Earlier::Pending) | None => Decision::Refused(SecondaryRefusal::LockedNotFresh),
        },
    }
}

/// Returns a receipt's statement if it names this master and this secondary.
pub fn names(receipt: &[u8], master: Serial, secondary: Serial) -> Option<Statement> {
    let statement = Receipt::parse(receipt)
        .and_then(|receipt| receipt.statement())
        .map_err(|Malformed| tracing::debug!(%secondary, "its last receipt is malformed"))
        .ok()?;
    (statement.master.serial == master && statement.secondary.serial == secondary)
        .then_some(statement)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Earlier {
    Pending,
    Sealed { number: Option<u64> },
}

fn earlier(master: MasterView<'_>, facts: &ModuleFacts, receipt: Option<&[u8]>) -> Option<Earlier> {
    let statement = names(receipt?, master.serial, facts.serial)?;
    let Some(journal) = master.journal else {
        // It joined while the cycle runs: asking for a countersignature again changes nothing.
        return Some(Earlier::Pending);
    };
    let entry = journal
        .entries
        .iter()
        .find(|entry| entry.transcript == statement.transcript);
    match entry {
        Some(entry) if entry.countersigned => Some(Earlier::Sealed {
            number: Some(entry.number),
        }),
        Some(_) => Some(Earlier::Pending),
        // Older than the oldest entry of the journal, and still of this group.
        None => {
            let oldest = journal.entries.last().map(|entry| entry.number);
            let is_older = oldest.is_some_and(|oldest| statement.number < oldest);
            (is_older && master.group == Some(statement.group))
                .then_some(Earlier::Sealed { number: None })
        }
    }
}

/// Why a cycle was not begun. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CycleRefusal {
    /// Nothing is plugged in.
    #[error("no module found")]
    NoModule,
    /// The module cannot be the master.
    #[error("{serial} cannot be the master: {why}")]
    Master {
        /// The master.
        serial: Serial,
        /// Why.
        #[source]
        why: MasterRefusal,
    },
    /// A secondary was named that is the master, or twice.
    #[error("{serial} is named twice")]
    SameModule {
        /// The module.
        serial: Serial,
    },
    /// Others could be the master too, and would be replaced.
    #[error(
        "two masters: {} could be the master as well as {master}",
        listed(others)
    )]
    TwoMasters {
        /// The master.
        master: Serial,
        /// The others.
        others: Vec<Serial>,
    },
    /// There is no other module.
    #[error("no secondary found besides the master {master}")]
    NoSecondary {
        /// The master.
        master: Serial,
    },
    /// A cycle that disables its master counts at most 64.
    #[error("{count} secondaries are too many for a cycle that disables its master")]
    TooMany {
        /// How many there are.
        count: usize,
    },
}

/// What a cycle is about to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Modules that get work.
    pub tasks: Vec<(Serial, Task)>,
    /// Modules that are clones of this master already, with their Parcels' numbers.
    pub clones: Vec<(Serial, Option<u64>)>,
    /// Modules that get nothing, and why.
    pub refused: Vec<(Serial, SecondaryRefusal)>,
}

impl Plan {
    /// Makes the plan for what was found; `journal` is the master's.
    pub fn make(
        request: &Request,
        survey: &Survey,
        journal: Option<&Journal>,
    ) -> Result<Self, CycleRefusal> {
        let Request { master, to, .. } = request;
        let master = *master;
        check_named(master, to)?;
        if survey.modules.is_empty() && survey.duplicates.is_empty() {
            return Err(CycleRefusal::NoModule);
        }
        let facts = find_master(survey, master).map_err(|why| CycleRefusal::Master {
            serial: master,
            why,
        })?;
        let view = MasterView {
            serial: master,
            group: facts.status.map(|status| status.group),
            journal,
        };
        let is_wanted =
            |serial: &Serial| *serial != master && (to.is_empty() || to.contains(serial));
        let mut plan = Self::default();
        let mut others = Vec::new();
        for present in &survey.modules {
            let serial = present.facts.serial;
            if !is_wanted(&serial) {
                continue;
            }
            if to.is_empty() && check_master(&present.facts).is_ok() {
                others.push(serial);
            }
            match decide(view, &present.facts, present.receipt.as_deref()) {
                Decision::Do(task) => plan.tasks.push((serial, task)),
                Decision::IsClone { number } => plan.clones.push((serial, number)),
                Decision::Refused(why) => plan.refused.push((serial, why)),
            }
        }
        if !others.is_empty() {
            return Err(CycleRefusal::TwoMasters { master, others });
        }
        plan.add_missing(survey, to, is_wanted);
        plan.check_size(request)?;
        Ok(plan)
    }

    /// Adds tasks for clones whose receipt is not kept here, if the master can still countersign it.
    pub fn refetch(&mut self, is_kept: impl Fn(Serial, u64) -> bool) {
        let lost = |clone: &(Serial, Option<u64>)| matches!(*clone, (serial, Some(number)) if !is_kept(serial, number));
        let refetched = self.clones.iter().filter(|clone| lost(clone));
        self.tasks
            .extend(refetched.map(|(serial, _)| (*serial, Task::Refetch)));
        self.clones.retain(|clone| !lost(clone));
    }

    /// Returns the modules that a cycle that disables its master counts.
    pub fn counted(&self) -> BTreeSet<Serial> {
        let counted = |(serial, task): &(Serial, Task)| match task {
            Task::Clone { .. } | Task::Finish => Some(*serial),
            Task::Refetch => None,
        };
        self.tasks.iter().filter_map(counted).collect()
    }

    /// Returns the modules in use, which lose their CSPs.
    pub fn replaced(&self) -> Vec<Serial> {
        let replaced = |(serial, task): &(Serial, Task)| {
            (*task == Task::Clone { replaces: true }).then_some(*serial)
        };
        self.tasks.iter().filter_map(replaced).collect()
    }

    fn add_missing(&mut self, survey: &Survey, to: &[Serial], is_wanted: impl Fn(&Serial) -> bool) {
        let duplicates = survey.duplicates.iter().map(|duplicates| duplicates.serial);
        let duplicates: BTreeSet<_> = duplicates.filter(|serial| is_wanted(serial)).collect();
        let present: BTreeSet<_> = survey
            .modules
            .iter()
            .map(|present| present.facts.serial)
            .collect();
        let absent = to
            .iter()
            .filter(|serial| !present.contains(serial) && !duplicates.contains(serial));
        self.refused
            .extend(absent.map(|serial| (*serial, SecondaryRefusal::Absent)));
        self.refused.extend(
            duplicates
                .into_iter()
                .map(|serial| (serial, SecondaryRefusal::DuplicateSerial)),
        );
    }

    fn check_size(&self, request: &Request) -> Result<(), CycleRefusal> {
        let Request {
            master, options, ..
        } = request;
        if self.tasks.is_empty() && self.clones.is_empty() && self.refused.is_empty() {
            return Err(CycleRefusal::NoSecondary { master: *master });
        }
        let count = self.counted().len();
        if options.disable_master && count > limits::DISABLING_CYCLE {
            return Err(CycleRefusal::TooMany { count });
        }
        Ok(())
    }
}

fn check_named(master: Serial, to: &[Serial]) -> Result<(), CycleRefusal> {
    let mut seen = BTreeSet::from([master]);
    match to.iter().find(|serial| !seen.insert(**serial)) {
        Some(serial) => Err(CycleRefusal::SameModule { serial: *serial }),
        None => Ok(()),
    }
}
