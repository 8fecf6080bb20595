//! JSON with text that others wrote, made harmless before it is printed.

use plain_text::acts;

/// Returns JSON with the same contents that a terminal cannot misunderstand. Serialized JSON has such characters only
/// inside strings, except for line ends.
pub(crate) fn plain_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                safe.push_str("\\u");
                safe.push_str(&hex::encode(unit.to_be_bytes()));
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({ "name": "\u{9b}\u{202e}é\u{e0041}\u{1b}" });
        let text = plain_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(text.chars().all(|c| c == '\n' || !acts(c)), "{text}");
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read, value);
    }
}
