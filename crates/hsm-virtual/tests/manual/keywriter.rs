//! The chapters on KeyWriter: the same pictures in every language, and keys that do what is said.

use crate::{
    chapters::{KEYWRITER, links, listed, text},
    tables::LANGUAGES,
    typed::Bench,
    typography::french,
};
use hsm_core::time::UNPLUGGED;
use hsm_virtual::{clock::STEP, keys};

/// What captions begin with, in the order of [`LANGUAGES`].
const CAPTIONS: [&str; 3] = ["*Image ", "*Bild ", "*Image "];

/// The chapters on KeyWriter, in order.
fn chapters() -> Vec<String> {
    let mut chapters = listed("en");
    chapters.retain(|file| file.starts_with(KEYWRITER));
    chapters
}

/// Returns the text between backquotes, outside listings.
fn spans(text: &str) -> Vec<String> {
    let prose: String = text.split("```").step_by(2).collect();
    let spans = prose.split('`').skip(1).step_by(2);
    spans.map(str::to_owned).collect()
}

/// Whether it is written as keys are.
fn looks_like_keys(span: &str) -> bool {
    span.starts_with("KEY") || span.starts_with("SHIFT") || span.bytes().all(|b| b.is_ascii_digit())
}

#[test]
fn every_chapter_has_the_same_pictures_in_every_language() {
    let pictures = |language, chapter: &str| -> Vec<String> {
        let text = text(language, chapter);
        let pictures = links(&text).filter(|link| link.starts_with("images/"));
        pictures.map(str::to_owned).collect()
    };
    for chapter in chapters() {
        let english = pictures("en", &chapter);
        for language in LANGUAGES {
            assert_eq!(
                pictures(language, &chapter),
                english,
                "{language} {chapter}"
            );
        }
    }
}

#[test]
fn every_picture_has_a_caption_and_captions_count_from_one() {
    for (language, caption) in LANGUAGES.into_iter().zip(CAPTIONS) {
        let mut count = 0;
        for chapter in chapters() {
            let text = text(language, &chapter);
            let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
            while let Some(line) = lines.next() {
                if line.starts_with("![") {
                    count += 1;
                    let next = lines.next().and_then(|line| line.strip_prefix(caption));
                    let (number, _) = next.expect(line).split_once(':').expect("a colon");
                    assert_eq!(number.trim(), count.to_string(), "{language} {chapter}");
                }
            }
        }
        assert!(count > 0, "{language}");
    }
}

#[test]
fn every_chapter_names_the_same_keys_in_every_language_and_they_are_the_keypad_s() {
    let named = |language, chapter: &str| -> Vec<String> {
        let mut spans = spans(&text(language, chapter));
        spans.retain(|span| looks_like_keys(span));
        spans
    };
    for chapter in chapters() {
        let english = named("en", &chapter);
        for span in &english {
            assert!(keys::parse(span).is_ok(), "{chapter}: {span}");
        }
        for language in LANGUAGES {
            assert_eq!(named(language, &chapter), english, "{language} {chapter}");
        }
    }
}

#[test]
fn the_steps_at_the_virtual_hub_do_on_a_module_what_they_say() {
    let text = text("en", &format!("{KEYWRITER}virtual-hub.md"));
    let bench = Bench::new();
    let mut shown = Vec::new();
    for step in steps(&text) {
        let keys = spans(&step).join(" ");
        if keys.starts_with("SHIFT+KEY") {
            // A clone is locked; this module locks when it has not been plugged in for some time.
            bench.hub.pass(UNPLUGGED + STEP);
        }
        if !keys.is_empty() {
            shown.push(bench.press(&keys));
        }
    }
    assert_eq!(
        shown,
        [
            "admin-pin-stored",
            "stored",
            "stored",
            "unlocked",
            "unlocked"
        ]
    );
}

#[test]
fn the_app_s_messages_are_named_as_the_app_shows_them_in_each_language() {
    const APP: [&str; 3] = [
        "",
        include_str!("../../../keywriter-desktop/lang/de/LC_MESSAGES/keywriter-desktop.po"),
        include_str!("../../../keywriter-desktop/lang/fr/LC_MESSAGES/keywriter-desktop.po"),
    ];
    let mut compared = 0;
    for chapter in ["cloning.md", "when-it-fails.md"] {
        let chapter = format!("{KEYWRITER}{chapter}");
        let english = messages(&text("en", &chapter));
        for i in 1..LANGUAGES.len() {
            let own = messages(&text(LANGUAGES[i], &chapter));
            assert_eq!(own.len(), english.len(), "{} {chapter}", LANGUAGES[i]);
            for (english, own) in english.iter().zip(own) {
                // What else is in the first column has no message of that text.
                let entry = format!("msgid \"{english}\"\nmsgstr \"");
                if let Some((_, rest)) = APP[i].split_once(&entry) {
                    let (shown, _) = rest.split_once('"').expect("an end");
                    // The app's own typography is not this test's business.
                    let (own, shown) = (french(&own), french(shown));
                    assert_eq!(own, shown, "{} {chapter}: {english}", LANGUAGES[i]);
                    compared += 1;
                }
            }
        }
    }
    assert!(compared > 80, "{compared}");
}

/// Returns the numbered steps of a text, each with its continuation lines.
fn steps(text: &str) -> Vec<String> {
    let mut steps: Vec<String> = Vec::new();
    let mut is_step = false;
    for line in text.lines() {
        if line.starts_with(|c: char| c.is_ascii_digit()) {
            steps.push(line.to_owned());
            is_step = true;
        } else if is_step && line.starts_with(' ') {
            if let Some(step) = steps.last_mut() {
                *step += line;
            }
        } else {
            is_step = false;
        }
    }
    steps
}

/// Returns the messages in the first cells of tables.
fn messages(text: &str) -> Vec<String> {
    let cells = text
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let messages = cells.flat_map(|cell| cell.split(';'));
    messages
        .map(|message| match message.trim().strip_prefix("**") {
            Some(bold) => bold.split("**").next().unwrap_or_default().to_owned(),
            None => message.trim().to_owned(),
        })
        .collect()
}
