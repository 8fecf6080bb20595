//! Which of the modules that are plugged in can do it.

use crate::{
    genuine::Authenticity,
    module::ConnectedModule,
    survey::{Hidden, ModuleFacts, OtherRoot, Survey},
    text::{hex, listed},
};
use hsm_protocol::{Serial, identity::LockState, settings::ModuleStatus};

/// What a module is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// To encrypt: a module of any group.
    Any,
    /// To decrypt what was encrypted in this group and epoch.
    Key {
        /// The group.
        group: [u8; 16],
        /// The epoch.
        epoch: u32,
    },
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
    #[error("no unlocked module belongs to the file's group {group}; unlocked: {}", listed(.others))]
    OtherGroup {
        /// The file's group, in hexadecimal digits.
        group: String,
        /// The unlocked modules.
        others: Vec<Serial>,
    },
    /// Of its group, but cloned before that epoch began.
    #[error("{serial} holds keys up to epoch {newest}, and the file needs epoch {epoch}")]
    LaterEpoch {
        /// The module.
        serial: Serial,
        /// Its newest epoch.
        newest: u32,
        /// The file's.
        epoch: u32,
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
    let is_candidate = |facts: &&ModuleFacts| named.is_none_or(|serial| serial == facts.serial);
    let candidates: Vec<ModuleFacts> = survey
        .modules
        .iter()
        .map(|present| &present.facts)
        .filter(is_candidate)
        .cloned()
        .collect();
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
    let serial = choose(&candidates, need)?;
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

fn choose(candidates: &[ModuleFacts], need: Need) -> Result<Serial, NotFound> {
    let is_trusted = |facts: &&ModuleFacts| facts.is_genuine();
    let unlocked = || {
        let trusted = candidates.iter().filter(is_trusted);
        trusted.filter_map(|facts| Some((facts.serial, facts.status?)))
    };
    let able: Vec<_> = unlocked()
        .filter(|(_, status)| need.is_met_by(status))
        .collect();
    if let Some((serial, status)) = able.first() {
        let is_one_group = able.iter().all(|(_, other)| other.group == status.group);
        return if is_one_group {
            Ok(*serial)
        } else {
            Err(NotFound::Several(serials(
                able.iter().map(|(serial, _)| *serial),
            )))
        };
    }
    if let Need::Key { group, epoch } = need
        && let Some((serial, status)) = unlocked().find(|(_, status)| status.group == group)
    {
        return Err(NotFound::LaterEpoch {
            serial,
            newest: status.epoch,
            epoch,
        });
    }
    let locked = candidates
        .iter()
        .filter(is_trusted)
        .filter(|facts| facts.lock == LockState::Locked)
        .map(|facts| facts.serial);
    let locked = serials(locked);
    if !locked.is_empty() {
        return Err(NotFound::Locked(locked));
    }
    if let (Need::Key { group, .. }, true) = (need, unlocked().next().is_some()) {
        return Err(NotFound::OtherGroup {
            group: hex(&group),
            others: serials(unlocked().map(|(serial, _)| serial)),
        });
    }
    let Some(facts) = candidates.iter().find(|facts| !is_trusted(facts)) else {
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

impl Need {
    fn is_met_by(self, status: &ModuleStatus) -> bool {
        match self {
            Self::Any => true,
            Self::Key { group, epoch } => status.group == group && epoch <= status.epoch,
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

    const KEY: Need = Need::Key {
        group: [1; 16],
        epoch: 2,
    };

    /// A module: its name, its group and newest epoch if it is unlocked.
    fn facts(name: &str, unlocked: Option<(u8, u32)>, authenticity: Authenticity) -> ModuleFacts {
        ModuleFacts {
            serial: name.parse().unwrap(),
            firmware: [0, 1, 0],
            lock: unlocked.map_or(LockState::Locked, |_| LockState::Unlocked),
            status: unlocked.map(|(group, epoch)| ModuleStatus {
                role: Role::User,
                group: [group; 16],
                epoch,
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
        }
    }

    fn chosen(candidates: &[ModuleFacts], need: Need) -> Result<String, NotFound> {
        choose(candidates, need).map(|serial| serial.to_string())
    }

    #[test]
    fn the_module_of_the_files_group_is_found_among_others() {
        let all = [
            facts("A", None, Authenticity::Genuine),
            facts("B", Some((9, 5)), Authenticity::Genuine),
            facts("C", Some((1, 2)), Authenticity::Genuine),
            facts("D", Some((1, 3)), Authenticity::Genuine),
        ];
        assert_eq!(chosen(&all, KEY), Ok("C".into()));
        assert!(
            matches!(chosen(&all, Need::Any), Err(NotFound::Several(three)) if three.len() == 3)
        );
        assert_eq!(chosen(&all[2..], Need::Any), Ok("C".into()));
    }

    #[test]
    fn each_reason_why_there_is_none_is_told_apart() {
        let locked = facts("A", None, Authenticity::Genuine);
        let other = facts("B", Some((9, 5)), Authenticity::Genuine);
        let old = facts("C", Some((1, 1)), Authenticity::Genuine);
        let foreign = facts("D", Some((1, 2)), Authenticity::ForeignRoot);
        let with = |all: &[&ModuleFacts]| {
            let all: Vec<_> = all.iter().map(|facts| (*facts).clone()).collect();
            chosen(&all, KEY).unwrap_err()
        };
        assert!(matches!(with(&[&locked, &other]), NotFound::Locked(_)));
        assert!(matches!(with(&[&other]), NotFound::OtherGroup { .. }));
        assert!(matches!(
            with(&[&old, &other]),
            NotFound::LaterEpoch {
                newest: 1,
                epoch: 2,
                ..
            }
        ));
        assert!(matches!(with(&[&foreign]), NotFound::ForeignRoot { .. }));
        let unknown = facts("E", Some((1, 2)), Authenticity::UnknownRoot);
        assert!(matches!(with(&[&unknown]), NotFound::UnknownRoot { .. }));
    }
}
