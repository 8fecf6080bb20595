//! The key that a build verifies licenses with.

use crate::{Malformed, hexadecimal::decode};
use sha2::{Digest, Sha256};

/// An Ed25519 public key that license tokens are verified with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Anchor(pub(crate) [u8; KEY]);

/// Which key signed a token: the first 8 bytes of the SHA-256 of its public key. A hint, not a proof.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId(pub(crate) [u8; KEY_ID]);

/// The keys that license tokens are verified with, the newest first. An app has those that it was built with, both
/// while a portal changes its key; a portal has all that it ever signed with. With none, no token is genuine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchors(Vec<Anchor>);

impl Anchors {
    /// Returns the keys that this program was built with: `KEYWRITER_LICENSE_ANCHOR`, up to 4 times 64 lower-case
    /// hexadecimal digits, separated by commas; without it, the development key.
    pub fn of_this_build() -> Self {
        Self(BUILT_IN.iter().copied().flatten().collect())
    }

    /// Returns the published development key alone.
    pub fn development() -> Self {
        Anchor::development().into()
    }

    /// Returns the keys, the newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Anchor> {
        self.0.iter()
    }
}

impl From<Anchor> for Anchors {
    fn from(anchor: Anchor) -> Self {
        Self(vec![anchor])
    }
}

impl FromIterator<Anchor> for Anchors {
    fn from_iter<I: IntoIterator<Item = Anchor>>(anchors: I) -> Self {
        Self(anchors.into_iter().collect())
    }
}

impl AsRef<[Anchor]> for Anchors {
    fn as_ref(&self) -> &[Anchor] {
        &self.0
    }
}

impl AsRef<[Anchor]> for Anchor {
    fn as_ref(&self) -> &[Anchor] {
        std::slice::from_ref(self)
    }
}

impl KeyId {
    /// Reads 16 lower-case hexadecimal digits.
    pub fn parse(hex: &str) -> Result<Self, Malformed> {
        decode(hex.as_bytes()).map(Self).ok_or(Malformed)
    }
}

impl Anchor {
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
    let mut rest: &[Option<Anchor>] = &BUILT_IN;
    while let [anchor, others @ ..] = rest {
        if let Some(anchor) = anchor
            && anchor.is_development()
        {
            return true;
        }
        rest = others;
    }
    false
}

const BUILT_IN: [Option<Anchor>; MOST] = match option_env!("KEYWRITER_LICENSE_ANCHOR") {
    None => [Some(DEVELOPMENT), None, None, None],
    Some(hex) => match list(hex.as_bytes()) {
        Some(anchors) => anchors,
        None => panic!(
            "KEYWRITER_LICENSE_ANCHOR is not 1 to 4 times 64 lower-case hexadecimal digits, separated by commas"
        ),
    },
};

/// Reads keys separated by commas, at compile time.
const fn list(mut hex: &[u8]) -> Option<[Option<Anchor>; MOST]> {
    let mut anchors = [None; MOST];
    let mut free: &mut [Option<Anchor>] = &mut anchors;
    loop {
        let Some((digits, rest)) = hex.split_first_chunk::<{ 2 * KEY }>() else {
            return None;
        };
        let (Some(bytes), Some((anchor, others))) = (decode(digits), free.split_first_mut()) else {
            return None;
        };
        *anchor = Some(Anchor(bytes));
        free = others;
        match rest {
            [] => return Some(anchors),
            [b',', others @ ..] => hex = others,
            _ => return None,
        }
    }
}

/// The public key of [`crate::token::DEVELOPMENT_SEED`].
const DEVELOPMENT: Anchor = Anchor([
    0x95, 0xF0, 0x1D, 0x1A, 0xF7, 0xBB, 0x03, 0xE4, 0x7A, 0x20, 0xB6, 0xAD, 0x61, 0x2C, 0x13, 0x53,
    0xFA, 0x05, 0xAD, 0xC4, 0xFB, 0x39, 0xD1, 0xE8, 0xDD, 0x59, 0x58, 0x57, 0xAA, 0x4E, 0x1B, 0x02,
]);

/// The most keys of a build.
const MOST: usize = 4;
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

    #[test]
    fn a_build_has_one_to_four_anchors() {
        let (one, two) = (Anchor::development(), Anchor::from_bytes([2; KEY]));
        let read = |text: &str| list(text.as_bytes());
        assert_eq!(read(&one.to_string()), Some([Some(one), None, None, None]));
        assert_eq!(
            read(&format!("{two},{one}")),
            Some([Some(two), Some(one), None, None])
        );
        let five = [one; 5].map(|anchor| anchor.to_string()).join(",");
        for wrong in ["", ",", &format!("{one},"), &format!("{one} {two}"), &five] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
