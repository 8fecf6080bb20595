//! Everything that CI runs, in one command.

use crate::{constant_time, debian, demo, fuzz, layers, model, run, tidy};
use anyhow::Result;

pub(crate) fn run() -> Result<()> {
    debian::install(&[
        debian::BUILD,
        debian::TEST,
        debian::FUZZ,
        debian::CONSTANT_TIME,
    ])?;
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
