//! What receipts and certificates need of cryptography, whoever checks them: a module or a host.

/// An uncompressed P-384 point: `04 ‖ X ‖ Y` (SEC 1 § 2.3.3).
pub type EcPoint = [u8; 97];

/// An ECDSA P-384 signature as `r ‖ s`, 48 bytes each (IEEE 1363).
pub type Signature = [u8; 96];

/// A SHA-384 hash.
pub type Sha384Digest = [u8; 48];

/// A signature that is not its key's over its message, or a key that is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadSignature;

/// ECDSA P-384 with SHA-384 (FIPS 186-5) and SHA-384 (FIPS 180-4), by a library.
pub trait Verifier {
    /// Checks `signature` over `message`; the point is validated too.
    fn verify(public: &EcPoint, message: &[u8], signature: &Signature) -> Result<(), BadSignature>;

    /// SHA-384 over the parts, one after the other.
    fn sha384(parts: &[&[u8]]) -> Sha384Digest;
}
