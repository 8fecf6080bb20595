//! `virtual-hub`: modules without hardware, and commands that press their keys.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod ask;
mod output;
#[cfg(target_os = "linux")]
mod pcscd;
mod serve;

use clap::{CommandFactory, Parser, Subcommand};
use std::{fs, path::PathBuf, process::ExitCode};

/// Run virtual modules: the same core as in firmware, with its state in files.
///
/// They are for evaluation: they protect nothing against the user who runs them.
#[derive(Parser)]
#[command(name = "virtual-hub", version)]
struct Arguments {
    /// The hub's folder [default: `KEYWRITER_HUB`, else keywriter/hub in the user's state folder].
    #[arg(long, global = true, value_name = "DIR")]
    state: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run a hub until it is interrupted. All modules start plugged in.
    Serve(serve::Options),
    #[command(flatten)]
    Ask(ask::Question),
    /// Write the man pages, one file per command.
    #[command(hide = true)]
    Man {
        /// The folder; created if it does not exist.
        folder: PathBuf,
    },
}

fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .with_writer(std::io::stderr)
        // It would panic if standard error is full.
        .log_internal_errors(false)
        .init();
    match run(plain_text::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::note(&plain_text::shown(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let folder = hsm_virtual::hub::folder(arguments.state)?;
    match arguments.command {
        Command::Serve(options) => serve::serve(&folder, &options),
        Command::Ask(question) => ask::run(&folder, question),
        Command::Man { folder } => {
            fs::create_dir_all(&folder)?;
            Ok(clap_mangen::generate_to(Arguments::command(), folder)?)
        }
    }
}
