//! What the programs refuse on every system, tried after the demo.

use crate::demo::{Demo, MASTER};
use anyhow::{Context, Result, ensure};
use std::fs;

/// Checks that nothing is replaced or opened that must not be, and that a pipe goes through.
pub(super) fn check(demo: &Demo) -> Result<()> {
    let (plan, encrypted, copy) = (
        demo.path("plan.md"),
        demo.path("plan.md.kw"),
        demo.path("copy.md"),
    );
    demo.keywriter_fails(&["encrypt", "--module", MASTER, &plan], 3, "already exists")?;

    let whole = fs::read(demo.file("plan.md.kw"))?;
    let mut changed = whole.clone();
    *changed.last_mut().context("an empty file")? ^= 1;
    fs::write(demo.file("plan.md.kw"), &changed)?;
    demo.keywriter_fails(&["decrypt", &encrypted, "-o", &copy], 5, "is damaged")?;
    ensure!(
        !demo.file("copy.md").exists(),
        "half a file was left of a changed one"
    );
    fs::write(demo.file("plan.md.kw"), &whole)?;

    let unknown = demo.hub_fails(&["press", "VM0099", "KEY"])?;
    ensure!(unknown.contains("no module VM0099"), "{unknown}");
    demo.hub(&["unplug", "VM0002"])?;
    let gone = ["decrypt", "--module", "VM0002", &encrypted, "-o", &copy];
    demo.keywriter_fails(&gone, 4, "VM0002")?;
    demo.hub(&["plug", "VM0002"])?;

    let hub = demo.path("hub");
    let second = demo.hub_fails(&["serve", "--state", &hub])?;
    ensure!(second.contains("already running"), "{second}");
    pipe(demo)
}

/// A file goes through standard input and standard output, and back.
fn pipe(demo: &Demo) -> Result<()> {
    let text = fs::read(demo.file("plan.md"))?;
    let sealed = demo.keywriter_piped(&["encrypt", "--module", MASTER, "-", "-o", "-"], &text)?;
    ensure!(
        sealed.len() > text.len(),
        "encrypting from a pipe gave {} bytes",
        sealed.len()
    );
    let opened = demo.keywriter_piped(&["decrypt", "--module", MASTER, "-", "-o", "-"], &sealed)?;
    ensure!(opened == text, "a file came through pipes changed");
    Ok(())
}
