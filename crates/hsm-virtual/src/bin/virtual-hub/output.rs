//! Lines on standard output and standard error. `println!` and `eprintln!` panic if those are closed or full.

use anyhow::Context;
use std::io::{self, ErrorKind, Write};

/// Prints text and a line feed. A reader that has seen enough is no error.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Prints text and a line feed on standard error. Nothing can be done if it is closed.
pub(crate) fn note(text: &str) {
    drop(writeln!(io::stderr(), "virtual-hub: {text}"));
}
