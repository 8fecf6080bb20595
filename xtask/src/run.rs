//! Runs programs and prints their command lines.

use anyhow::{Context, Result, bail};
use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Returns the workspace's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap_or(Path::new("."))
        .into()
}

/// Returns a command that runs in the workspace's folder.
pub(crate) fn command(words: &[&str]) -> Command {
    let (program, arguments) = words.split_first().unwrap_or((&"true", &[]));
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Prints a command line, runs it, and fails if it fails.
pub(crate) fn shown(words: &[&str]) -> Result<()> {
    println!("\n$ {}", words.join(" "));
    finish(&mut command(words), &words.join(" "))
}

/// Runs a command and fails if it fails.
pub(crate) fn finish(command: &mut Command, name: &str) -> Result<()> {
    let status = command
        .stdin(Stdio::null())
        .status()
        .with_context(|| format!("cannot run `{name}`"))?;
    if status.success() {
        Ok(())
    } else {
        bail!("`{name}` failed: {status}")
    }
}

/// Runs a command, shows what it prints, lets `look` see each line of that, and fails where the command fails.
pub(crate) fn each_line(
    command: &mut Command,
    name: &str,
    mut look: impl FnMut(&str),
) -> Result<()> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot run `{name}`"))?;
    let output = child.stdout.take().context("no output")?;
    for line in BufReader::new(output).lines() {
        let line = line?;
        println!("{line}");
        look(&line);
    }
    let status = child.wait()?;
    if status.success() {
        Ok(())
    } else {
        bail!("`{name}` failed: {status}")
    }
}

/// Returns what a program prints if it succeeds.
pub(crate) fn output(words: &[&str]) -> Result<String> {
    let name = words.join(" ");
    let output = command(words)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run `{name}`"))?;
    if !output.status.success() {
        bail!(
            "`{name}` failed: {}\n{}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8(output.stdout)?)
}
