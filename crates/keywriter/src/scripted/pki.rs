//! A root of trust for tests. The smallest certificates that modules accept.

use hsm_protocol::{Serial, Signature, certificate::encode_chain, limits};
use p384::ecdsa::{SigningKey, signature::Signer};

/// A key and the certificates that go with it.
pub(crate) struct Certified {
    pub(crate) key: SigningKey,
    /// A root's certificate, or a module's chain.
    pub(crate) bytes: Vec<u8>,
}

/// Makes a root; each seed another.
pub(crate) fn root(seed: u8) -> Certified {
    let key = key(seed, 0);
    let name = name(COMMON_NAME, 0x0C, &[b'R', b'0' + seed]);
    let bytes = certificate(&key, (&name, &name), &key, AUTHORITY);
    Certified { key, bytes }
}

/// Certifies a hardware module.
pub(crate) fn module(root_seed: u8, serial: Serial, seed: u8) -> Certified {
    certify(root_seed, serial, seed, MODULE)
}

/// Certifies a virtual module.
pub(crate) fn virtual_module(root_seed: u8, serial: Serial, seed: u8) -> Certified {
    certify(root_seed, serial, seed, VIRTUAL_MODULE)
}

fn certify(root_seed: u8, serial: Serial, seed: u8, extensions: &[&[u8]]) -> Certified {
    let root = root(root_seed);
    let issuer = name(COMMON_NAME, 0x0C, &[b'R', b'0' + root_seed]);
    let subject = name(SERIAL_NUMBER, 0x13, serial.as_str().as_bytes());
    let key = key(seed, 1);
    let leaf = certificate(&key, (&issuer, &subject), &root.key, extensions);
    let mut bytes = vec![0; limits::CHAIN];
    let len = encode_chain(&[&leaf], &mut bytes).unwrap();
    bytes.truncate(len);
    Certified { key, bytes }
}

/// Signs as modules do.
pub(crate) fn sign(key: &SigningKey, message: &[u8]) -> Signature {
    let signature: p384::ecdsa::Signature = key.sign(message);
    signature.to_bytes().into()
}

fn key(seed: u8, kind: u8) -> SigningKey {
    let mut scalar = [1; 48];
    scalar[0] = kind;
    scalar[1] = seed;
    SigningKey::from_slice(&scalar).unwrap()
}

fn certificate(
    key: &SigningKey,
    (issuer, subject): (&[u8], &[u8]),
    issuing: &SigningKey,
    extensions: &[&[u8]],
) -> Vec<u8> {
    let time = der(0x18, &[b"20200101000000Z"]);
    let point = key.verifying_key().to_sec1_point(false);
    let algorithm = der(0x30, &[&der(0x06, &[EC_KEY]), &der(0x06, &[P384])]);
    let public = der(0x30, &[&algorithm, &der(0x03, &[&[0], point.as_bytes()])]);
    let signed = der(
        0x30,
        &[
            &[0xA0, 3, 2, 1, 2],
            &der(0x02, &[&[1]]),
            ECDSA_WITH_SHA384,
            issuer,
            &der(0x30, &[&time, &time]),
            subject,
            &public,
            &der(0xA3, &[&der(0x30, extensions)]),
        ],
    );
    let signature: p384::ecdsa::Signature = issuing.sign(&signed);
    let signature = signature.to_der();
    let bits = der(0x03, &[&[0], signature.as_bytes()]);
    der(0x30, &[&signed, ECDSA_WITH_SHA384, &bits])
}

fn name(kind: &[u8], tag: u8, text: &[u8]) -> Vec<u8> {
    let attribute = der(0x30, &[&der(0x06, &[kind]), &der(tag, &[text])]);
    der(0x30, &[&der(0x31, &[&attribute])])
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    let mut bytes = match (high, low) {
        (0, 0..0x80) => vec![tag, low],
        (0, _) => vec![tag, 0x81, low],
        _ => vec![tag, 0x82, high, low],
    };
    bytes.extend(content);
    bytes
}

const COMMON_NAME: &[u8] = &[0x55, 4, 3];
const SERIAL_NUMBER: &[u8] = &[0x55, 4, 5];
const EC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 2, 1];
const P384: &[u8] = &[0x2B, 0x81, 4, 0, 0x22];
const ECDSA_WITH_SHA384: &[u8] = &[
    0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 3,
];
/// Basic constraints, critical, of an authority; key usage keyCertSign.
const AUTHORITY: &[&[u8]] = &[
    &[
        0x30, 0x0F, 6, 3, 0x55, 0x1D, 0x13, 1, 1, 0xFF, 4, 5, 0x30, 3, 1, 1, 0xFF,
    ],
    &[
        0x30, 0x0E, 6, 3, 0x55, 0x1D, 0x0F, 1, 1, 0xFF, 4, 4, 3, 2, 2, 4,
    ],
];
/// Key usage digitalSignature.
const KEY_USAGE: &[u8] = &[
    0x30, 0x0E, 6, 3, 0x55, 0x1D, 0x0F, 1, 1, 0xFF, 4, 4, 3, 2, 7, 0x80,
];
const MODULE: &[&[u8]] = &[KEY_USAGE];
/// And: it is a program.
const VIRTUAL_MODULE: &[&[u8]] = &[
    KEY_USAGE,
    &[
        0x30, 0x11, 6, 0x0B, 0x2B, 6, 1, 4, 1, 0x81, 0xFD, 0x59, 0xC2, 0x20, 1, 4, 2, 5, 0,
    ],
];
