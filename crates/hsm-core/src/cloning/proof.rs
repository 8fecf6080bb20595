//! What a receipt commits to and what it proves (PROTOCOL § 4.6), computed by both modules from their own CSPs.

use super::{Refusal, own};
use crate::{
    crypto::Provider,
    vault::csp::pin::Slot,
    vault::csp::{Csps, EpochKey},
    vault::device::{AttemptLimits, Device},
};
use hsm_protocol::{
    Malformed,
    journal::JournalEntry,
    limits,
    receipt::{Commitments, Item, Party, Statement},
    settings::UserPinPolicy,
    writer::Writer,
};
use subtle::ConstantTimeEq;

/// Which optional items a run copied.
#[derive(Clone, Copy)]
pub(super) struct Copied {
    pub(super) auto_lock: bool,
    pub(super) policy: bool,
}

/// Commits to every item that was copied, under a key that only the group's modules derive.
pub(super) fn commit<C: Provider>(
    csps: &Csps,
    device: &Device,
    copied: Copied,
) -> Result<Commitments, Refusal> {
    let (_, epoch) = csps.keyring.current().ok_or(Refusal::NotProved)?;
    let key = epoch.derive_commitment::<C>().map_err(own)?;
    let mut commitments = Commitments::default();
    for item in Item::ALL {
        let is_copied = match item {
            Item::AutoLock => copied.auto_lock,
            Item::UserPinPolicy => copied.policy,
            Item::Keyring
            | Item::AdminPin
            | Item::UserPin
            | Item::RecoveryPin
            | Item::SelfDestructPin
            | Item::EncryptionMode
            | Item::AttemptLimits => true,
        };
        if is_copied {
            let mut commitment = [0; 48];
            let mut bytes = zeroize::Zeroizing::new([0; ITEM]);
            let mut writer = Writer::new(bytes.as_mut_slice());
            write_item(item, csps, device, &mut writer)?;
            C::hmac_sha384(
                key.as_slice(),
                &[&[item.to_byte()], writer.written()],
                &mut commitment,
            );
            commitments.insert(item, commitment);
        }
    }
    Ok(commitments)
}

/// The longest item.
const ITEM: usize = crate::vault::csp::Keyring::SIZE;

fn write_item(
    item: Item,
    csps: &Csps,
    device: &Device,
    writer: &mut Writer<'_>,
) -> Result<(), Malformed> {
    let mut pin = |slot| {
        writer.bytes(&device.salt)?;
        writer.u32(device.cost)?;
        csps.pins.write_record(slot, writer)
    };
    match item {
        Item::AdminPin => pin(Slot::Admin),
        Item::UserPin => pin(Slot::User),
        Item::RecoveryPin => pin(Slot::Recovery),
        Item::SelfDestructPin => pin(Slot::SelfDestruct),
        Item::Keyring => csps.keyring.write(writer),
        Item::EncryptionMode => writer.u8(csps.settings.mode.to_byte()),
        Item::AttemptLimits => AttemptLimits::write(device.limits, writer),
        Item::AutoLock => writer.u8(csps.settings.auto_lock.unwrap_or(0)),
        Item::UserPinPolicy => UserPinPolicy::write(csps.settings.policy, writer),
    }
}

/// The MAC over everything else in the statement, the transcript first.
pub(super) fn prove<C: Provider>(
    epoch: &EpochKey,
    statement: &Statement,
) -> Result<[u8; 48], Refusal> {
    let mut bytes = [0; limits::STATEMENT];
    let mut writer = Writer::new(&mut bytes);
    statement.write(&mut writer)?;
    let (stated, _proof) = writer
        .written()
        .split_last_chunk::<48>()
        .ok_or(Refusal::Malformed)?;
    let key = epoch.derive_proof::<C>().map_err(own)?;
    let mut proof = [0; 48];
    C::hmac_sha384(key.as_slice(), &[stated], &mut proof);
    Ok(proof)
}

/// Whether a statement says what the journal and these CSPs say, word for word. Nothing is taken on the secondary's
/// word: the whole statement is made anew, and its proof, which covers the rest, is compared in constant time.
pub(super) fn check<C: Provider>(
    csps: &Csps,
    device: &Device,
    (master, entry): (Party, &JournalEntry),
    statement: &Statement,
) -> Result<Proved, Refusal> {
    let (epoch, key) = csps.keyring.current().ok_or(Refusal::NotProved)?;
    let options = entry.cycle.options;
    let copied = Copied {
        auto_lock: options.auto_lock && csps.settings.auto_lock.is_some(),
        policy: options.user_pin_policy && csps.settings.policy.is_some(),
    };
    let mut expected = Statement {
        transcript: entry.transcript,
        number: entry.number,
        cycle: entry.cycle,
        ticket: entry.ticket,
        master,
        secondary: Party {
            serial: entry.serial,
            certificate: entry.certificate,
        },
        condition: entry.condition,
        group: *csps.keyring.group(),
        epoch,
        commitments: commit::<C>(csps, device, copied)?,
        proof: [0; 48],
    };
    expected.proof = prove::<C>(key, &expected)?;
    let is_proved = bool::from(expected.proof.ct_eq(&statement.proof));
    if is_proved && expected == *statement {
        Ok(Proved(()))
    } else {
        Err(Refusal::NotProved)
    }
}

/// Proof that a secondary stored what this master holds.
pub(super) struct Proved(());
