//! Each language's typography, and the same blocks in all languages.

use crate::{
    chapters::{headings, listed, text, titles},
    tables::LANGUAGES,
};

/// Returns the space that French typography sets before a mark: a no-break space, narrow before three of them.
const fn space_before(mark: char) -> char {
    match mark {
        ';' | '?' | '!' => '\u{202f}',
        _ => '\u{a0}',
    }
}

/// Sets French punctuation: no-break spaces and typographic apostrophes, except in code spans.
pub(crate) fn french(text: &str) -> String {
    let mut spans = Vec::new();
    for (i, span) in text.split('`').enumerate() {
        let mut set = span.to_owned();
        if i % 2 == 0 {
            set = set.replace('\'', "’").replace("« ", "«\u{a0}");
            for mark in [':', ';', '?', '!', '»'] {
                set = set.replace(
                    &format!(" {mark}"),
                    &format!("{}{mark}", space_before(mark)),
                );
            }
        }
        spans.push(set);
    }
    spans.join("`")
}

/// Returns the lines of a chapter as people read them: without listings, code spans, link targets and comments.
fn prose(text: &str) -> Vec<String> {
    let text: String = text.split("```").step_by(2).collect();
    let text = text.replace("![", "[");
    let is_read = |line: &&str| !line.starts_with("<!--") && !line.starts_with("| --- |");
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().filter(is_read) {
        let without_code: Vec<&str> = line.split('`').step_by(2).collect();
        let without_code = without_code.join("`");
        let mut parts = without_code.split("](");
        let mut read = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            read += part.split_once(')').map_or(part, |(_, rest)| rest);
        }
        lines.push(read);
    }
    lines
}

/// Returns every chapter of a language, by name and in lines, and its table of contents.
fn lines_of(language: &str) -> Vec<(String, String)> {
    let mut files = listed(language);
    files.push("SUMMARY.md".into());
    let lines = |file: String| {
        let lines = prose(&text(language, &file)).into_iter();
        lines.map(move |line| (file.clone(), line))
    };
    files.into_iter().flat_map(lines).collect()
}

#[test]
fn french_has_no_break_spaces_before_double_punctuation_and_inside_guillemets() {
    for (file, line) in lines_of("fr") {
        let mut before = ' ';
        for c in line.chars() {
            if matches!(c, ':' | ';' | '?' | '!' | '»') {
                assert_eq!(before, space_before(c), "{file}: before '{c}' in: {line}");
            }
            if before == '«' {
                assert_eq!(c, '\u{a0}', "{file}: after '«' in: {line}");
            }
            before = c;
        }
    }
}

#[test]
fn french_has_typographic_apostrophes_and_guillemets() {
    for (file, line) in lines_of("fr") {
        assert!(!line.contains(['\'', '"', '“', '”']), "{file}: {line}");
    }
}

#[test]
fn german_has_its_own_quotation_marks_and_dashes() {
    for (file, line) in lines_of("de") {
        assert!(
            !line.contains(['\'', '"', '”', '«', '»', '—']),
            "{file}: {line}"
        );
        assert!(
            !line.contains(" - ") && !line.contains("--"),
            "{file}: {line}"
        );
        let (opened, closed) = (line.matches('„').count(), line.matches('“').count());
        assert_eq!(opened, closed, "{file}: {line}");
    }
}

#[test]
fn what_is_set_is_what_the_checks_ask_for() {
    let set = french("l'appli : « non » ; `a ' b : c` ?");
    assert_eq!(
        set,
        "l’appli\u{a0}: «\u{a0}non\u{a0}»\u{202f}; `a ' b : c`\u{202f}?"
    );
    assert_eq!(prose("a `b : c` [d](e?f) g\n```sh\nh\n```"), ["a ` [d g"]);
}

#[test]
fn the_table_of_contents_has_the_titles_of_the_chapters() {
    for language in LANGUAGES {
        for (title, file) in titles(language) {
            let title = title
                .split_once(". ")
                .map_or(title.as_str(), |(_, rest)| rest);
            let text = text(language, &file);
            let heading = headings(&text)
                .first()
                .map(|line| line.trim_start_matches("# "));
            assert_eq!(heading, Some(title), "{language} {file}");
        }
    }
}

#[test]
fn every_chapter_has_the_same_blocks_in_every_language() {
    for file in listed("en") {
        let english = blocks(&text("en", &file));
        for language in LANGUAGES {
            assert_eq!(blocks(&text(language, &file)), english, "{language} {file}");
        }
    }
}

/// Returns what a chapter consists of, in order: headings, steps, list items, table rows with their cells, and so on.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut is_listing = false;
    let mut is_new = true;
    for line in text.lines().map(str::trim) {
        let fence = line.starts_with("```");
        if fence {
            is_listing = !is_listing;
        }
        let first = line.split(' ').next().unwrap_or_default();
        let kind = match first {
            "" => {
                is_new = true;
                continue;
            }
            _ if fence || is_listing => "listing".to_owned(),
            "|" => format!("row of {}", line.split(" | ").count()),
            "-" | "#" | "##" | "###" => first.to_owned(),
            "<!--" => line.to_owned(),
            _ if first.ends_with('.') && first.starts_with(|c: char| c.is_ascii_digit()) => {
                first.to_owned()
            }
            _ if line.starts_with("![") => "picture".to_owned(),
            _ if !is_new => continue,
            ">" => "quote".to_owned(),
            _ => "paragraph".to_owned(),
        };
        is_new = false;
        blocks.push(kind);
    }
    blocks
}
