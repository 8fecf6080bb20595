//! The commands that send one request to a running hub.

use crate::output;
use anyhow::{Error, anyhow, bail};
use clap::Subcommand;
use hsm_virtual::control::{self, Reply, Request};
use plain_text::shown_path;
use std::{io::ErrorKind, path::Path};

/// A command that sends one request.
#[derive(Subcommand)]
pub(crate) enum Question {
    /// Type on a module's keypad, and print what its LEDs show then.
    ///
    /// Keys are digits one after another, KEY, SHIFT, a chord such as KEY+8, or a hold such as SHIFT:1s.
    Press {
        /// The module's serial number.
        serial: String,
        /// The keys, as one argument.
        keys: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Print what a module's LEDs show.
    Leds {
        /// The module's serial number.
        serial: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the hub's modules.
    List {
        /// Print JSON, one line per module.
        #[arg(long)]
        json: bool,
    },
    /// Plug a module in.
    Plug {
        /// The module's serial number.
        serial: String,
    },
    /// Unplug a module.
    Unplug {
        /// The module's serial number.
        serial: String,
    },
    /// Let time pass for all modules: virtual time if the hub runs with --clock manual.
    Wait {
        /// How long, in seconds.
        seconds: f64,
    },
}

/// Sends the request, and prints the reply.
pub(crate) fn run(folder: &Path, question: Question) -> anyhow::Result<()> {
    let done = |request| ask(folder, &request).map(|_done| ());
    match question {
        Question::Press { serial, keys, json } => {
            show(&ask(folder, &Request::Press { serial, keys })?, json)
        }
        Question::Leds { serial, json } => show(&ask(folder, &Request::Leds { serial })?, json),
        Question::List { json } => show(&ask(folder, &Request::List)?, json),
        Question::Plug { serial } => done(Request::Plug { serial }),
        Question::Unplug { serial } => done(Request::Unplug { serial }),
        Question::Wait { seconds } => done(Request::Wait { seconds }),
    }
}

fn ask(folder: &Path, request: &Request) -> anyhow::Result<Reply> {
    let reply = control::ask(folder, request).map_err(|error| {
        let folder = shown_path(folder);
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::ConnectionRefused => anyhow!(
                "no hub is running in {folder}: start one with `virtual-hub serve`, \
                 or name its folder with --state"
            ),
            _ => Error::from(error).context(format!("cannot talk to the hub in {folder}")),
        }
    })?;
    match reply {
        Reply::Refused { why } => bail!(why),
        reply => Ok(reply),
    }
}

fn show(reply: &Reply, json: bool) -> anyhow::Result<()> {
    match reply {
        Reply::Leds(leds) if json => output::line(&serde_json::to_string(leds)?)?,
        Reply::Leds(leds) => output::line(&format!("{}: {}", leds.pattern, leds.lights()))?,
        Reply::Modules { modules, .. } => {
            for module in modules {
                if json {
                    output::line(&serde_json::to_string(module)?)?;
                } else {
                    let plug = if module.plugged {
                        "plugged in"
                    } else {
                        "unplugged "
                    };
                    output::line(&format!(
                        "{}  {plug}  {:<21}  {}",
                        module.serial,
                        module.leds.pattern,
                        module.leds.lights()
                    ))?;
                }
            }
        }
        Reply::Done | Reply::Refused { .. } => {}
    }
    Ok(())
}
