//! The key-encryption key.

use crate::crypto::{CryptoError, Rng};
use subtle::{Choice, ConditionallySelectable};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The key-encryption key: all CSPs in the store are encrypted under it, and each PIN's slot wraps it.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Kek([u8; 32]);

impl Kek {
    /// Becomes a random key.
    pub(crate) fn generate(&mut self, rng: &mut dyn Rng) -> Result<(), CryptoError> {
        rng.fill(&mut self.0)
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
