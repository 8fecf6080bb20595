//! PINs: what may be one, how it is stretched, and how it opens a slot (SP 800-132, SP 800-38F).

use crate::{
    crypto::{CryptoError, Provider, derive_key},
    keypad::Digit,
    platform::ModuleSecret,
    vault::csp::{Kek, Stretched},
};
use hsm_protocol::settings::UserPinPolicy;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// The fewest positions of a PIN.
pub const MIN_LENGTH: usize = 7;

/// The most positions of a PIN.
pub const MAX_LENGTH: usize = 15;

/// The least cost of a PIN's stretching, in PBKDF2 iterations.
pub const MIN_COST: u32 = 1_000;

/// The greatest cost that a module takes over from a master: some seconds on the slowest board.
pub const MAX_COST: u32 = 4_000_000;

/// What is typed to get more attempts at a blocked Admin PIN.
pub const UNBLOCK_CODE: [u8; 8] = *b"47867243";

/// One position of a PIN: a digit, or SHIFT and a digit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Symbol(u8);

impl Symbol {
    pub(crate) const fn plain(digit: Digit) -> Self {
        // ASCII digits: what PBKDF2 takes in is what a person would write down.
        Self(b'0'.wrapping_add(digit.value()))
    }

    pub(crate) const fn shifted(digit: Digit) -> Self {
        Self(b'A'.wrapping_add(digit.value()))
    }

    const fn is_shifted(byte: u8) -> bool {
        byte >= b'A'
    }

    /// The digit, without SHIFT.
    const fn digit(byte: u8) -> u8 {
        byte.wrapping_sub(if Self::is_shifted(byte) { b'A' } else { b'0' })
    }
}

/// What was typed. One position more than the longest PIN is remembered, so that too long is not cut to fit.
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

    /// The symbols, one byte each.
    pub(crate) fn symbols(&self) -> &[u8] {
        self.symbols.get(..self.len).unwrap_or_default()
    }

    /// Becomes the same, in place: a move would leave the old bytes behind.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.symbols.copy_from_slice(&other.symbols);
        self.len = other.len;
    }

    /// Whether two entries agree, in constant time.
    pub(crate) fn equals(&self, other: &Self) -> bool {
        self.symbols().ct_eq(other.symbols()).into()
    }

    /// The number typed, for a setting; `None` if a symbol is shifted or the length is another.
    pub(crate) fn number(&self, digits: usize) -> Option<u8> {
        let symbols = self.symbols();
        if symbols.len() != digits || symbols.iter().any(|byte| Symbol::is_shifted(*byte)) {
            return None;
        }
        symbols.iter().try_fold(0_u8, |sum, byte| {
            sum.checked_mul(10)?.checked_add(Symbol::digit(*byte))
        })
    }

    /// The rules that bind every PIN. SHIFT is ignored for all but the length.
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

    /// The rules that bind a User PIN besides.
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

    /// Stretches into `out`: the value that travels to clones under seal. The module's secret is not in it.
    pub(crate) fn stretch<C: Provider>(
        &self,
        salt: &[u8; 32],
        cost: u32,
        out: &mut Stretched,
    ) -> Result<(), CryptoError> {
        C::pbkdf2(self.symbols(), salt, cost, out.expose_mut())
    }
}

/// The four PINs. The numbers are part of a slot key's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Admin,
    User,
    Recovery,
    SelfDestruct,
}

impl Slot {
    pub(crate) const ALL: [Self; 4] = [Self::Admin, Self::User, Self::Recovery, Self::SelfDestruct];

    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Admin => 0,
            Self::User => 1,
            Self::Recovery => 2,
            Self::SelfDestruct => 3,
        }
    }

    pub(crate) fn index(self) -> usize {
        usize::from(self.number())
    }

    /// Wraps the KEK so that this PIN, on this module, opens it again.
    pub(crate) fn wrap_key<C: Provider>(
        self,
        secret: &impl ModuleSecret,
        stretched: &Stretched,
        kek: &Kek,
    ) -> Result<[u8; 40], CryptoError> {
        C::wrap_key(&self.derive_key::<C>(secret, stretched), kek.expose())
    }

    /// Opens a slot into `kek`. Fails in the same way for a wrong PIN and for a slot that was never set.
    pub(crate) fn unwrap_key<C: Provider>(
        self,
        secret: &impl ModuleSecret,
        stretched: &Stretched,
        wrapped: &[u8; 40],
        kek: &mut Kek,
    ) -> Result<(), CryptoError> {
        C::unwrap_key(
            &self.derive_key::<C>(secret, stretched),
            wrapped,
            kek.expose_mut(),
        )
    }

    fn derive_key<C: Provider>(
        self,
        secret: &impl ModuleSecret,
        stretched: &Stretched,
    ) -> Zeroizing<[u8; 32]> {
        let parts: [&[u8]; 3] = [
            b"KeyWriter v1 slot key",
            &[self.number()],
            stretched.expose(),
        ];
        derive_key::<C>(secret.expose(), &parts)
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
