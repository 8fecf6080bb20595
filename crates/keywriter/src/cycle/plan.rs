//! What a cycle would do with each module, and why not. Modules are not asked here.

use crate::{
    genuine::Untrusted,
    journal::Journal,
    receipt::SignedReceipt,
    survey::{ModuleFacts, OtherRoot, Survey},
    text::listed,
};
use hsm_protocol::{
    EpochName, Serial,
    cloning::Options,
    identity::LockState,
    limits,
    receipt::{Party, Statement},
    settings::Role,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    mem,
};

/// What the user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The master.
    pub master: Serial,
    /// The choices.
    pub options: Options,
    /// These secondaries and no others; empty: all that are present.
    pub to: Vec<Serial>,
    /// These are left as they are, even if they are plugged in while the cycle runs.
    pub except: Vec<Serial>,
    /// Which modules in use may lose what they hold.
    pub replace: Replace,
}

/// Which modules in use a cycle may replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replace {
    /// All that their Administrators unlocked.
    All,
    /// Those that the user agreed to. Others that are in use when it is their turn are refused.
    Agreed(Vec<Serial>),
}

impl Replace {
    fn allows(&self, serial: Serial) -> bool {
        match self {
            Self::All => true,
            Self::Agreed(serials) => serials.contains(&serial),
        }
    }
}

impl Request {
    /// Checks that no module is named twice, the master included. This needs no module: it can be said before any.
    pub fn check_names(&self) -> Result<(), CycleRefusal> {
        let mut seen = BTreeSet::from([self.master]);
        match self.to.iter().find(|serial| !seen.insert(**serial)) {
            Some(serial) => Err(CycleRefusal::SameModule { serial: *serial }),
            None => Ok(()),
        }
    }
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
    /// It is not genuine, as far as this computer can tell.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
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
    facts.certificate.authenticity.check()?;
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
    /// It is not genuine, as far as this computer can tell.
    #[error(transparent)]
    Untrusted(#[from] Untrusted),
    /// It is in use and locked.
    #[error("it is locked and holds keys of its own")]
    LockedNotFresh,
    /// It is in use and locked, and a clone of a master of another group.
    #[error("it is a clone of another team")]
    OtherTeam,
    /// It is locked, and a clone from before the master's group was re-keyed.
    #[error("it lacks the present epoch of its team")]
    OlderEpoch,
    /// Its User unlocked it.
    #[error("it is unlocked by its User, not by its Administrator")]
    UnlockedAsUser,
    /// It is in use, and its user did not agree that it loses what it holds.
    #[error("it is in use, and nobody agreed to replace what it holds")]
    NotAgreed,
    /// The cycle was stopped before its turn.
    #[error("the cycle was stopped before its turn")]
    Stopped,
    /// It would be cloned, and without a license the cycle may only finish what an earlier one began.
    #[error("cloning hardware modules needs a license")]
    NoLicense,
}

impl SecondaryRefusal {
    /// Returns whether it is because of what the module is now, so that trying again changes nothing.
    pub const fn is_lasting(self) -> bool {
        match self {
            Self::DuplicateSerial
            | Self::Untrusted(_)
            | Self::LockedNotFresh
            | Self::OtherTeam
            | Self::OlderEpoch
            | Self::UnlockedAsUser
            | Self::NotAgreed => true,
            Self::Absent | Self::Stopped | Self::NoLicense => false,
        }
    }
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
    /// The master countersigned it earlier, and this computer has no valid receipt of that.
    Refetch,
}

/// What is to be done with one module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// This task.
    Do(Task),
    /// Nothing, if this computer has the receipt of that run: the master countersigned it in an earlier cycle.
    IsClone(Box<Statement>),
    /// Nothing, for this reason.
    Refused(SecondaryRefusal),
}

/// What the master knows of earlier cycles.
#[derive(Clone, Copy, Debug)]
pub struct MasterView<'a> {
    /// Its serial number and its certificate.
    pub party: Party,
    /// Its group.
    pub group: [u8; 16],
    /// The group's present epoch.
    pub epoch: EpochName,
    /// Its journal, if it was read.
    pub journal: Option<&'a Journal>,
}

impl<'a> MasterView<'a> {
    /// Returns the view of a genuine master that is unlocked.
    pub fn of(facts: &ModuleFacts, journal: Option<&'a Journal>) -> Option<Self> {
        let status = facts.status?;
        Some(Self {
            party: facts.party()?,
            group: status.group,
            epoch: status.epoch,
            journal,
        })
    }
}

/// Judges one module that is not the master; `receipt` is what it signed last as a secondary.
pub fn decide(
    master: MasterView<'_>,
    replace: &Replace,
    facts: &ModuleFacts,
    receipt: Option<&Statement>,
) -> Decision {
    if let Err(why) = facts.certificate.authenticity.check() {
        return Decision::Refused(why.into());
    }
    let is_of_group = |statement: &&Statement| statement.group == master.group;
    let earlier = receipt
        .filter(is_of_group)
        .and_then(|statement| Some((statement, earlier(master, statement)?)));
    if let Some((_, Earlier::Pending)) = earlier {
        return Decision::Do(Task::Finish);
    }
    match (facts.lock, facts.role()) {
        (LockState::Shipment | LockState::Reset, _) => {
            Decision::Do(Task::Clone { replaces: false })
        }
        (LockState::Unlocked, Some(Role::Administrator)) if replace.allows(facts.serial) => {
            Decision::Do(Task::Clone { replaces: true })
        }
        (LockState::Unlocked, Some(Role::Administrator)) => {
            Decision::Refused(SecondaryRefusal::NotAgreed)
        }
        (LockState::Unlocked, _) => Decision::Refused(SecondaryRefusal::UnlockedAsUser),
        (LockState::Locked, _) => match (earlier, receipt) {
            (Some((statement, Earlier::Sealed)), _) if statement.epoch != master.epoch => {
                Decision::Refused(SecondaryRefusal::OlderEpoch)
            }
            (Some((statement, Earlier::Sealed)), _) => Decision::IsClone(Box::new(*statement)),
            (_, Some(other)) if other.group != master.group => {
                Decision::Refused(SecondaryRefusal::OtherTeam)
            }
            _ => Decision::Refused(SecondaryRefusal::LockedNotFresh),
        },
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Earlier {
    Pending,
    Sealed,
}

/// Returns what the master knows of a secondary's last run, in which the master's group was copied.
fn earlier(master: MasterView<'_>, statement: &Statement) -> Option<Earlier> {
    if statement.master != master.party {
        return None;
    }
    let Some(journal) = master.journal else {
        // It joined while the cycle runs: asking for a countersignature again changes nothing.
        return Some(Earlier::Pending);
    };
    let entry = journal
        .entries
        .iter()
        .find(|entry| entry.transcript == statement.transcript);
    match entry {
        Some(entry) if entry.countersigned => Some(Earlier::Sealed),
        Some(_) => Some(Earlier::Pending),
        // Older than the oldest entry of the journal.
        None => {
            let oldest = journal.entries.last().map(|entry| entry.number);
            let is_older = oldest.is_some_and(|oldest| statement.number < oldest);
            is_older.then_some(Earlier::Sealed)
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
        /// The roots that differ, if that is why.
        roots: Option<Box<OtherRoot>>,
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
    /// Modules that the master countersigned in earlier cycles, with the statements of their runs.
    pub clones: Vec<(Serial, Box<Statement>)>,
    /// Modules that get nothing, and why.
    pub refused: Vec<(Serial, SecondaryRefusal)>,
    /// The roots of those of them that this computer does not trust.
    pub other_roots: BTreeMap<Serial, OtherRoot>,
}

impl Plan {
    /// Makes the plan for what was found; `journal` is the master's.
    pub fn make(
        request: &Request,
        survey: &Survey,
        journal: Option<&Journal>,
    ) -> Result<Self, CycleRefusal> {
        let Request {
            master, to, except, ..
        } = request;
        let master = *master;
        request.check_names()?;
        if survey.modules.is_empty() && survey.duplicates.is_empty() {
            return Err(CycleRefusal::NoModule);
        }
        let facts = find_master(survey, master).map_err(|why| CycleRefusal::Master {
            serial: master,
            why,
            roots: survey.other_root_of(master).cloned().map(Box::new),
        })?;
        let view = MasterView::of(facts, journal).ok_or(CycleRefusal::Master {
            serial: master,
            why: MasterRefusal::Locked,
            roots: None,
        })?;
        let is_wanted = |serial: &Serial| {
            *serial != master && (to.is_empty() || to.contains(serial)) && !except.contains(serial)
        };
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
            let receipt = present.receipt.as_ref().map(SignedReceipt::statement);
            match decide(view, &request.replace, &present.facts, receipt) {
                Decision::Do(task) => plan.tasks.push((serial, task)),
                Decision::IsClone(statement) => plan.clones.push((serial, statement)),
                Decision::Refused(why) => {
                    plan.refused.push((serial, why));
                    let other_root = present.facts.other_root.clone();
                    plan.other_roots
                        .extend(other_root.map(|other_root| (serial, other_root)));
                }
            }
        }
        if !others.is_empty() {
            return Err(CycleRefusal::TwoMasters { master, others });
        }
        plan.add_missing(survey, to, is_wanted);
        plan.check_size(request)?;
        Ok(plan)
    }

    /// Adds a task for each clone without a valid receipt here, and returns the receipts of the others.
    pub fn settle<T>(
        &mut self,
        find: impl Fn(Serial, &Statement) -> Option<T>,
    ) -> BTreeMap<Serial, T> {
        let mut found = BTreeMap::new();
        for (serial, statement) in mem::take(&mut self.clones) {
            match find(serial, &statement) {
                Some(receipt) => {
                    found.insert(serial, receipt);
                    self.clones.push((serial, statement));
                }
                None => self.tasks.push((serial, Task::Refetch)),
            }
        }
        found
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
