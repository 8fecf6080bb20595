//! The commands about tickets (PROTOCOL § 6): a custodian approves one, a host presents it, a master ends it, and a module
//! tells who may do what in its group.

use super::open_journal;
use crate::{
    asking::{Asking, Confirmed},
    cloning::approval::Approver,
    platform::{Board, Platform},
    state::Session,
    time::Millis,
    vault::{csp::module_key::ModuleKey, journal::Journal, ledger::NotUsed, store::Store},
};
use hsm_protocol::{
    Sha384Digest, Status,
    ticket::{Presentation, TicketNumber},
    writer::Writer,
};

/// Signs a ticket, once a person typed its code.
#[inline(never)]
pub(crate) fn approve<B: Board>(
    ticket: &[u8],
    command: &Sha384Digest,
    (platform, store, signer): (&mut Platform<B>, &Store, &ModuleKey<B::Crypto>),
    (session, asking): (&Session, &mut Asking),
    now: Millis,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let approver = Approver {
        device: store.device(),
        keyring: &session.csps.keyring,
    };
    let hash = approver.check::<B::Crypto>(platform.serial, ticket)?;
    let confirmed = asking.approved(&hash, command, now)?;
    Ok(approver.approve(confirmed, (platform, signer), &hash, out)?)
}

/// Takes a ticket with one approval.
#[inline(never)]
pub(crate) fn present<B: Board>(
    presentation: &Presentation<'_>,
    store: &Store,
    session: &mut Session,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let approver = Approver {
        device: store.device(),
        keyring: &session.csps.keyring,
    };
    if !store.device().is_certified() {
        return Err(Status::NotCertified);
    }
    let custodian = approver.verify::<B::Crypto>(presentation)?;
    session.presented.take(presentation.ticket, &custodian);
    let agreed = session.presented.agreed(session.csps.keyring.team());
    Ok(agreed.write(out)?)
}

/// Writes who may do what in the group, and which tickets this module used.
#[inline(never)]
pub(crate) fn team<B: Board>(
    store: &Store,
    session: &Session,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let mut journal = Journal::default();
    open_journal::<B>(store, &session.kek, &mut journal)?;
    out.bytes(journal.ledger.name())?;
    session.csps.keyring.team().write_answer(out)?;
    Ok(journal.ledger.write_used(out)?)
}

/// Ends a ticket, as a person allowed.
#[inline(never)]
pub(crate) fn withdraw<B: Board>(
    _: Confirmed,
    number: &TicketNumber,
    (platform, store): (&mut Platform<B>, &mut Store),
    session: &mut Session,
) -> Result<(), Status> {
    let Session { kek, csps, .. } = session;
    let mut journal = Journal::default();
    open_journal::<B>(store, kek, &mut journal)?;
    let withdrawn = journal.ledger.withdraw(number);
    withdrawn.map_err(|reason| match reason {
        NotUsed::UsedUp => Status::TicketUsed,
        NotUsed::Full => Status::TooLarge,
    })?;
    Ok(store.seal_anew(platform, kek, csps, &journal)?)
}
