//! Third-party programs that Debian does not have, built from the Rust registry into `target/tools`.

use crate::run;
use anyhow::{Context, Result};

/// A program in the Rust registry.
pub(crate) struct Tool {
    program: &'static str,
    package: &'static str,
    version: &'static str,
    /// Further options of `cargo install`.
    options: &'static [&'static str],
    /// The optimization level, according to its use.
    optimization: &'static str,
}

/// rage, the other implementation of age: tests exchange files with it. Only the program that is used, without SSH keys.
pub(crate) const RAGE: Tool = Tool {
    program: "rage",
    package: "rage",
    version: "0.12.1",
    options: &["--no-default-features", "--bin", "rage"],
    optimization: "1",
};

/// Verifpal, which checks the protocol's model. It declares a newer Rust version than it needs.
pub(crate) const VERIFPAL: Tool = Tool {
    program: "verifpal",
    package: "verifpal",
    version: "1.6.7",
    options: &["--ignore-rust-version"],
    optimization: "2",
};

/// mdBook, which builds the manual. Its file watcher and web server are left out.
pub(crate) const MDBOOK: Tool = Tool {
    program: "mdbook",
    package: "mdbook",
    version: "0.5.4",
    options: &["--no-default-features", "--features", "search"],
    optimization: "1",
};

/// cargo-deny, which checks licenses and sources.
pub(crate) const CARGO_DENY: Tool = Tool {
    program: "cargo-deny",
    package: "cargo-deny",
    version: "0.20.2",
    options: &["--no-default-features"],
    optimization: "0",
};

/// Builds a tool if it is missing, and returns the path of its program.
pub(crate) fn install(tool: &Tool) -> Result<String> {
    install_as(tool, "target/tools", tool.optimization)
}

/// Builds a tool as its authors release it, for benchmarks.
pub(crate) fn install_released(tool: &Tool) -> Result<String> {
    install_as(tool, "target/tools/released", "3")
}

fn install_as(tool: &Tool, folder: &str, optimization: &str) -> Result<String> {
    let program = run::root().join(folder).join("bin").join(tool.program);
    let path = program.to_str().context("the folder's name is not UTF-8")?;
    if program.exists() {
        return Ok(path.to_owned());
    }
    println!(
        "\nInstalling {} {} from the Rust registry into {folder}",
        tool.package, tool.version
    );
    let words = [
        "cargo",
        "install",
        tool.package,
        "--version",
        tool.version,
        "--locked",
        "--quiet",
        "--root",
        folder,
    ];
    let mut cargo = run::command(&[&words, tool.options].concat());
    // One folder for all tools: shared dependencies are compiled once.
    cargo
        .env("CARGO_TARGET_DIR", run::root().join("target/tools/build"))
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", optimization)
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "false");
    run::finish(&mut cargo, "cargo install")
        .with_context(|| format!("cannot install {}", tool.package))?;
    Ok(path.to_owned())
}
