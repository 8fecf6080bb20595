//! What a master does for a module that is elsewhere: it checks the letterbox as it would check an Offer, and seals in one
//! message what it lets go.

use super::super::{
    Refusal, check_pair, internal_error,
    master::{Master, MasterCycle},
    peer_error,
    release::{Receiver, release},
    signed::verify_letterbox,
    transcript::Transcript,
};
use crate::{
    crypto::{Provider, self_test},
    platform::Board,
    presented::{Allowed, Way},
    vault::{
        csp::{
            epochs::EpochContents,
            letter_key::LetterKey,
            parcel::ParcelContents,
            shared::{EcdhShared, KemShared},
        },
        journal::Journal,
    },
};
use hsm_protocol::{
    EcPoint, EpochName, Serial,
    certificate::{Chain, Genuine, Root},
    cloning::{Condition, KEM, Permission, TAG, Terms},
    letter::{Addressee, Letter, LetterHead, Letterbox},
    receipt::Party,
    writer::Writer,
};
use zeroize::Zeroizing;

/// Writes a letter that makes a clone of the module with that letterbox.
pub(crate) fn join<B: Board>(
    master: &mut Master<'_, B>,
    cycle: &MasterCycle,
    letterbox: &[u8],
    out: &mut Writer<'_>,
) -> Result<(), Refusal> {
    let letterbox = Letterbox::parse(letterbox)?;
    write(master, cycle, &letterbox, None, out)
}

/// Writes a letter that brings a member the group's epochs. Both have the shared epoch.
pub(crate) fn epochs<B: Board>(
    master: &mut Master<'_, B>,
    cycle: &MasterCycle,
    shared: EpochName,
    letterbox: &[u8],
    out: &mut Writer<'_>,
) -> Result<(), Refusal> {
    let letterbox = Letterbox::parse(letterbox)?;
    write(master, cycle, &letterbox, Some(shared), out)
}

fn write<B: Board>(
    master: &mut Master<'_, B>,
    cycle: &MasterCycle,
    letterbox: &Letterbox<'_>,
    shared_epoch: Option<EpochName>,
    out: &mut Writer<'_>,
) -> Result<(), Refusal> {
    let device = master.store.device();
    let root = device.root.clone();
    let genuine = Root::parse(&root)?.verify::<B::Crypto>(&letterbox.chain)?;
    let own_chain = device.chain.clone();
    let own_chain = Chain::parse(&own_chain)?;
    check(master, &own_chain, &genuine, letterbox)?;
    if shared_epoch.is_some() && !may_rekey(master) {
        return Err(Refusal::NotRekeyingMaster);
    }

    let to = genuine.serial();
    let permission = permission(master, cycle, (shared_epoch, to))?;
    let keyring = &master.csps.keyring;
    let head = LetterHead {
        to: Addressee {
            serial: genuine.serial(),
            number: letterbox.number,
            letterbox: Letterbox::hash::<B::Crypto>(letterbox.fields),
        },
        group: *keyring.group(),
        epoch: keyring.current().name,
        shared_epoch,
    };
    let mut key = LetterKey::default();
    let transcript = agree(master, letterbox, &head, &own_chain, &mut key, out)?;
    let terms = cycle.terms(permission);
    let receiver = Receiver {
        transcript,
        terms,
        condition: shared_epoch.map_or(letterbox.condition, |_epoch| Condition::Member),
        party: Party {
            serial: genuine.serial(),
            certificate: *genuine.hash(),
        },
    };
    let mut sealed = [0; 2 + LONGEST + TAG];
    let mut writer = Writer::new(&mut sealed);
    let allows = |master: &Master<'_, B>, journal: &Journal| {
        allowed(master, cycle, journal, (shared_epoch, to))
    };
    release(master, &receiver, allows, |master, number, token| {
        seal_contents(master, &head, &terms, (number, token), |plain| {
            let tag = key.seal::<B::Crypto>(transcript.hash(), plain);
            let tag = tag.map_err(internal_error)?;
            let len = plain.len().saturating_add(tag.len());
            writer.u16(u16::try_from(len).map_err(|_overlong| Refusal::Malformed)?)?;
            writer.bytes(plain)?;
            Ok(writer.bytes(&tag)?)
        })
    })?;
    let sealed = writer.written();
    let message =
        Letter::signed::<B::Crypto>(transcript.hash(), sealed.get(2..).unwrap_or_default());
    let rng = &mut master.platform.rng;
    let signature = master.signer.sign(rng, &message).map_err(internal_error)?;
    out.bytes(sealed)?;
    Ok(out.bytes(&signature)?)
}

/// Returns by what permission the letter is written. The journal that this looks at does not stay on the stack.
#[inline(never)]
fn permission<B: Board>(
    master: &Master<'_, B>,
    cycle: &MasterCycle,
    to: (Option<EpochName>, Serial),
) -> Result<Permission, Refusal> {
    let mut journal = Journal::default();
    master.open_journal(&mut journal)?;
    Ok(allowed(master, cycle, &journal, to)?.permission)
}

/// Returns what allows the letter. What a member gets was allowed when it was made.
fn allowed<B: Board>(
    master: &Master<'_, B>,
    cycle: &MasterCycle,
    journal: &Journal,
    (shared_epoch, to): (Option<EpochName>, Serial),
) -> Result<Allowed, Refusal> {
    match shared_epoch {
        Some(_) => Ok(Allowed::before(journal.ledger.warrant())),
        None => master.allowed(cycle, journal, (Way::Letter, to)),
    }
}

/// Checks whose letterbox it is.
fn check<B: Board>(
    master: &Master<'_, B>,
    own: &Chain<'_>,
    genuine: &Genuine<'_>,
    letterbox: &Letterbox<'_>,
) -> Result<(), Refusal> {
    check_pair(own, genuine)?;
    if master.csps.keyring.team().is_retired(genuine.serial()) {
        return Err(Refusal::Retired);
    }
    verify_letterbox::<B::Crypto>(genuine, letterbox)
}

/// Returns whether this master's group names it as one that re-keys.
fn may_rekey<B: Board>(master: &Master<'_, B>) -> bool {
    let certificate = master.store.device().certificate::<B::Crypto>();
    certificate.is_some_and(|own| master.csps.keyring.team().may_rekey(&own))
}

/// Agrees on the letter's key, and writes what is not sealed.
fn agree<B: Board>(
    master: &mut Master<'_, B>,
    letterbox: &Letterbox<'_>,
    head: &LetterHead,
    own_chain: &Chain<'_>,
    key: &mut LetterKey,
    out: &mut Writer<'_>,
) -> Result<Transcript, Refusal> {
    let keyring = &master.csps.keyring;
    let shared = match head.shared_epoch {
        None => None,
        Some(name) => Some(keyring.epoch(name).ok_or(Refusal::NotFound)?),
    };
    let rng = &mut master.platform.rng;
    let (mut ecdh, mut kem) = (EcdhShared::empty(), KemShared::default());
    let mut ephemeral = <B::Crypto as Provider>::EcdhSecret::default();
    let share: EcPoint =
        self_test::ecdh_generate::<B::Crypto>(rng, &mut ephemeral).map_err(internal_error)?;
    ecdh.agree::<B::Crypto>(&ephemeral, letterbox.ecdh)
        .map_err(peer_error)?;
    let mut ciphertext = [0; KEM];
    kem.encapsulate::<B::Crypto>(rng, letterbox.kem, &mut ciphertext)
        .map_err(peer_error)?;
    Letter::write_open(out, head, (&share, &ciphertext), own_chain)?;
    let transcript = Transcript::of_letter::<B::Crypto>(out.written());
    let shared = shared.map(|epoch| &epoch.key);
    key.derive::<B::Crypto>(&ecdh, &kem, shared, transcript.hash())
        .map_err(internal_error)?;
    Ok(transcript)
}

/// The longer of the two plaintexts of a letter.
const LONGEST: usize = Terms::SIZE + ParcelContents::SIZE;
const _: () = assert!(
    EpochContents::SIZE <= ParcelContents::SIZE,
    "the longer one"
);

/// Writes terms and contents, lets `seal` seal them in place, and wipes them.
fn seal_contents<B: Board>(
    master: &Master<'_, B>,
    head: &LetterHead,
    terms: &Terms,
    (number, token): (u64, &[u8; 48]),
    seal: impl FnOnce(&mut [u8]) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    let mut plain = Zeroizing::new([0; LONGEST]);
    let mut writer = Writer::new(plain.as_mut_slice());
    writer.bytes(&terms.to_bytes()?)?;
    let csps = &master.csps;
    match head.shared_epoch {
        None => {
            let (device, options) = (master.store.device(), terms.cycle.options);
            ParcelContents::write(&mut writer, number, device, csps, options, token)?;
        }
        Some(_) => EpochContents::write(&mut writer, number, &csps.keyring, token)?,
    }
    let len = writer.written().len();
    seal(plain.get_mut(..len).ok_or(Refusal::Fault)?)
}
