//! The key-encryption key.

use crate::{
    crypto::{CryptoError, Rng, derive_key},
    platform::{Board, ModuleSecret, Platform},
};
use subtle::{Choice, ConditionallySelectable};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The key-encryption key: all CSPs in the store are encrypted under it, and each PIN's slot wraps it.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Kek([u8; 32]);

impl Kek {
    /// Becomes a random key for the blob of that number. The module's secret and the number go into it, so that it
    /// differs from the last one even if the random generator repeats itself.
    pub(crate) fn generate<B: Board>(
        &mut self,
        platform: &mut Platform<B>,
        number: u64,
    ) -> Result<(), CryptoError> {
        let mut random = Zeroizing::new([0; 32]);
        platform.rng.fill(random.as_mut_slice())?;
        let parts: [&[u8]; 3] = [
            b"KeyWriter v1 key-encryption key",
            random.as_slice(),
            &number.to_be_bytes(),
        ];
        derive_key::<B::Crypto>(platform.secret.expose(), &parts, &mut self.0);
        Ok(())
    }

    /// Becomes the same key, in place.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.0.copy_from_slice(&other.0);
    }

    /// Becomes the first of two keys, or the second, in constant time.
    pub(crate) fn choose(&mut self, first: &Self, second: &Self, is_second: bool) {
        let choice = Choice::from(u8::from(is_second));
        for (byte, (first, second)) in self.0.iter_mut().zip(first.0.iter().zip(&second.0)) {
            *byte = u8::conditional_select(first, second, choice);
        }
    }

    pub(super) const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) const fn expose_mut(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }
}
