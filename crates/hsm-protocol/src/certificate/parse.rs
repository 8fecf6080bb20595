//! Certificates: DER in, fields out (RFC 5280 § 4.1).

use super::{
    CertificateRefusal,
    asn1::{ECDSA_WITH_SHA384, expect, read_public, read_signature, sequence, serial_of},
    extension::Extensions,
};
use crate::{EcPoint, Malformed, Serial, Signature, Verifier, limits};
use der::{
    Decode, Reader, SliceReader, Tag, TagNumber, Tagged,
    asn1::{AnyRef, GeneralizedTime, UintRef, UtcTime},
};

/// A well-formed certificate. [`Root::verify`](super::Root::verify) proves that it is genuine.
#[derive(Clone, Copy)]
pub struct Certificate<'a> {
    der: &'a [u8],
    signed: &'a [u8],
    signature: Signature,
    fields: Fields<'a>,
}

/// The signed part, as far as it is used.
#[derive(Clone, Copy)]
struct Fields<'a> {
    issuer: &'a [u8],
    subject: &'a [u8],
    public: &'a EcPoint,
    role: Role,
    may_sign_data: bool,
    may_sign_certificates: bool,
}

/// Whether the certificate is a module's or an authority's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A module's.
    Module {
        /// The subject's serialNumber attribute.
        serial: Serial,
        /// Whether the module is a program: the certificate does not say that it is hardware
        /// ([`HARDWARE_MODULE`](super::HARDWARE_MODULE)).
        is_virtual: bool,
    },
    /// A certification authority's.
    Authority {
        /// How many authorities may be below it; `None` sets no limit.
        path_len: Option<u8>,
    },
}

impl<'a> Certificate<'a> {
    /// Parses a whole certificate of at most [`limits::CERTIFICATE`] bytes.
    pub fn parse(der: &'a [u8]) -> Result<Self, Malformed> {
        if der.len() > limits::CERTIFICATE {
            return Err(Malformed);
        }
        let mut reader = sequence(der)?;
        let signed = reader.tlv_bytes()?;
        let signature = read_signature(&mut reader)?;
        reader.finish()?;
        Ok(Self {
            der,
            signed,
            signature,
            fields: Fields::parse(signed)?,
        })
    }

    /// Returns the certificate as it was read.
    pub const fn as_der(&self) -> &'a [u8] {
        self.der
    }

    /// Returns whether it is a module's or an authority's.
    pub const fn role(&self) -> Role {
        self.fields.role
    }

    /// Returns its key.
    pub const fn public(&self) -> &'a EcPoint {
        self.fields.public
    }

    /// Returns the issuer's name, DER. Names are compared as bytes (RFC 5280 § 7.1 allows it; ours have one spelling).
    pub const fn issuer(&self) -> &'a [u8] {
        self.fields.issuer
    }

    /// Returns the subject's name, DER.
    pub const fn subject(&self) -> &'a [u8] {
        self.fields.subject
    }

    /// Returns whether its key usage names digitalSignature.
    pub const fn may_sign_data(&self) -> bool {
        self.fields.may_sign_data
    }

    /// Returns whether its key usage names keyCertSign.
    pub const fn may_sign_certificates(&self) -> bool {
        self.fields.may_sign_certificates
    }

    /// Verifies the signature over the bytes that were received.
    pub(super) fn signed_by<V: Verifier>(
        &self,
        issuer: &EcPoint,
    ) -> Result<(), CertificateRefusal> {
        V::verify(issuer, self.signed, &self.signature)
            .map_err(|_bad| CertificateRefusal::NotGenuine)
    }
}

impl core::fmt::Debug for Certificate<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Certificate")
            .field("role", &self.role())
            .finish_non_exhaustive()
    }
}

impl<'a> Fields<'a> {
    fn parse(signed: &'a [u8]) -> Result<Self, Malformed> {
        let mut reader = sequence(signed)?;
        expect(&mut reader, VERSION_3)?;
        number(&mut reader)?;
        expect(&mut reader, ECDSA_WITH_SHA384)?;
        let issuer = name(&mut reader)?;
        validity(&mut reader)?;
        let subject = name(&mut reader)?;
        let public = read_public(&mut reader)?;
        let extensions = extensions(&mut reader)?;
        reader.finish()?;

        let role = match (extensions.authority, extensions.is_hardware) {
            (Some(path_len), false) => Role::Authority { path_len },
            (Some(_), true) => return Err(Malformed),
            (None, is_hardware) => Role::Module {
                serial: serial_of(subject)?,
                is_virtual: !is_hardware,
            },
        };
        let Extensions {
            may_sign_data,
            may_sign_certificates,
            ..
        } = extensions;
        Ok(Self {
            issuer,
            subject,
            public,
            role,
            may_sign_data,
            may_sign_certificates,
        })
    }
}

/// Reads the certificate's own number: positive, at most 20 bytes (RFC 5280 § 4.1.2.2).
fn number(reader: &mut SliceReader<'_>) -> Result<(), Malformed> {
    let bytes = UintRef::decode(reader)?.as_bytes();
    if bytes.len() > 20 || bytes == [0] {
        Err(Malformed)
    } else {
        Ok(())
    }
}

fn name<'a>(reader: &mut SliceReader<'a>) -> Result<&'a [u8], Malformed> {
    let der = reader.tlv_bytes()?;
    // A name must not be empty (RFC 5280 § 4.1.2.4).
    if sequence(der)?.is_finished() {
        Err(Malformed)
    } else {
        Ok(der)
    }
}

/// Reads two well-formed times. There is no clock to compare them with.
fn validity(reader: &mut SliceReader<'_>) -> Result<(), Malformed> {
    reader.sequence(|reader| {
        for _bound in 0..2 {
            let time = AnyRef::decode(reader)?;
            match time.tag() {
                Tag::UtcTime => time.decode_as::<UtcTime>().map(|_| ())?,
                _ => time.decode_as::<GeneralizedTime>().map(|_| ())?,
            }
        }
        Ok(())
    })
}

/// Reads the extensions, which follow the key directly: unique identifiers are refused (RFC 5280 § 4.1.2.8).
fn extensions(reader: &mut SliceReader<'_>) -> Result<Extensions, Malformed> {
    let tagged = AnyRef::decode(reader)?;
    tagged.tag().assert_eq(Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(3),
    })?;
    let list = AnyRef::from_der(tagged.value())?;
    list.tag().assert_eq(Tag::Sequence)?;
    Extensions::parse(list.value())
}

/// `[0] EXPLICIT INTEGER 2` (RFC 5280 § 4.1.2.1).
const VERSION_3: &[u8] = &[0xA0, 3, 2, 1, 2];
