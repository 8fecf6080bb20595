//! License numbers.

use crate::symbols::{self, LINE, Line, LineError, Mark};
use std::{fmt, str::FromStr};

/// A license number: 15 random characters and a check character (docs/LICENSE-TOKEN.md § 1).
///
/// It is not secret: only together with the PIN does it register an app.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LicenseNumber(pub(crate) Line);

/// Why a text is not a license number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// The check character does not match: one character is wrong, or two are swapped.
    #[error("the license number is mistyped: a character is wrong, or two are swapped")]
    Slip,
    /// Not 16 characters of the alphabet.
    #[error("not a license number: expected 16 letters and digits, XXXX-XXXX-XXXX-XXXX")]
    Malformed,
}

impl LicenseNumber {
    /// Makes a number from 5 bits of each of 15 random bytes.
    pub fn generate(random: [u8; LINE]) -> Self {
        Self(Line(random.map(|byte| byte & 31)))
    }

    /// Reads a typed number: in capitals or small letters, with or without dashes and spaces, with O for 0 and I or L
    /// for 1.
    pub fn parse(typed: &str) -> Result<Self, NumberError> {
        let symbols = symbols::read(typed).ok_or(NumberError::Malformed)?;
        match Line::parse(&symbols, Mark::NUMBER) {
            Ok(line) => Ok(Self(line)),
            Err(LineError::Slip) => Err(NumberError::Slip),
            Err(LineError::Malformed) => Err(NumberError::Malformed),
        }
    }

    /// Packs all 16 symbols into [`PACKED`] bytes.
    pub(crate) fn pack(self) -> Vec<u8> {
        symbols::pack(&self.0.symbols(Mark::NUMBER))
    }

    pub(crate) fn unpack(bytes: &[u8; PACKED]) -> Option<Self> {
        Line::parse(&symbols::unpack(bytes), Mark::NUMBER)
            .map(Self)
            .ok()
    }
}

impl fmt::Display for LicenseNumber {
    /// Writes `XXXX-XXXX-XXXX-XXXX`, the only form that is stored and sent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.write(Mark::NUMBER, f)
    }
}

impl fmt::Debug for LicenseNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for LicenseNumber {
    type Err = NumberError;

    fn from_str(typed: &str) -> Result<Self, NumberError> {
        Self::parse(typed)
    }
}

/// The bytes of a number in a token.
pub(crate) const PACKED: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_printed_number_is_read_again(random: [u8; 15]) {
            let number = LicenseNumber::generate(random);
            let text = number.to_string();
            prop_assert_eq!(text.len(), 19);
            prop_assert_eq!(LicenseNumber::parse(&text), Ok(number));
            prop_assert_eq!(LicenseNumber::parse(&text.to_lowercase().replace('-', "")), Ok(number));
            let packed: [u8; PACKED] = number.pack().try_into().unwrap();
            prop_assert_eq!(LicenseNumber::unpack(&packed), Some(number));
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            if let Ok(number) = LicenseNumber::parse(&text) {
                prop_assert_eq!(LicenseNumber::parse(&number.to_string()), Ok(number));
            }
        }
    }

    #[test]
    fn a_slip_differs_from_a_malformed_number() {
        assert_eq!(
            LicenseNumber::parse("0000-0000-0000-0000"),
            Err(NumberError::Slip)
        );
        for none in [
            "",
            "0",
            "0000-0000-0000-000",
            "0000-0000-0000-00000",
            "0000-0000-0000-000U",
        ] {
            assert_eq!(LicenseNumber::parse(none), Err(NumberError::Malformed));
        }
    }
}
