//! What a module takes from a master, in a Parcel or in a letter: all or nothing, and it proves what it stored.

use super::{
    Refusal, internal_error,
    proof::{AgreedRun, Copied},
    secondary::{Retained, Secondary},
    signed::SignedTerms,
    transcript::Transcript,
};
use crate::{
    crypto::CryptoError,
    platform::{Board, Fault, Platform},
    vault::{
        csp::{
            contents::Csps,
            epochs::EpochContents,
            kek::Kek,
            keyring::Keyring,
            letterbox,
            module_key::ModuleKey,
            parcel::ParcelContents,
            pin::{MAX_COST, MIN_COST},
            slot::Slot,
        },
        device::{Device, Failures, Lifecycle},
        image::Image,
        journal::Journal,
    },
};
use heapless::Vec;
use hsm_protocol::{
    Malformed, Serial,
    certificate::Chain,
    cloning::{Condition, Permission},
    limits,
    receipt::{Party, Receipt, Statement},
    writer::Writer,
};

/// With whom the module agreed, and on what.
#[derive(Clone, Copy)]
pub(super) struct Agreement {
    pub(super) transcript: Transcript,
    pub(super) terms: SignedTerms,
    pub(super) condition: Condition,
    pub(super) by: By,
}

/// In what the CSPs came.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum By {
    Parcel,
    /// It used up the module's letterbox. The next one is made in the write that takes the letter.
    Letter,
}

/// What the statement says of it besides the agreement.
struct Released<'a> {
    number: u64,
    token: &'a [u8; 48],
    copied: Copied,
}

impl Agreement {
    /// Replaces everything that the module holds by what the master sent.
    pub(super) fn become_clone<B: Board>(
        self,
        secondary: &mut Secondary<'_, B>,
        retained: Option<&Retained<'_>>,
        contents: &ParcelContents,
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        if !(MIN_COST..=MAX_COST).contains(&contents.cost)
            || contents.pins.record(Slot::Admin).is_none()
            || !contents.is_within(self.terms.terms().cycle.options)
            || !may_hold::<B>(&contents.keyring, secondary.platform.serial)?
        {
            return Err(Refusal::Malformed);
        }
        let released = Released {
            number: contents.number,
            token: &contents.token,
            copied: Copied {
                auto_lock: contents.auto_lock.is_some(),
                policy: contents.policy.is_some(),
            },
        };
        let mut kek = Kek::default();
        self.store(
            secondary,
            &mut kek,
            &released,
            out,
            |image, platform, kek| install(image, platform, kek, retained, contents),
        )
    }

    /// Takes keyring and team of the group that the module is a member of; PINs and settings stay. The session goes on
    /// with them.
    pub(super) fn update_member<B: Board>(
        self,
        secondary: &mut Secondary<'_, B>,
        (kek, csps): (&mut Kek, &mut Csps),
        contents: &EpochContents,
        out: &mut Writer<'_>,
    ) -> Result<(), Refusal> {
        if !may_hold::<B>(&contents.keyring, secondary.platform.serial)? {
            return Err(Refusal::Malformed);
        }
        let released = Released {
            number: contents.number,
            token: &contents.token,
            copied: Copied::default(),
        };
        let mut new_kek = Kek::default();
        let (old_kek, held) = (&*kek, &*csps);
        self.store(
            secondary,
            &mut new_kek,
            &released,
            out,
            |image, platform, new_kek| update(image, platform, new_kek, (old_kek, held), contents),
        )?;
        kek.copy_from(&new_kek);
        csps.keyring.copy_from(&contents.keyring);
        Ok(())
    }

    /// Makes the change and the statement about it in one write, and answers with the Receipt.
    fn store<B: Board>(
        self,
        secondary: &mut Secondary<'_, B>,
        kek: &mut Kek,
        released: &Released<'_>,
        out: &mut Writer<'_>,
        change: impl FnOnce(&mut Image, &mut Platform<B>, &mut Kek) -> Result<(), Fault>,
    ) -> Result<(), Refusal> {
        let Secondary {
            platform,
            store,
            signer,
        } = secondary;
        let statement = store.update(platform, |image, platform| {
            change(image, platform, kek)?;
            if self.by == By::Letter {
                letterbox::renew(image, platform)?;
            }
            let stated = self.statement::<B>(image, platform, kek, released);
            let statement = stated.map_err(|_internal| Fault)?;
            image.device.receipt = sign::<B>(&statement, platform, signer)?;
            Ok(statement)
        })?;

        // The proof is about what a power-up would find, not about what was meant to be written.
        store.read_back(platform)?;
        if self.statement::<B>(store.image(), platform, kek, released)? != statement {
            // The store holds something else than was written: only a power-up helps, as with a failing board.
            return Err(Refusal::Fault);
        }
        write_receipt(store.device(), out)
    }

    /// Makes the statement from the CSPs as the image's sealed parts return them.
    #[inline(never)]
    fn statement<B: Board>(
        &self,
        image: &Image,
        platform: &Platform<B>,
        kek: &Kek,
        released: &Released<'_>,
    ) -> Result<Statement, Refusal> {
        let mut csps = Csps::default();
        image.open_csps::<B::Crypto>(kek, &mut csps)?;
        let certificate = image.device.certificate::<B::Crypto>();
        let certificate = certificate.ok_or(Refusal::Fault)?;
        let run = AgreedRun {
            transcript: self.transcript,
            number: released.number,
            terms: self.terms.terms(),
            master: self.terms.master(),
            secondary: Party {
                serial: platform.serial,
                certificate,
            },
            condition: self.condition,
        };
        let mut statement = run.statement::<B::Crypto>(&csps, &image.device, released.copied)?;
        statement.token = *released.token;
        Ok(statement)
    }
}

/// Returns whether the module of that serial number may hold a keyring: every epoch has its own name, the module is not
/// retired.
fn may_hold<B: Board>(keyring: &Keyring, serial: Serial) -> Result<bool, Refusal> {
    let team = keyring.team();
    let has_true_names = keyring
        .has_true_names::<B::Crypto>()
        .map_err(internal_error)?;
    Ok(has_true_names && !team.is_retired(serial))
}

/// Puts the group's keyring, and what the member holds besides, into the next image.
#[inline(never)]
fn update<B: Board>(
    image: &mut Image,
    platform: &mut Platform<B>,
    new_kek: &mut Kek,
    (old_kek, held): (&Kek, &Csps),
    contents: &EpochContents,
) -> Result<(), Fault> {
    let mut journal = Journal::default();
    image.open_journal::<B::Crypto>(old_kek, &mut journal)?;
    if held.keyring.current().name != contents.keyring.current().name {
        journal.ledger.end_epoch();
    }
    // What another master changed it by is not this one's to pass on.
    journal.ledger.set_warrant(Permission::Unrestricted);
    let mut updated = Csps::default();
    updated.keyring.copy_from(&contents.keyring);
    updated.pins.copy_from(&held.pins);
    updated.settings = held.settings;
    image.seal_anew(platform, new_kek, &updated, &journal)
}

/// Puts the master's CSPs, and what this module retains of its own, into the next image.
#[inline(never)]
fn install<B: Board>(
    image: &mut Image,
    platform: &mut Platform<B>,
    kek: &mut Kek,
    retained: Option<&Retained<'_>>,
    contents: &ParcelContents,
) -> Result<(), Fault> {
    let mut journal = Journal::default();
    if let Some(retained) = retained {
        image.open_journal::<B::Crypto>(retained.kek, &mut journal)?;
    }
    // Tickets that were used here stay used, whichever epoch the module comes back to: none is for the new list.
    let begun = journal.ledger.begin(&mut platform.rng);
    begun.map_err(|CryptoError| Fault)?;
    let own_settings = retained
        .map(|retained| retained.csps.settings)
        .unwrap_or_default();
    let mut csps = Csps::default();
    contents.copy_to(&mut csps);
    csps.settings.auto_lock = contents.auto_lock.or(own_settings.auto_lock);
    csps.settings.policy = contents.policy.or(own_settings.policy);
    csps.settings.cloning = false;

    let device = &mut image.device;
    device.lifecycle = Lifecycle::Configured;
    device.failures = Failures::NONE;
    device.limits = contents.limits;
    device.salt = contents.salt;
    device.cost = contents.cost;
    image.seal_anew(platform, kek, &csps, &journal)
}

/// Signs the statement. Returns both as they are stored.
fn sign<B: Board>(
    statement: &Statement,
    platform: &mut Platform<B>,
    signer: &ModuleKey<B::Crypto>,
) -> Result<Vec<u8, { limits::STATEMENT + 96 }>, Fault> {
    let mut bytes = [0; limits::STATEMENT];
    let mut writer = Writer::new(&mut bytes);
    statement.write(&mut writer).map_err(|Malformed| Fault)?;
    let message = Receipt::signed::<B::Crypto>(writer.written());
    let signature = signer
        .sign(&mut platform.rng, &message)
        .map_err(|CryptoError| Fault)?;
    let mut receipt = Vec::from_slice(writer.written()).map_err(|_overlong| Fault)?;
    receipt
        .extend_from_slice(&signature)
        .map_err(|_overlong| Fault)?;
    Ok(receipt)
}

/// Writes the last Receipt.
pub(crate) fn write_receipt(device: &Device, out: &mut Writer<'_>) -> Result<(), Refusal> {
    let (statement_bytes, signature) =
        device.receipt.split_last_chunk().ok_or(Refusal::NotFound)?;
    let chain = Chain::parse(&device.chain)?;
    Ok(Receipt {
        statement_bytes,
        chain,
        signature,
    }
    .write(out)?)
}
