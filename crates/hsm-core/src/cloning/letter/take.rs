//! What a module does with a letter: it checks who wrote it and that it is for its letterbox, opens it, and stores what it
//! brings together with the next letterbox.

use super::{
    super::{
        Refusal, check_pair,
        commit::{Agreement, By},
        internal_error, peer_error,
        secondary::{Retained, Secondary},
        signed::{SignedLetter, SignedTerms},
        transcript::Transcript,
    },
    own_fields,
};
use crate::{
    asking::Confirmed,
    platform::Board,
    presented::Presented,
    vault::{
        csp::{
            contents::Csps,
            epochs::EpochContents,
            kek::Kek,
            keyring::{EpochKey, Keyring},
            letter_key::LetterKey,
            letterbox::LetterboxKeys,
            parcel::ParcelContents,
            shared::{EcdhShared, KemShared},
        },
        team::Team,
    },
};
use hsm_protocol::{
    Malformed,
    certificate::{Chain, Genuine, Root},
    cloning::{Condition, Terms},
    letter::{Addressee, Letter, LetterKind, Letterbox},
    reader::Reader,
    writer::Writer,
};
use zeroize::Zeroizing;

/// Takes a letter that makes this module a clone. Then it is to be locked, as after a Parcel.
#[inline(never)]
pub(crate) fn join<B: Board>(
    _: Confirmed,
    module: &mut Secondary<'_, B>,
    retained: Option<&Retained<'_>>,
    letter: &[u8],
    out: &mut Writer<'_>,
) -> Result<(), Refusal> {
    let letter = parse(LetterKind::Join, letter)?;
    let keyring = retained.map(|retained| &retained.csps.keyring);
    let mut plain = Zeroizing::new([0; Terms::SIZE + ParcelContents::SIZE]);
    let terms = open(module, &letter, keyring, plain.as_mut_slice())?;
    let mut contents = ParcelContents::default();
    contents.fill(plain.get(Terms::SIZE..).unwrap_or_default())?;
    check_keyring(&letter, &contents.keyring)?;
    let condition = module.store.device().condition();
    agreement::<B>(&letter, terms, condition).become_clone(module, retained, &contents, out)
}

/// Takes a letter that brings a member its group's epochs. The session goes on with them.
#[inline(never)]
pub(crate) fn epochs<B: Board>(
    module: &mut Secondary<'_, B>,
    (kek, csps): (&mut Kek, &mut Csps),
    presented: &Presented,
    letter: &[u8],
    out: &mut Writer<'_>,
) -> Result<(), Refusal> {
    let letter = parse(LetterKind::Epoch, letter)?;
    let mut plain = Zeroizing::new([0; Terms::SIZE + EpochContents::SIZE]);
    let keyring = Some(&csps.keyring);
    let terms = open(module, &letter, keyring, plain.as_mut_slice())?;
    let mut contents = EpochContents::default();
    contents.fill(plain.get(Terms::SIZE..).unwrap_or_default())?;
    check_keyring(&letter, &contents.keyring)?;
    csps.keyring.check_next(&contents.keyring)?;
    let by = (&terms.master().certificate, terms.terms().permission);
    presented.warrants::<B::Crypto>(&csps.keyring, &contents.keyring, by)?;
    agreement::<B>(&letter, terms, Condition::Member).update_member(
        module,
        (kek, csps),
        &contents,
        out,
    )
}

/// Reads a letter of that kind.
fn parse(kind: LetterKind, bytes: &[u8]) -> Result<Letter<'_>, Refusal> {
    let letter = Letter::parse(bytes)?;
    if letter.head.kind() == kind {
        Ok(letter)
    } else {
        Err(Refusal::Malformed)
    }
}

/// Checks who wrote the letter and whose it is, and opens it into `plain`. Returns the terms. The keyring is that of a
/// module in use.
fn open<B: Board>(
    module: &Secondary<'_, B>,
    letter: &Letter<'_>,
    keyring: Option<&Keyring>,
    plain: &mut [u8],
) -> Result<SignedTerms, Refusal> {
    let device = module.store.device();
    let master = Root::parse(&device.root)?.verify::<B::Crypto>(&letter.chain)?;
    let team = keyring.map(Keyring::team);
    check_writer(letter, team, &Chain::parse(&device.chain)?, &master)?;
    let transcript = Transcript::of_letter::<B::Crypto>(letter.open);
    let signed = SignedLetter::verify::<B::Crypto>(&master, &transcript, letter)?;

    let mut keys = LetterboxKeys::empty();
    let fields = own_fields(module.store.image(), module.platform, &mut keys)?;
    let own = Addressee {
        serial: module.platform.serial,
        number: device.letterbox.number().ok_or(Refusal::OtherLetterbox)?,
        letterbox: Letterbox::hash::<B::Crypto>(&fields),
    };
    if letter.head.to != own {
        return Err(Refusal::OtherLetterbox);
    }
    let shared = shared_epoch(letter, keyring)?;
    let (mut ecdh, mut kem) = (EcdhShared::empty(), KemShared::default());
    ecdh.agree::<B::Crypto>(&keys.ecdh, letter.ecdh)
        .map_err(peer_error)?;
    kem.decapsulate::<B::Crypto>(&keys.kem, letter.ciphertext)
        .map_err(peer_error)?;
    let mut key = LetterKey::default();
    key.derive::<B::Crypto>(&ecdh, &kem, shared, transcript.hash())
        .map_err(internal_error)?;
    key.open::<B::Crypto>(transcript.hash(), letter.sealed.as_wire(), plain)
        .map_err(peer_error)?;
    Ok(signed.terms(Terms::read(&mut Reader::new(plain))?))
}

/// Checks that the master may write this letter to this module.
fn check_writer(
    letter: &Letter<'_>,
    team: Option<&Team>,
    own: &Chain<'_>,
    master: &Genuine<'_>,
) -> Result<(), Refusal> {
    check_pair(own, master)?;
    let Some(team) = team else {
        return Ok(());
    };
    if team.is_retired(master.serial()) {
        return Err(Refusal::Retired);
    }
    match letter.head.kind() {
        LetterKind::Epoch if !team.may_rekey(master.hash()) => Err(Refusal::NotRekeyingMaster),
        LetterKind::Epoch | LetterKind::Join => Ok(()),
    }
}

/// Returns the epoch that is needed to open the letter, if one is.
fn shared_epoch<'a>(
    letter: &Letter<'_>,
    keyring: Option<&'a Keyring>,
) -> Result<Option<&'a EpochKey>, Refusal> {
    let Some(name) = letter.head.shared_epoch else {
        return Ok(None);
    };
    let epoch = keyring.and_then(|keyring| keyring.epoch(name));
    epoch.map(|epoch| Some(&epoch.key)).ok_or(Refusal::NotFound)
}

/// Checks that the letter said openly what it brings.
fn check_keyring(letter: &Letter<'_>, keyring: &Keyring) -> Result<(), Malformed> {
    let is_said =
        letter.head.group == *keyring.group() && letter.head.epoch == keyring.current().name;
    if is_said { Ok(()) } else { Err(Malformed) }
}

fn agreement<B: Board>(letter: &Letter<'_>, terms: SignedTerms, condition: Condition) -> Agreement {
    Agreement {
        transcript: Transcript::of_letter::<B::Crypto>(letter.open),
        terms,
        condition,
        by: By::Letter,
    }
}
