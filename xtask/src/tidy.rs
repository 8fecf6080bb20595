//! Documents stay true: paths that they name exist, and what is unfinished has a number.

use crate::{run, third_party};
use anyhow::{Context, Result, bail};
use std::fs;

/// Documents whose code-quoted paths must exist.
const DOCUMENTS: &[&str] = &[
    "README.md",
    "ARCHITECTURE.md",
    "docs/PROTOCOL.md",
    "docs/THREAT-MODEL.md",
    "CONTRIBUTING.md",
];

/// Folders whose contents a document may name.
const FOLDERS: &[&str] = &["crates/", "docs/", "vectors/", "xtask/", "manual/", ".ci/"];

pub(crate) fn run() -> Result<()> {
    let mut wrong = Vec::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(run::root().join(document))
            .with_context(|| format!("{document} is missing"))?;
        for path in
            quoted(&text).filter(|path| FOLDERS.iter().any(|folder| path.starts_with(folder)))
        {
            if !run::root().join(path).exists() && !path.contains(['*', '<', ' ']) {
                wrong.push(format!("{document} names `{path}`, which does not exist"));
            }
        }
    }
    for line in run::output(&[
        "git",
        "grep",
        "-n",
        "-I",
        "-w",
        "-e",
        concat!("TO", "DO"),
        "--",
        "*.rs",
        "*.md",
    ])
    .unwrap_or_default()
    .lines()
    {
        if !line.contains(concat!("TO", "DO(#")) {
            wrong.push(format!("{line}: without the number of an issue"));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    third_party::check()?;
    println!("tidy: the documents name what exists");
    Ok(())
}

/// What stands between backquotes.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}
