//! Measurements; the numbers are the benchmark's own (crates/system-tests/benches).

use crate::{debian, run};
use anyhow::Result;
use std::fs;

pub(crate) fn run() -> Result<()> {
    debian::install(&[debian::BUILD, debian::BENCH])?;
    install_rage()?;
    run::shown(&[
        "cargo",
        "build",
        "--release",
        "--quiet",
        "-p",
        "hsm-virtual",
        "-p",
        "keywriter-cli",
        "-p",
        "age-plugin-keywriter",
    ])?;
    // SoftHSM2 reads where its tokens are from a file that only the environment names.
    let folder = tempfile::tempdir()?;
    let tokens = folder.path().join("tokens");
    fs::create_dir(&tokens)?;
    let configuration = folder.path().join("softhsm2.conf");
    fs::write(
        &configuration,
        format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        ),
    )?;
    println!("\n$ cargo bench -p system-tests");
    let mut bench = run::command(&["cargo", "bench", "--quiet", "-p", "system-tests"]);
    // Modules write their stores durably; a disk would be what is measured.
    let bench = bench
        .env("SOFTHSM2_CONF", &configuration)
        .env("TMPDIR", "/dev/shm");
    run::finish(bench, "cargo bench")?;
    run::shown(&[
        "cargo",
        "bench",
        "--quiet",
        "-p",
        "license-portal",
        "--bench",
        "rates",
    ])
}

/// rage, to compare with; age is Debian's.
fn install_rage() -> Result<()> {
    if run::root().join("target/tools/bin/rage").exists() {
        return Ok(());
    }
    println!("Installing rage into target/tools (some minutes)");
    run::shown(&[
        "cargo",
        "install",
        "rage",
        "--locked",
        "--no-default-features",
        "--quiet",
        "--root",
        "target/tools",
    ])
}
