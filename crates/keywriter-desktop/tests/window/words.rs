//! Every text of the screens has its German and its French, and nothing is translated that no screen says.

use std::{collections::BTreeMap, fs, path::Path};

/// Words that are the same in that language.
const EQUAL: [(&str, &[&str]); 2] = [
    (
        "de",
        &[
            "Version {}",
            "Start",
            "Firmware",
            "Status: {}",
            "System",
            "Normal",
            "{}: {}",
        ],
    ),
    ("fr", &["Version {}", "Place {}"]),
];

/// What the fonts have, beside ASCII: other glyphs are blank where a machine has no fonts.
const GLYPHS: &str = "äöüÄÖÜßàâçèéêëîïôùûœÀÉÊ“”„«»…–\u{a0}";

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Text {
    one: String,
    many: Option<String>,
}

#[test]
fn every_text_is_translated_and_no_translation_is_left_over() {
    let texts = texts();
    assert!(
        texts.len() > 200,
        "{} texts: are they still found?",
        texts.len()
    );
    for (language, equal) in EQUAL {
        let translations = translations(language);
        for (place, text) in &texts {
            let forms = translations
                .get(text)
                .unwrap_or_else(|| panic!("{language} lacks {text:?} of {place}"));
            assert_eq!(
                forms.len(),
                if text.many.is_some() { 2 } else { 1 },
                "{language}: {text:?}"
            );
            for form in forms {
                assert!(!form.is_empty(), "{language}: empty {text:?}");
                assert_eq!(holes(form), holes(&text.one), "{language}: {form}");
                assert_eq!(
                    form.ends_with('.'),
                    text.one.ends_with('.'),
                    "{language}: {form}"
                );
                let same = *form == text.one;
                assert_eq!(
                    same,
                    equal.contains(&text.one.as_str()),
                    "{language}: {form} is as in English"
                );
            }
        }
        for text in translations.keys() {
            assert!(
                texts.values().any(|it| it == text),
                "{language}: no screen says {text:?}"
            );
        }
    }
}

#[test]
fn every_glyph_is_in_the_bundled_fonts() {
    let check = |text: &str| {
        let strange = text
            .chars()
            .find(|it| !(it.is_ascii() || GLYPHS.contains(*it)));
        assert_eq!(strange, None, "{text}");
    };
    for text in texts().values() {
        check(&text.one);
    }
    for (language, _) in EQUAL {
        translations(language)
            .values()
            .flatten()
            .for_each(|form| check(form));
    }
}

/// Of a text: `{}` and `{n}`, and keys of the keypad.
fn holes(text: &str) -> Vec<usize> {
    [
        "{}",
        "{n}",
        "KEY",
        "SHIFT",
        "KEY+8 1 SHIFT",
        "--root",
        "pcscd",
        "64",
    ]
    .map(|it| text.matches(it).count())
    .to_vec()
}

/// All `@tr("…")` of `ui/`, by where they stand.
fn texts() -> BTreeMap<String, Text> {
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("ui")).unwrap() {
        let path = entry.unwrap().path();
        let source = fs::read_to_string(&path).unwrap();
        for (number, call) in source.split("@tr(").skip(1).enumerate() {
            let (one, rest) =
                quoted(call).unwrap_or_else(|| panic!("{}: {call:.40}", path.display()));
            let many = rest
                .trim_start()
                .strip_prefix('|')
                .map(|rest| quoted(rest).expect("a plural").0);
            texts.insert(format!("{} {number}", path.display()), Text { one, many });
        }
    }
    texts
}

fn translations(language: &str) -> BTreeMap<Text, Vec<String>> {
    let file = format!(
        "{}/lang/{language}/LC_MESSAGES/keywriter-desktop.po",
        env!("CARGO_MANIFEST_DIR")
    );
    let source = fs::read_to_string(file).unwrap();
    let mut translations = BTreeMap::new();
    for entry in source.split("\n\n").skip(1) {
        let mut text = Text {
            one: String::new(),
            many: None,
        };
        let mut forms = Vec::new();
        for line in entry.lines() {
            let (keyword, rest) = line.split_once(' ').unwrap();
            let (value, _) = quoted(rest).unwrap();
            match keyword {
                "msgid" => text.one = value,
                "msgid_plural" => text.many = Some(value),
                keyword if keyword.starts_with("msgstr") => forms.push(value),
                keyword => panic!("{language}: {keyword}"),
            }
        }
        assert!(
            translations.insert(text.clone(), forms).is_none(),
            "{language}: twice {text:?}"
        );
    }
    translations
}

/// A text in quotation marks, and what follows it. No text has an escape in it.
fn quoted(source: &str) -> Option<(String, &str)> {
    let (text, rest) = source.trim_start().strip_prefix('"')?.split_once('"')?;
    assert!(!text.contains('\\'), "{text}");
    Some((text.to_owned(), rest))
}
