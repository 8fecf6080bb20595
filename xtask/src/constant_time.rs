//! Checks for timing differences (docs/CONSTANT-TIME.md): branches on secrets under valgrind, and the times of unlocks.

use crate::{debian, run};
use anyhow::{Context, Result, bail};
use std::fs;

pub(crate) fn run() -> Result<()> {
    branches()?;
    println!("\n$ constant-time timing  (run it on an idle machine)");
    run::shown(&[
        "cargo",
        "build",
        "--quiet",
        "--release",
        "-p",
        "system-tests",
        "--bin",
        "constant-time",
    ])?;
    run::shown(&["target/release/constant-time", "timing"])
}

/// Runs the check that gives the same result on every machine. The program is built with the profile of the tests: that is
/// paid once, and it has the names of inlined functions, which the list of what is allowed refers to.
pub(crate) fn branches() -> Result<()> {
    debian::install(&[debian::CONSTANT_TIME])?;
    run::shown(&[
        "cargo",
        "build",
        "--quiet",
        "--workspace",
        "--bin",
        "constant-time",
    ])?;
    let log = run::root().join("target/constant-time.log");
    let outcome = run::shown(&[
        "valgrind",
        "--error-limit=no",
        "--suppressions=crates/system-tests/src/bin/constant_time/allowed.supp",
        "--log-file=target/constant-time.log",
        "target/debug/constant-time",
        "branches",
    ]);
    if outcome.is_err() {
        let text = fs::read_to_string(&log).context("valgrind left no log")?;
        bail!("a branch or an address depends on a secret:\n{text}");
    }
    Ok(())
}
