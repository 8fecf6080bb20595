//! Certificates: which modules are genuine (PROTOCOL § 4.1; a subset of RFC 5280).
//!
//! ECDSA P-384 with SHA-384, DER, X.509 version 3, and nothing else. A module's certificate carries its [`Serial`] as
//! the subject's serialNumber attribute; it is signed by the root or by one authority that the root certified.
//!
//! Modules have no clock, so validity is parsed and never evaluated. There is no revocation: against a lost module
//! help the journal and new keys.
//!
//! Unknown extensions that are not critical are ignored, so that a later version can put an ML-DSA key beside the
//! ECDSA one (and raise [`limits::CERTIFICATE`]).
//!
//! [`limits::CERTIFICATE`]: crate::limits::CERTIFICATE

mod asn1;
mod chain;
mod extension;
mod parse;
mod request;

pub use chain::{Chain, encode_chain};
pub use extension::HARDWARE_MODULE;
pub use parse::{Certificate, Role};
pub use request::{Request, RequestedKey, encode_request, encode_request_info};

use crate::{EcPoint, Malformed, Serial, Sha384Digest, Verifier};

/// A root that the holder trusts. The caller that parses one is responsible for the origin of its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Root<'a>(Certificate<'a>);

impl<'a> Root<'a> {
    /// Parses a root: an authority that issued itself and may sign certificates (RFC 5280 § 4.2.1.3, § 4.2.1.9).
    ///
    /// Its signature on itself is not checked, as it proves nothing: the root is trusted without it, or not at all.
    pub fn parse(der: &'a [u8]) -> Result<Self, Malformed> {
        let certificate = Certificate::parse(der)?;
        match certificate.role() {
            Role::Authority { .. }
                if certificate.may_sign_certificates()
                    && certificate.issuer() == certificate.subject() =>
            {
                Ok(Self(certificate))
            }
            _ => Err(Malformed),
        }
    }

    /// Returns the certificate as it was read.
    pub const fn as_der(&self) -> &'a [u8] {
        self.0.as_der()
    }

    /// Returns the holder's name, DER.
    pub const fn subject(&self) -> &'a [u8] {
        self.0.subject()
    }

    /// Checks that the chain leads from this root to a module, from the top (RFC 5280 § 6.1).
    pub fn verify<'c, V: Verifier>(
        &self,
        chain: &Chain<'c>,
    ) -> Result<Genuine<'c>, CertificateRefusal> {
        let leaf = chain.leaf();
        if chain.authority().unwrap_or(leaf).issuer() != self.0.subject() {
            return Err(CertificateRefusal::ForeignRoot);
        }
        match chain.authority() {
            None => issued::<V>(leaf, &self.0, 0)?,
            Some(authority) => {
                issued::<V>(authority, &self.0, 1)?;
                issued::<V>(leaf, authority, 0)?;
            }
        }
        match leaf.role() {
            Role::Module { serial, is_virtual }
                if leaf.may_sign_data() && !leaf.may_sign_certificates() =>
            {
                Ok(Genuine {
                    serial,
                    is_virtual,
                    public: leaf.public(),
                    hash: V::sha384(&[leaf.as_der()]),
                })
            }
            _ => Err(CertificateRefusal::NotGenuine),
        }
    }
}

/// Checks one link: `issuer` is an authority that may have `below` others under it, and it signed `certificate`.
fn issued<V: Verifier>(
    certificate: &Certificate<'_>,
    issuer: &Certificate<'_>,
    below: u8,
) -> Result<(), CertificateRefusal> {
    match issuer.role() {
        Role::Authority { path_len }
            if path_len.is_none_or(|most| below <= most)
                && issuer.may_sign_certificates()
                && certificate.issuer() == issuer.subject() =>
        {
            certificate.signed_by::<V>(issuer.public())
        }
        _ => Err(CertificateRefusal::NotGenuine),
    }
}

/// Proof that a chain leads from the root to this module.
#[derive(Clone, Copy, Debug)]
pub struct Genuine<'a> {
    serial: Serial,
    is_virtual: bool,
    public: &'a EcPoint,
    hash: Sha384Digest,
}

impl<'a> Genuine<'a> {
    /// Returns the module's serial number.
    pub const fn serial(&self) -> Serial {
        self.serial
    }

    /// Returns the key that verifies the module's signatures. The verifier checks that it is a point of the curve.
    pub const fn public(&self) -> &'a EcPoint {
        self.public
    }

    /// Returns the SHA-384 hash of the module's own certificate, as it was received.
    pub const fn hash(&self) -> &Sha384Digest {
        &self.hash
    }

    /// Returns whether the module is a program: good for evaluation, not for secrets.
    pub const fn is_virtual(&self) -> bool {
        self.is_virtual
    }
}

/// Why certificates do not prove that a module is genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateRefusal {
    /// The bytes are not a certificate, chain or request of ours.
    Malformed,
    /// The topmost certificate names another issuer than this root.
    ForeignRoot,
    /// A signature, a permitted use or the path is wrong.
    NotGenuine,
}

impl From<Malformed> for CertificateRefusal {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

impl core::fmt::Display for CertificateRefusal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed certificate",
            Self::ForeignRoot => "certified under another root",
            Self::NotGenuine => "not a genuine module's certificate",
        })
    }
}

impl core::error::Error for CertificateRefusal {}
