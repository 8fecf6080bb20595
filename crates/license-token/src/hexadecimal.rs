//! Bytes as lower-case hexadecimal digits, which are the only form that is read.

use crate::{Anchor, Installation, KeyId, TokenId};
use std::fmt;

macro_rules! hexadecimal {
    ($($name:ident)*) => { $(
        impl fmt::Display for $name {
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

hexadecimal!(Anchor Installation KeyId TokenId);

/// Reads lower-case hexadecimal digits; also at compile time.
pub(crate) const fn decode<const N: usize>(mut digits: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let mut rest: &mut [u8] = &mut bytes;
    while let [high, low, others @ ..] = digits {
        let Some((byte, following)) = rest.split_first_mut() else {
            return None;
        };
        let (Some(high), Some(low)) = (digit(*high), digit(*low)) else {
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

const fn digit(character: u8) -> Option<u8> {
    match character {
        b'0'..=b'9' => Some(character - b'0'),
        b'a'..=b'f' => Some(character - b'a' + 10),
        _ => None,
    }
}
