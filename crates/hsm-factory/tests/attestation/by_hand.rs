//! Certificates put together byte by byte, so that each rule can be broken alone.

use p384::ecdsa::{DerSignature, SigningKey, signature::Signer};

/// An element with a short or two-byte length.
pub(crate) fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut der = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short @ 0..0x80) => der.push(short),
        Ok(long) => der.extend([0x81, long]),
        Err(_) => {
            der.push(0x82);
            der.extend(u16::try_from(content.len()).unwrap().to_be_bytes());
        }
    }
    der.extend(content);
    der
}

/// Returns a key that is the same in every run; it differs from others in one byte.
pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 48]).unwrap()
}

pub(crate) fn public(key: &SigningKey) -> Vec<u8> {
    key.verifying_key().to_sec1_point(false).as_bytes().to_vec()
}

/// What is signed, field by field.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) version: Vec<u8>,
    pub(crate) number: Vec<u8>,
    pub(crate) algorithm: Vec<u8>,
    pub(crate) outer_algorithm: Vec<u8>,
    pub(crate) issuer: Vec<u8>,
    pub(crate) subject: Vec<u8>,
    pub(crate) curve: Vec<u8>,
    pub(crate) public: Vec<u8>,
    pub(crate) unique: Vec<u8>,
    pub(crate) extensions: Vec<Vec<u8>>,
    pub(crate) behind_extensions: Vec<u8>,
    pub(crate) behind_signature: Vec<u8>,
    pub(crate) key: SigningKey,
}

impl Plan {
    pub(crate) fn module(issuer: &str, signed_with: SigningKey) -> Self {
        let subject = name(&[common_name("module"), serial_number(0x13, "VM0001")]);
        Self::new(
            issuer,
            subject,
            &key(0x11),
            vec![module(), usage(&[7, 0x80])],
            signed_with,
        )
    }

    pub(crate) fn authority(
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
            key: signed_with,
        }
    }

    pub(crate) fn sign(&self) -> Vec<u8> {
        let times = tlv(
            0x30,
            &[
                &tlv(0x17, &[b"260101000000Z"]),
                &tlv(0x18, &[b"99991231235959Z"]),
            ],
        );
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
            &self.key,
            &self.behind_signature,
        )
    }
}

/// Signs and wraps.
pub(crate) fn seal(signed: &[u8], algorithm: &[u8], key: &SigningKey, trailing: &[u8]) -> Vec<u8> {
    let signature: DerSignature = key.sign(signed);
    let bits = tlv(0x03, &[&[0], signature.as_bytes()]);
    tlv(0x30, &[signed, algorithm, &bits, trailing])
}

/// 3 is SHA-384.
pub(crate) fn ecdsa_with(hash: u8) -> Vec<u8> {
    tlv(
        0x30,
        &[&tlv(0x06, &[&[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, hash]])],
    )
}

pub(crate) fn name(relative: &[Vec<u8>]) -> Vec<u8> {
    tlv(0x30, &[&relative.concat()])
}

pub(crate) fn common_name(text: &str) -> Vec<u8> {
    attribute(3, 0x0C, text)
}

pub(crate) fn serial_number(tag: u8, text: &str) -> Vec<u8> {
    attribute(5, tag, text)
}

fn attribute(kind: u8, tag: u8, text: &str) -> Vec<u8> {
    let kind = tlv(0x06, &[&[0x55, 4, kind]]);
    tlv(0x31, &[&tlv(0x30, &[&kind, &tlv(tag, &[text.as_bytes()])])])
}

pub(crate) const CRITICAL: &[u8] = &[1, 1, 0xFF];

/// An extension under 2.5.29.
pub(crate) fn extension(kind: u8, critical: &[u8], value: &[u8]) -> Vec<u8> {
    tlv(
        0x30,
        &[
            &tlv(0x06, &[&[0x55, 0x1D, kind]]),
            critical,
            &tlv(0x04, &[value]),
        ],
    )
}

pub(crate) fn virtual_module(critical: &[u8]) -> Vec<u8> {
    let arc = [0x2B, 6, 1, 4, 1, 0x81, 0xFD, 0x59, 0xC2, 0x20, 1];
    tlv(
        0x30,
        &[&tlv(0x06, &[&arc]), critical, &tlv(0x04, &[&[5, 0]])],
    )
}

/// Key usage, critical: unused bits, then bits.
pub(crate) fn usage(bits: &[u8]) -> Vec<u8> {
    extension(15, CRITICAL, &tlv(0x03, &[bits]))
}

/// Basic constraints of a module, critical.
pub(crate) fn module() -> Vec<u8> {
    extension(19, CRITICAL, &[0x30, 0])
}

/// Basic constraints of an authority, critical.
pub(crate) fn authority(path_len: Option<u8>) -> Vec<u8> {
    extension(19, CRITICAL, &authority_value(path_len))
}

pub(crate) fn authority_value(path_len: Option<u8>) -> Vec<u8> {
    let path_len = path_len.map_or(vec![], |most| vec![2, 1, most]);
    tlv(0x30, &[CRITICAL, &path_len])
}
