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
    /// Verifies `signature` over `message`; also validates the point.
    fn verify(public: &EcPoint, message: &[u8], signature: &Signature) -> Result<(), BadSignature>;

    /// Returns the SHA-384 hash of the parts, concatenated.
    fn sha384(parts: &[&[u8]]) -> Sha384Digest;
}
