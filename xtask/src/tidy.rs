//! Documents stay true and readable: paths in them exist, lines are short, unfinished work has an issue's number. And no
//! path is shown as it is.

use crate::{run, third_party};
use anyhow::{Context, Result, bail};
use std::fs;

/// Documents whose lines and code-quoted paths are checked, as git names them.
const DOCUMENTS: &[&str] = &[
    ":(glob)*.md",
    ":(glob)docs/**/*.md",
    ":(glob)manual/**/*.md",
];

/// Folders whose contents a document may name.
const FOLDERS: &[&str] = &[
    "crates/",
    "docs/",
    "vectors/",
    "xtask/",
    "manual/",
    "firmware/",
    ".ci/",
];

/// The programs that show names which others have chosen.
const PROGRAMS: &[&str] = &[
    "crates/keywriter/src",
    "crates/keywriter-cli/src",
    "crates/keywriter-desktop/src",
    "crates/age-plugin-keywriter/src",
    "crates/hsm-virtual/src",
    "crates/hub-panel/src",
    "crates/factory/src",
];

/// The first column that prose must not reach.
const COLUMNS: usize = 120;

pub(crate) fn run() -> Result<()> {
    let mut wrong = Vec::new();
    let documents = run::output(&[&["git", "ls-files", "--"], DOCUMENTS].concat())?;
    for document in documents.lines() {
        let text = fs::read_to_string(run::root().join(document))
            .with_context(|| format!("cannot read {document}"))?;
        for path in
            quoted(&text).filter(|path| FOLDERS.iter().any(|folder| path.starts_with(folder)))
        {
            if !run::root().join(path).exists() && !path.contains(['*', '<', ' ']) {
                wrong.push(format!("{document} names `{path}`, which does not exist"));
            }
        }
        for line in long_lines(&text) {
            wrong.push(format!("{document}:{line} reaches column {COLUMNS}"));
        }
    }
    let unfinished = ["-I", "-w", "-e", concat!("TO", "DO"), "--", "*.rs", "*.md"];
    for line in found(&unfinished)?.lines() {
        if !line.contains(concat!("TO", "DO(#")) {
            wrong.push(format!("{line}: without the number of an issue"));
        }
    }
    let raw = ["-F", "-e", ".display()", "-e", "to_string_lossy", "--"];
    for line in found(&[&raw[..], PROGRAMS].concat())?.lines() {
        wrong.push(format!(
            "{line}: a path reaches the user raw; `plain_text::shown_path` escapes it"
        ));
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    third_party::check()?;
    println!("tidy: paths in documents exist, and their lines are short");
    Ok(())
}

/// Returns the lines that git finds; none is no failure, and a failure is not none.
fn found(words: &[&str]) -> Result<String> {
    let words = [&["git", "grep", "-n"], words].concat();
    let output = run::command(&words)
        .output()
        .with_context(|| format!("cannot run `{}`", words.join(" ")))?;
    match output.status.code() {
        Some(0) => Ok(String::from_utf8(output.stdout)?),
        // As git says that there is none.
        Some(1) if output.stderr.is_empty() => Ok(String::new()),
        _ => bail!(
            "`{}` failed: {}",
            words.join(" "),
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

/// Returns the numbers of the lines of prose that are too long. Tables, code, pictures and single links may be longer.
fn long_lines(text: &str) -> Vec<usize> {
    let mut is_code = false;
    let mut long = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let content = line.trim_start();
        let is_fence = content.starts_with("```");
        is_code ^= is_fence;
        let may_be_long = is_code
            || is_fence
            || content.starts_with(['|', '!'])
            || content.split_whitespace().count() <= 2;
        if !may_be_long && line.chars().count() >= COLUMNS {
            long.push(index + 1);
        }
    }
    long
}

/// Returns the text between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[cfg(test)]
mod tests {
    use super::{COLUMNS, found, long_lines};

    #[test]
    fn a_search_that_fails_is_not_one_that_finds_nothing() {
        let none = concat!("no such ", "text anywhere");
        assert_eq!(found(&["-F", "-e", none, "--", "xtask/src"]).unwrap(), "");
        assert!(
            found(&["-F", "-e", "fn found", "--", "xtask/src"])
                .unwrap()
                .contains("tidy.rs")
        );
        assert!(found(&["--no-such-option"]).is_err());
        assert!(found(&["-e", "[", "--", "xtask/src"]).is_err());
    }

    #[test]
    fn only_long_lines_of_prose_are_found() {
        let prose = "word ".repeat(COLUMNS / 5) + "end";
        let fits = "word ".repeat(COLUMNS / 5 - 1) + "end";
        let link = format!("- <https://example.org/{}>", "a".repeat(COLUMNS));
        let text =
            format!("{fits}\n{prose}\n| {prose} |\n```sh\n{prose}\n```\n{link}\n  {prose}\n");
        assert_eq!(long_lines(&text), [2, 8]);
    }
}
