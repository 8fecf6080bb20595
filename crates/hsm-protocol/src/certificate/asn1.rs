//! The ASN.1 that certificates and requests have in common. What has one permitted value is compared as bytes.

use crate::{EcPoint, Malformed, Serial, Signature};
use der::{
    Decode, Encode, Header, Length, Reader, SliceReader, SliceWriter, Tag, Tagged, Writer,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier, PrintableStringRef, UintRef},
};

impl From<der::Error> for Malformed {
    fn from(_: der::Error) -> Self {
        Self
    }
}

/// Returns the content of the SEQUENCE that `der` consists of.
pub(super) fn sequence(der: &[u8]) -> Result<SliceReader<'_>, Malformed> {
    let whole = AnyRef::from_der(der)?;
    whole.tag().assert_eq(Tag::Sequence)?;
    Ok(SliceReader::new(whole.value())?)
}

/// Reads an element that has one permitted value.
pub(super) fn expect(reader: &mut SliceReader<'_>, element: &[u8]) -> Result<(), Malformed> {
    if reader.tlv_bytes()? == element {
        Ok(())
    } else {
        Err(Malformed)
    }
}

/// Reads the public key: a P-384 point, uncompressed (RFC 5480 § 2). The verifier checks that it is on the curve.
pub(super) fn read_public<'a>(reader: &mut SliceReader<'a>) -> Result<&'a EcPoint, Malformed> {
    let point = reader
        .tlv_bytes()?
        .strip_prefix(PUBLIC_KEY)
        .ok_or(Malformed)?;
    match <&EcPoint>::try_from(point) {
        Ok(point @ [0x04, ..]) => Ok(point),
        _ => Err(Malformed),
    }
}

/// Reads the signature algorithm and the signature, up to the end; its numbers get a fixed width (RFC 5758 § 3.2).
pub(super) fn read_signature(reader: &mut SliceReader<'_>) -> Result<Signature, Malformed> {
    expect(reader, ECDSA_WITH_SHA384)?;
    let mut numbers = sequence(BitStringRef::decode(reader)?.as_bytes().ok_or(Malformed)?)?;
    let mut signature = [0; 96];
    for half in signature.chunks_exact_mut(48) {
        let number = UintRef::decode(&mut numbers)?.as_bytes();
        let padding = half.len().checked_sub(number.len()).ok_or(Malformed)?;
        half.get_mut(padding..)
            .ok_or(Malformed)?
            .copy_from_slice(number);
    }
    numbers.finish()?;
    Ok(signature)
}

/// Returns the only serialNumber attribute of a module's name. Each relative name holds one attribute.
pub(super) fn serial_of(name: &[u8]) -> Result<Serial, Malformed> {
    let mut names = sequence(name)?;
    let mut serial = None;
    while !names.is_finished() {
        let set = AnyRef::decode(&mut names)?;
        set.tag().assert_eq(Tag::Set)?;
        let mut attribute = sequence(set.value())?;
        let kind = ObjectIdentifier::decode(&mut attribute)?;
        let value = AnyRef::decode(&mut attribute)?;
        attribute.finish()?;
        if kind == SERIAL_NUMBER {
            let text = value.decode_as::<PrintableStringRef<'_>>()?;
            if serial.replace(Serial::parse(text.as_bytes())?).is_some() {
                return Err(Malformed);
            }
        }
    }
    serial.ok_or(Malformed)
}

/// Encodes the parts, concatenated, as the content of one element.
pub(super) fn encode<'o>(
    tag: Tag,
    parts: &[&[u8]],
    out: &'o mut [u8],
) -> Result<&'o [u8], Malformed> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut writer = SliceWriter::new(out);
    Header::new(tag, Length::try_from(length)?).encode(&mut writer)?;
    for part in parts {
        writer.write(part)?;
    }
    Ok(writer.finish()?)
}

/// Encodes the signature's two numbers in as few bytes as they need.
pub(super) fn encode_signature<'o>(
    signature: &Signature,
    out: &'o mut [u8],
) -> Result<&'o [u8], Malformed> {
    let (r, s) = signature.split_at_checked(48).ok_or(Malformed)?;
    let (mut r_out, mut s_out) = ([0; NUMBER], [0; NUMBER]);
    let r = UintRef::new(r)?.encode_to_slice(&mut r_out)?;
    let s = UintRef::new(s)?.encode_to_slice(&mut s_out)?;
    let mut numbers = [0; 2 + 2 * NUMBER];
    let numbers = encode(Tag::Sequence, &[r, s], &mut numbers)?;
    encode(Tag::BitString, &[&[0], numbers], out)
}

/// The maximum size of an encoded number of 48 bytes: tag, length, a zero for the sign.
const NUMBER: usize = 1 + 1 + 1 + 48;

/// The maximum size of a signature as a BIT STRING, in bytes.
pub(super) const SIGNATURE: usize = 2 + 1 + 2 + 2 * NUMBER;

/// The algorithm: ecdsa-with-SHA384, no parameters (RFC 5758 § 3.2).
pub(super) const ECDSA_WITH_SHA384: &[u8] = &[
    0x30, 0x0A, 0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03,
];

/// The bytes before the point in a public key's field: id-ecPublicKey, secp384r1, a BIT STRING of whole bytes
/// (RFC 5480 § 2.1).
pub(super) const PUBLIC_KEY: &[u8] = &[
    0x30, 0x76, 0x30, 0x10, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x05, 0x2B,
    0x81, 0x04, 0x00, 0x22, 0x03, 0x62, 0x00,
];

/// The attribute serialNumber (X.520 § 6.2.9): the module's, not the certificate's.
pub(super) const SERIAL_NUMBER: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.5");

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(signature: &[u8]) -> Result<Signature, Malformed> {
        let der = [ECDSA_WITH_SHA384, signature].concat();
        let mut reader = SliceReader::new(&der).unwrap();
        let signature = read_signature(&mut reader)?;
        reader.finish()?;
        Ok(signature)
    }

    #[test]
    fn a_signature_reads_back_at_every_length() {
        for shortened in 0..48 {
            for first in [0x01, 0x7F, 0x80, 0xFF] {
                let mut signature = [0xA5; 96];
                signature[..shortened].fill(0);
                signature[shortened] = first;
                signature[95 - shortened] = first;
                let mut out = [0; SIGNATURE];
                let der = encode_signature(&signature, &mut out).unwrap();
                assert_eq!(read_back(der), Ok(signature));
            }
        }
    }

    #[test]
    fn a_number_has_one_encoding() {
        let bad: [&[u8]; 7] = [
            b"\x03\x0A\0\x30\x07\x02\x02\0\x01\x02\x01\x01", // r with a superfluous zero
            b"\x03\x09\0\x30\x06\x02\x01\x81\x02\x01\x01",   // r negative
            b"\x03\x08\0\x30\x05\x02\0\x02\x01\x01",         // r empty
            b"\x03\x0C\0\x30\x09\x02\x01\x01\x02\x01\x01\x02\x01\x01", // a third number
            b"\x03\x09\x01\x30\x06\x02\x01\x01\x02\x01\x02", // a bit unused
            b"\x03\x0A\0\x30\x06\x02\x01\x01\x02\x01\x01\0", // a byte after the numbers
            b"\x03\x0A\0\x30\x81\x06\x02\x01\x01\x02\x01\x01", // a long form for a short length
        ];
        assert!(read_back(b"\x03\x09\0\x30\x06\x02\x01\x01\x02\x01\x01").is_ok());
        for signature in bad {
            assert_eq!(read_back(signature), Err(Malformed), "{signature:02x?}");
        }
    }

    #[test]
    fn a_number_over_48_bytes_is_refused() {
        let mut out = [0; 128];
        let long = [&[0x02, 49][..], &[1; 49], &[0x02, 1, 1]].concat();
        let numbers = encode(Tag::Sequence, &[&long], &mut out).unwrap().to_vec();
        let mut out = [0; 128];
        assert_eq!(
            read_back(encode(Tag::BitString, &[&[0], &numbers], &mut out).unwrap()),
            Err(Malformed)
        );
    }

    #[test]
    fn a_name_holds_one_serial_number() {
        let attribute = |tag: u8, text: &[u8]| {
            let mut der = std::vec![0x31, 0, 0x30, 0, 0x06, 3, 0x55, 0x04, 0x05, tag, 0];
            der[10] = u8::try_from(text.len()).unwrap();
            der.extend(text);
            der[1] = u8::try_from(der.len() - 2).unwrap();
            der[3] = der[1] - 2;
            der
        };
        let name = |parts: &[&[u8]]| serial_of(encode(Tag::Sequence, parts, &mut [0; 256])?);
        let a = attribute(0x13, b"VM1");
        assert_eq!(name(&[&a]), Serial::parse(b"VM1"));
        assert_eq!(name(&[]), Err(Malformed));
        assert_eq!(name(&[&a, &a]), Err(Malformed));
        assert_eq!(
            name(&[&attribute(0x0C, b"VM1")]),
            Err(Malformed),
            "a UTF8String"
        );
        assert_eq!(name(&[&attribute(0x13, b"vm1")]), Err(Malformed));
    }
}
