//! The PIN that is mailed with a license number. At first it is also the app's PIN.

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A PIN of 8 digits. Zeroized when dropped.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Pin([u8; DIGITS]);

/// The text is not a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a PIN has 8 digits")]
pub struct PinError;

impl Pin {
    /// Reads exactly 8 digits, with nothing around them.
    pub fn parse(typed: &str) -> Result<Self, PinError> {
        let mut pin = Self([0; DIGITS]);
        let typed = typed.as_bytes();
        if typed.len() != DIGITS || !typed.iter().all(u8::is_ascii_digit) {
            return Err(PinError);
        }
        pin.0.copy_from_slice(typed);
        Ok(pin)
    }

    /// Makes a PIN from 8 random bytes. The probabilities of any two PINs differ by at most a factor of 1 + 2^-37.
    pub fn generate(random: [u8; 8]) -> Self {
        let mut rest = u64::from_le_bytes(random);
        let mut pin = Self([0; DIGITS]);
        for digit in &mut pin.0 {
            let [value, ..] = (rest % 10).to_le_bytes();
            *digit = b'0' + value;
            rest /= 10;
        }
        rest.zeroize();
        pin
    }

    /// Returns the digits: to hash, to send over TLS, to print in the one mail that carries them.
    pub fn expose(&self) -> &[u8; DIGITS] {
        &self.0
    }

    /// Appends the digits to a text, which the caller must zeroize.
    pub fn expose_in(&self, text: &mut String) {
        for digit in self.0 {
            text.push(char::from(digit));
        }
    }
}

/// The digits of a PIN.
pub const DIGITS: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_eight_digits_are_a_pin() {
        assert_eq!(Pin::parse("01234567").unwrap().expose(), b"01234567");
        for none in [
            "",
            "1234567",
            "123456789",
            "1234567a",
            " 1234567",
            "１２３４５６７８",
        ] {
            assert!(Pin::parse(none).is_err(), "{none}");
        }
    }

    #[test]
    fn a_generated_pin_has_eight_digits() {
        for random in [[0; 8], [255; 8], [1, 2, 3, 4, 5, 6, 7, 8]] {
            let mut text = String::new();
            Pin::generate(random).expose_in(&mut text);
            assert!(Pin::parse(&text).is_ok(), "{text}");
        }
        assert_eq!(Pin::generate([0; 8]).expose(), b"00000000");
    }
}
