//! rage, the other implementation of age: tests exchange files with it, and benchmarks compare. Debian has only age.

use crate::run;
use anyhow::Result;

/// Installs it into `target/tools` where it is not there yet. It is optimized: it is measured too.
pub(crate) fn install() -> Result<()> {
    if run::root().join("target/tools/bin/rage").exists() {
        return Ok(());
    }
    println!("Installing rage {VERSION} into target/tools (a minute or two)");
    // No SSH keys, and of its programs the one that is used.
    run::shown(&[
        "cargo",
        "install",
        "rage",
        "--version",
        VERSION,
        "--locked",
        "--no-default-features",
        "--bin",
        "rage",
        "--quiet",
        "--root",
        "target/tools",
    ])
}

const VERSION: &str = "0.12.1";
