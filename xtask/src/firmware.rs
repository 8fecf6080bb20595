//! The firmware (`firmware/`, a workspace of its own): builds it for its chip with Debian's compiler, and tests it in an
//! emulator. Neither rustup nor Debian has the core library for that chip, so it is built from Debian's sources.

use crate::{
    compiler::Compiler,
    run, rust_web, uf2,
    unpacked::{Unpacked, text},
};
use anyhow::Result;
use clap::Subcommand;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What to do with the firmware.
#[derive(Subcommand)]
pub(crate) enum Action {
    /// Build it, and print its size (installs compiler and emulator into target/tools on first use).
    Build,
    /// Build it for the emulator, test what runs on any computer, then the whole.
    Test {
        /// Also two boards on the USB of a small Linux in an emulator, with keywriter and pcscd in it
        #[arg(long)]
        all: bool,
    },
}

pub(crate) fn run(action: &Action) -> Result<()> {
    match action {
        Action::Build => build(),
        Action::Test { all } => {
            build_emulated()?;
            test_on_host()?;
            build_programs()?;
            run::shown(&["cargo", "test", "-p", "system-tests", "--test", "firmware"])?;
            if *all {
                GUEST.install()?;
                run::shown(&["cargo", "test", "-p", "system-tests", "--test", "guest"])?;
            }
            Ok(())
        }
    }
}

/// Builds what runs beside the boards, and in the guest.
fn build_programs() -> Result<()> {
    let packages = ["keywriter-cli", "factory", "system-tests"];
    let options = packages.iter().flat_map(|package| ["-p", package]);
    let words: Vec<_> = ["cargo", "build", "--quiet"]
        .into_iter()
        .chain(options)
        .collect();
    run::shown(&words)
}

/// Builds the images, and prints their sizes.
fn build() -> Result<()> {
    build_emulated()?;
    build_one(SHIPPED)?;
    let images = IMAGES.map(image);
    let size = TOOLS.program("arm-none-eabi-size");
    let paths = images
        .iter()
        .map(|path| text(path))
        .collect::<Result<Vec<_>>>()?;
    println!("{}", run::output(&[&[text(&size)?], &paths[..]].concat())?);
    write_uf2(&image(SHIPPED))
}

/// Builds the image for the emulator.
pub(crate) fn build_emulated() -> Result<()> {
    install()?;
    build_one(EMULATED)
}

/// Writes the file that a board's boot ROM takes, beside the image.
fn write_uf2(image: &Path) -> Result<()> {
    let (flat, uf2) = (image.with_extension("bin"), image.with_extension("uf2"));
    let copy = TOOLS.program("arm-none-eabi-objcopy");
    run::output(&[text(&copy)?, "-O", "binary", text(image)?, text(&flat)?])?;
    fs::write(&uf2, uf2::encode(&fs::read(&flat)?, FLASH))?;
    println!("{}", uf2.display());
    Ok(())
}

/// Builds an image. Each by itself: boards differ in what crates that they share are built with.
fn build_one(image: &str) -> Result<()> {
    let words = [
        "build",
        "--quiet",
        "--release",
        "--target",
        TARGET,
        "--package",
        image,
    ];
    println!("\n$ cargo {}  (in firmware/)", words.join(" "));
    let mut cargo = cargo(&words);
    cargo
        .arg("-Zbuild-std=core")
        // The core library can be built only with what its compiler calls unstable.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", rust_web::install()?)
        .env(variable("LINKER"), TOOLS.program("arm-none-eabi-ld"))
        .env(variable("RUSTFLAGS"), FLAGS);
    run::finish(&mut cargo, "cargo build")
}

fn image(name: &str) -> PathBuf {
    run::root()
        .join(OUTPUT)
        .join(TARGET)
        .join("release")
        .join(name)
}

/// Checks the format, and tests and lints what is not tied to a chip.
pub(crate) fn test_on_host() -> Result<()> {
    println!("\n$ cargo fmt --check, cargo test --package app  (in firmware/, with lints)");
    run::finish(&mut cargo(&["fmt", "--all", "--check"]), "cargo fmt")?;
    let mut tests = cargo(&["test", "--quiet", "--package", "app"]);
    Compiler::Checked.prepare(&mut tests)?;
    run::finish(&mut tests, "cargo test")
}

/// Returns a call of cargo in the workspace of the firmware.
fn cargo(words: &[&str]) -> Command {
    let mut cargo = run::command(&[&["cargo"], words].concat());
    cargo
        .current_dir(run::root().join("firmware"))
        .env("CARGO_TARGET_DIR", run::root().join(OUTPUT));
    cargo
}

fn variable(name: &str) -> String {
    format!(
        "CARGO_TARGET_{}_{name}",
        TARGET.to_uppercase().replace(['-', '.'], "_")
    )
}

/// Unpacks compiler, linker and emulator, unless they are there.
fn install() -> Result<()> {
    rust_web::install()?;
    TOOLS.install()?;
    Ok(())
}

/// The processor of the board and of its emulator: Cortex-M33.
const TARGET: &str = "thumbv8m.main-none-eabihf";

/// The linker script of `cortex-m-rt`; and integers of the primitives as wide as the registers.
const FLAGS: &str = "-Clink-arg=-Tlink.x -Clinker-flavor=ld --cfg cpubits=\"32\"";

const EMULATED: &str = "board-qemu";
const SHIPPED: &str = "board-pico2";

/// What both make: two programs for the emulator, one for the board.
const IMAGES: [&str; 3] = ["qemu-doors", "qemu-usb", SHIPPED];

/// Where its flash begins.
const FLASH: u32 = 0x1000_0000;

/// Where everything is built.
const OUTPUT: &str = "target/firmware";

const TOOLS: Unpacked = Unpacked {
    name: "firmware",
    packages: &["binutils-arm-none-eabi", "qemu-system-arm"],
    programs: &[
        ("arm-none-eabi-ld", "arm-none-eabi-ld"),
        ("arm-none-eabi-objcopy", "arm-none-eabi-objcopy"),
        ("arm-none-eabi-size", "arm-none-eabi-size"),
        ("qemu-system-arm", "qemu-system-arm"),
    ],
};

/// The small Linux: kernel, USB, and what knows devices.
const GUEST: Unpacked = Unpacked {
    name: "guest",
    packages: &[
        "qemu-system-x86",
        "linux-image-amd64",
        "busybox-static",
        "udev",
        "libccid",
    ],
    programs: &[("qemu-system-x86_64", "qemu-system-x86_64")],
};
