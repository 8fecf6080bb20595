//! `age-plugin-keywriter`: age and rage start it (docs/FORMAT.md, "age").
//!
//! Encrypting needs no module: the recipient is all. Decrypting needs any one module of the group, unlocked; age gives the
//! stanza, the module opens it.

#![forbid(unsafe_code)]

mod identity;
mod recipient;
mod stanza;

use age_plugin::{PluginHandler, run_state_machine};
use clap::Parser;
use std::{io, process::ExitCode};

/// The plugin of age for `KeyWriter` modules. `age` starts it by itself; `keywriter recipient` prints whom to encrypt to.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// Which part of age's plugin protocol to speak; age says it
    #[arg(long, value_name = "STATE_MACHINE")]
    age_plugin: Option<String>,
}

fn main() -> ExitCode {
    let Some(state_machine) = Arguments::parse().age_plugin else {
        eprintln!("age-plugin-keywriter: age starts this program by itself");
        eprintln!(
            "  `keywriter recipient` prints whom to encrypt to; `keywriter recipient --identity` writes what decrypts"
        );
        return ExitCode::from(USAGE);
    };
    match run_state_machine(&state_machine, Plugin) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("age-plugin-keywriter: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The command line is wrong.
const USAGE: u8 = 2;

struct Plugin;

impl PluginHandler for Plugin {
    type RecipientV1 = recipient::Team;
    type IdentityV1 = identity::Modules;

    fn recipient_v1(self) -> io::Result<Self::RecipientV1> {
        Ok(recipient::Team::default())
    }

    fn identity_v1(self) -> io::Result<Self::IdentityV1> {
        Ok(identity::Modules::default())
    }
}
