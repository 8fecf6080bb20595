//! Bytes, serial numbers and foreign text as text.

use hsm_protocol::Serial;
use std::fmt::Display;

pub use plain_text::{acts, shown, shown_bytes, shown_path};

/// Returns bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// Returns a number with its noun: `1 file`, `2 files`.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(
    number: N,
    one: &str,
    many: &str,
) -> String {
    let noun = if number == N::from(1) { one } else { many };
    format!("{number} {noun}")
}

/// Returns serial numbers, separated by commas.
pub fn listed(serials: &[Serial]) -> String {
    let names: Vec<_> = serials.iter().map(Serial::as_str).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_any_other_number_is_not() {
        let said = [0, 1, 2].map(|number: usize| counted(number, "secondary", "secondaries"));
        assert_eq!(said, ["0 secondaries", "1 secondary", "2 secondaries"]);
    }
}
