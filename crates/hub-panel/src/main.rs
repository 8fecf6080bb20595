//! `hub-panel`: a running virtual hub in a window.

#![deny(clippy::print_stdout, clippy::print_stderr)]
// No console behind the window.
#![cfg_attr(windows, windows_subsystem = "windows")]

#[cfg(windows)]
#[path = "../../../packaging/windows/dialog.rs"]
mod dialog;

use anyhow::Context;
use clap::Parser;
use hub_panel::{link::Link, model::Language, screen::Screen};
use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

/// Show a running virtual hub in a window: its ports, LEDs, and keypads to click.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The hub's folder [default: `KEYWRITER_HUB`, else keywriter/hub in the user's state folder].
    #[arg(long, value_name = "DIR")]
    state: Option<PathBuf>,
}

fn main() -> ExitCode {
    #[cfg(windows)]
    dialog::show_panics();
    match run(plain_text::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing can be done if standard error is closed.
            let text = plain_text::shown(&format!("{error:#}"));
            drop(writeln!(io::stderr(), "hub-panel: {text}"));
            #[cfg(windows)]
            dialog::show(&text);
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> anyhow::Result<()> {
    let is_default = arguments.state.is_none();
    let folder = hsm_virtual::hub::folder(arguments.state)?;
    let screen = Screen::new(
        &folder,
        is_default,
        Language::of_system(|name| std::env::var(name).ok()),
    )
    .context("cannot open a window: is there a display?")?;
    let link = Link::start(&folder, screen.waker())
        .context("cannot start the thread that talks to the hub")?;
    screen.run(link).context("the window failed")
}
