//! Third-party software in the shipped programs: a list for the About screen and the packages, and the license texts.

use crate::run;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Crates whose programs and libraries are shipped.
pub(crate) const SHIPPED: &[&str] = &[
    "age-plugin-keywriter",
    "hsm-ifd",
    "hsm-virtual",
    "hub-panel",
    "keywriter-cli",
    "keywriter-desktop",
    "license-portal",
];

/// The file with the list.
pub(crate) const LIST: &str = "crates/keywriter-desktop/THIRD-PARTY.md";

/// Writes the list.
pub(crate) fn write() -> Result<()> {
    fs::write(run::root().join(LIST), list()?).with_context(|| LIST)?;
    println!("wrote {LIST}");
    Ok(())
}

/// Fails if the list does not match the lock file.
pub(crate) fn check() -> Result<()> {
    let written = fs::read_to_string(run::root().join(LIST)).unwrap_or_default();
    if written != list()? {
        bail!("{LIST} is out of date: run `cargo xtask third-party`");
    }
    Ok(())
}

/// Returns all license texts of the crates, each text once, below the names of the crates that have it.
pub(crate) fn texts() -> Result<String> {
    let mut bringers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for work in works()? {
        for file in license_files(&work.folder)? {
            // Bytes that are not UTF-8 are replaced.
            let text = String::from_utf8_lossy(&fs::read(&file)?).replace('\r', "");
            let name = format!("{} {}", work.name, work.version);
            let names = bringers.entry(text.trim().to_owned()).or_default();
            if names.last() != Some(&name) {
                names.push(name);
            }
        }
    }
    let mut all = String::new();
    for (text, names) in bringers {
        writeln!(
            all,
            "{}\n\n{}\n\n{text}\n\n",
            "=".repeat(80),
            names.join(", ")
        )?;
    }
    Ok(all)
}

fn list() -> Result<String> {
    let mut list = INTRODUCTION.to_owned();
    for work in works()? {
        write!(list, "- {} v{}: {}", work.name, work.version, work.license)?;
        if !work.authors.is_empty() {
            write!(list, "; {}", work.authors.join(", "))?;
        }
        list.push('\n');
    }
    Ok(list)
}

/// A third-party crate.
struct Work {
    name: String,
    version: String,
    license: String,
    authors: Vec<String>,
    folder: PathBuf,
}

/// Returns all crates that the shipped crates depend on, on any of their systems, sorted by name and version.
fn works() -> Result<Vec<Work>> {
    let text = run::output(&["cargo", "metadata", "--format-version", "1", "--locked"])?;
    let metadata: Value = serde_json::from_str(&text)?;
    let reached = reached()?;
    let mut works = Vec::new();
    for package in metadata["packages"].as_array().context("no packages")? {
        let field = |name: &str| package[name].as_str().unwrap_or_default().to_owned();
        let (name, version) = (field("name"), field("version"));
        // Our own crates have no source.
        if package["source"].is_null() || !reached.contains(&format!("{name} v{version}")) {
            continue;
        }
        let manifest = PathBuf::from(field("manifest_path"));
        let authors = package["authors"].as_array().into_iter().flatten();
        works.push(Work {
            license: match field("license") {
                license if license.is_empty() => bail!("{name} {version} names no license"),
                license => license.replace('/', " OR "),
            },
            authors: authors
                .filter_map(Value::as_str)
                .map(without_address)
                .collect(),
            folder: manifest
                .parent()
                .context("a manifest is in a folder")?
                .into(),
            name,
            version,
        });
    }
    works.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
    Ok(works)
}

/// Returns names and versions as cargo prints them, with the features that the shipped crates enable.
fn reached() -> Result<BTreeSet<String>> {
    let packages = SHIPPED.iter().flat_map(|name| ["-p", *name]);
    let options = [
        "--locked",
        "--edges",
        "normal,build",
        "--target",
        "x86_64-unknown-linux-gnu",
        "--target",
        "x86_64-pc-windows-gnu",
        "--prefix",
        "none",
        "--format",
        "|{p}",
    ];
    let words: Vec<_> = ["cargo", "tree"]
        .into_iter()
        .chain(packages)
        .chain(options)
        .collect();
    let tree = run::output(&words)?;
    // After the version, cargo prints the source of the crate.
    let name_and_version = |line: &str| {
        let mut words = line.trim_start_matches('|').split(' ');
        Some(format!("{} {}", words.next()?, words.next()?))
    };
    Ok(tree.lines().filter_map(name_and_version).collect())
}

/// Removes the address from `A. Author <mail address>`.
fn without_address(author: &str) -> String {
    let words = author.split(' ').filter(|word| !word.contains('@'));
    words.collect::<Vec<_>>().join(" ")
}

/// Returns the files in a folder that are named like a license, or are in a folder named so.
fn license_files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if !NAMES.iter().any(|start| name.starts_with(start)) {
            continue;
        }
        if entry.path().is_dir() {
            for text in fs::read_dir(entry.path())? {
                files.push(text?.path());
            }
        } else {
            files.push(entry.path());
        }
    }
    files.retain(|file| file.is_file() && is_ours(file));
    files.sort();
    Ok(files)
}

/// Returns whether a file is text, and of a license that applies: of Slint's three licenses we use one.
fn is_ours(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let is_code = file.extension().is_some_and(|ending| ending == "rs");
    !is_code && !name.starts_with("GPL-3.0") && !name.contains("Slint-Software")
}

/// Beginnings of the names of license files.
const NAMES: &[&str] = &[
    "LICENSE",
    "LICENCE",
    "COPYING",
    "COPYRIGHT",
    "NOTICE",
    "UNLICENSE",
];

const INTRODUCTION: &str = "\
# Third-party software

KeyWriter is built with the work of these people. Where a license leaves a choice, ours is MIT or Apache-2.0; of Slint it is the Royalty-free License 2.0.

- Inter (font): OFL-1.1; The Inter Project Authors
- JetBrains Mono (font): OFL-1.1; The JetBrains Mono Project Authors
- Names of countries: Unicode-3.0; Unicode CLDR
";
