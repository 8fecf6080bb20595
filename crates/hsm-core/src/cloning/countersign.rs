//! The master's last step: it checks what the secondary proves, and countersigns the receipt.
//!
//! This needs no cycle: the journal entry authorizes it. A countersignature that was lost can be requested again
//! after a power cut, and after the cycle has disabled its master.

use super::{
    Refusal, internal_error,
    master::{Master, MasterCycle},
    proof::{Proved, Recorded},
};
use crate::{
    crypto::Provider,
    platform::Board,
    vault::{journal::Journal, store::Image},
};
use hsm_protocol::{
    Verifier,
    certificate::Chain,
    receipt::{Countersignature, Party, Receipt},
    writer::Writer,
};

/// Answers a Receipt of any cycle with its Countersignature. If it is asked again, it answers again and counts
/// nothing. The countersignature that completes a disabling cycle ends the cycle.
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
    let chain = device.chain.clone();
    let own_chain = Chain::parse(&chain)?;
    let proved = Recorded {
        master: Party {
            serial: master.platform.serial,
            certificate: <B::Crypto as Verifier>::sha384(&[own_chain.leaf().as_der()]),
        },
        entry,
        csps: master.csps,
        device,
    }
    .check::<B::Crypto>(&receipt, &statement)?;

    let rng = &mut master.platform.rng;
    let signature =
        B::Crypto::sign(master.signer, rng, proved.message()).map_err(internal_error)?;
    if !core::mem::replace(&mut entry.countersigned, true) {
        record(master, cycle, &proved, &journal)?;
    }
    Ok(Countersignature {
        chain: own_chain,
        signature: &signature,
    }
    .write(out)?)
}

/// Stores in one write that the entry is countersigned and, with the last one of a disabling cycle, that cloning is
/// off.
fn record<B: Board>(
    master: &mut Master<'_, B>,
    cycle: &mut Option<MasterCycle>,
    proved: &Proved,
    journal: &Journal,
) -> Result<(), Refusal> {
    let disables = cycle
        .as_ref()
        .is_some_and(|cycle| cycle.completes_with(proved));
    let Master {
        platform,
        store,
        kek,
        csps,
        ..
    } = master;
    // If the write fails, the module stops until its next power-up: the session ends, and this setting with it.
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
        running.count(proved);
    }
    if disables {
        *cycle = None;
    }
    Ok(())
}
