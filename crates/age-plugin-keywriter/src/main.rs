//! `age-plugin-keywriter`: age and rage start it (docs/FORMAT.md, "age").
//!
//! Encrypting needs only the recipient. Decrypting needs any one module of the group, unlocked: age gives the stanza, and
//! the module opens it.

#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

#[cfg(unix)]
mod client;
mod identity;
mod recipient;
mod stanza;

use age_plugin::{PluginHandler, run_state_machine};
use clap::Parser;
use std::{
    io::{self, Write},
    process::ExitCode,
};

/// Plugin of age for `KeyWriter` modules: age and rage start it.
///
/// `keywriter recipient` prints the recipient to encrypt to.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The state machine of age's plugin protocol, set by age
    #[arg(long, value_name = "STATE_MACHINE")]
    age_plugin: Option<String>,
}

fn main() -> ExitCode {
    let Some(state_machine) = plain_text::parse::<Arguments>().age_plugin else {
        note(
            "age-plugin-keywriter: age and rage start this program; it is not for use by hand\n  `keywriter recipient` \
             prints the recipient to encrypt to, and with --identity it writes the identity file to decrypt with\n",
        );
        return ExitCode::from(USAGE);
    };
    match run_state_machine(&state_machine, Plugin) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let text = plain_text::shown(&error.to_string());
            note(&format!("age-plugin-keywriter: {text}\n"));
            ExitCode::FAILURE
        }
    }
}

/// Prints text on standard error. Nothing can be done if it is closed.
fn note(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
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
        // Windows has no such wait: there the plugin ends when it next says something.
        #[cfg(unix)]
        client::end_with_client();
        Ok(identity::Modules::default())
    }
}
