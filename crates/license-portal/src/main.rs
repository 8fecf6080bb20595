//! `license-portal`: see `license-portal help` and docs/PORTAL.md.

use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = plain_text::parse();
    match license_portal::cli::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            license_portal::cli::complain(&error);
            ExitCode::FAILURE
        }
    }
}
