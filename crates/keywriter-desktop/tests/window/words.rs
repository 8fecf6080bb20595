//! Every text of the screens is translated to German and French, and nothing else is.

use std::{collections::BTreeMap, fs, path::Path};

/// Texts that are the same in English and in that language.
const EQUAL: [(&str, &[&str]); 2] = [
    (
        "de",
        &[
            "Version {}",
            "Start",
            "Firmware",
            "Name",
            "Status: {}",
            "System",
            "Team",
            "{}: {}",
            "Code: {}",
            "Ticket",
        ],
    ),
    ("fr", &["Pages", "Version {}", "{} minutes", "Ticket"]),
];

/// The characters beside ASCII that the fonts have: others are blank on a machine without fonts.
const GLYPHS: &str = "äöüÄÖÜßàâçèéêëîïôùûœÀÉÊ’“”„«»…–\u{a0}\u{202f}";

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Clone)]
struct Text {
    /// Tells apart texts that are the same in English only.
    context: Option<String>,
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

/// A comment would be one of `msgmerge`: a fuzzy or an obsolete translation.
#[test]
fn no_translation_is_fuzzy_or_obsolete() {
    for (language, _) in EQUAL {
        let source = source(language);
        let comment = source.lines().find(|line| line.starts_with('#'));
        assert_eq!(comment, None, "{language}");
    }
}

#[test]
fn translations_have_the_typography_of_their_language() {
    for (language, _) in EQUAL {
        for form in translations(language).values().flatten() {
            for typewriter in ["'", "...", " - ", "  "] {
                assert!(!form.contains(typewriter), "{language}: {form}");
            }
        }
    }
    for form in translations("de").values().flatten() {
        assert_eq!(
            form.matches('„').count(),
            form.matches('“').count(),
            "{form}"
        );
        assert!(!form.contains(['”', '«', '»', '’']), "{form}");
        assert!(follows(form, &['…'], '\u{a0}'), "{form}");
    }
    for form in translations("fr").values().flatten() {
        assert!(follows(form, &[';', '?', '!'], '\u{202f}'), "{form}");
        assert!(follows(form, &[':', '»'], '\u{a0}'), "{form}");
        let opened = form.matches('«').count();
        assert_eq!(form.matches("«\u{a0}").count(), opened, "{form}");
        assert!(!form.contains(['„', '“', '”']), "{form}");
    }
}

/// Returns whether each of these signs comes right after that space.
fn follows(form: &str, signs: &[char], space: char) -> bool {
    let mut before = None;
    form.chars().all(|letter| {
        let preceding = before.replace(letter);
        !signs.contains(&letter) || preceding == Some(space)
    })
}

/// Counts what a translation must keep: placeholders, keys of the keypad and the like.
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

/// Returns all `@tr("…")` of `ui/` by file and number.
fn texts() -> BTreeMap<String, Text> {
    let mut texts = BTreeMap::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("ui")).unwrap() {
        let path = entry.unwrap().path();
        let source = fs::read_to_string(&path).unwrap();
        for (number, call) in source.split("@tr(").skip(1).enumerate() {
            let (mut one, mut rest) =
                quoted(call).unwrap_or_else(|| panic!("{}: {call:.40}", path.display()));
            let mut context = None;
            if let Some(after) = rest.trim_start().strip_prefix("=>") {
                context = Some(one);
                (one, rest) = quoted(after).expect("a text after its context");
            }
            let many = rest
                .trim_start()
                .strip_prefix('|')
                .map(|rest| quoted(rest).expect("a plural").0);
            let text = Text { context, one, many };
            texts.insert(format!("{} {number}", path.display()), text);
        }
    }
    texts
}

fn translations(language: &str) -> BTreeMap<Text, Vec<String>> {
    let source = source(language);
    let mut translations = BTreeMap::new();
    for entry in source.split("\n\n").skip(1) {
        let mut text = Text {
            context: None,
            one: String::new(),
            many: None,
        };
        let mut forms = Vec::new();
        for line in entry.lines() {
            let (keyword, rest) = line.split_once(' ').unwrap();
            let (value, _) = quoted(rest).unwrap();
            match keyword {
                "msgctxt" => text.context = Some(value),
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

fn source(language: &str) -> String {
    let folder = env!("CARGO_MANIFEST_DIR");
    fs::read_to_string(format!(
        "{folder}/lang/{language}/LC_MESSAGES/keywriter-desktop.po"
    ))
    .unwrap()
}

/// Splits off a text in quotation marks. No text has an escape in it.
fn quoted(source: &str) -> Option<(String, &str)> {
    let (text, rest) = source.trim_start().strip_prefix('"')?.split_once('"')?;
    assert!(!text.contains('\\'), "{text}");
    Some((text.to_owned(), rest))
}
