//! Builds the user's manual as three books, with the pictures that tests make.
//!
//! Pages name pictures without language: `images/login.png`. Each book is built from a copy of its pages, into which the pictures of its
//! language are put, in light colors.

use crate::{run, tools};
use anyhow::{Context, Result, bail};
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Options of `cargo xtask manual`.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Fail if a picture is missing.
    #[arg(long)]
    strict: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let program = tools::install(&tools::MDBOOK)?;
    let books = run::root().join("target/manual");
    let mut missing = Vec::new();
    for (language, title) in LANGUAGES {
        let pages = books.join("pages").join(language);
        copy_pages(language, &pages)?;
        missing.extend(copy_pictures(language, &pages)?);
        let book = books.join(language);
        let mut command = run::command(&[&program]);
        command
            .arg("build")
            .arg(&pages)
            .arg("--dest-dir")
            .arg(&book);
        command.env("MDBOOK_BOOK__SRC", "src");
        command.env("MDBOOK_BOOK__LANGUAGE", language);
        command.env("MDBOOK_BOOK__TITLE", title);
        run::finish(&mut command, "mdbook build")?;
        println!("{language}: {}", book.join("index.html").display());
    }
    tell(&missing);
    if options.strict && !missing.is_empty() {
        bail!("{} pictures are missing", missing.len());
    }
    Ok(())
}

/// A picture that no test has made yet.
struct Missing {
    file: PathBuf,
    made_by: &'static str,
}

/// Returns where a picture comes from.
fn source(picture: &str, language: &str) -> (PathBuf, &'static str) {
    let portal = PORTAL.iter().find(|(name, _)| *name == picture);
    match portal {
        Some((_, page)) => (
            format!("target/portal-pictures/{page}-{language}.png").into(),
            "cargo test -p license-portal --test it browser",
        ),
        None => (
            format!("target/manual-pictures/{picture}-{language}-light.png").into(),
            if picture == "hub-panel" {
                "cargo test -p hub-panel"
            } else {
                "cargo test -p keywriter-desktop"
            },
        ),
    }
}

/// Copies a language's book, without pictures.
fn copy_pages(language: &str, pages: &Path) -> Result<()> {
    let manual = run::root().join("manual");
    if pages.exists() {
        fs::remove_dir_all(pages)?;
    }
    copy_folder(&manual.join(language).join("src"), &pages.join("src"))?;
    for file in ["book.toml", "pictures.css"] {
        fs::copy(manual.join(file), pages.join(file)).context(file)?;
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from).with_context(|| from.display().to_string())? {
        let path = entry?.path();
        let copy = to.join(path.file_name().unwrap_or_default());
        if path.is_dir() {
            copy_folder(&path, &copy)?;
        } else {
            fs::copy(&path, &copy)?;
        }
    }
    Ok(())
}

/// Copies the pictures that the pages name next to the pages, and returns the missing ones.
fn copy_pictures(language: &str, pages: &Path) -> Result<Vec<Missing>> {
    let folder = pages.join("src/keywriter");
    let images = folder.join("images");
    fs::create_dir_all(&images)?;
    let mut missing = Vec::new();
    for picture in pictures(&folder)? {
        let (file, made_by) = source(&picture, language);
        let there = run::root().join(&file);
        if there.exists() {
            fs::copy(there, images.join(format!("{picture}.png")))?;
        } else {
            missing.push(Missing { file, made_by });
        }
    }
    Ok(missing)
}

/// Returns the pictures that the pages of a folder name, without `images/` and extension.
fn pictures(folder: &Path) -> Result<BTreeSet<String>> {
    let mut pictures = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "md") {
            let text = fs::read_to_string(&path)?;
            let links = text.split("](images/").skip(1);
            pictures.extend(links.filter_map(|link| Some(link.split_once(".png)")?.0.to_owned())));
        }
    }
    Ok(pictures)
}

fn tell(missing: &[Missing]) {
    let commands: BTreeSet<_> = missing.iter().map(|picture| picture.made_by).collect();
    for command in commands {
        println!("\nThese pictures are missing. `{command}` makes them:");
        for picture in missing.iter().filter(|picture| picture.made_by == command) {
            println!("  {}", picture.file.display());
        }
    }
}

/// The books, by language and title.
const LANGUAGES: [(&str, &str); 3] = [
    ("en", "KeyWriter: User Manual"),
    ("de", "KeyWriter: Benutzerhandbuch"),
    ("fr", "KeyWriter : manuel d'utilisation"),
];

/// Pictures of the license portal, by their names in the manual and in the browser test.
const PORTAL: [(&str, &str); 7] = [
    ("activation", "1-activation"),
    ("verification", "2-verification"),
    ("complete", "3-complete"),
    ("success", "4-success"),
    ("download", "download"),
    ("offline-request", "offline-request"),
    ("offline-response", "offline-response"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_picture_of_the_portal_is_on_a_page() {
        let named = pictures(&run::root().join("manual/en/src/keywriter")).expect("pages");
        for (name, _) in PORTAL {
            assert!(named.contains(name), "{name}");
        }
    }

    #[test]
    fn every_other_picture_is_one_that_the_windows_tests_make() {
        const WINDOWS: &[&str] = &[
            "about",
            "change-pin",
            "choosing",
            "cloned",
            "cloning",
            "evaluation",
            "failed",
            "files-chosen",
            "files-failed",
            "hub-panel",
            "login",
            "master-active",
            "master-unassigned",
            "pin-changed",
            "receipts",
            "register",
            "registered",
            "replacing",
            "team",
            "team-rekeying",
            "team-ticket",
        ];
        let mut named = pictures(&run::root().join("manual/en/src/keywriter")).expect("pages");
        named.retain(|name| PORTAL.iter().all(|(portal, _)| portal != name));
        assert!(named.iter().eq(WINDOWS), "{named:?}");
    }
}
