//! The root of trust: makes roots and authorities, certifies modules. Bytes in, bytes out.
//!
//! | module | what it holds |
//! |---|---|
//! | [`root`] | the key that everyone trusts |
//! | [`authority`] | a key that a root lets certify modules |
//! | [`profile`] | what stands in each kind of certificate |
//! | [`verifier`] | ECDSA P-384 and SHA-384 for programs on a host |

#![forbid(unsafe_code)]

pub mod authority;
mod issuer;
pub mod profile;
pub mod root;
pub mod verifier;

pub use authority::Authority;
pub use profile::Profile;
pub use root::Root;
pub use verifier::P384Verifier;

use hsm_protocol::{Malformed, certificate::CertificateRefusal};

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FactoryError {
    /// The operating system gave no random bytes.
    #[error("no random bytes from the operating system")]
    Random(#[source] getrandom::Error),
    /// A name for a root or an authority is empty or too long.
    #[error("the name is not of 1 to {} bytes", profile::NAME)]
    Name,
    /// The request is no request of a module, or not signed with the key that it names.
    #[error("the certification request is refused")]
    Request(#[source] CertificateRefusal),
    /// The text does not hold a root's private key (PKCS #8, PEM).
    #[error("no private key of a root")]
    Key(#[source] p384::pkcs8::Error),
    /// The text does not hold the certificate of this private key (PEM), behind the key.
    #[error("no root certificate for this private key")]
    Certificate,
    /// Encoding or signing failed.
    #[error("cannot build the certificate")]
    Build(#[source] x509_cert::builder::Error),
    /// What was built is not what modules accept.
    #[error("the certificate is not one that modules accept")]
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
