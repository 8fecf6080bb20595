//! Which modules are there, and what they say of themselves. All are asked at the same time.

mod ask;

pub use ask::{Depth, ask, survey};
pub(crate) use ask::{Identified, identify};

use crate::{
    discovery::Connector,
    error::with_sources,
    genuine::{Authenticity, CertificateCheck, TrustedRoot},
    module::{ConnectedModule, ModuleError},
    problem::{Problem, Reason},
    receipt::SignedReceipt,
    transport::{Location, TransportError},
};
use ask::survey_telling;
use hsm_protocol::{
    Serial,
    identity::LockState,
    receipt::Party,
    settings::{ModuleStatus, Role},
};
use std::collections::BTreeMap;

/// What a module says of itself, and what this computer found out about its certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModuleFacts {
    /// Its serial number.
    pub serial: Serial,
    /// Firmware version: major, minor, patch.
    pub firmware: [u8; 3],
    /// Whether it is set up, locked or unlocked.
    pub lock: LockState,
    /// Its status, which it gives only while it is unlocked.
    pub status: Option<ModuleStatus>,
    /// Its certificate, and whether it is genuine.
    pub certificate: CertificateCheck,
    /// The root that certified it, if this computer does not trust that one: what it proves is for others.
    pub other_root: Option<OtherRoot>,
    /// Where it is plugged in.
    pub location: Location,
}

/// A root that certified a module, and that this computer does not trust.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherRoot {
    /// The root that the module shows; its certificate does lead there.
    pub shown: TrustedRoot,
    /// The root that this computer trusts.
    pub trusted: Option<TrustedRoot>,
}

impl std::fmt::Display for OtherRoot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.trusted {
            None => write!(f, "its root is {}", self.shown.summary()),
            Some(trusted) => {
                let (trusted, shown) = (trusted.summary(), self.shown.summary());
                write!(f, "this computer trusts {trusted}; its root is {shown}")
            }
        }
    }
}

impl ModuleFacts {
    /// Returns who unlocked it; `None` while it is not unlocked.
    pub fn role(&self) -> Option<Role> {
        self.status.map(|status| status.role)
    }

    /// Returns whether it may serve as a master; `None` unless its Administrator unlocked it.
    pub fn cloning(&self) -> Option<bool> {
        Some(self.status?.admin?.cloning)
    }

    /// Returns how often its memory can still be written, if that is worth a warning.
    pub fn few_writes(&self) -> Option<u32> {
        let left = self.status?.writes_left;
        (left <= ModuleStatus::FEW_WRITES).then_some(left)
    }

    /// Returns whether its certificate verified under the trusted root.
    pub fn is_genuine(&self) -> bool {
        self.certificate.authenticity == Authenticity::Genuine
    }

    /// Returns how statements name it; `None` unless it is genuine.
    pub fn party(&self) -> Option<Party> {
        let certificate = self.certificate.digest.filter(|_| self.is_genuine())?;
        Some(Party {
            serial: self.serial,
            certificate,
        })
    }
}

/// A module that answered, and the connection to it.
#[derive(Debug)]
pub struct Present {
    /// What is known of it.
    pub facts: ModuleFacts,
    /// The last Receipt it gave as a secondary, if the survey asked for it and the module did sign it.
    pub receipt: Option<SignedReceipt>,
    /// The connection.
    pub module: ConnectedModule,
    /// The same module at its other location. Kept open: an unused reader is powered off, and that ends runs.
    pub(crate) other: Option<ConnectedModule>,
}

/// A serial number that more than one module has, none of them with better proof of it than the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DuplicateSerial {
    /// The serial number.
    pub serial: Serial,
    /// Where it was found.
    pub locations: Vec<Location>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Survey {
    /// By serial number.
    pub modules: Vec<Present>,
    /// Serial numbers that more than one module has; none of these is in `modules`.
    pub duplicates: Vec<DuplicateSerial>,
    /// Devices that claim the serial number of a module with better proof of it, which is in `modules` or `duplicates`.
    pub impostors: Vec<ModuleFacts>,
    /// Locations where a module is, or may be, that gave no useful answer.
    pub unusable: Vec<(Location, ModuleError)>,
    /// Locations where no module was, or not yet.
    pub absent: Vec<Location>,
}

/// What may hide a module that was not found: a place that could not be asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct Hidden {
    location: Location,
    problem: Problem,
    text: String,
}

impl Hidden {
    pub(crate) fn new(location: &Location, error: &ModuleError) -> Self {
        let (place, said) = (location.to_string(), with_sources(error));
        Self {
            location: location.clone(),
            problem: Problem::from(error).about(location),
            text: if said.contains(&place) {
                said
            } else {
                format!("{place}: {said}")
            },
        }
    }

    /// Names the module that was not found.
    #[must_use]
    pub fn within(mut self, serial: Serial) -> Self {
        self.problem = self.problem.within(serial);
        self
    }

    /// Returns it as the problem that it is.
    pub const fn problem(&self) -> &Problem {
        &self.problem
    }
}

/// The places that could not be asked.
#[derive(Clone, Debug, Default)]
pub struct Hiding(Vec<Hidden>);

impl Hiding {
    /// Returns what may hide a module: the one of a serial number, or any.
    pub fn of(&self, serial: Option<Serial>) -> Option<Hidden> {
        let mut hiding = self.0.iter();
        let may_hide =
            |hidden: &&Hidden| serial.is_none_or(|serial| hidden.location.may_hold(serial));
        hiding.find(may_hide).cloned()
    }
}

impl Survey {
    /// Asks every module that is there, and notes what hides others. Says of a module that keeps it waiting where it is.
    pub fn of_all(
        connector: &dyn Connector,
        root: Option<&TrustedRoot>,
        depth: Depth,
        waits: &dyn Fn(&Location),
    ) -> Self {
        let mut found = survey_telling(connector, connector.locations(), root, depth, waits);
        found.note_obstacles(connector);
        found
    }

    /// Notes what keeps modules from being seen.
    pub fn note_obstacles(&mut self, connector: &dyn Connector) {
        let obstacles = connector.obstacles().into_iter();
        self.unusable
            .extend(obstacles.map(|error| (error.location().clone(), error.into())));
    }

    /// Returns the places that could not be asked.
    pub fn hiding(&self) -> Hiding {
        let hidden = |(location, error): &_| Hidden::new(location, error);
        Hiding(self.unusable.iter().map(hidden).collect())
    }

    /// Returns why a module was not found, or any: what may hide it, or that it is not plugged in.
    pub fn missing(&self, serial: Option<Serial>) -> Problem {
        match (self.hiding().of(serial), serial) {
            (Some(hidden), Some(serial)) => hidden.within(serial).problem,
            (Some(hidden), None) => hidden.problem,
            (None, Some(serial)) => Problem::new(Reason::Absent).about(serial),
            (None, None) => Reason::NoModule.into(),
        }
    }

    /// Removes and returns the module of that serial number.
    pub fn take(&mut self, serial: Serial) -> Option<Present> {
        let index = self
            .modules
            .iter()
            .position(|present| present.facts.serial == serial)?;
        Some(self.modules.remove(index))
    }

    /// Returns the roots that certified modules which are there, and that this computer does not trust; each once.
    pub fn other_roots(&self) -> Vec<&TrustedRoot> {
        let mut roots = Vec::new();
        for present in &self.modules {
            if let Some(other) = &present.facts.other_root
                && !roots.contains(&&other.shown)
            {
                roots.push(&other.shown);
            }
        }
        roots
    }

    /// Returns the root of a module, if this computer does not trust it.
    pub fn other_root_of(&self, serial: Serial) -> Option<&OtherRoot> {
        let mut facts = self.modules.iter().map(|present| &present.facts);
        facts
            .find(|facts| facts.serial == serial)?
            .other_root
            .as_ref()
    }

    /// Returns whether more than one module has that serial number.
    pub fn is_duplicate(&self, serial: Serial) -> bool {
        self.duplicates
            .iter()
            .any(|duplicates| duplicates.serial == serial)
    }
}

type Answer = (Location, Result<Option<Present>, ModuleError>);

/// Sorts the answers by serial number; a module with both a socket and a reader is listed once.
///
/// Who has the better proof of a serial number has it: a device that only claims one takes it from no module.
fn sort(answers: Vec<Answer>) -> Survey {
    let mut survey = Survey::default();
    let mut by_serial: BTreeMap<Serial, Vec<Present>> = BTreeMap::new();
    for (location, answer) in answers {
        match answer {
            Ok(Some(present)) => by_serial
                .entry(present.facts.serial)
                .or_default()
                .push(present),
            Ok(None) => {}
            Err(ModuleError::Transport(TransportError::Absent { .. })) => {
                survey.absent.push(location);
            }
            Err(error) => survey.unusable.push((location, error)),
        }
    }
    for (serial, mut found) in by_serial {
        let proof = |present: &Present| present.facts.certificate.authenticity.proof();
        let best = found.iter().map(proof).max();
        // Sockets come first in the order of locations.
        found.sort_by(|a, b| a.facts.location.cmp(&b.facts.location));
        let (found, claims): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|present| Some(proof(present)) == best);
        let claims = claims.into_iter().map(|present| present.facts);
        survey.impostors.extend(claims);
        let is_one = match found.as_slice() {
            [_] => true,
            [first, second] => is_same(&first.facts, &second.facts),
            _ => false,
        };
        let mut found = found.into_iter();
        if is_one && let Some(first) = found.next() {
            let other = found.next().map(|second| second.module);
            survey.modules.push(Present { other, ..first });
        } else {
            let locations = found.map(|present| present.facts.location).collect();
            survey
                .duplicates
                .push(DuplicateSerial { serial, locations });
        }
    }
    survey
}

/// Returns whether a socket and a reader lead to the same module: it shows the same certificate at both.
fn is_same(a: &ModuleFacts, b: &ModuleFacts) -> bool {
    a.location.kind() != b.location.kind()
        && a.certificate.digest.is_some()
        && a.certificate.digest == b.certificate.digest
}
