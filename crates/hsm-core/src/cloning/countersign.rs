//! The master's last step: it checks what the secondary proves, and countersigns the receipt.
//!
//! This needs no cycle and no journal entry: the token in the statement authorizes it. A countersignature that was lost
//! can be requested again at any time: after a power cut, after the cycle has disabled its master, after PINs and
//! settings have changed, after the entry has left the journal.

use super::{
    Refusal, internal_error,
    master::{Master, MasterCycle, own_party},
    proof::{Own, Proved},
};
use crate::{platform::Board, vault::journal::Journal};
use hsm_protocol::{
    certificate::{Chain, Root},
    receipt::{Countersignature, Receipt},
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
    let device = master.store.device();
    let chain = device.chain.clone();
    let own_chain = Chain::parse(&chain)?;
    let proved = Own {
        party: own_party::<B>(master.platform, &own_chain),
        group: master.csps.keyring.group(),
        root: Root::parse(&device.root)?,
        secret: &master.platform.secret,
    }
    .check::<B::Crypto>(&receipt)?;

    let rng = &mut master.platform.rng;
    let signature = master
        .signer
        .sign(rng, proved.message())
        .map_err(internal_error)?;
    record(master, cycle, &proved)?;
    Ok(Countersignature {
        chain: own_chain,
        signature: &signature,
    }
    .write(out)?)
}

/// Notes in the journal, if it still has the entry, that the receipt is countersigned, and counts the secondary. With
/// the last one of a disabling cycle, the same write disables cloning. Nothing is written that is stored already.
#[inline(never)]
fn record<B: Board>(
    master: &mut Master<'_, B>,
    cycle: &mut Option<MasterCycle>,
    proved: &Proved,
) -> Result<(), Refusal> {
    let mut journal = Journal::default();
    master
        .store
        .image()
        .open_journal::<B::Crypto>(master.kek, &mut journal)?;
    let entry = journal.find_mut(proved.transcript());
    let is_noted = match entry {
        Some(entry) if entry.countersigned => return Ok(()),
        Some(entry) => {
            entry.countersigned = true;
            true
        }
        None => false,
    };
    let disables = cycle
        .as_ref()
        .is_some_and(|cycle| cycle.completes_with(proved));
    if is_noted || disables {
        let spent = master.writes.spend()?;
        master.store.check_wear(master.platform)?;
        // If the write fails, the module stops until its next power-up: the session ends, and this setting with it.
        master.csps.settings.cloning &= !disables;
        master.store(spent, &journal)?;
    }
    if let Some(running) = cycle {
        running.count(proved);
    }
    if disables {
        *cycle = None;
    }
    Ok(())
}
