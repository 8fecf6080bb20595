//! The module's signing key: made once, stored under the module's secret, never sent.

use super::part::Part;
use crate::{
    crypto::{CryptoError, Provider, Rng},
    platform::{Board, Fault, Platform},
    vault::store::{NotStored, Store},
};
use hsm_protocol::{EcPoint, Signature};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The scalar of the module's key.
#[derive(Zeroize, ZeroizeOnDrop)]
struct ModuleScalar([u8; 48]);

impl ModuleScalar {
    const fn empty() -> Self {
        Self([0; 48])
    }

    /// Becomes the stored one.
    fn open<B: Board>(&mut self, platform: &Platform<B>, store: &Store) -> Result<(), Fault> {
        let part = Part::module_key(&platform.secret);
        let sealed = store.image().module_key()?;
        sealed.open::<B::Crypto>(part, &mut self.0).map_err(fault)
    }
}

/// The module's key, ready for use.
pub(crate) struct ModuleKey<C: Provider> {
    signer: C::Signer,
    public: EcPoint,
}

impl<C: Provider> ModuleKey<C> {
    fn empty(public: EcPoint) -> Self {
        Self {
            signer: C::Signer::default(),
            public,
        }
    }

    /// Signs, and verifies what it signed: a signature that a fault spoiled could give the key away.
    pub(crate) fn sign(&self, rng: &mut dyn Rng, message: &[u8]) -> Result<Signature, CryptoError> {
        let signature = C::sign(&self.signer, rng, message)?;
        C::verify(&self.public, message, &signature)
            .map(|()| signature)
            .map_err(|_bad| CryptoError)
    }
}

/// Makes the module's key and stores it, with its public half.
pub(crate) fn generate<B: Board>(
    platform: &mut Platform<B>,
    store: &mut Store,
) -> Result<(), NotStored> {
    let mut scalar = ModuleScalar::empty();
    let public = B::Crypto::signer_generate(&mut platform.rng, &mut scalar.0).map_err(fault)?;
    // The two halves belong together before anything is stored (SP 800-133 § 5.1).
    let mut key = ModuleKey::<B::Crypto>::empty(public);
    B::Crypto::signer(&scalar.0, &public, &mut key.signer)
        .and_then(|()| key.sign(&mut platform.rng, b"pairwise consistency"))
        .map_err(fault)?;
    store.update(platform, |image, platform| {
        image.device.public = Some(public);
        let part = Part::module_key(&platform.secret);
        let number = image.number;
        image
            .module_key_mut()?
            .seal::<B::Crypto>(&mut platform.rng, part, number, |writer| {
                writer.bytes(&scalar.0)
            })
            .map_err(fault)?;
        Ok(())
    })
}

/// Returns the module's key for what only a module with a certificate signs.
pub(crate) fn certified<'a, C: Provider>(
    signer: Option<&'a ModuleKey<C>>,
    store: &Store,
) -> Option<&'a ModuleKey<C>> {
    signer.filter(|_| store.device().is_certified())
}

/// Checks that the stored key can be opened, if there is one.
pub(crate) fn check<B: Board>(platform: &Platform<B>, store: &Store) -> Result<(), Fault> {
    match store.device().public {
        Some(_) => ModuleScalar::empty().open(platform, store),
        None => Ok(()),
    }
}

/// Prepares the module's key for signing, where it stays. Before it is made there is none.
pub(crate) fn load_signer<B: Board>(
    platform: &Platform<B>,
    store: &Store,
    signer: &mut Option<ModuleKey<B::Crypto>>,
) -> Result<(), Fault> {
    let Some(public) = &store.device().public else {
        return Ok(());
    };
    let mut scalar = ModuleScalar::empty();
    scalar.open(platform, store)?;
    let place = signer.insert(ModuleKey::empty(*public));
    let prepared = B::Crypto::signer(&scalar.0, public, &mut place.signer);
    if prepared.is_err() {
        *signer = None;
    }
    prepared.map_err(fault)
}

fn fault(_: CryptoError) -> Fault {
    Fault
}
