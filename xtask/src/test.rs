//! Everything that CI runs, in one command.

use crate::{constant_time, deb, debian, demo, fuzz, layers, model, rage, run, tidy};
use anyhow::Result;

pub(crate) fn run() -> Result<()> {
    debian::install(&[
        debian::BUILD,
        debian::TEST,
        debian::PORTAL,
        debian::WINDOW,
        debian::WINDOW_TEST,
        debian::FUZZ,
        debian::CONSTANT_TIME,
    ])?;
    rage::install()?;
    python_tools()?;
    axe()?;
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
    deb::test_built()?;
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

/// axe-core, which checks pages for accessibility; from the Python registry, where it comes without npm.
fn axe() -> Result<()> {
    const FOLDER: &str = "target/tools/axe";
    if run::root().join(FOLDER).exists() {
        return Ok(());
    }
    println!("Installing axe-core 4.12.1 from PyPI into {FOLDER}");
    run::shown(&[
        "target/tools/portal/bin/pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        FOLDER,
        "axe-playwright-python==0.1.8",
    ])
}
