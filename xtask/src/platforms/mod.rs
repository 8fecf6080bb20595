//! The programs on other systems than the one that builds them: compiled here, and run where something here runs them.

mod installer;
mod refusals;
pub(crate) mod windows;
mod wine;

use anyhow::Result;
use clap::Subcommand;

/// For which system.
#[derive(Subcommand)]
pub(crate) enum Action {
    /// Build the programs for Windows, and test them under Wine.
    Windows(windows::Options),
}

pub(crate) fn run(action: &Action) -> Result<()> {
    match action {
        Action::Windows(options) => windows::run(options),
    }
}
