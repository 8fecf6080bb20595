//! The commands that ask a running hub once.

use anyhow::{Context, bail};
use clap::Subcommand;
use hsm_virtual::control::{self, LedsLine, Reply, Request};
use std::path::Path;

/// One request.
#[derive(Subcommand)]
pub(crate) enum Question {
    /// Type on a module's keypad; prints the LEDs it ends on.
    ///
    /// Keys: digits one after another, KEY, SHIFT, a chord such as KEY+8, a hold such as SHIFT:1s.
    Press {
        /// The module's serial number.
        serial: String,
        /// What to type, as one argument.
        keys: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show a module's LEDs.
    Leds {
        /// The module's serial number.
        serial: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show the hub's modules.
    List {
        /// Print JSON, a line for each module.
        #[arg(long)]
        json: bool,
    },
    /// Plug a module in.
    Plug {
        /// The module's serial number.
        serial: String,
    },
    /// Pull a module out.
    Unplug {
        /// The module's serial number.
        serial: String,
    },
    /// Let time pass for all modules: virtual where the hub runs with --clock manual.
    Wait {
        /// How long.
        seconds: f64,
    },
}

/// Asks, and prints the answer.
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
    let reply = control::ask(folder, request).with_context(|| {
        format!(
            "no hub answers in {}: start one with `virtual-hub serve`, or name its folder",
            folder.display()
        )
    })?;
    match reply {
        Reply::Refused { why } => bail!(why),
        reply => Ok(reply),
    }
}

fn show(reply: &Reply, json: bool) -> anyhow::Result<()> {
    match reply {
        Reply::Leds(leds) if json => println!("{}", serde_json::to_string(leds)?),
        Reply::Leds(LedsLine {
            pattern,
            count: Some(count),
            ..
        }) => {
            println!(
                "{pattern}  (RED {}x, GREEN {}x, BLUE {}x)",
                count.red, count.green, count.blue
            );
        }
        Reply::Leds(LedsLine {
            pattern,
            red,
            green,
            blue,
            ..
        }) => {
            println!("{pattern}  (RED {red}, GREEN {green}, BLUE {blue})");
        }
        Reply::Modules { modules, .. } => {
            for module in modules {
                if json {
                    println!("{}", serde_json::to_string(module)?);
                } else {
                    let place = if module.plugged {
                        "plugged in"
                    } else {
                        "pulled out"
                    };
                    println!("{}  {place}  {}", module.serial, module.leds.pattern);
                }
            }
        }
        Reply::Done | Reply::Refused { .. } => {}
    }
    Ok(())
}
