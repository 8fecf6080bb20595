//! The same chapters in every language, each listed, and no link into nothing.

use crate::tables::{LANGUAGES, folder};
use hsm_virtual::keys;
use std::{
    collections::BTreeSet,
    fs,
    path::{Component, Path},
};

/// The section of the module's part that the KeyWriter manual sends its readers to.
const CLONING: usize = 19;

/// The folder of the chapters on KeyWriter.
pub(crate) const KEYWRITER: &str = "keywriter/";

/// Returns the parts of a language's SUMMARY, and of each chapter its title and its file, in order.
fn parts(language: &str) -> Vec<Vec<(String, String)>> {
    let summary = fs::read_to_string(folder(language).join("SUMMARY.md")).expect("a summary");
    let chapter = |line: &str| {
        let (title, file) = line.split_once('[')?.1.rsplit_once("](")?;
        Some((title.to_owned(), file.strip_suffix(')')?.to_owned()))
    };
    let part = |text: &str| text.lines().filter_map(chapter).collect();
    summary.split("\n# ").map(part).collect()
}

/// Returns the files that a language's SUMMARY lists, in order.
pub(crate) fn listed(language: &str) -> Vec<String> {
    titles(language).into_iter().map(|(_, file)| file).collect()
}

/// Returns the chapters of a language's SUMMARY, in order: of each its title and its file.
pub(crate) fn titles(language: &str) -> Vec<(String, String)> {
    parts(language).into_iter().flatten().collect()
}

/// Returns the chapters on the module.
fn on_the_module(language: &str) -> Vec<String> {
    let is_module = |part: &Vec<(String, String)>| part.iter().any(|(_, file)| file == "module.md");
    let part = parts(language).into_iter().find(is_module);
    let chapters = part.expect("a part on the module").into_iter();
    chapters.map(|(_, file)| file).collect()
}

/// A chapter's text.
pub(crate) fn text(language: &str, chapter: &str) -> String {
    fs::read_to_string(folder(language).join(chapter)).expect("a chapter")
}

/// Returns a chapter's headings with their marks; lines in listings do not count.
pub(crate) fn headings(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2);
    prose
        .flat_map(str::lines)
        .filter(|line| line.starts_with('#'))
        .collect()
}

/// Where a text's links lead.
pub(crate) fn links(text: &str) -> impl Iterator<Item = &str> {
    let ends = text.split("](").skip(1);
    ends.map(|link| link.split_once(')').expect("an end").0)
}

#[test]
fn every_language_has_the_same_chapters_and_lists_them_all() {
    let english = listed("en");
    for language in LANGUAGES {
        assert_eq!(listed(language), english, "{language}");
        let listed: BTreeSet<String> = english.iter().cloned().collect();
        let mut there = BTreeSet::new();
        for (part, prefix) in [("", ""), (KEYWRITER, KEYWRITER)] {
            let entries = fs::read_dir(folder(language).join(part)).expect("a folder");
            let entries = entries.map(|entry| entry.expect("an entry"));
            there.extend(
                entries
                    .filter(|entry| entry.path().is_file())
                    .map(|entry| prefix.to_owned() + entry.file_name().to_str().expect("UTF-8")),
            );
        }
        there.remove("SUMMARY.md");
        assert_eq!(there, listed, "{language}");
    }
}

#[test]
fn each_part_counts_its_chapters_from_one() {
    for language in LANGUAGES {
        for part in parts(language) {
            let numbers = part.iter().filter_map(|(title, _)| title.split_once(". "));
            for (i, (number, _)) in numbers.enumerate() {
                assert_eq!(number, (i + 1).to_string(), "{language}");
            }
        }
    }
}

#[test]
fn the_section_that_the_keywriter_manual_names_is_the_one_on_cloning() {
    assert_eq!(on_the_module("en")[CLONING - 1], "cloning.md");
}

#[test]
fn every_chapter_has_the_same_headings_in_every_language() {
    let levels = |language, chapter: &str| -> Vec<usize> {
        let text = text(language, chapter);
        let marks = |heading: &str| heading.chars().take_while(|c| *c == '#').count();
        headings(&text).into_iter().map(marks).collect()
    };
    for chapter in listed("en") {
        let english = levels("en", &chapter);
        for language in LANGUAGES {
            assert_eq!(levels(language, &chapter), english, "{language} {chapter}");
        }
    }
}

#[test]
fn every_link_leads_to_a_chapter_and_to_a_heading_that_is_there() {
    for language in LANGUAGES {
        let listed = listed(language);
        for chapter in &listed {
            for link in links(&text(language, chapter)) {
                if link.starts_with("https://") || link.starts_with("images/") {
                    continue;
                }
                let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
                let target = if target.is_empty() {
                    chapter.clone()
                } else {
                    resolved(chapter, target)
                };
                assert!(
                    listed.contains(&target),
                    "{language} {chapter}: there is no {link}"
                );
                let text = text(language, &target);
                let is_there = headings(&text).into_iter().any(|line| id(line) == anchor);
                assert!(
                    anchor.is_empty() || is_there,
                    "{language} {chapter}: {target} has no heading {anchor}"
                );
            }
        }
    }
}

#[test]
fn every_key_that_a_chapter_on_the_module_names_is_one_of_the_keypad_s() {
    let is_word = |text: &str| text.starts_with("SHIFT+") || text == "hub-panel";
    for language in LANGUAGES {
        for chapter in on_the_module("en") {
            let text = text(language, &chapter);
            for span in text.split('`').skip(1).step_by(2) {
                let is_key = keys::parse(span).is_ok() || is_word(span);
                assert!(is_key, "{language} {chapter}: {span}");
            }
        }
    }
}

/// A link's target, seen from the folder of all chapters.
fn resolved(chapter: &str, target: &str) -> String {
    let mut path = Vec::new();
    let from = Path::new(chapter).parent().expect("a folder");
    for component in from.join(target).components() {
        match component {
            Component::ParentDir => {
                path.pop();
            }
            other => path.push(other.as_os_str().to_str().expect("UTF-8").to_owned()),
        }
    }
    path.join("/")
}

/// A heading's name in links, as mdBook makes it.
fn id(heading: &str) -> String {
    let title = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = title.chars().filter_map(|c| match c {
        c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
        c if c.is_whitespace() => Some('-'),
        _ => None,
    });
    kept.collect()
}
