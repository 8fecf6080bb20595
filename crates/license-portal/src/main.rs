//! `license-portal`: see `license-portal help` and docs/PORTAL.md.

use std::process::ExitCode;

use clap::Parser as _;
use license_portal::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    match license_portal::cli::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            license_portal::cli::complain(&error);
            ExitCode::FAILURE
        }
    }
}
