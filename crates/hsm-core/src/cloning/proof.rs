//! What a receipt commits to and what it proves (PROTOCOL § 4.6), computed by both modules from their own CSPs.

use super::{Refusal, internal_error, signed::verify_receipt};
use crate::{
    crypto::Provider,
    vault::{
        csp::{
            contents::Csps,
            epoch_keys::{CommitmentKey, ProofKey},
            keyring::{EpochKey, Keyring},
            slot::Slot,
        },
        device::{AttemptLimits, Device},
    },
};
use hsm_protocol::{
    Malformed, Serial, Sha384Digest,
    journal::JournalEntry,
    limits,
    receipt::{Commitments, Countersignature, Item, Party, Receipt, Statement},
    settings::UserPinPolicy,
    signed::SIGNED_MESSAGE,
    writer::Writer,
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Which optional items a run copied.
#[derive(Clone, Copy)]
pub(super) struct Copied {
    pub(super) auto_lock: bool,
    pub(super) policy: bool,
}

/// Commits to every item that was copied, under a key that only the modules of the group can derive.
pub(super) fn commit<C: Provider>(
    csps: &Csps,
    device: &Device,
    copied: Copied,
) -> Result<Commitments, Refusal> {
    CommitmentKey::with::<C, _>(&csps.keyring.current().key, |key| {
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
                commitments.insert(item, commit_to::<C>(key, item, csps, device)?);
            }
        }
        Ok(commitments)
    })
    .map_err(internal_error)?
}

fn commit_to<C: Provider>(
    key: &CommitmentKey,
    item: Item,
    csps: &Csps,
    device: &Device,
) -> Result<Sha384Digest, Malformed> {
    let mut commitment = [0; 48];
    let mut bytes = Zeroizing::new([0; LONGEST_ITEM]);
    let mut writer = Writer::new(bytes.as_mut_slice());
    write_item(item, csps, device, &mut writer)?;
    let parts: [&[u8]; 2] = [&[item.to_byte()], writer.written()];
    C::hmac_sha384(key.expose(), &parts, &mut commitment);
    Ok(commitment)
}

const LONGEST_ITEM: usize = Keyring::SIZE;

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

/// Computes the MAC over everything else in the statement, the transcript first.
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
    let mut proof = [0; 48];
    ProofKey::with::<C, _>(epoch, |key| {
        C::hmac_sha384(key.expose(), &[stated], &mut proof);
    })
    .map_err(internal_error)?;
    Ok(proof)
}

/// What a master knows of a run: its journal entry and its own CSPs.
pub(super) struct Recorded<'a> {
    pub(super) master: Party,
    pub(super) entry: &'a JournalEntry,
    pub(super) csps: &'a Csps,
    pub(super) device: &'a Device,
}

impl Recorded<'_> {
    /// Checks that the recorded secondary signed the receipt, and that its statement is what the journal and these
    /// CSPs say. Nothing in the statement is trusted: it is computed again as a whole, and its proof, which covers
    /// the rest, is compared in constant time.
    pub(super) fn check<C: Provider>(
        &self,
        receipt: &Receipt<'_>,
        statement: &Statement,
    ) -> Result<Proved, Refusal> {
        // The certificate was verified before the Grant; the journal has its hash.
        if self.entry.certificate != C::sha384(&[receipt.chain.leaf().as_der()]) {
            return Err(Refusal::NotProved);
        }
        verify_receipt::<C>(receipt)?;
        let expected = self.expected::<C>()?;
        let is_proved = bool::from(expected.proof.ct_eq(&statement.proof));
        if is_proved && expected == *statement {
            Ok(Proved {
                serial: self.entry.serial,
                message: Countersignature::signed::<C>(receipt.statement_bytes, receipt.signature),
            })
        } else {
            Err(Refusal::NotProved)
        }
    }

    fn expected<C: Provider>(&self) -> Result<Statement, Refusal> {
        let Self {
            entry,
            csps,
            device,
            ..
        } = self;
        let epoch = csps.keyring.current();
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
            master: self.master,
            secondary: Party {
                serial: entry.serial,
                certificate: entry.certificate,
            },
            condition: entry.condition,
            group: *csps.keyring.group(),
            epoch: epoch.number,
            commitments: commit::<C>(csps, device, copied)?,
            proof: [0; 48],
        };
        expected.proof = prove::<C>(&epoch.key, &expected)?;
        Ok(expected)
    }
}

/// Proof that a secondary stored what this master holds. Only with it a receipt is countersigned and counted.
pub(super) struct Proved {
    serial: Serial,
    message: [u8; SIGNED_MESSAGE],
}

impl Proved {
    pub(super) const fn serial(&self) -> Serial {
        self.serial
    }

    /// Returns what the master's countersignature signs.
    pub(super) const fn message(&self) -> &[u8; SIGNED_MESSAGE] {
        &self.message
    }
}
