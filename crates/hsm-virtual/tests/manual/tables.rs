//! Tables between `<!-- generated: NAME -->` and `<!-- end -->`: one data structure, three languages.

use crate::{leds, limits, sequences, settings, typography};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A text in the manual's languages, in the order of [`LANGUAGES`].
pub(crate) type Text = [&'static str; 3];

/// English, German, French.
pub(crate) const LANGUAGES: [&str; 3] = ["en", "de", "fr"];

/// A table in one language: its heading and its rows.
pub(crate) struct Table {
    pub(crate) heading: Vec<String>,
    pub(crate) rows: Vec<Vec<String>>,
}

impl Table {
    fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule = vec!["---".to_owned(); self.heading.len()];
        let rows: String = self.rows.iter().map(|row| line(row)).collect();
        line(&self.heading) + &line(&rule) + &rows
    }
}

/// The folder of a language's chapters.
pub(crate) fn folder(language: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../manual")
        .join(language)
        .join("src")
}

/// One text of several.
pub(crate) fn own(text: &[&str], language: usize) -> String {
    text[language].to_owned()
}

/// Writes seconds with the language's decimal point.
pub(crate) fn seconds(milliseconds: u64, language: usize) -> String {
    let (whole, tenth) = (milliseconds / 1_000, milliseconds % 1_000 / 100);
    assert_eq!(milliseconds % 100, 0, "more than one digit after the point");
    let point = if LANGUAGES[language] == "en" {
        '.'
    } else {
        ','
    };
    match tenth {
        0 => format!("{whole} s"),
        tenth => format!("{whole}{point}{tenth} s"),
    }
}

fn table(name: &str, language: usize) -> Table {
    match name {
        "leds" => leds::table(language),
        "lights" => leds::lights(language),
        "sequences" => sequences::table(language),
        "pin-rules" => limits::pin_rules(language),
        "attempts" => limits::attempts(language),
        "time-outs" => limits::time_outs(language),
        "settings" => settings::table(language),
        other => panic!("no table '{other}'"),
    }
}

const NAMES: [&str; 7] = [
    "leds",
    "lights",
    "sequences",
    "pin-rules",
    "attempts",
    "time-outs",
    "settings",
];

/// Returns a chapter with its tables as they should be, and their names.
fn renewed(chapter: &str, language: usize) -> (String, Vec<String>) {
    let mut names = Vec::new();
    let mut parts = chapter.split("<!-- generated: ");
    let mut text = parts.next().expect("a first part").to_owned();
    for part in parts {
        let (name, rest) = part.split_once(" -->").expect("a name");
        let (_, rest) = rest.split_once("<!-- end -->").expect("an end");
        let mut table = table(name, language).markdown();
        if LANGUAGES[language] == "fr" {
            table = typography::french(&table);
        }
        let place = [
            "<!-- generated: ",
            name,
            " -->\n\n",
            &table,
            "\n<!-- end -->",
            rest,
        ];
        text += &place.concat();
        names.push(name.to_owned());
    }
    (text, names)
}

#[test]
fn the_tables_of_every_language_are_the_constants_of_the_core() {
    for (i, language) in LANGUAGES.into_iter().enumerate() {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder(language)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                continue;
            }
            let chapter = fs::read_to_string(&path).expect("a chapter");
            let (renewed, names) = renewed(&chapter, i);
            found.extend(names);
            if std::env::var_os("REWRITE").is_some() && chapter != renewed {
                fs::write(&path, &renewed).expect("written");
            } else {
                assert!(
                    chapter == renewed,
                    "{} is not current: REWRITE=1 cargo test -p hsm-virtual --test manual",
                    path.display()
                );
            }
        }
        found.sort_unstable();
        let mut names = NAMES.to_vec();
        names.sort_unstable();
        assert_eq!(found, names, "{language}");
    }
}
