//! The content of each kind of certificate (PROTOCOL § 4.1).

use crate::FactoryError;
use der::{
    Decode, Encode, Tag,
    asn1::{Any, Null, ObjectIdentifier, SetOfVec},
};
use hsm_protocol::{Serial, certificate::HARDWARE_MODULE};
use x509_cert::{
    TbsCertificate,
    attr::AttributeTypeAndValue,
    builder::{self, profile::BuilderProfile},
    ext::{
        Extension, ToExtension,
        pkix::{
            AuthorityKeyIdentifier, BasicConstraints, KeyUsage, KeyUsages, SubjectKeyIdentifier,
        },
    },
    name::{Name, RdnSequence, RelativeDistinguishedName},
    spki::SubjectPublicKeyInfoRef,
};

/// What a module's certificate says beyond serial number and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The module is a program: for evaluation, not for secrets.
    pub is_virtual: bool,
}

/// The longest name of a root or an authority, in bytes.
///
/// With a space and eight digits after it, it fits a common name (RFC 5280 appendix A.1).
pub const NAME: usize = 64 - 9;

/// The kind of certificate to build.
pub(crate) enum Kind {
    Root,
    /// Certifies modules and no further authorities.
    Authority,
    Module(Profile),
}

/// A certificate's content, except its key and number.
pub(crate) struct Content {
    pub(crate) kind: Kind,
    pub(crate) issuer: Name,
    pub(crate) subject: Name,
}

impl BuilderProfile for Content {
    fn get_issuer(&self, _subject: &Name) -> Name {
        self.issuer.clone()
    }

    fn get_subject(&self) -> Name {
        self.subject.clone()
    }

    fn build_extensions(
        &self,
        key: SubjectPublicKeyInfoRef<'_>,
        issuer_key: SubjectPublicKeyInfoRef<'_>,
        _tbs: &TbsCertificate,
    ) -> builder::Result<Vec<Extension>> {
        let mut list = Vec::new();
        let mut add = |extension: der::Result<Extension>| extension.map(|made| list.push(made));
        // RFC 5280 § 4.2.1.1 and § 4.2.1.2: for people and tools; modules ignore them.
        add(SubjectKeyIdentifier::try_from(key)?.to_extension(&self.subject, &[]))?;
        add(authority_key(issuer_key)?.to_extension(&self.subject, &[]))?;
        match self.kind {
            Kind::Root | Kind::Authority => {
                let path_len_constraint = Some(u8::from(matches!(self.kind, Kind::Root)));
                let constraints = BasicConstraints {
                    ca: true,
                    path_len_constraint,
                };
                add((true, &constraints).to_extension(&self.subject, &[]))?;
                let usage = KeyUsage(KeyUsages::KeyCertSign.into());
                add((true, &usage).to_extension(&self.subject, &[]))?;
            }
            Kind::Module(Profile { is_virtual }) => {
                let constraints = BasicConstraints {
                    ca: false,
                    path_len_constraint: None,
                };
                add((true, &constraints).to_extension(&self.subject, &[]))?;
                let usage = KeyUsage(KeyUsages::DigitalSignature.into());
                add((true, &usage).to_extension(&self.subject, &[]))?;
                if !is_virtual {
                    add((HARDWARE_MODULE, true, &Null).to_extension(&self.subject, &[]))?;
                }
            }
        }
        Ok(list)
    }
}

fn authority_key(key: SubjectPublicKeyInfoRef<'_>) -> der::Result<AuthorityKeyIdentifier> {
    let key_identifier = Some(SubjectKeyIdentifier::try_from(key)?.0);
    Ok(AuthorityKeyIdentifier {
        key_identifier,
        ..AuthorityKeyIdentifier::default()
    })
}

/// Returns the name of a root or an authority: `name` and eight random digits, so that no two are the same.
pub(crate) fn issuer_name(name: &str) -> Result<Name, FactoryError> {
    if name.is_empty() || name.len() > NAME {
        return Err(FactoryError::Name);
    }
    let digits = getrandom::u32().map_err(FactoryError::Random)?;
    let text = format!("{name} {digits:08x}");
    Ok(distinguished(&[(COMMON_NAME, Tag::Utf8String, &text)])?)
}

/// Returns the name of a module.
pub(crate) fn module_name(serial: Serial) -> Result<Name, FactoryError> {
    Ok(distinguished(&[
        (COMMON_NAME, Tag::Utf8String, "KeyWriter module"),
        (SERIAL_NUMBER, Tag::PrintableString, serial.as_str()),
    ])?)
}

fn distinguished(attributes: &[(ObjectIdentifier, Tag, &str)]) -> der::Result<Name> {
    let mut names = RdnSequence::default();
    for (oid, tag, text) in attributes {
        let attribute = AttributeTypeAndValue {
            oid: *oid,
            value: Any::new(*tag, text.as_bytes())?,
        };
        names.push(RelativeDistinguishedName::from(SetOfVec::try_from([
            attribute,
        ])?));
    }
    Name::from_der(&names.to_der()?)
}

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");
