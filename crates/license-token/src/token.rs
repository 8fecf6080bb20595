//! License tokens: signed claims (docs/LICENSE-TOKEN.md § 2).

use crate::{
    Anchor, KeyId, Malformed,
    anchor::KEY_ID,
    claims::{Claims, Day, HOLDER_NAME, Holder, INSTALLATION, Installation, TOKEN_ID, TokenId},
    number::{LicenseNumber, PACKED},
};
use ed25519_dalek::{Signature, Signer, VerifyingKey};
use pem_rfc7468::LineEnding;
use std::fmt;

/// A received token: well-formed, not verified.
#[derive(Clone, PartialEq, Eq)]
pub struct LicenseToken {
    claims: Claims,
    key: KeyId,
    signature: [u8; SIGNATURE],
}

/// Claims signed with the anchor's key.
///
/// This proves the signature only: check [`Self::standing`], and compare the installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedLicense(Claims);

/// Why a token does not verify.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// It was signed with another key.
    #[error(
        "the license was signed with key {found}, but this program accepts only key {expected}"
    )]
    OtherKey {
        /// The key that the token names.
        found: KeyId,
        /// The anchor.
        expected: KeyId,
    },
    /// The signature does not match the claims.
    #[error("the license has an invalid signature: it was changed, or never issued")]
    BadSignature,
    /// The anchor is not a valid public key.
    #[error("this program was built with an invalid license key")]
    BadAnchor,
}

/// Whether a verified license may be used on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may be used.
    Current,
    /// Its last day has passed.
    Lapsed,
    /// It was issued more than a day after today: one of the clocks is wrong.
    NotYet,
}

impl LicenseToken {
    /// Reads the text form. Surrounding white space and CRLF line ends are accepted.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        if text.len() > TEXT {
            return Err(Malformed);
        }
        let mut text = text.trim().replace("\r\n", "\n");
        text.push('\n');
        let (label, bytes) = pem_rfc7468::decode_vec(text.as_bytes()).map_err(|_form| Malformed)?;
        if label != LABEL {
            return Err(Malformed);
        }
        let token = Self::decode(&bytes)?;
        // Refuses text around the armor, and lines of other lengths.
        if token.to_string() == text {
            Ok(token)
        } else {
            Err(Malformed)
        }
    }

    /// Reads the binary form.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut left = Bytes(bytes);
        if left.array()? != [VERSION] {
            return Err(Malformed);
        }
        let key = KeyId(left.array::<KEY_ID>()?);
        let token = TokenId::new(left.array::<TOKEN_ID>()?);
        let number = LicenseNumber::unpack(&left.array::<PACKED>()?).ok_or(Malformed)?;
        let installation = Installation::new(left.array::<INSTALLATION>()?);
        let (issued, expires) = (left.day()?, left.day()?);
        let (name, company) = (left.text()?, left.text()?);
        let holder = Holder::new(name, company)?;
        let signature = left.array()?;
        left.end()?;
        let expires = decode_expires(issued, expires)?;
        let claims = Claims {
            token,
            number,
            installation,
            issued,
            expires,
            holder,
        };
        Ok(Self {
            claims,
            key,
            signature,
        })
    }

    /// Returns the binary form.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = body(&self.claims, self.key);
        bytes.extend(self.signature);
        bytes
    }

    /// Checks the signature with the one of these keys that the token names.
    pub fn verify(self, anchors: &impl AsRef<[Anchor]>) -> Result<VerifiedLicense, VerifyError> {
        let anchors = anchors.as_ref();
        let Some(anchor) = anchors.iter().find(|anchor| anchor.id() == self.key) else {
            return Err(match anchors.first() {
                Some(newest) => VerifyError::OtherKey {
                    found: self.key,
                    expected: newest.id(),
                },
                None => VerifyError::BadAnchor,
            });
        };
        let key =
            VerifyingKey::from_bytes(anchor.bytes()).map_err(|_point| VerifyError::BadAnchor)?;
        // Strict: no key of small order, and only the canonical form of a signature.
        key.verify_strict(
            &signed(&self.claims, self.key),
            &Signature::from_bytes(&self.signature),
        )
        .map_err(|_bad| VerifyError::BadSignature)?;
        Ok(VerifiedLicense(self.claims))
    }

    /// Returns the claims without verification: to show them, or to look the license up.
    pub fn unverified(&self) -> &Claims {
        &self.claims
    }

    /// Returns the key that the token names.
    pub fn key(&self) -> KeyId {
        self.key
    }

    /// Returns the signature, not verified.
    pub(crate) fn signature(&self) -> &[u8; SIGNATURE] {
        &self.signature
    }

    /// Assembles a token from its parts.
    pub(crate) fn from_parts(claims: Claims, key: KeyId, signature: [u8; SIGNATURE]) -> Self {
        Self {
            claims,
            key,
            signature,
        }
    }
}

impl fmt::Display for LicenseToken {
    /// Writes the text form: PEM with the label `KEYWRITER LICENSE`, and a line feed at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = pem_rfc7468::encode_string(LABEL, LineEnding::LF, &self.encode())
            .map_err(|_never| fmt::Error)?;
        f.write_str(&text)
    }
}

impl fmt::Debug for LicenseToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LicenseToken")
            .field("claims", &self.claims)
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

impl VerifiedLicense {
    /// Returns the signed claims.
    pub const fn claims(&self) -> &Claims {
        &self.0
    }

    /// Returns whether the license may be used today.
    pub fn standing(&self, today: Day) -> Standing {
        let Claims {
            issued, expires, ..
        } = self.0;
        // The portal's midnight may be a day ahead of this computer's.
        if issued > today.plus(1) {
            Standing::NotYet
        } else if expires.is_some_and(|last| today > last) {
            Standing::Lapsed
        } else {
            Standing::Current
        }
    }
}

/// The key that signs license tokens. Zeroized when dropped.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// Takes an Ed25519 seed (RFC 8032: the private key) of 32 random bytes. The caller must zeroize its own copy.
    pub fn from_seed(seed: &[u8; SEED]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed))
    }

    /// Returns the published key that a portal signs with by default, for development builds of the app.
    pub fn development() -> Self {
        Self::from_seed(DEVELOPMENT_SEED)
    }

    /// Returns the key to verify with.
    pub fn anchor(&self) -> Anchor {
        Anchor::from_bytes(self.0.verifying_key().to_bytes())
    }

    /// Signs claims. An expiry before the day of issue cannot be encoded: such claims expire on the day of issue.
    pub fn sign(&self, mut claims: Claims) -> LicenseToken {
        claims.expires = claims.expires.map(|last| last.max(claims.issued));
        let key = self.anchor().id();
        let signature = self.0.sign(&signed(&claims, key)).to_bytes();
        LicenseToken {
            claims,
            key,
            signature,
        }
    }
}

/// Decodes the expiry of a token; 0 means that it never expires.
pub(crate) fn decode_expires(issued: Day, expires: Day) -> Result<Option<Day>, Malformed> {
    if expires.number() == 0 {
        Ok(None)
    } else if expires < issued {
        Err(Malformed)
    } else {
        Ok(Some(expires))
    }
}

pub(crate) fn encode_expires(expires: Option<Day>) -> [u8; 2] {
    expires.map_or(0, Day::number).to_be_bytes()
}

/// Encodes all fields but the signature.
fn body(claims: &Claims, key: KeyId) -> Vec<u8> {
    let Claims {
        token,
        number,
        installation,
        issued,
        expires,
        holder,
    } = claims;
    let mut bytes = vec![VERSION];
    bytes.extend(key.0);
    bytes.extend(token.bytes());
    bytes.extend(number.pack());
    bytes.extend(installation.bytes());
    bytes.extend(issued.number().to_be_bytes());
    bytes.extend(encode_expires(*expires));
    for text in [holder.name(), holder.company()] {
        // At most HOLDER_NAME.
        bytes.extend(u8::try_from(text.len()));
        bytes.extend(text.as_bytes());
    }
    bytes
}

/// Returns the message to sign: a context that no other protocol uses, then the body.
fn signed(claims: &Claims, key: KeyId) -> Vec<u8> {
    let mut message = CONTEXT.to_vec();
    message.extend(body(claims, key));
    message
}

/// Reads bytes from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (head, tail) = self.0.split_first_chunk().ok_or(Malformed)?;
        self.0 = tail;
        Ok(*head)
    }

    fn day(&mut self) -> Result<Day, Malformed> {
        Ok(Day::new(u16::from_be_bytes(self.array()?)))
    }

    fn text(&mut self) -> Result<&'a str, Malformed> {
        let [len] = self.array()?;
        let (head, tail) = self.0.split_at_checked(len.into()).ok_or(Malformed)?;
        self.0 = tail;
        std::str::from_utf8(head).map_err(|_encoding| Malformed)
    }

    fn end(self) -> Result<(), Malformed> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(Malformed)
        }
    }
}

const VERSION: u8 = 1;
const CONTEXT: &[u8] = b"KeyWriter license token v1\0";
const LABEL: &str = "KEYWRITER LICENSE";

/// The seed of the development key. It is published, so it must sign nothing but development licenses.
pub const DEVELOPMENT_SEED: &[u8; SEED] = b"published: signs no real license";

/// The most bytes of a token's text.
const TEXT: usize = 1024;
/// The bytes of a signature.
pub(crate) const SIGNATURE: usize = 64;
/// The bytes of a signing key's seed.
pub const SEED: usize = 32;

const _: () = assert!(HOLDER_NAME <= 255);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    pub(crate) fn claims() -> Claims {
        Claims {
            token: TokenId::new([1, 2, 3, 4, 5, 6, 7]),
            number: LicenseNumber::generate([9; 15]),
            installation: Installation::new([8; INSTALLATION]),
            issued: Day::new(20_600),
            expires: Some(Day::new(21_000)),
            holder: Holder::new("Zoë Doe", "Example Ltd").unwrap(),
        }
    }

    #[test]
    fn a_signed_token_verifies_and_has_the_signed_claims() {
        let key = SigningKey::from_seed(&[3; SEED]);
        let text = key.sign(claims()).to_string();
        let token = LicenseToken::parse(&text).unwrap();
        assert_eq!(token.verify(&key.anchor()).unwrap().claims(), &claims());
    }

    #[test]
    fn a_change_of_any_bit_is_found() {
        let key = SigningKey::development();
        let bytes = key.sign(claims()).encode();
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let verified = LicenseToken::decode(&changed)
                .ok()
                .and_then(|token| token.verify(&Anchor::development()).ok());
            assert!(verified.is_none(), "bit {bit}");
        }
    }

    #[test]
    fn a_token_that_is_cut_short_or_has_a_trailing_byte_is_malformed() {
        let bytes = SigningKey::development().sign(claims()).encode();
        for len in 0..bytes.len() {
            assert_eq!(LicenseToken::decode(&bytes[..len]), Err(Malformed));
        }
        assert_eq!(
            LicenseToken::decode(&[&bytes[..], &[0]].concat()),
            Err(Malformed)
        );
    }

    #[test]
    fn another_key_differs_from_a_bad_signature() {
        let token = SigningKey::from_seed(&[3; SEED]).sign(claims());
        assert!(matches!(
            token.clone().verify(&Anchor::development()),
            Err(VerifyError::OtherKey { .. })
        ));
        let forged =
            LicenseToken::from_parts(claims(), Anchor::development().id(), token.signature);
        assert_eq!(
            forged.verify(&Anchor::development()),
            Err(VerifyError::BadSignature)
        );
    }

    #[test]
    fn a_license_is_current_from_its_first_day_to_its_last() {
        let license = VerifiedLicense(claims());
        let standing = |day| license.standing(Day::new(day));
        assert_eq!(standing(20_598), Standing::NotYet);
        assert_eq!(
            standing(20_599),
            Standing::Current,
            "the portal is a day ahead"
        );
        assert_eq!(standing(21_000), Standing::Current);
        assert_eq!(standing(21_001), Standing::Lapsed);
        let forever = VerifiedLicense(Claims {
            expires: None,
            ..claims()
        });
        assert_eq!(forever.standing(Day::new(u16::MAX)), Standing::Current);
    }

    proptest! {
        #[test]
        fn what_parses_encodes_to_the_same_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            if let Ok(token) = LicenseToken::decode(&bytes) {
                prop_assert_eq!(token.encode(), bytes);
            }
        }

        #[test]
        fn no_text_panics(text in "(?s).{0,400}") {
            prop_assert!(LicenseToken::parse(&text).is_err());
        }
    }
}
