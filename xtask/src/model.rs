//! The protocol's model: every file in docs/model gives the result that its first line expects.

use crate::run;
use anyhow::{Context, Result, bail};
use std::fs;

const VERSION: &str = "1.6.7";

pub(crate) fn run() -> Result<()> {
    let program = run::root().join("target/tools/bin/verifpal");
    if !program.exists() {
        println!("Installing Verifpal {VERSION} into target/tools (some minutes)");
        let root = run::root().join("target/tools");
        let root = root.to_str().context("a folder with a name in UTF-8")?;
        // It declares a newer Rust than it needs.
        run::shown(&[
            "cargo",
            "install",
            "verifpal",
            "--version",
            VERSION,
            "--locked",
            "--ignore-rust-version",
            "--quiet",
            "--root",
            root,
        ])?;
    }
    let mut files: Vec<_> = fs::read_dir(run::root().join("docs/model"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "vp"));
    files.sort();
    for file in files {
        let path = file.to_str().context("a file with a name in UTF-8")?;
        let text = fs::read_to_string(&file)?;
        let expected = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("// expect: "))
            .with_context(|| format!("{path} does not say what it expects"))?;
        let printed = run::output(&[
            program.to_str().context("UTF-8")?,
            "verify",
            path,
            "--sessions",
            "1",
        ])?;
        if !printed.contains(expected) {
            bail!("{path}: expected {expected}\n{printed}");
        }
        println!(
            "model: {}: {expected}, as expected",
            file.file_name().unwrap_or_default().display()
        );
    }
    Ok(())
}
