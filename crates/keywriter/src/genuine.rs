//! Whether a module is genuine, as far as this computer can tell. Modules do not rely on it: they verify each other.

use crate::{
    module::SignedAnswer,
    text::{shown_bytes, shown_path},
};
use hsm_protocol::{
    BadSignature, EcPoint, Malformed, Sha384Digest, Signature, Verifier,
    certificate::{CertificateRefusal, Chain, Role, Root},
    limits,
};
use p384::ecdsa::{self, VerifyingKey, signature::Verifier as _};
use sha2::{Digest, Sha256, Sha384};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// ECDSA P-384 and SHA-384 by the crates p384 and sha2.
#[derive(Clone, Copy, Debug)]
pub struct P384;

impl Verifier for P384 {
    fn verify_either_form(
        public: &EcPoint,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), BadSignature> {
        let bad = |_| BadSignature;
        let key = VerifyingKey::from_sec1_bytes(public).map_err(bad)?;
        let signature = ecdsa::Signature::from_slice(signature).map_err(bad)?;
        key.verify(message, &signature).map_err(bad)
    }

    fn sha384(parts: &[&[u8]]) -> Sha384Digest {
        let mut hash = Sha384::new();
        for part in parts {
            hash.update(part);
        }
        hash.finalize().into()
    }
}

/// The root certificate that this computer's user trusts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedRoot(Vec<u8>);

/// Why a file was rejected as a root certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RootError {
    /// It cannot be read.
    #[error("cannot read the root certificate {}", shown_path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It is not PEM.
    #[error("{} is not a PEM certificate", shown_path(path))]
    NotPem {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: pem_rfc7468::Error,
    },
    /// It is the root of a virtual hub, and others may have put it there.
    #[error(
        "others may write to {}, so the virtual hub's root is not trusted",
        shown_path(path)
    )]
    HubOpen {
        /// The hub's file or folder that others may write to.
        path: PathBuf,
    },
    /// It is a certificate, but not a root of modules.
    #[error("{} is not a root certificate of modules", shown_path(path))]
    NotRoot {
        /// The file.
        path: PathBuf,
    },
}

impl TrustedRoot {
    /// Reads a PEM file.
    pub fn load(path: &Path) -> Result<Self, RootError> {
        let read = |source| RootError::Read {
            path: path.to_owned(),
            source,
        };
        let not_pem = |source| RootError::NotPem {
            path: path.to_owned(),
            source,
        };
        let text = fs::read(path).map_err(read)?;
        let (label, der) = pem_rfc7468::decode_vec(&text).map_err(not_pem)?;
        if label != "CERTIFICATE" {
            return Err(not_pem(pem_rfc7468::Error::Label));
        }
        Self::from_der(der).map_err(|Malformed| RootError::NotRoot {
            path: path.to_owned(),
        })
    }

    /// Takes a DER certificate.
    pub fn from_der(der: Vec<u8>) -> Result<Self, Malformed> {
        if der.len() > limits::CERTIFICATE {
            return Err(Malformed);
        }
        Root::parse(&der)?;
        Ok(Self(der))
    }

    /// Returns it as PEM.
    pub fn to_pem(&self) -> io::Result<String> {
        pem_rfc7468::encode_string("CERTIFICATE", pem_rfc7468::LineEnding::LF, &self.0)
            .map_err(io::Error::other)
    }

    /// Returns its SHA-256 fingerprint: 32 bytes in hexadecimal digits, with colons between them.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(&self.0);
        let bytes: Vec<_> = digest.iter().map(|byte| format!("{byte:02X}")).collect();
        bytes.join(":")
    }

    /// Returns the common name of its holder, which anyone can choose; safe to show.
    pub fn name(&self) -> String {
        let subject = self.root().map(|root| root.subject().to_vec());
        let subject = subject.unwrap_or_default();
        let after = subject
            .windows(COMMON_NAME.len())
            .rposition(|window| window == COMMON_NAME)
            .and_then(|at| subject.get(at + COMMON_NAME.len()..));
        let name = after.and_then(|value| {
            let [_tag, len, text @ ..] = value else {
                return None;
            };
            text.get(..usize::from(*len))
        });
        shown_bytes(name.unwrap_or_default())
    }

    /// Returns name and fingerprint in one line.
    pub fn summary(&self) -> String {
        format!("\"{}\", SHA-256 {}", self.name(), self.fingerprint())
    }

    /// Returns the parsed certificate.
    pub fn root(&self) -> Result<Root<'_>, Malformed> {
        Root::parse(&self.0)
    }
}

/// The attribute's identifier in a name: 2.5.4.3, DER.
const COMMON_NAME: &[u8] = &[0x06, 0x03, 0x55, 0x04, 0x03];

/// Whether a module is genuine, as far as this computer can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authenticity {
    /// Certified under the trusted root, and it holds the certified key.
    Genuine,
    /// Certified under another root.
    ForeignRoot,
    /// A certificate or signature does not verify.
    NotGenuine,
    /// No certificate is installed yet.
    NotCertified,
    /// This computer knows no root to check against.
    UnknownRoot,
}

impl Authenticity {
    /// Returns its name in tables and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Genuine => "yes",
            Self::ForeignRoot => "foreign-root",
            Self::NotGenuine => "not-genuine",
            Self::NotCertified => "not-certified",
            Self::UnknownRoot => "unknown-root",
        }
    }

    /// Returns why such a module is not used, unless it is.
    pub const fn check(self) -> Result<(), Untrusted> {
        match self {
            Self::Genuine => Ok(()),
            Self::ForeignRoot => Err(Untrusted::ForeignRoot),
            Self::NotGenuine => Err(Untrusted::NotGenuine),
            Self::NotCertified => Err(Untrusted::NotCertified),
            Self::UnknownRoot => Err(Untrusted::UnknownRoot),
        }
    }

    /// Returns how well it proves the serial number that a device claims; of several devices, the best has it.
    pub(crate) const fn proof(self) -> u8 {
        match self {
            Self::Genuine => 3,
            Self::UnknownRoot => 2,
            Self::ForeignRoot => 1,
            Self::NotGenuine | Self::NotCertified => 0,
        }
    }
}

/// Why a module is not used, whatever for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Untrusted {
    /// It has no certificate.
    #[error("it has no certificate yet")]
    NotCertified,
    /// Its certificate comes from another root.
    #[error("it is certified under another root of trust")]
    ForeignRoot,
    /// Its certificate or its answer does not verify.
    #[error("it is not genuine: its certificate or its signature does not verify")]
    NotGenuine,
    /// This computer trusts no root.
    #[error("this computer has no root certificate to verify it with")]
    UnknownRoot,
}

/// What a chain and a signed answer say about a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificateCheck {
    /// Whether it is genuine.
    pub authenticity: Authenticity,
    /// Whether its certificate says that it is a virtual module.
    pub is_virtual: Option<bool>,
    /// SHA-384 of its certificate.
    pub digest: Option<Sha384Digest>,
}

impl CertificateCheck {
    const NONE: Self = Self {
        authenticity: Authenticity::NotCertified,
        is_virtual: None,
        digest: None,
    };

    /// Checks a module's answer to IDENTITY and its chain.
    pub fn of(root: Option<&TrustedRoot>, answer: &SignedAnswer, chain: &[u8]) -> Self {
        if !answer.identity().certified {
            return Self::NONE;
        }
        let not_genuine = Self {
            authenticity: Authenticity::NotGenuine,
            ..Self::NONE
        };
        let Ok(chain) = Chain::parse(chain) else {
            return not_genuine;
        };
        let leaf = chain.leaf();
        let Role::Module { serial, is_virtual } = leaf.role() else {
            return not_genuine;
        };
        let holds_key = answer.verify::<P384>(leaf.public()).is_ok();
        let authenticity = if !holds_key || serial != answer.identity().serial {
            Authenticity::NotGenuine
        } else {
            match root.map(|root| root.root().map(|root| root.verify::<P384>(&chain))) {
                None => Authenticity::UnknownRoot,
                Some(Ok(Ok(_))) => Authenticity::Genuine,
                Some(Ok(Err(CertificateRefusal::ForeignRoot))) => Authenticity::ForeignRoot,
                Some(Ok(Err(_)) | Err(_)) => Authenticity::NotGenuine,
            }
        };
        Self {
            authenticity,
            is_virtual: Some(is_virtual),
            digest: Some(P384::sha384(&[leaf.as_der()])),
        }
    }
}
