//! What a receipt commits to and what it proves (PROTOCOL § 4.6), computed by both modules from their own CSPs: by the
//! master before it seals the Parcel, by the secondary after it has stored what came in it.

use super::{Refusal, internal_error, signed::verify_receipt, transcript::Transcript};
use crate::{
    crypto::Provider,
    platform::ModuleSecret,
    vault::{
        csp::{
            contents::Csps,
            epoch_keys::{CommitmentKey, ProofKey},
            keyring::{EpochKey, Keyring},
            receipt_key::ReceiptKey,
            slot::Slot,
        },
        device::{AttemptLimits, Device},
    },
};
use hsm_protocol::{
    Malformed, Serial, Sha384Digest,
    certificate::Root,
    cloning::{Condition, Terms},
    limits,
    receipt::{Commitments, Countersignature, Item, Party, Receipt, Statement},
    settings::UserPinPolicy,
    signed::SIGNED_MESSAGE,
    writer::Writer,
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Which optional items a run copied. To a member neither is.
#[derive(Clone, Copy, Default)]
pub(super) struct Copied {
    pub(super) auto_lock: bool,
    pub(super) policy: bool,
}

/// Commits to every item that was copied, to a member only the keyring, under a key that only the modules of the group
/// can derive.
fn commit<C: Provider>(
    csps: &Csps,
    device: &Device,
    condition: Condition,
    copied: Copied,
) -> Result<Commitments, Refusal> {
    CommitmentKey::with::<C, _>(&csps.keyring.current().key, |key| {
        let mut commitments = Commitments::default();
        for item in Item::ALL {
            let is_copied = match item {
                Item::Keyring => true,
                _ if condition == Condition::Member => false,
                Item::AutoLock => copied.auto_lock,
                Item::UserPinPolicy => copied.policy,
                Item::AdminPin
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
        Item::EncryptionMode => {
            writer.u8(csps.settings.mode.to_byte())?;
            writer.flag(csps.settings.releases_keys)
        }
        Item::AttemptLimits => AttemptLimits::write(device.limits, writer),
        Item::AutoLock => writer.u8(csps.settings.auto_lock.unwrap_or(0)),
        Item::UserPinPolicy => UserPinPolicy::write(csps.settings.policy, writer),
    }
}

/// Computes the MAC over everything before it in the statement, the transcript first.
fn prove<C: Provider>(epoch: &EpochKey, statement: &Statement) -> Result<[u8; 48], Refusal> {
    let mut bytes = [0; limits::STATEMENT];
    let mut writer = Writer::new(&mut bytes);
    statement.write_before_proof(&mut writer)?;
    let mut proof = [0; 48];
    ProofKey::with::<C, _>(epoch, |key| {
        C::hmac_sha384(key.expose(), &[writer.written()], &mut proof);
    })
    .map_err(internal_error)?;
    Ok(proof)
}

/// What both modules of a run know before a CSP leaves the master.
pub(super) struct AgreedRun {
    pub(super) transcript: Transcript,
    pub(super) number: u64,
    pub(super) terms: Terms,
    pub(super) master: Party,
    pub(super) secondary: Party,
    pub(super) condition: Condition,
}

impl AgreedRun {
    /// Makes the statement of a module that holds these CSPs, still without its token.
    pub(super) fn statement<C: Provider>(
        &self,
        csps: &Csps,
        device: &Device,
        copied: Copied,
    ) -> Result<Statement, Refusal> {
        let epoch = csps.keyring.current();
        let mut statement = Statement {
            transcript: *self.transcript.hash(),
            number: self.number,
            cycle: self.terms.cycle,
            permission: self.terms.permission,
            master: self.master,
            secondary: self.secondary,
            condition: self.condition,
            group: *csps.keyring.group(),
            epoch: epoch.name,
            commitments: commit::<C>(csps, device, self.condition, copied)?,
            proof: [0; 48],
            token: [0; 48],
        };
        statement.proof = prove::<C>(&epoch.key, &statement)?;
        Ok(statement)
    }
}

/// Returns the token of the statement that a master expects.
pub(super) fn token<C: Provider>(
    secret: &impl ModuleSecret,
    expected: &Statement,
) -> Result<[u8; 48], Refusal> {
    let mut bytes = [0; limits::STATEMENT];
    let mut writer = Writer::new(&mut bytes);
    expected.write_before_token(&mut writer)?;
    Ok(ReceiptKey::token::<C>(secret, writer.written()))
}

/// What a master knows its own receipts by.
pub(super) struct Own<'a, S> {
    pub(super) party: Party,
    pub(super) group: &'a [u8; 16],
    pub(super) root: Root<'a>,
    pub(super) secret: &'a S,
}

impl<S: ModuleSecret> Own<'_, S> {
    /// Checks that the statement is, to the byte, the one that this master expected when it sealed the Parcel, and that
    /// the secondary which it names signed it. The token says the former: what the master holds today plays no part.
    pub(super) fn check<C: Provider>(&self, receipt: &Receipt<'_>) -> Result<Proved, Refusal> {
        let statement = receipt.statement()?;
        let (before_token, token) = receipt
            .statement_bytes
            .split_last_chunk::<48>()
            .ok_or(Refusal::Malformed)?;
        let expected = ReceiptKey::token::<C>(self.secret, before_token);
        let is_expected = bool::from(expected.ct_eq(token));
        if !is_expected || statement.master != self.party || &statement.group != self.group {
            return Err(Refusal::NotProved);
        }
        let genuine = self.root.verify::<C>(&receipt.chain)?;
        if !statement.secondary.is(&genuine) {
            return Err(Refusal::NotProved);
        }
        verify_receipt::<C>(&genuine, receipt)?;
        Ok(Proved {
            serial: statement.secondary.serial,
            transcript: statement.transcript,
            message: Countersignature::signed::<C>(receipt.statement_bytes, receipt.signature),
        })
    }
}

/// Proof that a secondary stored what this master holds. Only with it a receipt is countersigned and counted.
pub(super) struct Proved {
    serial: Serial,
    transcript: Sha384Digest,
    message: [u8; SIGNED_MESSAGE],
}

impl Proved {
    pub(super) const fn serial(&self) -> Serial {
        self.serial
    }

    /// Returns the run's transcript, by which the journal has its entry.
    pub(super) const fn transcript(&self) -> &Sha384Digest {
        &self.transcript
    }

    /// Returns what the master's countersignature signs.
    pub(super) const fn message(&self) -> &[u8; SIGNED_MESSAGE] {
        &self.message
    }
}
