//! The commands of letters that a module answers whether or not it may clone (PROTOCOL § 5): its letterbox, and the epochs
//! that a letter brings to its group.

use crate::{
    cloning::{
        letter::{letterbox as write_letterbox, take},
        secondary::Secondary,
    },
    machine::Machine,
    platform::Board,
    state::Session,
    vault::csp::module_key,
};
use hsm_protocol::{Status, writer::Writer};

/// Answers with the module's letterbox.
pub(crate) fn letterbox<B: Board>(
    machine: &mut Machine<B>,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let Machine {
        platform,
        store,
        signer,
        ..
    } = machine;
    let signer = module_key::certified(signer.as_ref(), store).ok_or(Status::NotCertified)?;
    Ok(write_letterbox(platform, store, signer, out)?)
}

/// Takes a letter with the group's epochs. Cycle and files end as with a re-key.
pub(crate) fn take_epochs<B: Board>(
    machine: &mut Machine<B>,
    letter: &[u8],
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let Machine {
        platform,
        store,
        signer,
        state,
        ..
    } = machine;
    let Session {
        kek,
        csps,
        presented,
    } = state.unlocked_mut()?;
    let signer = module_key::certified(signer.as_ref(), store).ok_or(Status::NotCertified)?;
    let mut module = Secondary {
        platform,
        store,
        signer,
    };
    take::epochs(&mut module, (kek, csps), presented, letter, out)?;
    state.end_epoch();
    Ok(())
}
