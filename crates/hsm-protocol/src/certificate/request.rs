//! Certification requests (PKCS #10, RFC 2986): a module makes one, the factory reads it.

use super::{
    CertificateRefusal,
    asn1::{
        ECDSA_WITH_SHA384, PUBLIC_KEY, SERIAL_NUMBER, SIGNATURE, encode, encode_signature, expect,
        read_public, read_signature, sequence, serial_of,
    },
};
use crate::{EcPoint, Malformed, Serial, Signature, Verifier, limits};
use der::{Encode, Reader, Tag};

/// Writes the part of a request that the module signs. Returns its length in bytes, less than [`limits::CSR`].
///
/// Subject: the common name "KeyWriter module", then the serial number. No attributes.
pub fn encode_request_info(
    serial: &Serial,
    public: &EcPoint,
    out: &mut [u8],
) -> Result<usize, Malformed> {
    let [mut kind, mut text, mut attribute, mut set, mut name] = [[0; 64]; 5];
    let kind = SERIAL_NUMBER.encode_to_slice(&mut kind)?;
    let text = encode(
        Tag::PrintableString,
        &[serial.as_str().as_bytes()],
        &mut text,
    )?;
    let attribute = encode(Tag::Sequence, &[kind, text], &mut attribute)?;
    let set = encode(Tag::Set, &[attribute], &mut set)?;
    let name = encode(Tag::Sequence, &[COMMON_NAME, set], &mut name)?;
    Ok(encode(
        Tag::Sequence,
        &[VERSION_1, name, PUBLIC_KEY, public, NO_ATTRIBUTES],
        out,
    )?
    .len())
}

/// Writes the request from the signed part and the signature. Returns its length in bytes, at most [`limits::CSR`].
pub fn encode_request(
    info: &[u8],
    signature: &Signature,
    out: &mut [u8],
) -> Result<usize, Malformed> {
    let mut bits = [0; SIGNATURE];
    let bits = encode_signature(signature, &mut bits)?;
    let request = encode(Tag::Sequence, &[info, ECDSA_WITH_SHA384, bits], out)?;
    Request::parse(request)?;
    Ok(request.len())
}

/// A well-formed request. [`Request::verify`] proves that its maker holds the key.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    signed: &'a [u8],
    signature: Signature,
    serial: Serial,
    public: &'a EcPoint,
}

impl<'a> Request<'a> {
    /// Parses a whole request of at most [`limits::CSR`] bytes.
    pub fn parse(der: &'a [u8]) -> Result<Self, Malformed> {
        if der.len() > limits::CSR {
            return Err(Malformed);
        }
        let mut reader = sequence(der)?;
        let signed = reader.tlv_bytes()?;
        let signature = read_signature(&mut reader)?;
        reader.finish()?;

        let mut info = sequence(signed)?;
        expect(&mut info, VERSION_1)?;
        let serial = serial_of(info.tlv_bytes()?)?;
        let public = read_public(&mut info)?;
        expect(&mut info, NO_ATTRIBUTES)?;
        info.finish()?;
        Ok(Self {
            signed,
            signature,
            serial,
            public,
        })
    }

    /// Checks that the request is signed with the key that it contains. This does not prove the serial number.
    pub fn verify<V: Verifier>(&self) -> Result<RequestedKey<'a>, CertificateRefusal> {
        V::verify(self.public, self.signed, &self.signature)
            .map_err(|_bad| CertificateRefusal::NotGenuine)?;
        Ok(RequestedKey {
            serial: self.serial,
            public: self.public,
        })
    }
}

/// Proof that the maker of a request holds the key.
#[derive(Clone, Copy, Debug)]
pub struct RequestedKey<'a> {
    serial: Serial,
    public: &'a EcPoint,
}

impl<'a> RequestedKey<'a> {
    /// Returns the requested serial number.
    pub const fn serial(&self) -> Serial {
        self.serial
    }

    /// Returns its key, a point of the curve.
    pub const fn public(&self) -> &'a EcPoint {
        self.public
    }
}

/// INTEGER 0 (RFC 2986 § 4.1).
const VERSION_1: &[u8] = &[2, 1, 0];

/// `[0]`, an empty SET.
const NO_ATTRIBUTES: &[u8] = &[0xA0, 0];

/// The relative name with the common name "KeyWriter module", in UTF-8.
const COMMON_NAME: &[u8] = b"\x31\x19\x30\x17\x06\x03\x55\x04\x03\x0C\x10KeyWriter module";

#[cfg(test)]
mod tests {
    use super::*;

    const PUBLIC: EcPoint = [4; 97];

    fn request(serial: &[u8]) -> std::vec::Vec<u8> {
        let mut info = [0; limits::CSR];
        let len = encode_request_info(&Serial::parse(serial).unwrap(), &PUBLIC, &mut info).unwrap();
        let mut out = [0; limits::CSR];
        let len = encode_request(&info[..len], &[0xFF; 96], &mut out).unwrap();
        out[..len].to_vec()
    }

    #[test]
    fn a_request_reads_back_with_every_length_of_serial_number() {
        for len in 1..=Serial::MAX {
            let text = &b"ABCDEFGHIJKLMNOP"[..len];
            let der = request(text);
            let read = Request::parse(&der).unwrap();
            assert_eq!(read.serial.as_str().as_bytes(), text);
            assert_eq!(read.public, &PUBLIC);
            assert_eq!(read.signature, [0xFF; 96]);
        }
    }

    #[test]
    fn a_request_cut_short_or_with_a_byte_too_many_is_refused() {
        let mut der = request(b"VM0001");
        for len in 0..der.len() {
            assert!(Request::parse(&der[..len]).is_err());
        }
        der.push(0);
        assert!(Request::parse(&der).is_err());
    }

    #[test]
    fn a_compressed_point_is_refused() {
        let mut info = [0; limits::CSR];
        let len = encode_request_info(&Serial::parse(b"A").unwrap(), &[2; 97], &mut info).unwrap();
        assert_eq!(
            encode_request(&info[..len], &[1; 96], &mut [0; limits::CSR]),
            Err(Malformed)
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let encode = |room: usize| {
            encode_request_info(
                &Serial::parse(b"A").unwrap(),
                &PUBLIC,
                &mut [0; 200][..room],
            )
        };
        let needed = encode(200).unwrap();
        for room in 0..needed {
            assert_eq!(encode(room), Err(Malformed));
        }
        assert_eq!(encode(needed), Ok(needed));
    }
}
