//! Looks for secrets in what crossed the host: raw, in hex of either case, in base64 at each of its three alignments.

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

/// A secret that a test knows, with the name under which a leak is reported.
pub struct Known {
    /// What it is.
    pub name: String,
    /// Its bytes, 8 at least.
    pub bytes: Vec<u8>,
}

/// The names of all secrets that stand in `haystack` in any form.
pub fn leaks(haystack: &[u8], secrets: &[Known]) -> Vec<String> {
    let mut found = Vec::new();
    for secret in secrets {
        assert!(
            secret.bytes.len() >= 8,
            "{} is too short to search for",
            secret.name
        );
        for (form, needle) in forms(&secret.bytes) {
            if haystack
                .windows(needle.len())
                .any(|window| window == needle)
            {
                found.push(format!("{} ({form})", secret.name));
            }
        }
    }
    found
}

fn forms(bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let lower = hex::encode(bytes);
    let upper = lower.to_uppercase();
    let mut forms = vec![
        ("raw", bytes.to_vec()),
        ("hex", lower.into_bytes()),
        ("HEX", upper.into_bytes()),
    ];
    for shift in 0..3 {
        // The secret somewhere inside a longer base64 text: cut off what depends on its neighbors.
        let padded = [&vec![0; shift], bytes].concat();
        let text = STANDARD_NO_PAD.encode(padded);
        let skip = [0, 2, 3][shift];
        let whole = (shift + bytes.len()) / 3 * 4;
        forms.push(("base64", text.as_bytes()[skip..whole].to_vec()));
    }
    forms
}
