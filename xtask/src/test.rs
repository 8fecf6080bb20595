//! Everything that CI runs, in one command.

use crate::{constant_time, debian, demo, fuzz, layers, model, run, tidy};
use anyhow::Result;

pub(crate) fn run() -> Result<()> {
    debian::install(&[
        debian::BUILD,
        debian::TEST,
        debian::PORTAL,
        debian::FUZZ,
        debian::CONSTANT_TIME,
    ])?;
    python_tools()?;
    run::shown(&["cargo", "fmt", "--all", "--check"])?;
    run::shown(&[
        "cargo",
        "fmt",
        "--manifest-path",
        "fuzz/Cargo.toml",
        "--check",
    ])?;
    run::shown(&[
        "cargo",
        "clippy",
        "--workspace",
        "--all-targets",
        "--quiet",
        "--",
        "-D",
        "warnings",
    ])?;
    layers::run()?;
    tidy::run()?;
    // The core alone: without features that other crates switch on for it.
    run::shown(&["cargo", "check", "--quiet", "-p", "hsm-core"])?;
    // Programs and the reader driver, which the tests start.
    run::shown(&["cargo", "build", "--quiet", "--workspace"])?;
    run::shown(&["cargo", "test", "--workspace", "--no-fail-fast"])?;
    let mut doc = run::command(&["cargo", "doc", "--quiet", "--workspace", "--no-deps"]);
    println!("\n$ cargo doc --workspace --no-deps  (warnings are errors)");
    run::finish(doc.env("RUSTDOCFLAGS", "-D warnings"), "cargo doc")?;
    demo::run(&demo::Options::default())?;
    constant_time::branches()?;
    fuzz::run(&fuzz::Options {
        target: None,
        seconds: 2,
    })?;
    model::run()?;
    println!("\neverything passed");
    Ok(())
}

/// An SMTP server and a maker of bad requests, in an environment of their own.
fn python_tools() -> Result<()> {
    const FOLDER: &str = "target/tools/portal";
    if run::root().join(FOLDER).join("bin/schemathesis").exists() {
        return Ok(());
    }
    println!("Installing aiosmtpd and schemathesis from PyPI into {FOLDER}");
    run::shown(&["python3", "-m", "venv", FOLDER])?;
    let pip = format!("{FOLDER}/bin/pip");
    run::shown(&[
        &pip,
        "install",
        "--quiet",
        "aiosmtpd==1.4.6",
        "schemathesis==4.32.5",
    ])
}
