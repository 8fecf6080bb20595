//! A root: the key at the top of every chain.

use crate::{
    FactoryError, Profile, Register,
    authority::{Authority, chain},
    issuer::{Issuer, subject_of},
    key::{RootKey, SoftwareKey},
    profile::{Kind, issuer_name},
};
use hsm_protocol::certificate;
use x509_cert::{
    Certificate,
    der::{Decode, DecodePem, Encode, EncodePem, pem::LineEnding},
};
use zeroize::Zeroizing;

/// A private key and its self-signed certificate. A key in memory zeroizes itself when dropped.
#[allow(missing_debug_implementations, reason = "holds a private key")]
pub struct Root<K = SoftwareKey> {
    issuer: Issuer<K>,
    certificate: Vec<u8>,
}

impl Root {
    /// Makes a root whose key is in memory. `name` has 1 to [`profile::NAME`](crate::profile::NAME) bytes; eight random
    /// digits are appended, so that no two roots have the same name.
    pub fn generate(name: &str) -> Result<Self, FactoryError> {
        Self::certified(SoftwareKey::generate()?, name)
    }

    /// Reads the output of [`Self::to_pem`].
    pub fn from_pem(text: &str) -> Result<Self, FactoryError> {
        let (key, certificate) = text.split_at(text.find(CERTIFICATE_BEGINS).unwrap_or(text.len()));
        Self::known(SoftwareKey::from_pem(key)?, certificate)
    }

    /// Returns the private key (PKCS #8) and the certificate, PEM, in this order. Whoever reads this can certify
    /// anything.
    pub fn to_pem(&self) -> Result<Zeroizing<String>, FactoryError> {
        let key = self.issuer.key.to_pem()?;
        // Full size from the start: a string that grows leaves a copy of the key in freed memory.
        let certificate = self.certificate_pem()?;
        let mut whole = Zeroizing::new(String::with_capacity(key.len() + certificate.len()));
        whole.push_str(&key);
        whole.push_str(&certificate);
        Ok(whole)
    }
}

impl<K: RootKey> Root<K> {
    /// Makes a root of a key that has no certificate yet; its name as for [`Root::generate`].
    pub fn certified(key: K, name: &str) -> Result<Self, FactoryError> {
        let issuer = Issuer {
            key,
            name: issuer_name(name)?,
        };
        let certificate = issuer.issue(Kind::Root, issuer.name.clone(), &issuer.public()?)?;
        Ok(Self {
            issuer,
            certificate,
        })
    }

    /// Returns the root with this key and certificate, PEM. It is an error if they do not belong together.
    pub fn known(key: K, certificate: &str) -> Result<Self, FactoryError> {
        let certificate = Certificate::from_pem(certificate)
            .and_then(|read| read.to_der())
            .map_err(|_other| FactoryError::Certificate)?;
        certificate::Root::parse(&certificate)
            .and_then(|_root| certificate::Certificate::parse(&certificate))
            .ok()
            .filter(|read| *read.public() == key.public())
            .ok_or(FactoryError::Certificate)?;
        let issuer = Issuer {
            key,
            name: subject_of(&certificate)?,
        };
        Ok(Self {
            issuer,
            certificate,
        })
    }

    /// Returns the same root, of whose key nothing is said.
    pub fn boxed(self) -> Root<Box<dyn RootKey>>
    where
        K: 'static,
    {
        let Issuer { key, name } = self.issuer;
        let key: Box<dyn RootKey> = Box::new(key);
        Root {
            issuer: Issuer { key, name },
            certificate: self.certificate,
        }
    }

    /// Returns the certificate, PEM.
    pub fn certificate_pem(&self) -> Result<String, FactoryError> {
        Ok(Certificate::from_der(&self.certificate)?.to_pem(LineEnding::LF)?)
    }

    /// Returns the certificate, DER.
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    /// Makes an authority under this root; eight random digits are appended to its name.
    pub fn authorize(&self, name: &str) -> Result<Authority, FactoryError> {
        let below = Issuer::generate(issuer_name(name)?)?;
        let certificate =
            self.issuer
                .issue(Kind::Authority, below.name.clone(), &below.public()?)?;
        Ok(Authority::new(below, certificate))
    }

    /// Certifies the module that made `request` (PKCS #10, DER), unless another key has its serial number.
    ///
    /// Returns the wire form of the module's chain, which is its certificate alone (PROTOCOL § 4.1).
    pub fn certify(
        &self,
        request: &[u8],
        profile: Profile,
        register: &mut dyn Register,
    ) -> Result<Vec<u8>, FactoryError> {
        chain(&[&self.issuer.certify(request, profile, register)?])
    }
}

const CERTIFICATE_BEGINS: &str = "-----BEGIN CERTIFICATE-----";
