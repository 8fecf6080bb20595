//! Foreign text, made harmless before it is shown: names of files and readers, arguments, and what files, devices and
//! portals contain. Nothing here knows what the text is about; programs of both sides use it.

#![forbid(unsafe_code)]

#[cfg(feature = "clap")]
mod arguments;

#[cfg(feature = "clap")]
pub use arguments::parse;

use std::{fmt::Write, path::Path};

/// Returns foreign text so that it cannot do anything but be read: characters that move the cursor, change the direction
/// of what follows, or are not seen, are written as their escapes. Ordinary text of every language stays.
///
/// Names of files and readers, and what files, devices and portals contain, go through this before they are shown.
pub fn shown(text: &str) -> String {
    if !text.contains(acts) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if acts(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Returns [`shown`] text; bytes that are not UTF-8 become `\xNN`.
pub fn shown_bytes(bytes: &[u8]) -> String {
    let mut safe = String::new();
    for chunk in bytes.utf8_chunks() {
        safe.push_str(&shown(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a string does not fail.
            write!(safe, "\\x{byte:02X}").unwrap_or_default();
        }
    }
    safe
}

/// Returns a path as [`shown`] text. What is not text in it is shown as the bytes by which Rust holds it: on Unix the
/// system's own, on Windows a kind of UTF-8.
pub fn shown_path(path: &Path) -> String {
    shown_bytes(path.as_os_str().as_encoded_bytes())
}

/// Returns whether a character does something to a terminal or a page, rather than being seen on it.
pub const fn acts(c: char) -> bool {
    matches!(c,
        // C0, DEL and C1.
        '\0'..='\u{1F}' | '\u{7F}'..='\u{9F}'
        // Not seen: soft hyphen, combining grapheme joiner, fillers, zero-width characters and joiners, controls of
        // shorthand and of music.
        | '\u{AD}' | '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' | '\u{180B}'..='\u{180F}'
        | '\u{3164}' | '\u{FFA0}' | '\u{200B}'..='\u{200D}' | '\u{FEFF}' | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}'
        // Direction: marks, embeddings, overrides, isolates and their ends; with the invisible operators before them.
        | '\u{61C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        // Separators of lines and paragraphs; interlinear annotations; tags, selectors and what is kept free for more.
        | '\u{2028}' | '\u{2029}' | '\u{FFF9}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_acts_on_a_terminal_is_escaped() {
        let bad = "a\u{1b}[2J\u{7}\n\r\t\0\u{7f}\u{9b}31m\u{202e}txt\u{2066}\u{200b}\u{2028}\u{feff}\u{e0041}";
        let safe = shown(bad);
        assert!(!safe.contains(acts), "{safe}");
        assert!(safe.starts_with("a\\u{1b}[2J\\u{7}\\u{a}"), "{safe}");
        assert_eq!(shown(&safe), safe, "escaping twice is escaping once");
    }

    #[test]
    fn every_character_of_a_class_that_is_not_seen_is_escaped() {
        for class in [
            '\u{2060}'..='\u{206f}',
            '\u{1bca0}'..='\u{1bca3}',
            '\u{1d173}'..='\u{1d17a}',
            '\u{e0000}'..='\u{e0fff}',
        ] {
            assert!(class.clone().all(acts), "{class:?}");
        }
    }

    #[test]
    fn ordinary_text_stays() {
        for text in [
            "Bericht für Zoë.pdf",
            "报告 数据",
            "عربي",
            "עברית",
            "😀 e\u{301}",
            "a b",
            "\\",
        ] {
            assert_eq!(shown(text), text);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_path_that_is_not_text_is_shown_by_its_bytes() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
        let path = Path::new(OsStr::from_bytes(b"a\xff\x1b/b"));
        assert_eq!(shown_path(path), "a\\xFF\\u{1b}/b");
    }
}
