//! Where private keys are kept: sealed to recipients of age, or in a PKCS #11 token. Never in a plain file.

pub(crate) mod pin;
pub(crate) mod place;
pub(crate) mod sealed;
pub(crate) mod token;

use std::path::PathBuf;

/// A curve, as tokens know it.
pub(crate) struct Curve {
    /// Its name, for people.
    pub(crate) name: &'static str,
    /// Its object identifier, DER: what `CKA_EC_PARAMS` takes.
    pub(crate) parameters: &'static [u8],
    /// The length of a coordinate, in bytes.
    pub(crate) field: usize,
}

/// The root's curve (SEC 2: secp384r1).
pub(crate) const P384: Curve = Curve {
    name: "P-384",
    parameters: &[0x06, 0x05, 0x2B, 0x81, 0x04, 0x00, 0x22],
    field: 48,
};

/// What a new key is to be kept by.
pub(crate) enum Keeper {
    /// Whoever has an identity of one of these recipients of age.
    Age(Vec<String>),
    /// A PKCS #11 token.
    Token(place::Place, pin::Source),
}

/// What opens a key.
pub(crate) struct Opener {
    /// Files with identities of age.
    pub(crate) identities: Vec<PathBuf>,
    /// Where the token's PIN comes from.
    pub(crate) pin: pin::Source,
}
