//! Asking the modules, many at a time: who they are, and what they say of themselves.

use super::{ModuleFacts, OtherRoot, Present, Survey, sort};
use crate::{
    discovery::Connector,
    genuine::{Authenticity, CertificateCheck, TrustedRoot},
    module::{ConnectedModule, ModuleError},
    receipt::SignedReceipt,
    transport::{self, Location, TransportError},
};
use hsm_protocol::{
    Status,
    certificate::Chain,
    identity::{Identity, LockState},
};
use pcsc::Error;
use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError, mpsc::channel},
    thread,
    time::{Duration, Instant},
};

/// What to ask for besides identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Nothing.
    Facts,
    /// Each one's last Receipt.
    Receipts,
}

/// Asks every module in `locations`, many at a time.
pub fn survey(
    connector: &dyn Connector,
    locations: BTreeSet<Location>,
    root: Option<&TrustedRoot>,
    depth: Depth,
) -> Survey {
    survey_telling(connector, locations, root, depth, &|_| ())
}

pub(super) fn survey_telling(
    connector: &dyn Connector,
    locations: BTreeSet<Location>,
    root: Option<&TrustedRoot>,
    depth: Depth,
    waits: &dyn Fn(&Location),
) -> Survey {
    transport::allow_connections(locations.len());
    let threads = locations.len().min(AT_ONCE);
    let mut pending = locations.clone();
    let locations = Mutex::new(locations.into_iter());
    let (answered, answers) = channel();
    let next = || {
        locations
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .next()
    };
    let ask_some = || {
        let answered = answered.clone();
        while let Some(location) = next() {
            let answer = ask(connector, &location, root, depth);
            // The other end waits for all.
            drop(answered.send((location, answer)));
        }
    };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(ask_some);
        }
        let mut found = Vec::new();
        let begin = Instant::now();
        let mut is_told = false;
        while !pending.is_empty() {
            let answer = if is_told {
                answers.recv().ok()
            } else {
                let left = WAITS.saturating_sub(begin.elapsed());
                answers.recv_timeout(left).ok()
            };
            match answer {
                Some((location, answer)) => {
                    pending.remove(&location);
                    found.push((location, answer));
                }
                None if is_told => break,
                None => {
                    is_told = true;
                    pending.iter().for_each(waits);
                }
            }
        }
        sort(found)
    })
}

/// After which time it is said who is waited for.
const WAITS: Duration = Duration::from_secs(2);

/// How long a module may take to say who it is, however it answers.
const ASKED: Duration = Duration::from_secs(15);

/// Connects to one location and asks the module there; `None` if another kind of card is there.
pub fn ask(
    connector: &dyn Connector,
    location: &Location,
    root: Option<&TrustedRoot>,
    depth: Depth,
) -> Result<Option<Present>, ModuleError> {
    let transport = match connector.open(location) {
        Ok(transport) => transport,
        // Cards that are no modules are left alone.
        Err(error) if matches!(location, Location::Reader(_)) && !is_worth_telling(&error) => {
            tracing::debug!(%location, %error, "not asked");
            return Ok(None);
        }
        Err(error) => return Err(error.into()),
    };
    let mut module = ConnectedModule::new(transport);
    module.must_answer_by(Some(Instant::now() + ASKED));
    if matches!(location, Location::Reader(_)) && !is_ours(&mut module)? {
        return Ok(None);
    }
    let Identified {
        identity,
        certificate,
        other_root,
        ..
    } = identify(&mut module, root)?;
    let status = match identity.lock {
        LockState::Unlocked => Some(module.status()?),
        LockState::Shipment | LockState::Reset | LockState::Locked => None,
    };
    let facts = ModuleFacts {
        serial: identity.serial,
        firmware: identity.firmware,
        lock: identity.lock,
        status,
        certificate,
        other_root,
        location: location.clone(),
    };
    let receipt = match (depth, root, facts.party()) {
        (Depth::Receipts, Some(root), Some(party)) => module
            .last_receipt()?
            .and_then(|receipt| SignedReceipt::check(receipt, &party, root)),
        _ => None,
    };
    module.must_answer_by(None);
    Ok(Some(Present {
        facts,
        receipt,
        module,
        other: None,
    }))
}

/// Who a module is, as far as this computer can tell.
pub(crate) struct Identified {
    pub(crate) identity: Identity,
    pub(crate) certificate: CertificateCheck,
    other_root: Option<OtherRoot>,
}

/// Asks a module who it is, and checks what it says. If it is not genuine here, says whether it is under its own root.
pub(crate) fn identify(
    module: &mut ConnectedModule,
    root: Option<&TrustedRoot>,
) -> Result<Identified, ModuleError> {
    let answer = module.identity()?;
    let identity = *answer.identity();
    let chain = if identity.certified {
        module.own_chain()?
    } else {
        Vec::new()
    };
    let mut check = CertificateCheck::of(root, &answer, &chain);
    let other = match check.authenticity {
        Authenticity::Genuine | Authenticity::NotCertified => None,
        Authenticity::UnknownRoot | Authenticity::ForeignRoot | Authenticity::NotGenuine => {
            let shown = TrustedRoot::from_der(module.trusted_root()?).ok();
            shown.filter(|shown| {
                let own = CertificateCheck::of(Some(shown), &answer, &chain);
                own.authenticity == Authenticity::Genuine
            })
        }
    };
    if other.is_some() && check.authenticity == Authenticity::NotGenuine {
        // The other root has the name of the one that is trusted.
        check.authenticity = Authenticity::ForeignRoot;
    }
    let other = other.map(|shown| OtherRoot {
        shown,
        trusted: root.cloned(),
    });
    let public = match check.authenticity {
        Authenticity::NotGenuine | Authenticity::NotCertified => None,
        Authenticity::Genuine | Authenticity::UnknownRoot | Authenticity::ForeignRoot => {
            let chain = Chain::parse(&chain).ok();
            chain.map(|chain| *chain.leaf().public())
        }
    };
    if let Some(key) = public {
        // What a relay could change would decide about groups, roles, masters and clones.
        module.demand_signatures(key);
    }
    Ok(Identified {
        identity,
        certificate: check,
        other_root: other,
    })
}

/// Returns whether the card in a reader is a module. A socket is a module's by its name.
fn is_ours(module: &mut ConnectedModule) -> Result<bool, ModuleError> {
    match module.select() {
        Ok(()) => Ok(true),
        Err(ModuleError::Refused(Status::VersionRefused)) => {
            Err(ModuleError::Refused(Status::VersionRefused))
        }
        Err(ModuleError::Transport(error)) if is_worth_telling(&error) => Err(error.into()),
        Err(error) => {
            tracing::debug!(location = %module.location(), %error, "another kind of card");
            Ok(false)
        }
    }
}

/// Returns whether an error may keep a module from being used, rather than say that another kind of card is there.
const fn is_worth_telling(error: &TransportError) -> bool {
    match error {
        TransportError::Absent { .. }
        | TransportError::InUse { .. }
        | TransportError::Reset { .. }
        | TransportError::Silent { .. }
        | TransportError::Io { .. } => true,
        TransportError::Service { source, .. } => {
            !matches!(source, Error::ProtoMismatch | Error::UnsupportedCard)
        }
        TransportError::PulledOut { .. }
        | TransportError::Malformed { .. }
        | TransportError::TooLong { .. } => false,
    }
}

/// How many modules are asked at the same time.
const AT_ONCE: usize = 32;
