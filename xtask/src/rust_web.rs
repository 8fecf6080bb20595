//! Debian's newest compiler, which comes with the sources of Rust's own libraries: rustup's can only be given libraries
//! that rustup's servers have, and it may not reach them. For other systems and for chips they are built here.

use crate::{
    run,
    unpacked::{Unpacked, text},
};
use anyhow::{Context, Result, bail};
use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const RUST_WEB: Unpacked = Unpacked {
    name: "rustc-web",
    packages: &["rustc-web", "rust-web-src", "libstd-rust-web-dev"],
    programs: &[("rustc", "rustc")],
};

/// The version that everything here was tried with.
const COMPILER: &str = "rustc 1.96.";

/// Installs the compiler on first use, and returns it.
pub(crate) fn install() -> Result<PathBuf> {
    let rustc = RUST_WEB.program("rustc");
    if RUST_WEB.install()? {
        check(&rustc)?;
    }
    Ok(rustc)
}

/// Debian keeps one version of this compiler, the newest: another one must be tried first.
fn check(rustc: &Path) -> Result<()> {
    let found = run::output(&[text(rustc)?, "--version"])?;
    if !found.starts_with(COMPILER) {
        bail!(
            "Debian's rustc-web is now {}, and this was tested with {COMPILER}. Change COMPILER in \
             xtask/src/rust_web.rs, remove target/tools/rustc-web, and run `cargo xtask firmware test` and \
             `cargo xtask platforms`",
            found.trim()
        );
    }
    Ok(())
}

/// Builds Rust's library for a target on first use, and puts it where the compiler looks. `path` has the programs that
/// this needs.
pub(crate) fn library(target: &str, path: &OsStr) -> Result<()> {
    let rustc = install()?;
    let folder = RUST_WEB
        .root()
        .join("usr/lib/rustlib")
        .join(target)
        .join("lib");
    if folder.join("done").exists() {
        return Ok(());
    }
    println!("\nBuilding Rust's standard library for {target} into target/tools/rustc-web");
    let crates = tempfile::tempdir_in(run::root().join("target"))?;
    fs::create_dir(crates.path().join("src"))?;
    fs::write(crates.path().join("src/lib.rs"), "")?;
    fs::write(crates.path().join("Cargo.toml"), EMPTY)?;
    let mut cargo = Command::new("cargo");
    cargo
        .args(["rustc", "--quiet", "--release", "--lib", "--target", target])
        .arg("-Zbuild-std=std,panic_abort,panic_unwind,test")
        .current_dir(crates.path())
        // The library can be built only with what its compiler calls unstable.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", rustc)
        .env("PATH", path)
        .env("CARGO_TARGET_DIR", crates.path().join("target"))
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false");
    run::finish(&mut cargo, "cargo rustc -Zbuild-std")?;
    let built = crates
        .path()
        .join("target")
        .join(target)
        .join("release/deps");
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for file in fs::read_dir(&built).with_context(|| built.display().to_string())? {
        let file = file?.path();
        let name = file.file_name().context("a file's name")?;
        let is_library = file.extension().is_some_and(|ending| ending == "rlib");
        if is_library && !name.to_string_lossy().starts_with("libempty") {
            fs::copy(&file, folder.join(name))?;
        }
    }
    fs::write(folder.join("done"), "")?;
    Ok(())
}

/// A crate that needs nothing but the library.
const EMPTY: &str =
    "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n";
