//! PINs as a person writes them down: `C` is SHIFT and 2. The rules are those of docs/KEYPAD.md.

/// Each of them may be a PIN.
pub(crate) const GOOD: [&str; 10] = [
    "24681357",
    "13572468",
    "8642097",
    "0864213",
    "5173AJ46",
    "9B20C47D1",
    "314159265358979",
    "2718281828459",
    "97531864",
    "6172839405",
];

/// Each of them breaks a rule.
pub(crate) const BAD: [&str; 8] = [
    "1234567",
    "78901234",
    "7654321",
    "7777777",
    "1B11B11",
    "246813",
    "2468135792468135",
    "",
];

/// What is typed for it.
pub(crate) fn keys(pin: &str) -> String {
    let mut text = String::new();
    for symbol in pin.chars() {
        if symbol.is_ascii_digit() {
            text.push(symbol);
        } else {
            text.push_str(" SHIFT+");
            text.push(char::from(b'0' + digit(symbol)));
            text.push(' ');
        }
    }
    text
}

/// Whether the rules for every PIN allow it: 7 to 15 positions, not all the same, not one run up or down.
pub(crate) fn is_allowed(pin: &str) -> bool {
    let digits: Vec<u8> = pin.chars().map(digit).collect();
    let steps_by = |step: u8| {
        digits
            .windows(2)
            .all(|pair| (pair[0] + step) % 10 == pair[1])
    };
    (7..=15).contains(&digits.len()) && !steps_by(0) && !steps_by(1) && !steps_by(9)
}

/// Whether a User PIN policy (least length, needs SHIFT) allows it.
pub(crate) fn meets(policy: Option<(u8, bool)>, pin: &str) -> bool {
    policy.is_none_or(|(least, needs_shift)| {
        pin.len() >= usize::from(least)
            && (!needs_shift || pin.chars().any(|symbol| !symbol.is_ascii_digit()))
    })
}

/// The digit of a symbol, without SHIFT.
fn digit(symbol: char) -> u8 {
    let symbol = u8::try_from(symbol).expect("ASCII");
    symbol - if symbol >= b'A' { b'A' } else { b'0' }
}
