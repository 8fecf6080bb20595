//! Certificate extensions (RFC 5280 § 4.2).

use crate::Malformed;
use der::{
    Decode, Reader, SliceReader,
    asn1::{AnyRef, BitStringRef, ObjectIdentifier, OctetStringRef},
};

/// Asserts that the module is hardware; critical, its value is NULL. A certificate that lacks it is a virtual module's:
/// what a factory forgets makes no hardware.
///
/// Its arc, `1.3.6.1.4.1.32473.8480`, is a stand-in below the number that RFC 5612 reserves for documentation: ours is to
/// be registered before a hardware module is certified (PROTOCOL § 4.1).
pub const HARDWARE_MODULE: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.3.6.1.4.1.32473.8480.1");

/// The content of a certificate's extensions.
#[derive(Debug, Default)]
pub(super) struct Extensions {
    /// Of a certification authority only: how many authorities may be below it.
    pub authority: Option<PathLen>,
    pub may_sign_data: bool,
    pub may_sign_certificates: bool,
    pub is_hardware: bool,
}

/// How many authorities may be below one; `None` sets no limit.
pub(super) type PathLen = Option<u8>;

impl Extensions {
    /// Parses the content of the list, which is not empty and names nothing twice.
    pub(super) fn parse(list: &[u8]) -> Result<Self, Malformed> {
        let mut reader = SliceReader::new(list)?;
        let mut said = Self::default();
        loop {
            let before = list
                .get(..usize::try_from(reader.position())?)
                .ok_or(Malformed)?;
            let extension = Extension::decode(&mut reader)?;
            if extension.is_among(before)? {
                return Err(Malformed);
            }
            said.take(&extension)?;
            if reader.is_finished() {
                return Ok(said);
            }
        }
    }

    fn take(&mut self, extension: &Extension<'_>) -> Result<(), Malformed> {
        match extension.id {
            BASIC_CONSTRAINTS => {
                self.authority = basic_constraints(extension.value)?;
                if self.authority.is_some() && !extension.is_critical {
                    return Err(Malformed);
                }
            }
            KEY_USAGE => {
                (self.may_sign_data, self.may_sign_certificates) = key_usage(extension.value)?;
            }
            HARDWARE_MODULE
                if extension.is_critical && AnyRef::from_der(extension.value)?.is_null() =>
            {
                self.is_hardware = true;
            }
            // These restrict the use of a certificate in ways that are not evaluated here.
            HARDWARE_MODULE | NAME_CONSTRAINTS | POLICY_CONSTRAINTS | EXTENDED_KEY_USAGE => {
                return Err(Malformed);
            }
            _unknown if extension.is_critical => return Err(Malformed),
            _unknown => {}
        }
        Ok(())
    }
}

struct Extension<'a> {
    id: ObjectIdentifier,
    is_critical: bool,
    value: &'a [u8],
}

impl<'a> Extension<'a> {
    fn decode(reader: &mut SliceReader<'a>) -> Result<Self, Malformed> {
        reader.sequence(|reader| {
            let id = ObjectIdentifier::decode(reader)?;
            let is_critical = true_or_absent(reader)?;
            let value = <&OctetStringRef>::decode(reader)?.as_bytes();
            Ok(Self {
                id,
                is_critical,
                value,
            })
        })
    }

    fn is_among(&self, list: &[u8]) -> Result<bool, Malformed> {
        let mut reader = SliceReader::new(list)?;
        while !reader.is_finished() {
            if Extension::decode(&mut reader)?.id == self.id {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Parses basicConstraints (RFC 5280 § 4.2.1.9): `Some` for a certification authority.
fn basic_constraints(value: &[u8]) -> Result<Option<PathLen>, Malformed> {
    let mut reader = super::asn1::sequence(value)?;
    let is_authority = true_or_absent(&mut reader)?;
    let path_len = Option::<u8>::decode(&mut reader)?;
    reader.finish()?;
    match (is_authority, path_len) {
        (true, path_len) => Ok(Some(path_len)),
        (false, None) => Ok(None),
        (false, Some(_)) => Err(Malformed),
    }
}

/// Parses keyUsage (RFC 5280 § 4.2.1.3): digitalSignature and keyCertSign.
fn key_usage(value: &[u8]) -> Result<(bool, bool), Malformed> {
    let bits = BitStringRef::from_der(value)?;
    let (first, last) = bits
        .raw_bytes()
        .first()
        .zip(bits.raw_bytes().last())
        .ok_or(Malformed)?;
    // A list of named bits ends with a set one (X.690 § 11.2.2).
    if last.trailing_zeros() != u32::from(bits.unused_bits()) {
        return Err(Malformed);
    }
    Ok((first & 0b1000_0000 != 0, first & 0b0000_0100 != 0))
}

/// Reads a BOOLEAN DEFAULT FALSE: DER omits the default (X.690 § 11.5).
fn true_or_absent(reader: &mut SliceReader<'_>) -> Result<bool, Malformed> {
    match Option::<bool>::decode(reader)? {
        None => Ok(false),
        Some(true) => Ok(true),
        Some(false) => Err(Malformed),
    }
}

const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
const POLICY_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.36");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_says_so_in_one_way() {
        assert_eq!(basic_constraints(&[0x30, 0]), Ok(None));
        assert_eq!(basic_constraints(&[0x30, 3, 1, 1, 0xFF]), Ok(Some(None)));
        assert_eq!(
            basic_constraints(&[0x30, 6, 1, 1, 0xFF, 2, 1, 7]),
            Ok(Some(Some(7)))
        );
        let bad: [&[u8]; 6] = [
            &[0x30, 3, 1, 1, 0],                // the default, written out
            &[0x30, 3, 1, 1, 1],                // another true
            &[0x30, 3, 2, 1, 0],                // a path length without an authority
            &[0x30, 7, 1, 1, 0xFF, 2, 2, 1, 0], // 256
            &[0x30, 6, 1, 1, 0xFF, 2, 1, 0xFF], // -1
            &[0x30, 0, 0],
        ];
        for value in bad {
            assert_eq!(basic_constraints(value), Err(Malformed), "{value:02x?}");
        }
    }

    #[test]
    fn every_one_byte_key_usage_has_one_encoding() {
        for bits in 0..=255u8 {
            for unused in 0..=255u8 {
                let minimal = bits != 0 && u32::from(unused) == bits.trailing_zeros();
                let read = key_usage(&[0x03, 2, unused, bits]);
                assert_eq!(read.is_ok(), minimal, "{bits:08b} {unused}");
                if let Ok(read) = read {
                    assert_eq!(read, (bits & 0x80 != 0, bits & 0x04 != 0));
                }
            }
        }
        assert_eq!(key_usage(&[0x03, 1, 0]), Err(Malformed));
    }

    fn list(extensions: &[(&[u8], &[u8])]) -> std::vec::Vec<u8> {
        let mut list = std::vec::Vec::new();
        for (head, value) in extensions {
            let [head_len, value_len] = [head, value].map(|part| u8::try_from(part.len()).unwrap());
            list.extend([0x30, head_len + 2 + value_len]);
            list.extend_from_slice(head);
            list.extend([0x04, value_len]);
            list.extend_from_slice(value);
        }
        list
    }

    const USAGE: &[u8] = &[0x06, 3, 0x55, 0x1D, 15];
    const SIGNS: &[u8] = &[0x03, 2, 7, 0x80];
    const NEW: &[u8] = &[0x06, 3, 0x55, 0x1D, 99];
    const NEW_CRITICAL: &[u8] = &[0x06, 3, 0x55, 0x1D, 99, 1, 1, 0xFF];

    #[test]
    fn an_unknown_extension_is_ignored_unless_critical() {
        let said = Extensions::parse(&list(&[(NEW, &[1, 2, 3]), (USAGE, SIGNS)])).unwrap();
        assert!(said.may_sign_data);
        assert!(Extensions::parse(&list(&[(NEW_CRITICAL, &[]), (USAGE, SIGNS)])).is_err());
    }

    #[test]
    fn nothing_is_in_a_list_twice() {
        for (first, second) in [(USAGE, USAGE), (NEW, NEW)] {
            assert!(Extensions::parse(&list(&[(first, SIGNS), (second, SIGNS)])).is_err());
        }
        assert!(Extensions::parse(&[]).is_err());
    }

    #[test]
    fn what_narrows_is_refused_even_if_not_critical() {
        for last in [30, 36, 37] {
            assert!(
                Extensions::parse(&list(&[(&[0x06, 3, 0x55, 0x1D, last], &[0x30, 0])])).is_err()
            );
        }
    }

    #[test]
    fn a_hardware_module_says_so_in_one_way() {
        let id = [&[0x06, 11][..], HARDWARE_MODULE.as_bytes()].concat();
        let critical = [&id[..], &[1, 1, 0xFF]].concat();
        assert!(
            Extensions::parse(&list(&[(&critical, &[5, 0])]))
                .unwrap()
                .is_hardware
        );
        assert!(Extensions::parse(&list(&[(&critical, &[])])).is_err());
        assert!(Extensions::parse(&list(&[(&critical, &[4, 0])])).is_err());
        assert!(Extensions::parse(&list(&[(&id, &[5, 0])])).is_err());
    }
}
