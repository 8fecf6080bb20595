//! The module's signing key: made once, stored under the module's secret, never sent.

use super::part::Part;
use crate::{
    crypto::{CryptoError, Provider},
    platform::{Board, Fault, Platform},
    vault::store::{NotStored, Store},
};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The scalar of the module's key.
#[derive(Zeroize, ZeroizeOnDrop)]
struct ModuleScalar([u8; 48]);

impl ModuleScalar {
    const fn empty() -> Self {
        Self([0; 48])
    }
}

/// Makes the module's key and stores it, with its public half.
pub(crate) fn generate<B: Board>(
    platform: &mut Platform<B>,
    store: &mut Store,
) -> Result<(), NotStored> {
    let mut scalar = ModuleScalar::empty();
    let public = B::Crypto::signer_generate(&mut platform.rng, &mut scalar.0).map_err(fault)?;
    store.update(platform, |image, platform| {
        image.device.public = Some(public);
        let part = Part::module_key(&platform.secret);
        image
            .module_key
            .seal::<B::Crypto>(&mut platform.rng, part, image.number, |writer| {
                writer.bytes(&scalar.0)
            })
            .map_err(fault)?;
        Ok(())
    })
}

/// Prepares the module's key for signing, where it stays. Before it is made there is none.
pub(crate) fn load_signer<B: Board>(
    platform: &Platform<B>,
    store: &Store,
    signer: &mut Option<<B::Crypto as Provider>::Signer>,
) -> Result<(), Fault> {
    let Some(public) = &store.device().public else {
        return Ok(());
    };
    let mut scalar = ModuleScalar::empty();
    let sealed = &store.image().module_key;
    sealed
        .open::<B::Crypto>(Part::module_key(&platform.secret), &mut scalar.0)
        .map_err(fault)?;
    let place = signer.insert(<B::Crypto as Provider>::Signer::default());
    let prepared = B::Crypto::signer(&scalar.0, public, place);
    if prepared.is_err() {
        *signer = None;
    }
    prepared.map_err(fault)
}

fn fault(_: CryptoError) -> Fault {
    Fault
}
