//! Formats what is typed, and divides what is too long.

/// The number of digits of the app's PIN.
const PIN: usize = 8;
/// The number of characters of a license number, and of one of its groups.
const NUMBER: usize = 16;
const GROUP: usize = 4;

/// The characters of a serial number that are always shown.
const TAIL: usize = 6;

/// Divides a serial number before its last characters.
pub(super) fn divide(serial: &str) -> (&str, &str) {
    let at = serial.len().saturating_sub(TAIL);
    serial.split_at_checked(at).unwrap_or((serial, ""))
}

/// Returns the digits of what was typed, at most as many as a PIN has.
pub(super) fn digits(text: &str) -> String {
    text.chars()
        .filter(char::is_ascii_digit)
        .take(PIN)
        .collect()
}

/// Formats a license number: `abcd1234` becomes `ABCD-1234`.
pub(super) fn license_number(text: &str) -> String {
    let kept: Vec<_> = text
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|it| it.to_ascii_uppercase())
        .take(NUMBER)
        .collect();
    let groups: Vec<String> = kept.chunks(GROUP).map(String::from_iter).collect();
    groups.join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_license_number_gets_its_hyphens_while_it_is_typed() {
        assert_eq!(license_number("ab12c"), "AB12-C");
        assert_eq!(license_number("AB12-"), "AB12");
        assert_eq!(
            license_number(" ab12 cd34-ef56.gh78zz"),
            "AB12-CD34-EF56-GH78"
        );
    }

    #[test]
    fn a_serial_number_keeps_its_end() {
        assert_eq!(divide("KW-2024-0000123456"), ("KW-2024-0000", "123456"));
        assert_eq!(divide("VM01"), ("", "VM01"));
        assert_eq!(divide(""), ("", ""));
    }

    #[test]
    fn a_pin_is_at_most_eight_digits() {
        assert_eq!(digits("12 34x56789"), "12345678");
    }
}
