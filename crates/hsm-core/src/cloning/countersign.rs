//! The master's last step: checks what the secondary proves, and countersigns the receipt.
//!
//! It needs no cycle: the journal entry authorizes it. A Countersignature that was lost can be had again after a power cut, and after
//! the cycle has disabled its master.

use super::{
    Refusal,
    master::{Master, MasterCycle, verify},
    own, proof,
};
use crate::{
    crypto::Provider,
    platform::Board,
    vault::{journal::Journal, store::Image},
};
use hsm_protocol::{
    Serial, Verifier,
    certificate::Chain,
    receipt::{Countersignature, Party, Receipt},
    writer::Writer,
};

/// Receipt → Countersignature, for a run of any cycle. Asked again, it answers again and counts nothing. The Countersignature that completes a
/// disabling cycle ends it.
pub(crate) fn countersign<B: Board>(
    master: &mut Master<'_, B>,
    cycle: &mut Option<MasterCycle>,
    bytes: &[u8],
    out: &mut Writer<'_>,
) -> Result<(), Refusal> {
    let receipt = Receipt::parse(bytes)?;
    let statement = receipt.statement()?;
    let device = master.store.device();
    let mut journal = master.store.image().open_journal::<B::Crypto>(master.kek)?;
    let entry = journal
        .find_mut(&statement.transcript)
        .ok_or(Refusal::NotFound)?;

    // The certificate was verified before the Grant; the journal remembers which it was.
    let leaf = receipt.chain.leaf();
    if entry.certificate != <B::Crypto as Verifier>::sha384(&[leaf.as_der()]) {
        return Err(Refusal::NotProved);
    }
    let signed = Receipt::signed::<B::Crypto>(receipt.statement_bytes);
    verify::<B>(leaf.public(), &signed, receipt.signature)?;
    let chain = device.chain.clone();
    let own_chain = Chain::parse(&chain)?;
    let party = Party {
        serial: master.platform.serial,
        certificate: <B::Crypto as Verifier>::sha384(&[own_chain.leaf().as_der()]),
    };
    let proof::Proved { .. } =
        proof::check::<B::Crypto>(master.csps, device, (party, entry), &statement)?;

    let message = Countersignature::signed::<B::Crypto>(receipt.statement_bytes, receipt.signature);
    let signature =
        B::Crypto::sign(master.signer, &mut master.platform.rng, &message).map_err(own)?;
    let is_new = !core::mem::replace(&mut entry.countersigned, true);
    let serial = entry.serial;
    if is_new {
        record(master, cycle, serial, &journal)?;
    }
    Ok(Countersignature {
        chain: own_chain,
        signature: &signature,
    }
    .write(out)?)
}

/// One write: the entry is countersigned and, with the last one of a disabling cycle, cloning is off.
fn record<B: Board>(
    master: &mut Master<'_, B>,
    cycle: &mut Option<MasterCycle>,
    serial: Serial,
    journal: &Journal,
) -> Result<(), Refusal> {
    let disables = cycle
        .as_ref()
        .is_some_and(|cycle| cycle.completes_with(serial));
    let Master {
        platform,
        store,
        kek,
        csps,
        ..
    } = master;
    // Should the write fail, the module is out of order until it powers up: the session goes, and this with it.
    csps.settings.cloning &= !disables;
    store.update(platform, |image: &mut Image, platform| {
        image.seal_journal(platform, kek, journal)?;
        if disables {
            image.seal_csps(platform, kek, csps)
        } else {
            Ok(())
        }
    })?;
    if let Some(running) = cycle {
        running.count(serial);
    }
    if disables {
        *cycle = None;
    }
    Ok(())
}
