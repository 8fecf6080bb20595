//! Text that others wrote, made harmless before it is printed.

/// Returns a text for a terminal: what it would obey, hide or reorder is written as `\u{…}`.
pub(crate) fn plain(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if is_invisible(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Returns JSON with the same contents that a terminal cannot misunderstand. Serialized JSON has such characters only
/// inside strings, except for line ends.
pub(crate) fn plain_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_invisible(c) {
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

/// Returns whether a character is a control, changes the direction of text, has no width, or ends a line.
pub(crate) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_shown_instead() {
        assert_eq!(plain("Zoë <z@ü.example>"), "Zoë <z@ü.example>");
        assert_eq!(plain("a\u{1b}[31m\n\u{9b}"), "a\\u{1b}[31m\\u{a}\\u{9b}");
        assert_eq!(plain("\u{202e}cod.exe"), "\\u{202e}cod.exe");
        let unseen = "\u{34f}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}\u{180f}\u{3164}\u{ffa0}";
        assert!(unseen.chars().all(is_invisible));
    }

    #[test]
    fn json_keeps_its_meaning() {
        let value = serde_json::json!({ "name": "\u{9b}\u{202e}é\u{e0041}\u{1b}" });
        let text = plain_json(&serde_json::to_string_pretty(&value).unwrap());
        assert!(
            text.chars().all(|c| c == '\n' || !is_invisible(c)),
            "{text}"
        );
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(read, value);
    }
}
