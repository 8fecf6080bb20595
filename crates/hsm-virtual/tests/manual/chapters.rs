//! The same chapters in every language, each listed, and no link into nothing.

use crate::tables::{LANGUAGES, folder};
use hsm_virtual::keys;
use std::{collections::BTreeSet, fs};

/// The section of this manual that the KeyWriter manual sends its readers to.
const CLONING: usize = 19;

/// The files that a language's SUMMARY lists, in order.
fn chapters(language: &str) -> Vec<String> {
    let summary = fs::read_to_string(folder(language).join("SUMMARY.md")).expect("a summary");
    summary
        .lines()
        .filter_map(|line| Some(line.rsplit_once('(')?.1.strip_suffix(')')?.to_owned()))
        .collect()
}

#[test]
fn every_language_has_the_same_chapters_and_lists_them_all() {
    let english = chapters("en");
    for language in LANGUAGES {
        assert_eq!(chapters(language), english, "{language}");
        let listed: BTreeSet<String> = english.iter().cloned().collect();
        let mut there: BTreeSet<String> = fs::read_dir(folder(language))
            .expect("a folder")
            .map(|entry| {
                entry
                    .expect("an entry")
                    .file_name()
                    .into_string()
                    .expect("UTF-8")
            })
            .collect();
        there.remove("SUMMARY.md");
        assert_eq!(there, listed, "{language}");
    }
}

#[test]
fn the_section_that_the_keywriter_manual_names_is_the_one_on_cloning() {
    assert_eq!(chapters("en")[CLONING - 1], "cloning.md");
}

#[test]
fn every_link_leads_to_a_chapter() {
    let listed = chapters("en");
    for language in LANGUAGES {
        for chapter in &listed {
            let text = fs::read_to_string(folder(language).join(chapter)).expect("a chapter");
            for link in text.split("](").skip(1) {
                let (target, _) = link.split_once(')').expect("an end");
                assert!(
                    listed.iter().any(|file| file == target),
                    "{chapter}: {target}"
                );
            }
        }
    }
}

#[test]
fn every_key_that_a_chapter_names_is_one_of_the_keypad_s() {
    let is_word = |text: &str| text.starts_with("SHIFT+") || text == "virtual-hub panel";
    for language in LANGUAGES {
        for chapter in chapters("en") {
            let text = fs::read_to_string(folder(language).join(&chapter)).expect("a chapter");
            for span in text.split('`').skip(1).step_by(2) {
                let is_key = keys::parse(span).is_ok() || is_word(span);
                assert!(is_key, "{language} {chapter}: {span}");
            }
        }
    }
}
