//! The key that a build verifies licenses with.

use crate::{Malformed, hexadecimal::decode};
use sha2::{Digest, Sha256};

/// An Ed25519 public key that license tokens are verified with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Anchor(pub(crate) [u8; KEY]);

/// Which key signed a token: the first 8 bytes of the SHA-256 of its public key. A hint, not a proof.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; KEY_ID]);

impl Anchor {
    /// Returns the key that this program was built with: `KEYWRITER_LICENSE_ANCHOR`, 64 lower-case hexadecimal
    /// digits; without it, the development key.
    pub const fn of_this_build() -> Self {
        BUILT_IN
    }

    /// Returns the published development key. Anyone can sign with it: see [`crate::SigningKey::development`].
    pub const fn development() -> Self {
        DEVELOPMENT
    }

    /// Takes a public key's 32 bytes.
    pub const fn from_bytes(bytes: [u8; KEY]) -> Self {
        Self(bytes)
    }

    /// Reads 64 lower-case hexadecimal digits.
    pub fn parse(hex: &str) -> Result<Self, Malformed> {
        decode(hex.as_bytes()).map(Self).ok_or(Malformed)
    }

    /// Returns the bytes of the public key.
    pub const fn bytes(&self) -> &[u8; KEY] {
        &self.0
    }

    /// Returns the identifier that tokens carry.
    pub fn id(&self) -> KeyId {
        let digest = Sha256::digest(self.0);
        let mut id = [0; KEY_ID];
        for (byte, of_digest) in id.iter_mut().zip(digest) {
            *byte = of_digest;
        }
        KeyId(id)
    }

    /// Returns whether this is the development key.
    pub const fn is_development(&self) -> bool {
        let (mut own, mut published): (&[u8], &[u8]) = (&self.0, &DEVELOPMENT.0);
        while let ([a, own_rest @ ..], [b, published_rest @ ..]) = (own, published) {
            if *a != *b {
                return false;
            }
            (own, published) = (own_rest, published_rest);
        }
        true
    }
}

/// Returns whether this program verifies with the development key, so that anyone can sign a license for it.
pub const fn is_development_build() -> bool {
    BUILT_IN.is_development()
}

const BUILT_IN: Anchor = match option_env!("KEYWRITER_LICENSE_ANCHOR") {
    None => DEVELOPMENT,
    Some(hex) => match decode(hex.as_bytes()) {
        Some(bytes) => Anchor(bytes),
        None => panic!("KEYWRITER_LICENSE_ANCHOR is not 64 lower-case hexadecimal digits"),
    },
};

/// The public key of [`crate::token::DEVELOPMENT_SEED`].
const DEVELOPMENT: Anchor = Anchor([
    0x95, 0xF0, 0x1D, 0x1A, 0xF7, 0xBB, 0x03, 0xE4, 0x7A, 0x20, 0xB6, 0xAD, 0x61, 0x2C, 0x13, 0x53,
    0xFA, 0x05, 0xAD, 0xC4, 0xFB, 0x39, 0xD1, 0xE8, 0xDD, 0x59, 0x58, 0x57, 0xAA, 0x4E, 0x1B, 0x02,
]);

/// The bytes of a public key.
pub(crate) const KEY: usize = 32;
/// The bytes of a [`KeyId`].
pub(crate) const KEY_ID: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SigningKey;

    #[test]
    fn the_development_key_is_the_published_one() {
        assert_eq!(SigningKey::development().anchor(), Anchor::development());
        assert!(Anchor::development().is_development());
        assert!(!SigningKey::from_seed(&[3; 32]).anchor().is_development());
    }

    #[test]
    fn an_anchor_has_64_digits() {
        let text = Anchor::development().to_string();
        assert_eq!(Anchor::parse(&text), Ok(Anchor::development()));
        for wrong in ["", &text[2..], &text.to_uppercase()] {
            assert_eq!(Anchor::parse(wrong), Err(Malformed));
        }
    }
}
