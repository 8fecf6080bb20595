//! The root of trust: makes roots and authorities, certifies modules. Bytes in, bytes out.
//!
//! | module | what it holds |
//! |---|---|
//! | [`root`] | the key at the top of every chain |
//! | [`key`] | where such a key is: in memory, or in a device |
//! | [`authority`] | a key that a root has authorized to certify modules |
//! | [`profile`] | the content of each kind of certificate |
//! | [`register`] | what was certified, so that no two modules have one serial number |
//! | [`verifier`] | ECDSA P-384 and SHA-384 for programs on a host |

#![forbid(unsafe_code)]

pub mod authority;
mod issuer;
pub mod key;
pub mod profile;
pub mod register;
pub mod root;
pub mod verifier;

pub use authority::Authority;
pub use key::RootKey;
pub use profile::Profile;
pub use register::{Register, RegisterError, RegisterFile};
pub use root::Root;
pub use verifier::P384Verifier;

use hsm_protocol::{Malformed, certificate::CertificateRefusal};

/// Why something cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactoryError {
    /// The operating system returned no random bytes.
    #[error("the operating system returned no random bytes")]
    Random(#[source] getrandom::Error),
    /// A name for a root or an authority is empty or too long.
    #[error("the name must have 1 to {} bytes", profile::NAME)]
    Name,
    /// The request was not made by a module, or not signed with the key in it.
    #[error("invalid certification request")]
    Request(#[source] CertificateRefusal),
    /// The serial number has another key, or the register cannot be used.
    #[error(transparent)]
    Register(#[from] RegisterError),
    /// The text does not begin with a root's private key (PKCS #8, PEM).
    #[error("the root's private key is missing or invalid")]
    Key(#[source] p384::pkcs8::Error),
    /// The certificate of this private key (PEM) does not follow the key.
    #[error("the root's certificate is missing, or not the one of its private key")]
    Certificate,
    /// The device that keeps the root's key did not sign.
    #[error("the device with the root's key did not sign")]
    Device(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A signature is not of the key that should have made it.
    #[error("the root's key gave a wrong signature, or is no key of P-384: it must not be used")]
    Signature,
    /// Encoding or signing failed.
    #[error("cannot build the certificate")]
    Build(#[source] x509_cert::builder::Error),
    /// Modules would reject the new certificate.
    #[error("modules would reject the new certificate")]
    Rejected(#[source] Malformed),
}

impl From<x509_cert::builder::Error> for FactoryError {
    fn from(error: x509_cert::builder::Error) -> Self {
        Self::Build(error)
    }
}

impl From<der::Error> for FactoryError {
    fn from(error: der::Error) -> Self {
        Self::Build(error.into())
    }
}
