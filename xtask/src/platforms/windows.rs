//! Windows on 64-bit PCs, by MinGW: the programs need nothing but libraries of Windows.

use super::{installer, refusals, wine::Wine};
use crate::{
    demo::{self, Demo},
    run, rust_web,
    stages::Stages,
    unpacked::Unpacked,
};
use anyhow::{Context, Result};
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// Options of `cargo xtask platforms windows`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only check that library and command line compile.
    #[arg(long)]
    check: bool,
    /// Also build the programs with windows, and the installer, and try it.
    #[arg(long, conflicts_with = "check")]
    installer: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let mut stages = Stages::default();
    let outcome = all(&mut stages, options);
    println!("\n{}", stages.table());
    outcome
}

fn all(stages: &mut Stages, options: &Options) -> Result<()> {
    stages.run("compiler", || install().map(|()| String::new()))?;
    if options.check {
        return stages.run("type check", || check().map(|()| String::new()));
    }
    let wine = Wine::start(&MINGW.program("x86_64-w64-mingw32-gcc"))?;
    // Their programs are built with them.
    stages.run("tests under Wine", || {
        // Not those in comments: rustdoc has another compiler.
        let options = ["test", "--no-fail-fast", "--lib", "--bins", "--tests"];
        let words = [&options, &packages(TESTED)[..]].concat();
        cargo(&words, Some(&wine)).map(|()| String::new())
    })?;
    stages.run("clone under Wine", || {
        let folder = wine.folder("demo")?;
        let programs = wine.programs(&output());
        let demo = Demo::start(&folder, &demo::Options::default(), programs)?;
        demo.show()?;
        refusals::check(&demo)?;
        Ok("nine clones, and what is refused".into())
    })?;
    if !options.installer {
        return Ok(());
    }
    stages.run("build of all programs", || {
        let words = [&["build", "--quiet"], &packages(PROGRAMS)[..]].concat();
        cargo(&words, None).map(|()| String::new())
    })?;
    stages.run("installer", || {
        let strip = MINGW.program("x86_64-w64-mingw32-strip");
        installer::run(&output(), &strip, &wine)
    })
}

/// Checks that library and command line compile for Windows.
pub(crate) fn check() -> Result<()> {
    install()?;
    cargo(&["check", "--quiet", "-p", "keywriter-cli"], None)
}

fn install() -> Result<()> {
    MINGW.install()?;
    rust_web::library(TARGET, &path()?)
}

/// Runs cargo for Windows.
fn cargo(words: &[&str], runner: Option<&Wine>) -> Result<()> {
    println!("\n$ cargo {} --target {TARGET}", words.join(" "));
    let mut cargo = run::command(&[&["cargo"], words].concat());
    prepare(&mut cargo)?;
    if let Some(wine) = runner {
        wine.prepare(&mut cargo);
        cargo.env(variable("RUNNER"), Wine::loader());
    }
    run::finish(&mut cargo, "cargo")
}

/// Makes a call of cargo build for Windows.
fn prepare(cargo: &mut Command) -> Result<()> {
    // By their names, not their paths: with another path cargo would build everything anew.
    let tool = |name: &str| format!("x86_64-w64-mingw32-{name}");
    let lower = TARGET.replace('-', "_");
    cargo
        .env("PATH", path()?)
        .env("RUSTC", rust_web::install()?)
        .env("CARGO_TARGET_DIR", folder())
        .env("CARGO_BUILD_TARGET", TARGET)
        .env("CARGO_INCREMENTAL", "0")
        .env(variable("LINKER"), tool("gcc"))
        .env(format!("CC_{lower}"), tool("gcc"))
        .env(format!("CXX_{lower}"), tool("g++"))
        .env(format!("AR_{lower}"), tool("ar"))
        // AWS-LC's own assembled files: they are part of its source.
        .env("AWS_LC_SYS_PREBUILT_NASM", "1");
    Ok(())
}

/// Returns where programs are looked for: the compiler calls MinGW's by their names.
fn path() -> Result<OsString> {
    let here = env::var_os("PATH").context("PATH is not set")?;
    let folders = [MINGW.bin()].into_iter().chain(env::split_paths(&here));
    Ok(env::join_paths(folders)?)
}

fn variable(name: &str) -> String {
    let target = TARGET.to_uppercase().replace('-', "_");
    format!("CARGO_TARGET_{target}_{name}")
}

/// Returns where everything for other systems is built.
fn folder() -> PathBuf {
    run::root().join("target/platforms")
}

/// Returns where the programs are.
fn output() -> PathBuf {
    folder().join(Path::new(TARGET)).join("debug")
}

fn packages(names: &[&'static str]) -> Vec<&'static str> {
    names.iter().flat_map(|name| ["-p", name]).collect()
}

const TARGET: &str = "x86_64-pc-windows-gnu";

/// The crates of the programs.
const PROGRAMS: &[&str] = &[
    "keywriter-cli",
    "hsm-virtual",
    "age-plugin-keywriter",
    "keywriter-desktop",
    "hub-panel",
];

/// The crates whose tests have to do with the system.
const TESTED: &[&str] = &[
    "plain-text",
    "local-socket",
    "keywriter",
    "keywriter-cli",
    "hsm-virtual",
    "age-plugin-keywriter",
];

/// The compiler for C, the linker, and the assembler.
const MINGW: Unpacked = Unpacked {
    name: "mingw",
    packages: &["gcc-mingw-w64-x86-64-posix", "g++-mingw-w64-x86-64-posix"],
    programs: &[
        ("x86_64-w64-mingw32-gcc-posix", "x86_64-w64-mingw32-gcc"),
        ("x86_64-w64-mingw32-g++-posix", "x86_64-w64-mingw32-g++"),
        ("x86_64-w64-mingw32-ar", "x86_64-w64-mingw32-ar"),
        ("x86_64-w64-mingw32-dlltool", "x86_64-w64-mingw32-dlltool"),
        ("x86_64-w64-mingw32-windres", "x86_64-w64-mingw32-windres"),
        ("x86_64-w64-mingw32-strip", "x86_64-w64-mingw32-strip"),
    ],
};
