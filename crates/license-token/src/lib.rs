//! License numbers, signed license tokens, and the codes of an offline registration (docs/LICENSE-TOKEN.md).
//!
//! Shared by the portal, which signs, and the app, which verifies. Pure: clock, randomness and files are passed in.
//!
//! | module | what it holds |
//! |---|---|
//! | [`number`] | `XXXX-XXXX-XXXX-XXXX`, with a check character |
//! | [`pin`] | the 8-digit PIN |
//! | [`claims`] | what a token states |
//! | [`token`] | the signed token: bytes, text, verification that returns a proof |
//! | [`anchor`] | the key that this build verifies with |
//! | [`offline`] | request and response codes |
//!
//! ```
//! use license_token::{
//!     Anchor, Claims, Day, Holder, Installation, LicenseNumber, LicenseToken, SigningKey, Standing, TokenId,
//! };
//!
//! let key = SigningKey::development();
//! let claims = Claims {
//!     token: TokenId::new([7; 7]),
//!     number: LicenseNumber::generate([9; 15]),
//!     installation: Installation::new([1; 16]),
//!     issued: Day::new(20_600),
//!     expires: Some(Day::new(21_000)),
//!     holder: Holder::new("John Doe", "Example Ltd")?,
//! };
//! let text = key.sign(claims).to_string();
//! let license = LicenseToken::parse(&text)?.verify(&Anchor::development())?;
//! assert_eq!(license.claims().holder.name(), "John Doe");
//! assert_eq!(license.standing(Day::new(20_700)), Standing::Current);
//! assert_eq!(license.standing(Day::new(21_001)), Standing::Lapsed);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![forbid(unsafe_code)]

pub mod anchor;
pub mod claims;
mod hexadecimal;
pub mod number;
pub mod offline;
pub mod pin;
mod symbols;
pub mod token;

pub use anchor::{Anchor, Anchors, KeyId, is_development_build};
pub use claims::{Claims, Day, Holder, Installation, TokenId};
pub use number::{LicenseNumber, NumberError};
pub use offline::{CodeError, RequestCode, ResponseCode};
pub use pin::{Pin, PinError};
pub use token::{LicenseToken, SigningKey, Standing, VerifiedLicense, VerifyError};

/// The bytes or the text do not encode a value: wrong length, wrong form, or trailing data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed")]
pub struct Malformed;
