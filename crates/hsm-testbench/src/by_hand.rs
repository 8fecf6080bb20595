//! Certificates put together byte by byte, so that each rule can be broken alone.

use p384::ecdsa::{Signature, SigningKey, signature::Signer};

/// An element with a short or two-byte length.
pub fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut der = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short @ 0..0x80) => der.push(short),
        Ok(long) => der.extend([0x81, long]),
        Err(_) => {
            der.push(0x82);
            der.extend(
                u16::try_from(content.len())
                    .expect("in range")
                    .to_be_bytes(),
            );
        }
    }
    der.extend(content);
    der
}

/// Returns a key that is the same in every run; it differs from others in one byte.
pub fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 48]).expect("in range")
}

/// Returns a key's point, uncompressed.
pub fn public(key: &SigningKey) -> Vec<u8> {
    key.verifying_key().to_sec1_point(false).as_bytes().to_vec()
}

/// A certificate, field by field. A field is a whole element, DER, unless another meaning is given.
#[derive(Clone)]
#[allow(missing_debug_implementations, reason = "holds a key")]
pub struct Plan {
    /// Whether this is version 3.
    pub version: Vec<u8>,
    /// The certificate's own number.
    pub number: Vec<u8>,
    /// The signature algorithm, in the signed part.
    pub algorithm: Vec<u8>,
    /// The signature algorithm, beside the signature.
    pub outer_algorithm: Vec<u8>,
    /// The issuer's name.
    pub issuer: Vec<u8>,
    /// The holder's name.
    pub subject: Vec<u8>,
    /// The curve of the holder's key.
    pub curve: Vec<u8>,
    /// The holder's key, the point's bytes alone.
    pub public: Vec<u8>,
    /// What stands between key and extensions.
    pub unique: Vec<u8>,
    /// The extensions; none gives no list at all.
    pub extensions: Vec<Vec<u8>>,
    /// What follows the extensions.
    pub behind_extensions: Vec<u8>,
    /// The last moment of its validity: a time, DER.
    pub not_after: Vec<u8>,
    /// What follows the signature.
    pub behind_signature: Vec<u8>,
    /// The issuer's key.
    pub key: SigningKey,
    /// Which of the two signatures.
    pub form: Form,
}

/// The two forms of an ECDSA signature: both verify, one is permitted (PROTOCOL § 3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `s` is at most half of the order.
    Low,
    /// `n − s` in its place.
    High,
}

impl Plan {
    /// Plans the certificate of the module `VM0001`, whose key is number `11`.
    pub fn module(issuer: &str, signed_with: SigningKey) -> Self {
        let subject = name(&[common_name("module"), serial_number(0x13, "VM0001")]);
        Self::new(
            issuer,
            subject,
            &key(0x11),
            vec![module(), usage(&[7, 0x80])],
            signed_with,
        )
    }

    /// Plans an authority's certificate.
    pub fn authority(
        issuer: &str,
        subject: &str,
        of: &SigningKey,
        path_len: Option<u8>,
        signed_with: SigningKey,
    ) -> Self {
        let extensions = vec![authority(path_len), usage(&[2, 0x04])];
        Self::new(
            issuer,
            name(&[common_name(subject)]),
            of,
            extensions,
            signed_with,
        )
    }

    fn new(
        issuer: &str,
        subject: Vec<u8>,
        of: &SigningKey,
        extensions: Vec<Vec<u8>>,
        signed_with: SigningKey,
    ) -> Self {
        Self {
            version: vec![0xA0, 3, 2, 1, 2],
            number: vec![2, 2, 0x12, 0x34],
            algorithm: ecdsa_with(3),
            outer_algorithm: ecdsa_with(3),
            issuer: name(&[common_name(issuer)]),
            subject,
            curve: tlv(0x06, &[&[0x2B, 0x81, 0x04, 0, 0x22]]),
            public: public(of),
            unique: vec![],
            extensions,
            behind_extensions: vec![],
            behind_signature: vec![],
            not_after: tlv(0x18, &[b"99991231235959Z"]),
            key: signed_with,
            form: Form::Low,
        }
    }

    /// Makes the certificate, DER.
    pub fn sign(&self) -> Vec<u8> {
        let not_before = tlv(0x17, &[b"260101000000Z"]);
        let times = tlv(0x30, &[&not_before, &self.not_after]);
        let kind = tlv(0x06, &[&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1]]);
        let bits = tlv(0x03, &[&[0], &self.public]);
        let key = tlv(0x30, &[&tlv(0x30, &[&kind, &self.curve]), &bits]);
        let mut extensions = tlv(0x30, &[&self.extensions.concat()]);
        extensions = if self.extensions.is_empty() {
            vec![]
        } else {
            tlv(0xA3, &[&extensions])
        };
        let signed = tlv(
            0x30,
            &[
                &self.version,
                &self.number,
                &self.algorithm,
                &self.issuer,
                &times,
                &self.subject,
                &key,
                &self.unique,
                &extensions,
                &self.behind_extensions,
            ],
        );
        seal(
            &signed,
            &self.outer_algorithm,
            &self.behind_signature,
            &der_signature(&self.key, self.form, &signed),
        )
    }
}

/// Wraps what was signed.
fn seal(signed: &[u8], algorithm: &[u8], trailing: &[u8], signature: &[u8]) -> Vec<u8> {
    let bits = tlv(0x03, &[&[0], signature]);
    tlv(0x30, &[signed, algorithm, &bits, trailing])
}

/// Signs anything as a certificate.
pub fn sign_part(signed: &[u8], key: &SigningKey) -> Vec<u8> {
    let signature = der_signature(key, Form::Low, signed);
    seal(signed, &ecdsa_with(3), &[], &signature)
}

/// Signs, `r ‖ s`.
pub fn signature(key: &SigningKey, form: Form, message: &[u8]) -> [u8; 96] {
    in_form(key.sign(message), form).to_bytes().into()
}

/// Returns the same signature, `r ‖ s`, in the other form.
pub fn other_form(signature: &[u8; 96]) -> [u8; 96] {
    let signature = Signature::from_slice(signature).expect("a signature");
    let low = signature.normalize_s();
    let other = if low == signature {
        Form::High
    } else {
        Form::Low
    };
    in_form(low, other).to_bytes().into()
}

/// Returns the same certificate, its signature in the other form.
pub fn in_other_form(certificate: &[u8]) -> Vec<u8> {
    let signed = signed_part(certificate);
    let algorithm = ecdsa_with(3);
    // Two headers of four bytes; a BIT STRING's tag, length and number of unused bits.
    let at = 4 + signed.len() + algorithm.len() + 3;
    let signature = Signature::from_der(&certificate[at..]).expect("a signature");
    let other = other_form(&signature.to_bytes().into());
    let other = Signature::from_slice(&other).expect("a signature");
    seal(signed, &algorithm, &[], other.to_der().as_bytes())
}

/// Returns the signed part of a certificate with two-byte lengths.
pub fn signed_part(certificate: &[u8]) -> &[u8] {
    let len = usize::from(u16::from_be_bytes([certificate[6], certificate[7]]));
    &certificate[4..8 + len]
}

fn der_signature(key: &SigningKey, form: Form, message: &[u8]) -> Vec<u8> {
    let signature: Signature = key.sign(message);
    in_form(signature, form).to_der().as_bytes().to_vec()
}

fn in_form(signature: Signature, form: Form) -> Signature {
    let low = signature.normalize_s();
    match form {
        Form::Low => low,
        Form::High => {
            let (r, s) = low.split_scalars();
            Signature::from_scalars(r, -s).expect("not zero")
        }
    }
}

/// The algorithm ECDSA with a hash: 3 is SHA-384.
pub fn ecdsa_with(hash: u8) -> Vec<u8> {
    tlv(
        0x30,
        &[&tlv(0x06, &[&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, hash]])],
    )
}

/// A name of these relative names.
pub fn name(relative: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &[&relative.concat()])
}

/// A relative name: the common name.
pub fn common_name(text: &str) -> Vec<u8> {
    attribute(3, 0x0C, text)
}

/// A relative name: the serial number, as a string of the kind that the tag says.
pub fn serial_number(tag: u8, text: &str) -> Vec<u8> {
    attribute(5, tag, text)
}

fn attribute(kind: u8, tag: u8, text: &str) -> Vec<u8> {
    let kind = tlv(0x06, &[&[0x55, 4, kind]]);
    tlv(0x31, &[&tlv(0x30, &[&kind, &tlv(tag, &[text.as_bytes()])])])
}

/// The field that makes an extension critical.
pub const CRITICAL: &[u8] = &[1, 1, 0xFF];

/// An extension under 2.5.29.
pub fn extension(kind: u8, critical: &[u8], value: &[u8]) -> Vec<u8> {
    tlv(
        0x30,
        &[
            &tlv(0x06, &[&[0x55, 0x1D, kind]]),
            critical,
            &tlv(0x04, &[value]),
        ],
    )
}

/// The mark of a hardware module.
pub fn hardware_module(critical: &[u8]) -> Vec<u8> {
    let arc = [0x2B, 6, 1, 4, 1, 0x81, 0xFD, 0x59, 0xC2, 0x20, 1];
    tlv(
        0x30,
        &[&tlv(0x06, &[&arc]), critical, &tlv(0x04, &[&[5, 0]])],
    )
}

/// Key usage, critical: unused bits, then bits.
pub fn usage(bits: &[u8]) -> Vec<u8> {
    extension(15, CRITICAL, &tlv(0x03, &[bits]))
}

/// Basic constraints of a module, critical.
pub fn module() -> Vec<u8> {
    extension(19, CRITICAL, &[0x30, 0])
}

/// Basic constraints of an authority, critical.
pub fn authority(path_len: Option<u8>) -> Vec<u8> {
    extension(19, CRITICAL, &authority_value(path_len))
}

/// The value of an authority's basic constraints.
pub fn authority_value(path_len: Option<u8>) -> Vec<u8> {
    let path_len = path_len.map_or(vec![], |most| vec![2, 1, most]);
    tlv(0x30, &[CRITICAL, &path_len])
}
