//! Registration without a network: the app shows a request code, and takes the response code
//! (docs/LICENSE-TOKEN.md § 3).
//!
//! Every line of a code looks like a license number. Its check character also depends on the position of the line.

use crate::{
    Claims, Day, Holder, Installation, KeyId, LicenseNumber, LicenseToken, Malformed, TokenId,
    symbols::{self, LINE, Line, LineError, Mark},
    token::{SIGNATURE, decode_expires, encode_expires},
};
use sha2::{Digest, Sha256};
use std::fmt;

/// What the app shows: the license and the installation, in 3 lines. The first line is the license number except for
/// its last character. It contains no PIN: the portal's page asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestCode {
    /// The license number.
    pub number: LicenseNumber,
    /// The app.
    pub installation: Installation,
}

/// What the portal's page answers: a token without the fields that the app knows already, in 8 lines.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseCode {
    token: TokenId,
    issued: Day,
    expires: Option<Day>,
    signature: [u8; SIGNATURE],
}

/// Why a text is not a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodeError {
    /// The check character of a line does not match; the number of the line, from 1.
    #[error("line {0} of the code is mistyped")]
    Slip(usize),
    /// Too few characters, too many, or characters outside the alphabet.
    #[error("not a valid code: expected {lines} lines of 16 letters and digits")]
    Malformed {
        /// How many lines the code has.
        lines: usize,
    },
    /// Each line is valid, but not together: a line is from another code, or from a newer program.
    #[error("the lines of the code do not belong together")]
    Mixed,
}

impl RequestCode {
    /// Reads a typed code, as [`LicenseNumber::parse`] does.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        let symbols = parse_lines(typed, REQUEST_LINES, Mark::request)?;
        let (first, rest) = symbols.split_first_chunk().ok_or(CodeError::Mixed)?;
        let number = LicenseNumber(Line(*first));
        let installation = rest
            .split_first()
            .filter(|(version, _)| **version == VERSION)
            .and_then(|(_, rest)| rest.get(..rest.len().checked_sub(SUM)?))
            .and_then(symbols::pack_exactly)
            .map(Installation::new)
            .ok_or(CodeError::Mixed)?;
        let code = Self {
            number,
            installation,
        };
        if code.symbols() == symbols {
            Ok(code)
        } else {
            Err(CodeError::Mixed)
        }
    }

    fn symbols(&self) -> Vec<u8> {
        let mut symbols = self.number.0.0.to_vec();
        symbols.push(VERSION);
        symbols.extend(symbols::unpack(self.installation.bytes()));
        // A line of another request does not match this sum.
        let sum = symbols::unpack(&Sha256::digest(&symbols));
        symbols.extend(sum.iter().take(SUM));
        symbols
    }
}

impl fmt::Display for RequestCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_lines(&self.symbols(), Mark::request, f)
    }
}

impl ResponseCode {
    /// Shortens a token. Its holder must have no names.
    pub fn of(token: &LicenseToken) -> Result<Self, Malformed> {
        let claims = token.unverified();
        if !claims.holder.is_unnamed() {
            return Err(Malformed);
        }
        Ok(Self {
            token: claims.token,
            issued: claims.issued,
            expires: claims.expires,
            signature: *token.signature(),
        })
    }

    /// Reads a typed code, as [`LicenseNumber::parse`] does.
    pub fn parse(typed: &str) -> Result<Self, CodeError> {
        let symbols = parse_lines(typed, RESPONSE_LINES, Mark::response)?;
        let bytes: [u8; RESPONSE] = symbols::pack_exactly(&symbols).ok_or(CodeError::Mixed)?;
        let mixed = || CodeError::Mixed;
        let (token, rest) = bytes.split_first_chunk().ok_or_else(mixed)?;
        let (issued, rest) = rest.split_first_chunk().ok_or_else(mixed)?;
        let (expires, rest) = rest.split_first_chunk().ok_or_else(mixed)?;
        let (signature, _) = rest.split_first_chunk().ok_or_else(mixed)?;
        let day = |bytes: &[u8; 2]| Day::new(u16::from_be_bytes(*bytes));
        let issued = day(issued);
        let expires = decode_expires(issued, day(expires)).map_err(|Malformed| CodeError::Mixed)?;
        Ok(Self {
            token: TokenId::new(*token),
            issued,
            expires,
            signature: *signature,
        })
    }

    /// Returns the complete token for this request. It must be verified: the code may answer another request.
    pub fn complete(&self, request: &RequestCode, key: KeyId) -> LicenseToken {
        let claims = Claims {
            token: self.token,
            number: request.number,
            installation: request.installation,
            issued: self.issued,
            expires: self.expires,
            holder: Holder::unnamed(),
        };
        LicenseToken::from_parts(claims, key, self.signature)
    }
}

impl fmt::Display for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = self.token.bytes().to_vec();
        bytes.extend(self.issued.number().to_be_bytes());
        bytes.extend(encode_expires(self.expires));
        bytes.extend(self.signature);
        write_lines(&symbols::unpack(&bytes), Mark::response, f)
    }
}

impl fmt::Debug for ResponseCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseCode")
            .field("token", &self.token)
            .field("issued", &self.issued)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

fn parse_lines(typed: &str, lines: usize, mark: impl Fn(u8) -> Mark) -> Result<Vec<u8>, CodeError> {
    let malformed = CodeError::Malformed { lines };
    let symbols = symbols::read(typed).ok_or(malformed)?;
    if symbols.len() != lines * (LINE + 1) {
        return Err(malformed);
    }
    let mut data = Vec::with_capacity(lines * LINE);
    for ((line, typed), place) in symbols.chunks(LINE + 1).enumerate().zip(0..) {
        match Line::parse(typed, mark(place)) {
            Ok(line) => data.extend(line.0),
            Err(LineError::Slip) => return Err(CodeError::Slip(line + 1)),
            Err(LineError::Malformed) => return Err(malformed),
        }
    }
    Ok(data)
}

fn write_lines(
    symbols: &[u8],
    mark: impl Fn(u8) -> Mark,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let (lines, _) = symbols.as_chunks::<LINE>();
    for (line, place) in lines.iter().zip(0..) {
        if place > 0 {
            f.write_str("\n")?;
        }
        Line(*line).write(mark(place), f)?;
    }
    Ok(())
}

/// The lines of a request code.
pub const REQUEST_LINES: usize = 3;
/// The lines of a response code.
pub const RESPONSE_LINES: usize = 8;

/// The bytes of a response code.
const RESPONSE: usize = 75;
/// The first symbol of a request code's second line.
const VERSION: u8 = 1;
/// The symbols that tie the lines of a request code together.
const SUM: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Anchor, SigningKey};
    use proptest::prelude::*;

    fn request() -> RequestCode {
        RequestCode {
            number: LicenseNumber::generate([9; 15]),
            installation: Installation::new([8; 16]),
        }
    }

    fn token(holder: Holder) -> LicenseToken {
        let RequestCode {
            number,
            installation,
        } = request();
        SigningKey::development().sign(Claims {
            token: TokenId::new([1; 7]),
            number,
            installation,
            issued: Day::new(20_600),
            expires: None,
            holder,
        })
    }

    #[test]
    fn a_request_begins_with_the_license_number() {
        let (request, number) = (request().to_string(), request().number.to_string());
        assert!(request.starts_with(&number[..18]), "{request}");
        assert_eq!(request.lines().count(), REQUEST_LINES);
    }

    #[test]
    fn a_typed_response_becomes_the_signed_token() {
        let token = token(Holder::unnamed());
        let typed = ResponseCode::of(&token).unwrap().to_string();
        assert_eq!(typed.lines().count(), RESPONSE_LINES);
        let code = ResponseCode::parse(&typed.to_lowercase().replace('-', " ")).unwrap();
        let completed = code.complete(&request(), Anchor::development().id());
        assert_eq!(completed, token);
        assert!(completed.verify(&Anchor::development()).is_ok());
    }

    #[test]
    fn a_response_to_another_request_does_not_verify() {
        let code = ResponseCode::of(&token(Holder::unnamed())).unwrap();
        let other = RequestCode {
            installation: Installation::new([7; 16]),
            ..request()
        };
        let completed = code.complete(&other, Anchor::development().id());
        assert!(completed.verify(&Anchor::development()).is_err());
    }

    #[test]
    fn a_token_that_names_a_holder_has_no_code() {
        let named = token(Holder::new("John Doe", "").unwrap());
        assert_eq!(ResponseCode::of(&named), Err(Malformed));
    }

    #[test]
    fn a_slip_is_found_in_its_line() {
        let typed = ResponseCode::of(&token(Holder::unnamed()))
            .unwrap()
            .to_string();
        for line in 0..RESPONSE_LINES {
            let mut lines: Vec<_> = typed.lines().map(str::to_owned).collect();
            let wrong = if lines[line].starts_with('0') {
                "1"
            } else {
                "0"
            };
            lines[line].replace_range(..1, wrong);
            let slip = Err(CodeError::Slip(line + 1));
            assert_eq!(ResponseCode::parse(&lines.join("\n")), slip);
        }
    }

    #[test]
    fn lines_of_two_requests_do_not_mix() {
        let other = RequestCode {
            number: LicenseNumber::generate([10; 15]),
            ..request()
        };
        let (one, other) = (request().to_string(), other.to_string());
        let first = other.lines().next().unwrap();
        let mixed = one.replace(one.lines().next().unwrap(), first);
        assert_eq!(RequestCode::parse(&mixed), Err(CodeError::Mixed));
        assert_eq!(
            RequestCode::parse(&format!("{first}\n{first}\n{first}")),
            Err(CodeError::Slip(2))
        );
    }

    proptest! {
        #[test]
        fn a_printed_request_is_read_again(random: [u8; 15], installation: [u8; 16]) {
            let request = RequestCode {
                number: LicenseNumber::generate(random),
                installation: Installation::new(installation),
            };
            prop_assert_eq!(RequestCode::parse(&request.to_string()), Ok(request));
        }

        #[test]
        fn any_text_is_refused(text in "[0-9A-Z\\- ]{0,200}") {
            prop_assert!(RequestCode::parse(&text).is_err());
            prop_assert!(ResponseCode::parse(&text).is_err());
        }
    }
}
