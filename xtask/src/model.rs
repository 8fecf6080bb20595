//! Checks the protocol's model: every file in docs/model must give the result in its first line.

use crate::{run, tools};
use anyhow::{Context, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

pub(crate) fn run() -> Result<()> {
    let program = PathBuf::from(tools::install(&tools::VERIFPAL)?);
    println!("\n$ verifpal verify docs/model/*.vp --sessions 1");
    let mut files: Vec<PathBuf> = fs::read_dir(run::root().join("docs/model"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|ending| ending == "vp"));
    files.sort();
    // The long one runs in parallel to the short ones.
    let (long, short): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|path| path.file_name().is_some_and(|name| name == "cloning.vp"));
    let running = long
        .into_iter()
        .map(|file| start(&program, &file).map(|child| (file, child)));
    let running = running.collect::<Result<Vec<_>>>()?;
    for file in short {
        let child = start(&program, &file)?;
        check(&file, child)?;
    }
    for (file, child) in running {
        check(&file, child)?;
    }
    Ok(())
}

fn start(program: &Path, file: &Path) -> Result<Child> {
    Command::new(program)
        .arg("verify")
        .arg(file)
        .args(["--sessions", "1", "--result-code", "--quiet"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start verifpal")
}

fn check(file: &Path, child: Child) -> Result<()> {
    let name = file.display();
    let text = fs::read_to_string(file)?;
    let first = text.lines().next().unwrap_or_default();
    let expected = first
        .strip_prefix("// expect: ")
        .with_context(|| format!("{name} has no expected result"))?;
    let output = child.wait_with_output()?;
    let code = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || code.trim() != expected {
        bail!(
            "{name}: expected {expected}, got {} ({})",
            code.trim(),
            output.status
        );
    }
    println!(
        "{}: {expected}, as expected",
        file.file_name().unwrap_or_default().display()
    );
    Ok(())
}
