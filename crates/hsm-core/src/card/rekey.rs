//! What changes a group for all its members: the next epoch (PROTOCOL § 2.12), which enciphers from now on, while the others
//! only decipher, and modules that were lost are retired; and the policy (§ 6.1).

use super::{file::Files, open_journal};
use crate::{
    asking::Act,
    crypto::CryptoError,
    platform::{Board, Platform},
    presented::Here,
    state::{AdminSession, Session},
    time::Millis,
    vault::{
        journal::Journal,
        store::Store,
        team::{Full, Team},
    },
};
use hsm_protocol::{
    Serial, Sha384Digest, Status,
    policy::Policy,
    rekey::{Rekey, Rekeyed},
    writer::Writer,
};

/// Makes the next epoch, once a person allowed it. Everything else is checked before a person is asked.
///
/// Cycle and files that are under way end: what was begun in the old epoch, perhaps with a module that is retired now,
/// is not finished in it.
#[inline(never)]
pub(crate) fn rekey<B: Board>(
    request: &Rekey<'_>,
    command: &Sha384Digest,
    (platform, store): (&mut Platform<B>, &mut Store),
    admin: &mut AdminSession<B::Crypto>,
    now: Millis,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let mut journal = Journal::default();
    let session = &admin.session;
    open_journal::<B>(store, &session.kek, &mut journal)?;
    let here = here::<B>(store, session, &journal)?;
    let team = next_team(request, platform.serial, &here, session)?;
    let allowed = session
        .presented
        .allows_rekey::<B::Crypto>(&here, request)?;
    store.check_wear(platform)?;
    let _confirmed = admin.asking.confirmed(Act::Rekey, command, now)?;

    admin.cycle = None;
    admin.files = Files::default();
    let Session { kek, csps, .. } = &mut admin.session;
    let dropped = csps.keyring.replaced();
    // From here on a failure leaves the session with keys that are not stored: it stops the module.
    csps.keyring
        .advance::<B::Crypto>(&mut platform.rng, team)
        .map_err(|CryptoError| Status::MemoryFailure)?;
    // Its ticket is for the epoch that ends: no entry is needed.
    journal.ledger.end_epoch();
    journal.ledger.set_warrant(allowed.permission);
    store
        .seal_anew(platform, kek, csps, &journal)
        .map_err(|_not_stored| Status::MemoryFailure)?;
    let epoch = csps.keyring.current().name;
    Ok(Rekeyed { epoch, dropped }.write(out)?)
}

/// Gives the group a policy, once a person allowed it. What is begun ends: another policy may not allow it.
#[inline(never)]
pub(crate) fn policy<B: Board>(
    policy: &Policy<'_>,
    command: &Sha384Digest,
    (platform, store): (&mut Platform<B>, &mut Store),
    admin: &mut AdminSession<B::Crypto>,
    now: Millis,
) -> Result<(), Status> {
    let mut journal = Journal::default();
    let session = &admin.session;
    open_journal::<B>(store, &session.kek, &mut journal)?;
    let here = here::<B>(store, session, &journal)?;
    may_change(&here, session)?;
    let allowed = session
        .presented
        .allows_policy::<B::Crypto>(&here, policy)?;
    let team = here.keyring.team().with_policy(policy)?;
    store.check_wear(platform)?;
    let _confirmed = admin.asking.confirmed(Act::Policy, command, now)?;

    admin.cycle = None;
    let Session { kek, csps, .. } = &mut admin.session;
    allowed.spend(&mut journal.ledger)?;
    journal.ledger.set_warrant(allowed.permission);
    csps.keyring.set_team(team);
    // From here on a failure leaves the session with a policy that is not stored: it stops the module.
    store
        .seal_anew(platform, kek, csps, &journal)
        .map_err(|_not_stored| Status::MemoryFailure)
}

/// Returns what a ticket must be for.
fn here<'a, B: Board>(
    store: &Store,
    session: &'a Session,
    journal: &'a Journal,
) -> Result<Here<'a>, Status> {
    let certificate = store.device().certificate::<B::Crypto>();
    Ok(Here {
        keyring: &session.csps.keyring,
        certificate: certificate.ok_or(Status::NotCertified)?,
        ledger: &journal.ledger,
    })
}

/// Checks that this module may change the group, for all its members.
fn may_change(here: &Here<'_>, session: &Session) -> Result<(), Status> {
    if !here.keyring.team().may_rekey(&here.certificate) {
        return Err(Status::NotRekeyingMaster);
    }
    if !session.csps.settings.cloning {
        return Err(Status::CloningDisabled);
    }
    Ok(())
}

/// Returns the team after the re-key, if this module may make it.
fn next_team(
    request: &Rekey<'_>,
    own: Serial,
    here: &Here<'_>,
    session: &Session,
) -> Result<Team, Status> {
    let keyring = &session.csps.keyring;
    may_change(here, session)?;
    if request.retired().any(|serial| serial == own) {
        return Err(Status::SameModule);
    }
    let team = keyring.team().retiring(request.retired());
    let team = team.map_err(|Full| Status::TooLarge)?;
    if keyring.replaced().is_some() && !request.may_drop {
        return Err(Status::EpochsFull);
    }
    Ok(team)
}
