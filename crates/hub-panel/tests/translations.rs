//! Every text of the window has a German and a French one.

#![expect(clippy::unwrap_used, reason = "a test that fails says so")]

use std::{collections::BTreeMap, fs, path::Path};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Returns the texts of the screens, with their plurals.
fn sources() -> BTreeMap<String, Option<String>> {
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(Path::new(ROOT).join("ui")).unwrap() {
        let path = entry.unwrap().path();
        if path
            .extension()
            .is_none_or(|extension| extension != "slint")
        {
            continue;
        }
        let source = fs::read_to_string(&path).unwrap();
        for call in source.split("@tr(").skip(1) {
            let (text, rest) =
                literal(call).unwrap_or_else(|| panic!("{}: @tr({call}", path.display()));
            let plural = rest
                .trim_start()
                .strip_prefix('|')
                .map(|rest| literal(rest).unwrap().0);
            texts.insert(text, plural);
        }
    }
    texts
}

/// Returns the string literal at the start, and what follows it.
fn literal(text: &str) -> Option<(String, &str)> {
    let mut chars = text.trim_start().strip_prefix('"')?.chars();
    let mut value = String::new();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(chars.next()?),
            c => value.push(c),
        }
    }
}

struct Entry {
    plural: Option<String>,
    translations: Vec<String>,
}

fn translations(language: &str) -> BTreeMap<String, Entry> {
    let path = format!("{ROOT}/lang/{language}/LC_MESSAGES/hub-panel.po");
    let file = fs::read_to_string(path).unwrap();
    let mut entries = BTreeMap::new();
    // The first block is the header.
    for block in file.split("\n\n").skip(1) {
        let mut lines = block.lines();
        let mut next = |keyword: &str| {
            let line = lines.next()?;
            let text = line
                .strip_prefix(keyword)
                .unwrap_or_else(|| panic!("{line}"));
            Some(literal(text).unwrap().0)
        };
        let id = next("msgid ").unwrap();
        let entry = if block.contains("\nmsgid_plural ") {
            Entry {
                plural: next("msgid_plural "),
                translations: vec![next("msgstr[0] ").unwrap(), next("msgstr[1] ").unwrap()],
            }
        } else {
            Entry {
                plural: None,
                translations: vec![next("msgstr ").unwrap()],
            }
        };
        assert!(entries.insert(id.clone(), entry).is_none(), "twice: {id}");
    }
    entries
}

fn placeholders(text: &str) -> Vec<&str> {
    let mut found: Vec<&str> = text
        .split('{')
        .skip(1)
        .filter_map(|rest| Some(rest.split_once('}')?.0))
        .collect();
    found.sort_unstable();
    found
}

#[test]
fn every_text_is_translated_and_nothing_else_is() {
    let sources = sources();
    assert!(sources.len() > 60, "{}", sources.len());
    for language in ["de", "fr"] {
        let entries = translations(language);
        for (text, plural) in &sources {
            let entry = entries
                .get(text)
                .unwrap_or_else(|| panic!("{language} lacks {text:?}"));
            assert_eq!(&entry.plural, plural, "{language}: {text:?}");
            for translation in &entry.translations {
                assert!(!translation.is_empty(), "{language}: {text:?} is empty");
                assert_eq!(
                    placeholders(translation),
                    placeholders(text),
                    "{language}: {text:?}"
                );
            }
        }
        for text in entries.keys() {
            assert!(
                sources.contains_key(text),
                "{language}: no screen has {text:?}"
            );
        }
    }
}

/// Other machines may have no other fonts than the bundled ones: Inter and `JetBrains Mono`.
#[test]
fn texts_keep_to_the_letters_of_the_bundled_fonts() {
    let is_known =
        |c: char| c.is_ascii_graphic() || " äöüÄÖÜßéèêàçùôîÉÀœ’„“«»…·–\u{a0}\u{202f}".contains(c);
    for language in ["de", "fr"] {
        for entry in translations(language).values() {
            for text in &entry.translations {
                assert!(text.chars().all(is_known), "{language}: {text}");
            }
        }
    }
}

#[test]
fn translations_have_the_typography_of_their_language() {
    for language in ["de", "fr"] {
        for text in translations(language)
            .values()
            .flat_map(|entry| &entry.translations)
        {
            for typewriter in ["'", "\"", "...", " - ", "  "] {
                assert!(!text.contains(typewriter), "{language}: {text}");
            }
            // A number stays on the line of its unit.
            let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
            assert!(!text.split(' ').any(is_number), "{language}: {text}");
            if language == "de" {
                assert!(!text.contains(['’', '«', '»', '”']), "{text}");
            } else {
                assert!(!text.contains(['„', '“', '”']), "{text}");
                assert!(follows(text, &[':', '»'], '\u{a0}'), "{text}");
                assert!(follows(text, &[';', '?', '!'], '\u{202f}'), "{text}");
            }
        }
    }
}

/// Whether each of these marks comes right after that space.
fn follows(text: &str, marks: &[char], space: char) -> bool {
    let before = [' '].into_iter().chain(text.chars());
    before
        .zip(text.chars())
        .all(|(before, mark)| !marks.contains(&mark) || before == space)
}
