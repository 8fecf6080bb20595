//! Which of the modules that are plugged in can do it.

use crate::{
    genuine::Untrusted,
    module::{ConnectedModule, ModuleError},
    survey::{Hidden, ModuleFacts, OtherRoot, Present, Survey},
    text::listed,
};
use hsm_protocol::{EpochName, Serial, Status, file::FileHeader, identity::LockState};

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
#[derive(Clone, Debug, PartialEq, Eq)]
enum Fit {
    /// It can do it; its group.
    Able([u8; 16]),
    /// It is locked, or was locked since the survey.
    Locked,
    /// It is of another group.
    OtherGroup,
    /// It is of the file's group, and lacks its epoch.
    EpochMissing {
        /// Its newest epoch.
        newest: EpochName,
    },
    /// It answered the survey, and could not be asked now: it may be the one.
    Failed(Box<Hidden>),
    /// It was never set up.
    Fresh,
    /// It is not genuine, as far as this computer can tell.
    Untrusted(Untrusted, Option<Box<OtherRoot>>),
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
    /// None is set up.
    #[error("{0} has no Admin PIN yet")]
    Fresh(Serial),
    /// Not genuine, as far as this computer can tell.
    #[error("{serial}: {why}{}", in_brackets(roots.as_deref()))]
    Untrusted {
        /// The module.
        serial: Serial,
        /// Why.
        why: Untrusted,
        /// Both roots, if the module shows one.
        roots: Option<Box<OtherRoot>>,
    },
    /// Unlocked modules of different groups.
    #[error("modules of different groups are unlocked: {}", listed(.0))]
    Several(Vec<Serial>),
}

/// Finds a module that can do it: the named one, or the first. The survey may be some time ago: what happened to its
/// modules since then is told.
pub fn find<'a>(
    survey: &'a mut Survey,
    named: Option<Serial>,
    need: Need,
) -> Result<&'a mut Present, NotFound> {
    let serial = decide(survey, named, need)?;
    let mut modules = survey.modules.iter_mut();
    modules
        .find(|present| present.facts.serial == serial)
        .ok_or(NotFound::Absent(serial))
}

/// Finds a module that can do it, and leaves the others.
pub fn take(mut survey: Survey, named: Option<Serial>, need: Need) -> Result<Present, NotFound> {
    let serial = decide(&mut survey, named, need)?;
    survey.take(serial).ok_or(NotFound::Absent(serial))
}

fn decide(survey: &mut Survey, named: Option<Serial>, need: Need) -> Result<Serial, NotFound> {
    if let Some(serial) = named.filter(|serial| survey.is_duplicate(*serial)) {
        return Err(NotFound::DuplicateSerial(serial));
    }
    let mut candidates = Vec::new();
    for present in &mut survey.modules {
        let serial = present.facts.serial;
        if named.is_some_and(|named| named != serial) {
            continue;
        }
        match (need, need.fit(&present.facts, &mut present.module)) {
            (Need::File(_), Fit::Able(_)) => return Ok(serial),
            // Setting it up makes a new team.
            (Need::File(_) | Need::Group(_), Fit::Fresh) if named.is_none() => {}
            (_, fit) => candidates.push((serial, fit)),
        }
    }
    if !candidates.is_empty() {
        return choose(candidates);
    }
    let none = || named.map_or(NotFound::NoModule, NotFound::Absent);
    let hidden = survey.hiding().of(named);
    Err(hidden.map_or_else(none, |hidden| {
        NotFound::Hidden(Box::new(match named {
            Some(serial) => hidden.within(serial),
            None => hidden,
        }))
    }))
}

fn in_brackets(roots: Option<&OtherRoot>) -> String {
    roots.map_or_else(String::new, |roots| format!(" ({roots})"))
}

/// Chooses one of at least one module, or says what comes closest to one that can do it.
fn choose(candidates: Vec<(Serial, Fit)>) -> Result<Serial, NotFound> {
    let (mut able, mut locked, mut others) = (Vec::new(), Vec::new(), Vec::new());
    let (mut closest, mut unusable) = (None, None);
    for (serial, fit) in candidates {
        match fit {
            Fit::Able(group) => able.push((serial, group)),
            Fit::Locked => locked.push(serial),
            Fit::OtherGroup => others.push(serial),
            Fit::EpochMissing { newest } => {
                closest = Some(NotFound::EpochMissing { serial, newest });
            }
            Fit::Failed(hidden) => {
                closest.get_or_insert(NotFound::Hidden(hidden));
            }
            Fit::Fresh => {
                unusable.get_or_insert(NotFound::Fresh(serial));
            }
            Fit::Untrusted(why, roots) => {
                unusable.get_or_insert(NotFound::Untrusted { serial, why, roots });
            }
        }
    }
    if let Some((serial, group)) = able.first() {
        return if able.iter().all(|(_, other)| other == group) {
            Ok(*serial)
        } else {
            let serials = able.into_iter().map(|(serial, _)| serial);
            Err(NotFound::Several(serials.collect()))
        };
    }
    Err(if let Some(closest) = closest {
        closest
    } else if !locked.is_empty() {
        NotFound::Locked(locked)
    } else if !others.is_empty() {
        NotFound::OtherGroup(others)
    } else {
        unusable.unwrap_or(NotFound::NoModule)
    })
}

impl Need<'_> {
    /// Returns how a module fits. Only one that is genuine and was unlocked is asked.
    fn fit(self, facts: &ModuleFacts, module: &mut ConnectedModule) -> Fit {
        if let Err(why) = facts.certificate.authenticity.check() {
            return Fit::Untrusted(why, facts.other_root.clone().map(Box::new));
        }
        let status = match (facts.lock, facts.status) {
            (LockState::Shipment | LockState::Reset, _) => return Fit::Fresh,
            (LockState::Unlocked, Some(status)) => status,
            (LockState::Locked | LockState::Unlocked, _) => return Fit::Locked,
        };
        match self {
            Self::Any => Fit::Able(status.group),
            Self::Group(group) if group == status.group => Fit::Able(group),
            Self::Group(_) => Fit::OtherGroup,
            Self::File(header) => match module.file_identify(header) {
                Ok(whose) => Fit::Able(whose.group),
                Err(ModuleError::Refused(Status::NotFound)) => Fit::OtherGroup,
                Err(ModuleError::Refused(Status::EpochMissing)) => Fit::EpochMissing {
                    newest: status.epoch,
                },
                Err(ModuleError::Refused(Status::Locked)) => Fit::Locked,
                Err(error) => {
                    let hidden = Hidden::new(&facts.location, &error.into_pulled_out());
                    Fit::Failed(Box::new(hidden.within(facts.serial)))
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        genuine::{Authenticity, CertificateCheck},
        test_hub::Scripted,
        transport::{Location, TransportError},
    };
    use hsm_protocol::settings::{EncryptionMode, ModuleStatus, Role};

    const NEWEST: EpochName = EpochName {
        number: 1,
        check: [5; 8],
    };

    fn serial(name: &str) -> Serial {
        name.parse().unwrap()
    }

    fn location() -> Location {
        Location::Socket("/run/A.sock".into())
    }

    fn failed() -> Fit {
        let error = TransportError::PulledOut {
            location: location(),
        };
        Fit::Failed(Box::new(Hidden::new(&location(), &error.into())))
    }

    fn chosen(candidates: &[(&str, &Fit)]) -> Result<String, NotFound> {
        let candidates = candidates.iter();
        let candidates = candidates.map(|(name, fit)| (serial(name), (*fit).clone()));
        choose(candidates.collect()).map(|serial| serial.to_string())
    }

    #[test]
    fn the_module_that_fits_is_found_among_others() {
        let old = Fit::EpochMissing { newest: NEWEST };
        let all = [
            ("A", &Fit::Locked),
            ("B", &Fit::OtherGroup),
            ("C", &Fit::Able([1; 16])),
            ("D", &Fit::Able([1; 16])),
            ("E", &old),
            ("F", &failed()),
        ];
        assert_eq!(chosen(&all), Ok("C".into()));
        let able = [("B", &Fit::Able([9; 16])), ("C", &Fit::Able([1; 16]))];
        assert!(matches!(chosen(&able), Err(NotFound::Several(two)) if two.len() == 2));
    }

    #[test]
    fn what_comes_closest_is_told() {
        let foreign = Fit::Untrusted(Untrusted::ForeignRoot, None);
        // Each before those behind it.
        let closest = [
            Fit::EpochMissing { newest: NEWEST },
            failed(),
            Fit::Locked,
            Fit::OtherGroup,
            Fit::Fresh,
        ];
        let told = |fits: &[Fit]| {
            let fits: Vec<_> = fits.iter().rev().map(|fit| ("A", fit)).collect();
            chosen(&fits).unwrap_err()
        };
        assert!(matches!(told(&closest), NotFound::EpochMissing { .. }));
        assert!(matches!(told(&closest[1..]), NotFound::Hidden(_)));
        assert!(matches!(told(&closest[2..]), NotFound::Locked(_)));
        assert!(matches!(told(&closest[3..]), NotFound::OtherGroup(_)));
        assert!(matches!(told(&closest[4..]), NotFound::Fresh(_)));
        assert!(matches!(told(&[foreign]), NotFound::Untrusted { .. }));
    }

    /// How a module fits that was genuine and unlocked when it was surveyed, and gives that answer now.
    fn asked(answer: Vec<u8>) -> Fit {
        let facts = ModuleFacts {
            serial: serial("A"),
            firmware: [0, 1, 0],
            lock: LockState::Unlocked,
            status: Some(ModuleStatus {
                role: Role::User,
                group: [1; 16],
                epoch: NEWEST,
                mode: EncryptionMode::Xts,
                auto_lock: None,
                policy: None,
                releases_keys: true,
                writes_left: u32::MAX,
                admin: None,
            }),
            certificate: CertificateCheck {
                authenticity: Authenticity::Genuine,
                is_virtual: None,
                digest: None,
            },
            other_root: None,
            location: location(),
        };
        let header = FileHeader {
            mode: hsm_protocol::file::FileMode::Fast,
            salt: [0; 32],
            group: hsm_protocol::file::HeaderTag::default(),
            epoch: hsm_protocol::file::HeaderTag::default(),
            chunk_size: 64,
        };
        Need::File(&header).fit(&facts, &mut Scripted::module(vec![answer]))
    }

    #[test]
    fn what_happened_to_a_module_since_it_was_surveyed_is_told() {
        assert_eq!(asked(vec![0x69, 0x82]), Fit::Locked);
        assert_eq!(asked(vec![0x6A, 0x88]), Fit::OtherGroup);
        // What failed survives to the message, and so does which module it was.
        let Fit::Failed(hidden) = asked(vec![]) else {
            panic!("it failed");
        };
        let problem = hidden.problem();
        assert_eq!(problem.reason, crate::problem::Reason::Incompatible);
        assert!(problem.subject.starts_with("A: "), "{problem:?}");
    }
}
