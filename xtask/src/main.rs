//! The project's own commands. `cargo xtask demo` shows the product, `cargo xtask test` checks everything.

#![forbid(unsafe_code)]

mod app;
mod bench;
mod compiler;
mod constant_time;
mod deb;
mod debian;
mod demo;
mod deny;
mod firmware;
mod fuzz;
mod layers;
mod manual;
mod model;
mod platforms;
mod release;
mod rooms;
mod run;
mod rust_web;
mod stages;
mod test;
mod third_party;
mod tidy;
mod tools;
mod uf2;
mod unpacked;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Clone a virtual master to nine modules, encrypt a file on it, and decrypt the file on every clone.
    Demo(demo::Options),
    /// Open the app beside the hub's window; needs a display.
    App(app::Options),
    /// Install what the tests need, then run everything that CI runs.
    Test(test::Options),
    /// Check the dependencies between crates, over the whole dependency closure.
    Layers,
    /// Check that paths in documents exist, that their lines are short, and that the list of third-party software is current.
    Tidy,
    /// Check licenses, sources and banned crates (installs cargo-deny into target/tools on first use).
    Deny(deny::Options),
    /// Check the protocol's model (installs Verifpal into target/tools on first use).
    Model,
    /// Build the Debian packages into target/debian; with --test, install and start them in a clean Debian.
    Deb(deb::Options),
    /// Run every command of the manual's page for new portal operators, in a clean Debian; needs root or sudo.
    OperatorDay,
    /// Build the portal's container and start it, in a clean Debian without a daemon; needs root or sudo.
    Container,
    /// Build the programs for release; refuses the development license key.
    Release,
    /// Write the list of third-party software in the programs.
    ThirdParty,
    /// Build the user's manual in three languages into target/manual (installs mdBook into target/tools on first use).
    Manual(manual::Options),
    /// Measure, and print ratios within one run (installs `SoftHSM2` to compare with).
    Bench,
    /// Fuzz every parser and every state machine.
    Fuzz(fuzz::Options),
    /// Build or test the firmware of hardware modules.
    #[command(subcommand)]
    Firmware(firmware::Action),
    /// Build and test the programs for other systems (installs compilers and an emulator into target/tools on first use).
    #[command(subcommand)]
    Platforms(platforms::Action),
    /// Check that no branch and no address depends on a secret, and compare the times of unlocks.
    ConstantTime,
}

fn main() -> ExitCode {
    if let Some(outcome) = compiler::called_by_cargo() {
        return outcome.unwrap_or_else(|error| failure(&error));
    }
    let outcome = match Arguments::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::App(options) => app::run(&options),
        Command::Test(options) => test::run(&options),
        Command::Layers => layers::run(),
        Command::Tidy => tidy::run(),
        Command::Deny(options) => deny::run(&options),
        Command::Model => model::run(),
        Command::Deb(options) => deb::run(&options),
        Command::OperatorDay => deb::operator_day::run(),
        Command::Container => deb::container::run(),
        Command::Release => release::run(),
        Command::ThirdParty => third_party::write(),
        Command::Manual(options) => manual::run(&options),
        Command::Bench => bench::run(),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Firmware(action) => firmware::run(&action),
        Command::Platforms(action) => platforms::run(&action),
        Command::ConstantTime => constant_time::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(&error),
    }
}

fn failure(error: &anyhow::Error) -> ExitCode {
    eprintln!("xtask: {error:#}");
    ExitCode::FAILURE
}
