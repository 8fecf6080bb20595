//! Secrets agreed with a peer.

use crate::crypto::{CryptoError, KemCiphertext, KemKey, Provider, Rng};
use hsm_protocol::EcPoint;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The x-coordinate that two ECDH keys share.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(crate) struct EcdhShared([u8; 48]);

/// The secret that an ML-KEM ciphertext carries.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct KemShared([u8; 32]);

impl EcdhShared {
    pub(crate) const fn empty() -> Self {
        Self([0; 48])
    }

    /// Becomes the secret shared with a peer, whose point is validated.
    pub(crate) fn agree<C: Provider>(
        &mut self,
        secret: &C::EcdhSecret,
        peer: &EcPoint,
    ) -> Result<(), CryptoError> {
        C::ecdh_agree(secret, peer, &mut self.0)
    }

    pub(super) const fn expose(&self) -> &[u8; 48] {
        &self.0
    }
}

impl KemShared {
    /// Becomes a fresh secret, which `ciphertext` carries to the holder of the key.
    pub(crate) fn encapsulate<C: Provider>(
        &mut self,
        rng: &mut dyn Rng,
        public: &KemKey,
        ciphertext: &mut KemCiphertext,
    ) -> Result<(), CryptoError> {
        C::kem_encapsulate(rng, public, ciphertext, &mut self.0)
    }

    /// Becomes the secret that the ciphertext carries.
    pub(crate) fn decapsulate<C: Provider>(
        &mut self,
        secret: &C::KemSecret,
        ciphertext: &KemCiphertext,
    ) -> Result<(), CryptoError> {
        C::kem_decapsulate(secret, ciphertext, &mut self.0)
    }

    pub(super) const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}
