//! A module's letterbox (PROTOCOL § 5.1): key pairs for one letter, whose private halves are stored until it is taken.

use super::part::Part;
use crate::{
    crypto::{CryptoError, KemKey, Provider, Rng, self_test},
    platform::{Board, Fault, Platform, StoreKeys},
    vault::{image::Image, store::Store},
};
use hsm_protocol::EcPoint;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// What both key pairs are made from: a scalar of P-384, and the seed of an ML-KEM-1024 key (`d ‖ z`, FIPS 203 § 7.1).
/// The scalar is outside 1 to n − 1 once in 2¹⁹⁰; such a letterbox is a fault.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct LetterboxSecret {
    scalar: [u8; 48],
    seed: [u8; 64],
}

/// The key pairs of a letterbox.
pub(crate) struct LetterboxKeys<C: Provider> {
    pub(crate) ecdh: C::EcdhSecret,
    pub(crate) kem: C::KemSecret,
    pub(crate) point: EcPoint,
    pub(crate) kem_key: KemKey,
}

impl LetterboxSecret {
    /// The size of the stored form, in bytes.
    pub(crate) const SIZE: usize = 48 + 64;

    const fn empty() -> Self {
        Self {
            scalar: [0; 48],
            seed: [0; 64],
        }
    }

    /// Becomes the one that the image holds.
    fn open<B: Board>(&mut self, image: &Image, platform: &Platform<B>) -> Result<(), Fault> {
        let mut bytes = Zeroizing::new([0; Self::SIZE]);
        let part = Part::letterbox(platform.store_keys.expose(image.store_key)?);
        image
            .letterbox()?
            .open::<B::Crypto>(part, bytes.as_mut_slice())
            .map_err(fault)?;
        let (scalar, seed) = bytes.split_first_chunk::<48>().ok_or(Fault)?;
        self.scalar.copy_from_slice(scalar);
        self.seed.copy_from_slice(seed);
        Ok(())
    }
}

impl<C: Provider> LetterboxKeys<C> {
    pub(crate) fn empty() -> Self {
        Self {
            ecdh: C::EcdhSecret::default(),
            kem: C::KemSecret::default(),
            point: [0; 97],
            kem_key: [0; 1568],
        }
    }

    /// Become those of the letterbox that the image holds.
    pub(crate) fn open<B: Board<Crypto = C>>(
        &mut self,
        image: &Image,
        platform: &Platform<B>,
    ) -> Result<(), Fault> {
        let mut secret = LetterboxSecret::empty();
        secret.open(image, platform)?;
        self.point = C::ecdh_from_scalar(&secret.scalar, &mut self.ecdh).map_err(fault)?;
        C::kem_from_seed(&secret.seed, &mut self.kem, &mut self.kem_key).map_err(fault)
    }
}

/// Checks that the stored letterbox opens, and that a module without one stores zeros in its place.
pub(crate) fn check<B: Board>(platform: &Platform<B>, store: &Store) -> Result<(), Fault> {
    let image = store.image();
    match image.device.letterbox.number() {
        Some(_) => LetterboxSecret::empty().open(image, platform),
        None if image.letterbox()?.is_blank() => Ok(()),
        None => Err(Fault),
    }
}

/// Puts a new letterbox into the image, in place of the one that is there. Its keys are tested before they are stored.
pub(crate) fn renew<B: Board>(image: &mut Image, platform: &mut Platform<B>) -> Result<(), Fault> {
    let mut secret = LetterboxSecret::empty();
    let rng = &mut platform.rng;
    rng.fill(&mut secret.scalar).map_err(fault)?;
    rng.fill(&mut secret.seed).map_err(fault)?;
    let number = image.number;
    let part = Part::letterbox(platform.store_keys.expose(image.store_key)?);
    image
        .letterbox_mut()?
        .seal::<B::Crypto>(rng, part, number, |writer| {
            writer.bytes(&secret.scalar)?;
            writer.bytes(&secret.seed)
        })
        .map_err(fault)?;
    image.device.letterbox.renew();

    let mut keys = LetterboxKeys::<B::Crypto>::empty();
    keys.open(image, platform)?;
    self_test::ecdh_agrees::<B::Crypto>(&keys.ecdh, &keys.point).map_err(fault)?;
    let rng = &mut platform.rng;
    self_test::kem_agrees::<B::Crypto>(rng, &keys.kem, &keys.kem_key).map_err(fault)
}

fn fault(_: CryptoError) -> Fault {
    Fault
}
