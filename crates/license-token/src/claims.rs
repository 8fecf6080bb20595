//! What a license token says.

use crate::{LicenseNumber, Malformed, hexadecimal::decode};
use std::fmt;

/// What a token states, and its signature proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// The number of this token; every token has another.
    pub token: TokenId,
    /// The license number.
    pub number: LicenseNumber,
    /// The app that the token is for.
    pub installation: Installation,
    /// The day on which it was issued.
    pub issued: Day,
    /// The last day on which it is current; `None`: it never expires. Not before `issued`.
    pub expires: Option<Day>,
    /// The holder of the license; empty in a token that was typed in.
    pub holder: Holder,
}

/// The number of a token.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId(pub(crate) [u8; TOKEN_ID]);

impl TokenId {
    /// Takes 7 bytes, random or counted, that no other token has.
    pub const fn new(bytes: [u8; TOKEN_ID]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes.
    pub const fn bytes(&self) -> &[u8; TOKEN_ID] {
        &self.0
    }
}

/// One app on one computer, for one user: random, made when the app first registers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Installation(pub(crate) [u8; INSTALLATION]);

impl Installation {
    /// Takes 16 random bytes.
    pub const fn new(random: [u8; INSTALLATION]) -> Self {
        Self(random)
    }

    /// Reads 32 lower-case hexadecimal digits, as in the portal's API.
    pub fn parse(hex: &str) -> Result<Self, Malformed> {
        decode(hex.as_bytes()).map(Self).ok_or(Malformed)
    }

    /// Returns the bytes.
    pub const fn bytes(&self) -> &[u8; INSTALLATION] {
        &self.0
    }
}

impl std::str::FromStr for Installation {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Malformed> {
        Self::parse(text)
    }
}

/// A day: days since 1970-01-01, UTC. The last one is in 2149.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(u16);

impl Day {
    /// Returns the day so many days after 1970-01-01.
    pub const fn new(days: u16) -> Self {
        Self(days)
    }

    /// Returns the day of a time in seconds since 1970-01-01 00:00 UTC; the last day for times after it.
    pub fn from_unix(seconds: u64) -> Self {
        Self(u16::try_from(seconds / SECONDS).unwrap_or(u16::MAX))
    }

    /// Returns the time at which it begins, in seconds since 1970-01-01 00:00 UTC.
    pub fn to_unix(self) -> u64 {
        u64::from(self.0) * SECONDS
    }

    /// Returns the number of days since 1970-01-01.
    pub const fn number(self) -> u16 {
        self.0
    }

    /// Returns the day so many days later, at most the last day.
    #[must_use]
    pub const fn plus(self, days: u16) -> Self {
        Self(self.0.saturating_add(days))
    }

    /// Returns the number of days since `earlier`; 0 if that day is later.
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

/// The person and the company that hold a license.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    name: String,
    company: String,
}

impl Holder {
    /// Takes the name of a person and of a company, each at most [`HOLDER_NAME`] bytes of UTF-8 without control
    /// characters and without surrounding white space. Either may be empty.
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

    /// Returns a holder without names.
    pub fn unnamed() -> Self {
        Self::default()
    }

    /// Returns the name of the person.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the name of the company.
    pub fn company(&self) -> &str {
        &self.company
    }

    /// Returns whether both names are empty.
    pub fn is_unnamed(&self) -> bool {
        self.name.is_empty() && self.company.is_empty()
    }
}

/// The most bytes of a person's name, and of a company's.
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
