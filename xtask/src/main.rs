//! The project's own commands. `cargo xtask demo` shows the product, `cargo xtask test` checks everything.

#![forbid(unsafe_code)]

mod bench;
mod constant_time;
mod debian;
mod demo;
mod fuzz;
mod layers;
mod model;
mod run;
mod test;
mod tidy;

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
    /// Clone a virtual master to nine secondaries, and read a file's data units back on each.
    Demo(demo::Options),
    /// Install what the tests need, then run everything that CI runs.
    Test,
    /// Check who may depend on whom, over the whole dependency closure.
    Layers,
    /// Check that documents name what exists.
    Tidy,
    /// Check the protocol's model (installs Verifpal into target/tools on first use).
    Model,
    /// Measure, and print ratios within one run (installs `SoftHSM2` to compare with).
    Bench,
    /// Fuzz every parser and every state machine.
    Fuzz(fuzz::Options),
    /// Check that no branch and no address depends on a secret, and measure what cannot be told apart.
    ConstantTime,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Test => test::run(),
        Command::Layers => layers::run(),
        Command::Tidy => tidy::run(),
        Command::Model => model::run(),
        Command::Bench => bench::run(),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::ConstantTime => constant_time::run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
