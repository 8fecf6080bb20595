//! What roots and authorities have in common: a key, a name, and how they certify.

use crate::{
    FactoryError, P384Verifier, Profile, Register,
    key::{RootKey, SoftwareKey},
    profile::{Content, Kind, module_name},
};
use der::{DateTime, Decode, Encode, asn1::GeneralizedTime};
use hsm_protocol::{
    Verifier,
    certificate::{Certificate, CertificateRefusal, Request},
};
use p384::{
    PublicKey,
    ecdsa::{
        Signature, VerifyingKey,
        signature::{Keypair, hazmat::PrehashVerifier},
    },
};
use x509_cert::{
    builder::{Builder, CertificateBuilder},
    name::Name,
    serial_number::SerialNumber,
    spki::{
        AlgorithmIdentifierOwned, DynSignatureAlgorithmIdentifier, SignatureBitStringEncoding,
        SubjectPublicKeyInfo,
    },
    time::{Time, Validity},
};

/// A key that signs certificates.
pub(crate) struct Issuer<K = SoftwareKey> {
    pub(crate) key: K,
    pub(crate) name: Name,
}

impl Issuer {
    /// Generates a key.
    pub(crate) fn generate(name: Name) -> Result<Self, FactoryError> {
        let key = SoftwareKey::generate()?;
        Ok(Self { key, name })
    }
}

impl<K: RootKey> Issuer<K> {
    pub(crate) fn public(&self) -> Result<PublicKey, FactoryError> {
        PublicKey::from_sec1_bytes(&self.key.public()).map_err(|_bad| FactoryError::Signature)
    }

    /// Issues a module's certificate, DER, after it was entered into the register.
    pub(crate) fn certify(
        &self,
        request: &[u8],
        profile: Profile,
        register: &mut dyn Register,
    ) -> Result<Vec<u8>, FactoryError> {
        let request = Request::parse(request).map_err(|bad| FactoryError::Request(bad.into()))?;
        let requested = request
            .verify::<P384Verifier>()
            .map_err(FactoryError::Request)?;
        let key = PublicKey::from_sec1_bytes(requested.public())
            .map_err(|_bad| FactoryError::Request(CertificateRefusal::NotGenuine))?;
        register.enter(&requested)?;
        self.issue(
            Kind::Module(profile),
            module_name(requested.serial())?,
            &key,
        )
    }

    /// Issues a certificate, DER.
    pub(crate) fn issue(
        &self,
        kind: Kind,
        subject: Name,
        key: &PublicKey,
    ) -> Result<Vec<u8>, FactoryError> {
        let content = Content {
            kind,
            issuer: self.name.clone(),
            subject,
        };
        let key = SubjectPublicKeyInfo::from_key(key).map_err(x509_cert::builder::Error::from)?;
        let mut builder = CertificateBuilder::new(content, number()?, validity()?, key)?;
        let signer = Signer(self.public()?.into());
        let signature = self.sign(&signer.0, &builder.finalize(&signer)?)?;
        let signature = signature.to_der().to_bitstring()?;
        let certificate = builder.assemble(signature, &signer)?.to_der()?;
        Certificate::parse(&certificate).map_err(FactoryError::Rejected)?;
        Ok(certificate)
    }

    /// Signs, and checks the signature: a device may have another key than it says, or sign something else.
    fn sign(&self, public: &VerifyingKey, message: &[u8]) -> Result<Signature, FactoryError> {
        let hash = P384Verifier::sha384(&[message]);
        let signature = self.key.sign(&hash).map_err(FactoryError::Device)?;
        let wrong = |_| FactoryError::Signature;
        let signature = Signature::from_slice(&signature).map_err(wrong)?;
        public.verify_prehash(&hash, &signature).map_err(wrong)?;
        // Modules take one of the two forms (PROTOCOL § 3.3).
        Ok(signature.normalize_s())
    }
}

/// What the builder of certificates asks of a key: who signs, and how.
struct Signer(VerifyingKey);

impl Keypair for Signer {
    type VerifyingKey = VerifyingKey;

    fn verifying_key(&self) -> VerifyingKey {
        self.0
    }
}

impl DynSignatureAlgorithmIdentifier for Signer {
    fn signature_algorithm_identifier(&self) -> x509_cert::spki::Result<AlgorithmIdentifierOwned> {
        self.0.signature_algorithm_identifier()
    }
}

/// Generates a certificate's number: random, positive, 16 bytes (RFC 5280 § 4.1.2.2).
fn number() -> Result<SerialNumber, FactoryError> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(FactoryError::Random)?;
    // The top bit is the sign; the next one keeps the length.
    bytes[0] = bytes[0] & 0x7F | 0x40;
    Ok(SerialNumber::new(&bytes)?)
}

/// Returns a validity from a fixed day on, without an end (RFC 5280 § 4.1.2.5), because modules have no clock.
fn validity() -> Result<Validity, FactoryError> {
    let start = GeneralizedTime::from_date_time(DateTime::new(2026, 1, 1, 0, 0, 0)?);
    Ok(Validity::new(Time::GeneralTime(start), Time::INFINITY))
}

/// Returns the subject's name in a certificate.
pub(crate) fn subject_of(certificate: &[u8]) -> Result<Name, FactoryError> {
    let parsed = Certificate::parse(certificate).map_err(FactoryError::Rejected)?;
    Ok(Name::from_der(parsed.subject())?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn numbers_are_positive_of_sixteen_bytes_and_differ() {
        let numbers: HashSet<_> = (0..500)
            .map(|_| number().unwrap().as_bytes().to_vec())
            .collect();
        assert_eq!(numbers.len(), 500);
        assert!(
            numbers
                .iter()
                .all(|bytes| bytes.len() == 16 && bytes[0] & 0xC0 == 0x40)
        );
    }
}
