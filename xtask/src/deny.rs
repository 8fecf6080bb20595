//! Licenses, sources and banned crates of everything we depend on, by cargo-deny and the rules in `deny.toml`.

use crate::{run, tools};
use anyhow::Result;

/// Options of `cargo xtask deny`.
#[derive(clap::Args, Default)]
pub(crate) struct Options {
    /// Also look for known vulnerabilities; fetches the advisory database, or uses the copy that cargo-deny has.
    #[arg(long)]
    advisories: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let program = tools::install(&tools::CARGO_DENY)?;
    let mut words = vec![program.as_str(), "check", "licenses", "bans", "sources"];
    if options.advisories {
        words.push("advisories");
    }
    run::shown(&words)
}
