//! The next epoch of a group (PROTOCOL § 2.12): it enciphers from now on, the others only decipher, and modules that were
//! lost are retired.

use super::file::Files;
use crate::{
    asking::Act,
    crypto::CryptoError,
    platform::{Board, Platform},
    state::{AdminSession, Session},
    time::Millis,
    vault::{
        journal::Journal,
        store::{NotStored, Store},
        team::{Full, Team},
    },
};
use hsm_protocol::{
    Sha384Digest, Status,
    rekey::{Rekey, Rekeyed},
    writer::Writer,
};

/// Makes the next epoch, once a person allowed it. Everything else is checked before a person is asked.
///
/// Cycle and files that are under way end: what was begun in the old epoch, perhaps with a module that is retired now,
/// is not finished in it.
pub(crate) fn rekey<B: Board>(
    request: &Rekey<'_>,
    command: &Sha384Digest,
    (platform, store): (&mut Platform<B>, &mut Store),
    admin: &mut AdminSession<B::Crypto>,
    now: Millis,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let team = next_team(request, platform, store, &admin.session)?;
    store.check_wear(platform)?;
    let _confirmed = admin.asking.confirmed(Act::Rekey, command, now)?;

    admin.cycle = None;
    admin.files = Files::default();
    let Session { kek, csps } = &mut admin.session;
    let dropped = csps.keyring.replaced();
    // From here on a failure leaves the session with keys that are not stored: it stops the module.
    csps.keyring
        .advance::<B::Crypto>(&mut platform.rng, team)
        .map_err(|CryptoError| Status::MemoryFailure)?;
    let mut journal = Journal::default();
    store
        .image()
        .open_journal::<B::Crypto>(kek, &mut journal)
        .map_err(NotStored::from)?;
    store
        .seal_anew(platform, kek, csps, &journal)
        .map_err(|_not_stored| Status::MemoryFailure)?;
    let epoch = csps.keyring.current().name;
    Ok(Rekeyed { epoch, dropped }.write(out)?)
}

/// Returns the team after the re-key, if this module may make it.
fn next_team<B: Board>(
    request: &Rekey<'_>,
    platform: &Platform<B>,
    store: &Store,
    session: &Session,
) -> Result<Team, Status> {
    let certificate = store.device().certificate::<B::Crypto>();
    let certificate = certificate.ok_or(Status::NotCertified)?;
    let keyring = &session.csps.keyring;
    if !keyring.team().may_rekey(&certificate) {
        return Err(Status::NotRekeyingMaster);
    }
    if !session.csps.settings.cloning {
        return Err(Status::CloningDisabled);
    }
    if request.retired().any(|serial| serial == platform.serial) {
        return Err(Status::SameModule);
    }
    let team = keyring.team().retiring(request.retired());
    let team = team.map_err(|Full| Status::TooLarge)?;
    if keyring.replaced().is_some() && !request.may_drop {
        return Err(Status::EpochsFull);
    }
    Ok(team)
}
