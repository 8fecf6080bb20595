//! Where a key that certifies is kept: in this program's memory, or in a device that signs and keeps it.

use crate::FactoryError;
use getrandom::SysRng;
use hsm_protocol::{EcPoint, Sha384Digest, Signature};
use p384::{
    ecdsa::{self, SigningKey, signature::hazmat::PrehashSigner},
    elliptic_curve::Generate,
    pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding},
};
use std::error::Error;
use zeroize::Zeroizing;

/// A key for ECDSA P-384, wherever it is.
pub trait RootKey {
    /// Returns the public key: a point, uncompressed.
    fn public(&self) -> EcPoint;

    /// Signs a hash, SHA-384; returns r ‖ s, with either s. What it returns is checked before it is used.
    fn sign(&self, hash: &Sha384Digest) -> Result<Signature, Box<dyn Error + Send + Sync>>;
}

impl RootKey for Box<dyn RootKey> {
    fn public(&self) -> EcPoint {
        self.as_ref().public()
    }

    fn sign(&self, hash: &Sha384Digest) -> Result<Signature, Box<dyn Error + Send + Sync>> {
        self.as_ref().sign(hash)
    }
}

/// A key in memory; it zeroizes itself when dropped.
#[allow(missing_debug_implementations, reason = "holds a private key")]
pub struct SoftwareKey(SigningKey);

impl SoftwareKey {
    /// Generates a key.
    pub(crate) fn generate() -> Result<Self, FactoryError> {
        SigningKey::try_generate_from_rng(&mut SysRng)
            .map(Self)
            .map_err(FactoryError::Random)
    }

    /// Reads PKCS #8, PEM.
    pub(crate) fn from_pem(text: &str) -> Result<Self, FactoryError> {
        SigningKey::from_pkcs8_pem(text)
            .map(Self)
            .map_err(FactoryError::Key)
    }

    /// Returns PKCS #8, PEM.
    pub(crate) fn to_pem(&self) -> Result<Zeroizing<String>, FactoryError> {
        self.0
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(FactoryError::Key)
    }
}

impl RootKey for SoftwareKey {
    fn public(&self) -> EcPoint {
        let mut point = [0; 97];
        point.copy_from_slice(self.0.verifying_key().to_sec1_point(false).as_bytes());
        point
    }

    fn sign(&self, hash: &Sha384Digest) -> Result<Signature, Box<dyn Error + Send + Sync>> {
        let signature: ecdsa::Signature = self.0.sign_prehash(hash)?;
        Ok(signature.to_bytes().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_zeroizes_itself() {
        fn zeroizes<T: zeroize::ZeroizeOnDrop>() {}
        zeroizes::<SigningKey>();
    }
}
