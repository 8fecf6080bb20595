//! Bytes, serial numbers and foreign text as text.

use hsm_protocol::Serial;

pub use plain_text::{acts, shown, shown_bytes, shown_path};

/// Returns bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// Returns serial numbers, separated by commas.
pub fn listed(serials: &[Serial]) -> String {
    let names: Vec<_> = serials.iter().map(Serial::as_str).collect();
    names.join(", ")
}
