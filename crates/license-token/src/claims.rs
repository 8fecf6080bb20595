//! What a license token says.

use crate::{LicenseNumber, Malformed};
use std::fmt;

/// What the portal vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// This token; each one that is issued has another.
    pub token: TokenId,
    /// The license.
    pub number: LicenseNumber,
    /// The app that it is for.
    pub installation: Installation,
    /// The day on which it was issued.
    pub issued: Day,
    /// The last day on which it is current; `None`: it does not lapse. Not before `issued`.
    pub expires: Option<Day>,
    /// Whom the license belongs to; nobody is named in a token that was typed in.
    pub holder: Holder,
}

/// A token's number in the portal's books.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId([u8; TOKEN_ID]);

impl TokenId {
    /// Takes 7 bytes, random or counted, that no other token has.
    pub const fn new(bytes: [u8; TOKEN_ID]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn bytes(&self) -> &[u8; TOKEN_ID] {
        &self.0
    }
}

/// One app on one computer, for one user: random, made when the app first registers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Installation([u8; INSTALLATION]);

impl Installation {
    /// Takes 16 random bytes.
    pub const fn new(random: [u8; INSTALLATION]) -> Self {
        Self(random)
    }

    /// Reads 32 hexadecimal digits in small letters, as the portal's API has them.
    pub fn parse(hex: &str) -> Result<Self, Malformed> {
        decode_hex(hex.as_bytes()).map(Self).ok_or(Malformed)
    }

    /// The bytes.
    pub const fn bytes(&self) -> &[u8; INSTALLATION] {
        &self.0
    }
}

/// A day: days since 1970-01-01, UTC; the last is in 2149.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u16);

impl Day {
    /// That many days after 1970-01-01.
    pub const fn new(days: u16) -> Self {
        Self(days)
    }

    /// The day of a time in seconds since 1970-01-01 00:00 UTC; later days than the last are the last.
    pub fn from_unix(seconds: u64) -> Self {
        Self(u16::try_from(seconds / SECONDS).unwrap_or(u16::MAX))
    }

    /// The time at which it begins, in seconds since 1970-01-01 00:00 UTC.
    pub fn to_unix(self) -> u64 {
        u64::from(self.0) * SECONDS
    }

    /// Days since 1970-01-01.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// So many days later; no later than the last day.
    #[must_use]
    pub const fn plus(self, days: u16) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// How many days this is after `earlier`; 0 if it is before.
    pub const fn since(self, earlier: Self) -> u16 {
        self.0.saturating_sub(earlier.0)
    }
}

impl fmt::Display for Day {
    /// `YYYY-MM-DD`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Howard Hinnant's civil_from_days: years that begin in March, in eras of 400 years.
        let days = u32::from(self.0) + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * shifted + 2) / 5 + 1;
        let month = if shifted < 10 {
            shifted + 3
        } else {
            shifted - 9
        };
        let year = year_of_era + era * 400 + u32::from(month <= 2);
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

/// Whom a license belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    name: String,
    company: String,
}

impl Holder {
    /// Takes a person's name and a company's, each at most [`HOLDER_NAME`] bytes of UTF-8 without control characters
    /// and without white space around it; either may be empty.
    pub fn new(name: &str, company: &str) -> Result<Self, Malformed> {
        for part in [name, company] {
            let is_clean = !part.chars().any(char::is_control) && part.trim() == part;
            if part.len() > HOLDER_NAME || !is_clean {
                return Err(Malformed);
            }
        }
        Ok(Self {
            name: name.to_owned(),
            company: company.to_owned(),
        })
    }

    /// Nobody is named.
    pub fn unnamed() -> Self {
        Self::default()
    }

    /// The person.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The company.
    pub fn company(&self) -> &str {
        &self.company
    }

    /// Whether neither is named.
    pub fn is_unnamed(&self) -> bool {
        self.name.is_empty() && self.company.is_empty()
    }
}

macro_rules! hexadecimal {
    ($($name:ident)*) => { $(
        impl fmt::Display for $name {
            /// Hexadecimal digits in small letters.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
    )* };
}

hexadecimal!(TokenId Installation);

/// Reads hexadecimal digits in small letters; also while a program is compiled.
pub(crate) const fn decode_hex<const N: usize>(mut digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let mut rest: &mut [u8] = &mut bytes;
    while let [high, low, others @ ..] = digits {
        let Some((byte, following)) = rest.split_first_mut() else {
            return None;
        };
        let (Some(high), Some(low)) = (hex_digit(*high), hex_digit(*low)) else {
            return None;
        };
        *byte = high << 4 | low;
        (digits, rest) = (others, following);
    }
    if digits.is_empty() && rest.is_empty() {
        Some(bytes)
    } else {
        None
    }
}

const fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// The most bytes of a holder's name, and of a company's.
pub const HOLDER_NAME: usize = 100;

/// The bytes of a [`TokenId`].
pub(crate) const TOKEN_ID: usize = 7;
/// The bytes of an [`Installation`].
pub(crate) const INSTALLATION: usize = 16;
const SECONDS: u64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_their_dates() {
        for (days, date) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (10_957, "2000-01-01"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_818, "2026-12-31"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
            (65_535, "2149-06-06"),
        ] {
            assert_eq!(Day::new(days).to_string(), date);
        }
        assert_eq!(Day::from_unix(86_399), Day::new(0));
        assert_eq!(Day::from_unix(u64::MAX), Day::new(u16::MAX));
        assert_eq!(Day::from_unix(Day::new(20_000).to_unix()), Day::new(20_000));
    }

    #[test]
    fn an_installation_has_32_digits() {
        let text = "000102030405060708090a0b0c0d0e0f";
        assert_eq!(Installation::parse(text).unwrap().to_string(), text);
        for wrong in ["", &text[1..], &format!("{text}00"), &text.to_uppercase()] {
            assert_eq!(Installation::parse(wrong), Err(Malformed));
        }
    }

    #[test]
    fn a_holder_is_bounded_and_printable() {
        assert!(Holder::new("Zoë", &"x".repeat(HOLDER_NAME)).is_ok());
        for wrong in ["a\nb", " a", "\u{1b}[2J", &"x".repeat(HOLDER_NAME + 1)] {
            assert_eq!(Holder::new(wrong, ""), Err(Malformed));
            assert_eq!(Holder::new("", wrong), Err(Malformed));
        }
    }
}
