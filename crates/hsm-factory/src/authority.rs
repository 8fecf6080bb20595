//! An authority: a key that a root has authorized to certify modules, so that the root's own key can stay locked away.

use crate::{FactoryError, Profile, Register, issuer::Issuer};
use hsm_protocol::{certificate::encode_chain, limits};

/// A key, certified by a root, that certifies modules but no further authorities.
#[allow(missing_debug_implementations, reason = "holds a private key")]
pub struct Authority {
    issuer: Issuer,
    certificate: Vec<u8>,
}

impl Authority {
    pub(crate) fn new(issuer: Issuer, certificate: Vec<u8>) -> Self {
        Self {
            issuer,
            certificate,
        }
    }

    /// Returns its certificate, DER.
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    /// Certifies the module that made `request` (PKCS #10, DER), unless another key has its serial number.
    ///
    /// Returns the wire form of the module's chain: its certificate and this authority's (PROTOCOL § 4.1).
    pub fn certify(
        &self,
        request: &[u8],
        profile: Profile,
        register: &mut dyn Register,
    ) -> Result<Vec<u8>, FactoryError> {
        chain(&[
            &self.issuer.certify(request, profile, register)?,
            &self.certificate,
        ])
    }
}

pub(crate) fn chain(certificates: &[&[u8]]) -> Result<Vec<u8>, FactoryError> {
    let mut wire = vec![0; limits::CHAIN];
    let len = encode_chain(certificates, &mut wire).map_err(FactoryError::Rejected)?;
    wire.truncate(len);
    Ok(wire)
}
