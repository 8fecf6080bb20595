//! The cryptography that receipts and certificates need, for modules and hosts alike.

/// An uncompressed P-384 point: `04 ‖ X ‖ Y` (SEC 1 § 2.3.3).
pub type EcPoint = [u8; 97];

/// An ECDSA P-384 signature as `r ‖ s`, 48 bytes each (IEEE 1363).
pub type Signature = [u8; 96];

/// A SHA-384 hash.
pub type Sha384Digest = [u8; 48];

/// The signature was not made with this key over this message, or the key is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSignature;

/// ECDSA P-384 with SHA-384 (FIPS 186-5) and SHA-384 (FIPS 180-4), by a library.
pub trait Verifier {
    /// Verifies `signature` over `message`; also validates the point. A signature has one form (PROTOCOL § 3.3).
    fn verify(public: &EcPoint, message: &[u8], signature: &Signature) -> Result<(), BadSignature> {
        if low_s(signature) != *signature {
            return Err(BadSignature);
        }
        Self::verify_either_form(public, message, signature)
    }

    /// Verifies as FIPS 186-5 § 6.4.2 does, so that with `(r, s)` also `(r, n − s)` is valid. What the library does;
    /// everything else calls [`verify`](Self::verify).
    fn verify_either_form(
        public: &EcPoint,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), BadSignature>;

    /// Returns the SHA-384 hash of the parts, concatenated.
    fn sha384(parts: &[&[u8]]) -> Sha384Digest;
}

/// Returns the permitted one of the two forms of a signature: `s` is at most half of the order.
///
/// Nothing here is secret: a signature is public.
pub fn low_s(signature: &Signature) -> Signature {
    let mut low = *signature;
    let Some(s) = low.last_chunk_mut::<48>() else {
        return low;
    };
    if *s > HALF_ORDER {
        let mut borrow = 0_u8;
        for (digit, order) in s.iter_mut().zip(ORDER).rev() {
            let (without_borrow, wraps) = order.overflowing_sub(borrow);
            let (difference, wraps_too) = without_borrow.overflowing_sub(*digit);
            *digit = difference;
            borrow = u8::from(wraps || wraps_too);
        }
    }
    low
}

/// The order n of the curve P-384 (SP 800-186 § 3.2.1.4), big-endian.
const ORDER: [u8; 48] = [
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xC7, 0x63, 0x4D, 0x81, 0xF4, 0x37, 0x2D, 0xDF,
    0x58, 0x1A, 0x0D, 0xB2, 0x48, 0xB0, 0xA7, 0x7A, 0xEC, 0xEC, 0x19, 0x6A, 0xCC, 0xC5, 0x29, 0x73,
];

/// (n − 1) / 2.
const HALF_ORDER: [u8; 48] = [
    0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xE3, 0xB1, 0xA6, 0xC0, 0xFA, 0x1B, 0x96, 0xEF,
    0xAC, 0x0D, 0x06, 0xD9, 0x24, 0x58, 0x53, 0xBD, 0x76, 0x76, 0x0C, 0xB5, 0x66, 0x62, 0x94, 0xB9,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A library that calls every signature valid.
    enum Lenient {}

    impl Verifier for Lenient {
        fn verify_either_form(_: &EcPoint, _: &[u8], _: &Signature) -> Result<(), BadSignature> {
            Ok(())
        }

        fn sha384(_: &[&[u8]]) -> Sha384Digest {
            [0; 48]
        }
    }

    /// A signature with this `s`, a small change added.
    fn with(s: &[u8; 48], last: u8) -> Signature {
        let mut signature = [7; 96];
        signature[48..].copy_from_slice(s);
        signature[95] = last;
        signature
    }

    #[test]
    fn half_the_order_is_the_last_low_number() {
        let (half, next) = (with(&HALF_ORDER, 0xB9), with(&HALF_ORDER, 0xBA));
        assert_eq!(low_s(&half), half);
        assert_eq!(low_s(&next), half, "the two halves add up to the odd order");
        assert_eq!(low_s(&with(&ORDER, 0x72)), with(&[0; 48], 1));
        assert_eq!(low_s(&with(&[0; 48], 1)), with(&[0; 48], 1));
    }

    #[test]
    fn only_the_low_form_is_asked_of_the_library() {
        let verify = |signature: &Signature| Lenient::verify(&[4; 97], b"", signature);
        assert_eq!(verify(&with(&HALF_ORDER, 0xB9)), Ok(()));
        assert_eq!(verify(&with(&HALF_ORDER, 0xBA)), Err(BadSignature));
        assert_eq!(verify(&[0xFF; 96]), Err(BadSignature));
    }
}
