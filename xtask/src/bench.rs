//! Runs the benchmarks (crates/system-tests/benches), which print their own numbers.

use crate::{debian, run, tools};
use anyhow::Result;
use std::fs;

pub(crate) fn run() -> Result<()> {
    debian::install(&[
        debian::BUILD,
        debian::BENCH,
        debian::PORTAL,
        debian::WINDOW,
        debian::WINDOW_TEST,
    ])?;
    tools::install_released(&tools::RAGE)?;
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
        "-p",
        "keywriter-desktop",
        "--bins",
        "--examples",
    ])?;
    // SoftHSM2 reads the folder of its tokens from a file, which only an environment variable can name.
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
    // Modules write their stores durably; on a disk, the benchmark would measure the disk.
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
        "--bench",
        "field",
    ])
}
