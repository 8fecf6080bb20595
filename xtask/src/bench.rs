//! Measurements; the numbers are the benchmark's own (crates/system-tests/benches).

use crate::{debian, run};
use anyhow::Result;

pub(crate) fn run() -> Result<()> {
    debian::install(&[debian::BUILD, debian::BENCH])?;
    run::shown(&[
        "cargo",
        "build",
        "--release",
        "--quiet",
        "-p",
        "hsm-virtual",
        "-p",
        "keywriter-cli",
    ])?;
    run::shown(&["cargo", "bench", "--quiet", "-p", "system-tests"])
}
