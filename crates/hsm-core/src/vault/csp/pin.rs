//! PINs: what may be one, and how it is stretched (SP 800-132). A rule for new PINs goes into `Pin::check`.

use crate::crypto::{CryptoError, Provider};
use hsm_protocol::{Malformed, settings::UserPinPolicy};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// The minimum number of positions of a PIN.
pub const MIN_LENGTH: usize = 7;

/// The maximum number of positions of a PIN.
pub const MAX_LENGTH: usize = 15;

/// The minimum cost of stretching a PIN, in PBKDF2 iterations.
pub const MIN_COST: u32 = 1_000;

/// The maximum cost that a module accepts from a master, in PBKDF2 iterations: some seconds on the slowest board.
pub const MAX_COST: u32 = 4_000_000;

/// The code that gives more attempts at a blocked Admin PIN.
pub const UNBLOCK_CODE: [u8; 8] = *b"47867243";

/// A decimal digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digit(u8);

impl Digit {
    /// Takes 0 to 9.
    pub const fn new(value: u8) -> Result<Self, Malformed> {
        if value < 10 {
            Ok(Self(value))
        } else {
            Err(Malformed)
        }
    }

    /// Returns 0 to 9.
    pub const fn value(self) -> u8 {
        self.0
    }
}

/// One position of a PIN: a digit, or SHIFT and a digit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Symbol(u8);

impl Symbol {
    pub(crate) const fn plain(digit: Digit) -> Self {
        // ASCII digits: the input of PBKDF2 is what a person would write down.
        Self(b'0'.wrapping_add(digit.value()))
    }

    pub(crate) const fn shifted(digit: Digit) -> Self {
        Self(b'A'.wrapping_add(digit.value()))
    }

    const fn is_shifted(byte: u8) -> bool {
        byte >= b'A'
    }

    /// Returns the digit, without SHIFT.
    const fn digit(byte: u8) -> u8 {
        byte.wrapping_sub(if Self::is_shifted(byte) { b'A' } else { b'0' })
    }
}

/// What was typed. It holds one position more than the longest PIN, so that an overlong entry is not cut to a valid
/// PIN.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Pin {
    symbols: [u8; MAX_LENGTH + 1],
    len: usize,
}

/// Which rule a new PIN breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuleBroken {
    Length,
    AllSame,
    Run,
    Policy,
}

impl Pin {
    pub(crate) fn push(&mut self, symbol: Symbol) {
        if let Some(place) = self.symbols.get_mut(self.len) {
            *place = symbol.0;
            self.len = self.len.saturating_add(1);
        }
    }

    /// Returns the symbols, one byte each.
    pub(crate) fn symbols(&self) -> &[u8] {
        self.symbols.get(..self.len).unwrap_or_default()
    }

    /// Becomes the same, in place.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.symbols.copy_from_slice(&other.symbols);
        self.len = other.len;
    }

    /// Returns whether two entries are equal, in constant time.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.symbols().ct_eq(other.symbols()).into()
    }

    /// Returns the number typed for a setting; `None` if a symbol has SHIFT or the number of digits is another.
    pub(crate) fn number(&self, digits: usize) -> Option<u8> {
        let symbols = self.symbols();
        if symbols.len() != digits || symbols.iter().any(|byte| Symbol::is_shifted(*byte)) {
            return None;
        }
        symbols.iter().try_fold(0_u8, |sum, byte| {
            sum.checked_mul(10)?.checked_add(Symbol::digit(*byte))
        })
    }

    /// Checks the rules that every new PIN must follow. All but the length ignore SHIFT.
    pub(crate) fn check(&self) -> Result<(), RuleBroken> {
        let symbols = self.symbols();
        if !(MIN_LENGTH..=MAX_LENGTH).contains(&symbols.len()) {
            return Err(RuleBroken::Length);
        }
        let steps_by = |step: u8| {
            symbols.windows(2).all(|pair| match pair {
                [a, b] => Symbol::digit(*a).wrapping_add(step) % 10 == Symbol::digit(*b),
                _ => false,
            })
        };
        if steps_by(0) {
            return Err(RuleBroken::AllSame);
        }
        if steps_by(1) || steps_by(9) {
            Err(RuleBroken::Run)
        } else {
            Ok(())
        }
    }

    /// Checks the further rules for a User PIN.
    pub(crate) fn check_policy(&self, policy: Option<UserPinPolicy>) -> Result<(), RuleBroken> {
        let Some(policy) = policy else { return Ok(()) };
        let symbols = self.symbols();
        let long_enough = symbols.len() >= usize::from(policy.min_length);
        let shifted = symbols.iter().any(|byte| Symbol::is_shifted(*byte));
        if long_enough && (shifted || !policy.needs_shift) {
            Ok(())
        } else {
            Err(RuleBroken::Policy)
        }
    }

    /// Stretches into `out`. This value is sent to clones, sealed; the module's secret is not part of it.
    pub(crate) fn stretch<C: Provider>(
        &self,
        salt: &[u8; 32],
        cost: u32,
        out: &mut Stretched,
    ) -> Result<(), CryptoError> {
        C::pbkdf2(self.symbols(), salt, cost, out.expose_mut())
    }
}

/// A PIN after PBKDF2, before the module's secret is mixed in: what clones need to accept the same PIN.
#[derive(Default, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Stretched([u8; 32]);

impl Stretched {
    pub(super) const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) const fn expose_mut(&mut self) -> &mut [u8; 32] {
        &mut self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn pin(text: &str) -> Pin {
        let mut pin = Pin::default();
        for c in text.bytes() {
            let digit = |base: u8| Digit::new(c - base).unwrap();
            pin.push(if c >= b'A' {
                Symbol::shifted(digit(b'A'))
            } else {
                Symbol::plain(digit(b'0'))
            });
        }
        pin
    }

    #[test]
    fn a_pin_has_seven_to_fifteen_positions() {
        assert_eq!(pin("246813").check(), Err(RuleBroken::Length));
        assert_eq!(pin("2468135").check(), Ok(()));
        assert_eq!(pin("246813579246813").check(), Ok(()));
        assert_eq!(pin("2468135792468135").check(), Err(RuleBroken::Length));
        assert_eq!(pin("24681357924681357").check(), Err(RuleBroken::Length));
    }

    #[test]
    fn one_digit_over_and_over_is_refused_with_shift_or_without() {
        assert_eq!(pin("1111111").check(), Err(RuleBroken::AllSame));
        assert_eq!(pin("1B11B11").check(), Err(RuleBroken::AllSame));
    }

    #[test]
    fn a_run_is_refused_and_a_pin_that_contains_one_is_not() {
        for run in ["1234567", "78901234", "7654321", "3210987", "B234567"] {
            assert_eq!(pin(run).check(), Err(RuleBroken::Run), "{run}");
        }
        assert_eq!(pin("12345679").check(), Ok(()));
    }

    #[test]
    fn a_policy_asks_for_length_and_shift() {
        let policy = |min_length, needs_shift| {
            Some(UserPinPolicy {
                min_length,
                needs_shift,
            })
        };
        assert_eq!(
            pin("2468135").check_policy(policy(8, false)),
            Err(RuleBroken::Policy)
        );
        assert_eq!(pin("24681357").check_policy(policy(8, false)), Ok(()));
        assert_eq!(
            pin("24681357").check_policy(policy(8, true)),
            Err(RuleBroken::Policy)
        );
        assert_eq!(pin("2468135H").check_policy(policy(8, true)), Ok(()));
        assert_eq!(pin("2468135").check_policy(None), Ok(()));
    }

    #[test]
    fn a_number_is_plain_digits_of_the_right_count() {
        assert_eq!(pin("07").number(2), Some(7));
        assert_eq!(pin("7").number(2), None);
        assert_eq!(pin("0H").number(2), None);
        assert_eq!(pin("999").number(3), None);
    }
}
