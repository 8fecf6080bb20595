//! Which of the modules that are plugged in can do it.

use crate::{
    genuine::Authenticity,
    module::{ConnectedModule, ModuleError},
    survey::{Hidden, ModuleFacts, OtherRoot, Survey},
    text::listed,
};
use hsm_protocol::{
    EpochName, Serial, Status, file::FileHeader, identity::LockState, settings::ModuleStatus,
};

/// What a module is needed for.
#[derive(Clone, Copy, Debug)]
pub enum Need<'a> {
    /// To encrypt: a module of any group.
    Any,
    /// To decrypt the file with that header. Whose it is, only a module of its group can tell: each is asked.
    File(&'a FileHeader),
    /// To open what was sealed to the team with that group.
    Group([u8; 16]),
}

/// How a module fits a need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fit {
    /// It can do it, if it is unlocked.
    Able,
    /// It is of another group.
    OtherGroup,
    /// It is of the file's group, and lacks its epoch.
    EpochMissing,
    /// It does not answer.
    Gone,
}

/// A module that can do it.
#[derive(Debug)]
pub struct Found {
    /// Its serial number.
    pub serial: Serial,
    /// What it tells of itself, unlocked.
    pub status: ModuleStatus,
    /// The connection.
    pub module: ConnectedModule,
}

/// Why none can.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotFound {
    /// The module may be where nothing could be asked.
    #[error(transparent)]
    Hidden(Box<Hidden>),
    /// No module at all.
    #[error("no module found")]
    NoModule,
    /// The named one is not there.
    #[error("the module {0} is not plugged in")]
    Absent(Serial),
    /// The named serial number is there more than once.
    #[error("the same serial number was found in several locations: {0}")]
    DuplicateSerial(Serial),
    /// Those that might do are locked.
    #[error("no module is unlocked for this; locked: {}", listed(.0))]
    Locked(Vec<Serial>),
    /// Those that are unlocked are of other groups.
    #[error("no unlocked module is of the team that this is for; unlocked: {}", listed(.0))]
    OtherGroup(Vec<Serial>),
    /// Of its group, and without the key of its epoch.
    #[error("{serial} has no key of the epoch that the file is from; its newest epoch is {newest}")]
    EpochMissing {
        /// The module.
        serial: Serial,
        /// Its newest epoch.
        newest: EpochName,
    },
    /// Certified under another root.
    #[error("{serial} is certified under another root of trust{}", in_brackets(roots.as_deref()))]
    ForeignRoot {
        /// The module.
        serial: Serial,
        /// Both roots, if the module shows one.
        roots: Option<Box<OtherRoot>>,
    },
    /// This computer has no root to verify it with.
    #[error("this computer has no root certificate to verify {serial} with{}", in_brackets(roots.as_deref()))]
    UnknownRoot {
        /// The module.
        serial: Serial,
        /// Its root, if the module shows one.
        roots: Option<Box<OtherRoot>>,
    },
    /// Not certified, or its certificate or its signature does not verify.
    #[error("{0} is not genuine: its certificate or its signature does not verify")]
    NotGenuine(Serial),
    /// Unlocked modules of different groups.
    #[error("modules of different groups are unlocked: {}", listed(.0))]
    Several(Vec<Serial>),
}

/// Takes a module that can do it out of a survey: the named one, or the first.
pub fn find(survey: &mut Survey, named: Option<Serial>, need: Need) -> Result<Found, NotFound> {
    if let Some(serial) = named.filter(|serial| survey.is_duplicate(*serial)) {
        return Err(NotFound::DuplicateSerial(serial));
    }
    let mut candidates = Vec::new();
    for present in &mut survey.modules {
        if named.is_none_or(|serial| serial == present.facts.serial) {
            let fit = need.fit(&present.facts, &mut present.module);
            candidates.push((present.facts.clone(), fit));
        }
    }
    if candidates.is_empty() {
        let none = || named.map_or(NotFound::NoModule, NotFound::Absent);
        let hidden = survey.hiding().of(named);
        return Err(hidden.map_or_else(none, |hidden| {
            NotFound::Hidden(Box::new(match named {
                Some(serial) => hidden.within(serial),
                None => hidden,
            }))
        }));
    }
    let serial = choose(&candidates)?;
    let gone = || NotFound::Absent(serial);
    let present = survey.take(serial).ok_or_else(gone)?;
    Ok(Found {
        serial,
        status: present.facts.status.ok_or_else(gone)?,
        module: present.module,
    })
}

fn in_brackets(roots: Option<&OtherRoot>) -> String {
    roots.map_or_else(String::new, |roots| format!(" ({roots})"))
}

fn choose(candidates: &[(ModuleFacts, Fit)]) -> Result<Serial, NotFound> {
    let is_trusted = |facts: &ModuleFacts| facts.is_genuine();
    let unlocked = || {
        let trusted = candidates.iter().filter(|(facts, _)| is_trusted(facts));
        trusted.filter_map(|(facts, fit)| Some((facts.serial, facts.status?, *fit)))
    };
    let able: Vec<_> = unlocked().filter(|(_, _, fit)| *fit == Fit::Able).collect();
    if let Some((serial, status, _)) = able.first() {
        let is_one_group = able.iter().all(|(_, other, _)| other.group == status.group);
        return if is_one_group {
            Ok(*serial)
        } else {
            Err(NotFound::Several(serials(
                able.iter().map(|(serial, ..)| *serial),
            )))
        };
    }
    if let Some((serial, status, _)) = unlocked().find(|(_, _, fit)| *fit == Fit::EpochMissing) {
        return Err(NotFound::EpochMissing {
            serial,
            newest: status.epoch,
        });
    }
    let locked = candidates
        .iter()
        .filter(|(facts, _)| is_trusted(facts) && facts.lock == LockState::Locked)
        .map(|(facts, _)| facts.serial);
    let locked = serials(locked);
    if !locked.is_empty() {
        return Err(NotFound::Locked(locked));
    }
    let others = serials(unlocked().map(|(serial, ..)| serial));
    if unlocked().any(|(_, _, fit)| fit == Fit::OtherGroup) {
        return Err(NotFound::OtherGroup(others));
    }
    if let Some(gone) = others.first() {
        return Err(NotFound::Absent(*gone));
    }
    let Some((facts, _)) = candidates.iter().find(|(facts, _)| !is_trusted(facts)) else {
        return Err(NotFound::NoModule);
    };
    let serial = facts.serial;
    let roots = facts.other_root.clone().map(Box::new);
    Err(match facts.certificate.authenticity {
        Authenticity::ForeignRoot => NotFound::ForeignRoot { serial, roots },
        Authenticity::UnknownRoot => NotFound::UnknownRoot { serial, roots },
        Authenticity::Genuine | Authenticity::NotGenuine | Authenticity::NotCertified => {
            NotFound::NotGenuine(serial)
        }
    })
}

impl Need<'_> {
    /// Returns how a module fits. Only one that is genuine and unlocked is asked.
    fn fit(self, facts: &ModuleFacts, module: &mut ConnectedModule) -> Fit {
        match (self, facts.status) {
            (Self::Group(group), Some(status)) if status.group != group => Fit::OtherGroup,
            (Self::File(header), Some(_)) if facts.is_genuine() => {
                match module.file_identify(header) {
                    Ok(_) => Fit::Able,
                    Err(ModuleError::Refused(Status::NotFound)) => Fit::OtherGroup,
                    Err(ModuleError::Refused(Status::EpochMissing)) => Fit::EpochMissing,
                    Err(_) => Fit::Gone,
                }
            }
            _ => Fit::Able,
        }
    }
}

fn serials(iterator: impl Iterator<Item = Serial>) -> Vec<Serial> {
    iterator.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{genuine::CertificateCheck, transport::Location};
    use hsm_protocol::settings::{EncryptionMode, Role};

    /// A module: its name, its group if it is unlocked, and how it fits.
    fn facts(
        name: &str,
        unlocked: Option<(u8, Fit)>,
        authenticity: Authenticity,
    ) -> (ModuleFacts, Fit) {
        let facts = ModuleFacts {
            serial: name.parse().unwrap(),
            firmware: [0, 1, 0],
            lock: unlocked.map_or(LockState::Locked, |_| LockState::Unlocked),
            status: unlocked.map(|(group, _)| ModuleStatus {
                role: Role::User,
                group: [group; 16],
                epoch: NEWEST,
                mode: EncryptionMode::Xts,
                auto_lock: None,
                policy: None,
                writes_left: u32::MAX,
                admin: None,
            }),
            certificate: CertificateCheck {
                authenticity,
                is_virtual: None,
                digest: None,
            },
            other_root: None,
            location: Location::Socket(format!("/run/{name}.sock").into()),
        };
        (facts, unlocked.map_or(Fit::Able, |(_, fit)| fit))
    }

    const NEWEST: EpochName = EpochName {
        number: 1,
        check: [5; 8],
    };

    fn chosen(candidates: &[(ModuleFacts, Fit)]) -> Result<String, NotFound> {
        choose(candidates).map(|serial| serial.to_string())
    }

    #[test]
    fn the_module_that_fits_is_found_among_others() {
        let all = [
            facts("A", None, Authenticity::Genuine),
            facts("B", Some((9, Fit::OtherGroup)), Authenticity::Genuine),
            facts("C", Some((1, Fit::Able)), Authenticity::Genuine),
            facts("D", Some((1, Fit::Able)), Authenticity::Genuine),
            facts("E", Some((1, Fit::EpochMissing)), Authenticity::Genuine),
        ];
        assert_eq!(chosen(&all), Ok("C".into()));
        let able = [
            facts("B", Some((9, Fit::Able)), Authenticity::Genuine),
            facts("C", Some((1, Fit::Able)), Authenticity::Genuine),
        ];
        assert!(matches!(chosen(&able), Err(NotFound::Several(two)) if two.len() == 2));
    }

    #[test]
    fn each_reason_why_there_is_none_is_told_apart() {
        let locked = facts("A", None, Authenticity::Genuine);
        let other = facts("B", Some((9, Fit::OtherGroup)), Authenticity::Genuine);
        let old = facts("C", Some((1, Fit::EpochMissing)), Authenticity::Genuine);
        let gone = facts("F", Some((1, Fit::Gone)), Authenticity::Genuine);
        let foreign = facts("D", Some((1, Fit::Able)), Authenticity::ForeignRoot);
        let with = |all: &[&(ModuleFacts, Fit)]| {
            let all: Vec<_> = all.iter().map(|one| (*one).clone()).collect();
            chosen(&all).unwrap_err()
        };
        assert!(matches!(with(&[&locked, &other]), NotFound::Locked(_)));
        assert!(matches!(with(&[&other, &gone]), NotFound::OtherGroup(_)));
        assert!(matches!(with(&[&gone]), NotFound::Absent(_)));
        assert!(matches!(
            with(&[&old, &other, &locked]),
            NotFound::EpochMissing { newest: NEWEST, .. }
        ));
        assert!(matches!(with(&[&foreign]), NotFound::ForeignRoot { .. }));
        let unknown = facts("E", Some((1, Fit::Able)), Authenticity::UnknownRoot);
        assert!(matches!(with(&[&unknown]), NotFound::UnknownRoot { .. }));
    }
}
