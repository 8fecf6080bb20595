//! What the program takes on its command line.

use crate::key::{Keeper, Opener, pin, place::Place};
use clap::{Args, Parser, Subcommand};
use hsm_protocol::Serial;
use keywriter::transport::Location;
use std::path::PathBuf;

/// Make hardware modules genuine: a root of trust, its certificates, and a register.
#[derive(Parser)]
#[command(name = "factory", version)]
pub(crate) struct Arguments {
    /// The factory's folder: root.pem, root.age or root.token, and the register
    #[arg(long, value_name = "DIR", default_value = "factory", global = true)]
    pub(crate) folder: PathBuf,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// The root of trust
    #[command(subcommand)]
    Root(RootCommand),
    /// Certify a new module, once
    Certify(Certify),
    /// List what was certified
    List,
}

#[derive(Subcommand)]
pub(crate) enum RootCommand {
    /// Make a root, its key sealed by age or in a PKCS #11 token
    New {
        /// What people will read in its certificate
        name: String,
        #[command(flatten)]
        keeper: KeeperArguments,
    },
    /// Show name and fingerprint
    Show,
}

/// What a new key is to be kept by.
#[derive(Args)]
pub(crate) struct KeeperArguments {
    /// Who may use the key: a recipient of age; can be repeated
    #[arg(short, long = "recipient", required_unless_present = "module")]
    recipients: Vec<String>,
    /// Make the key in a token: the token's driver, such as /usr/lib/softhsm/libsofthsm2.so
    #[arg(
        long = "pkcs11",
        value_name = "MODULE",
        requires = "label",
        conflicts_with = "recipients"
    )]
    module: Option<PathBuf>,
    /// The token's label
    #[arg(
        long = "token",
        value_name = "LABEL",
        requires = "module",
        conflicts_with = "recipients"
    )]
    label: Option<String>,
    #[command(flatten)]
    pin: pin::Source,
}

impl KeeperArguments {
    pub(crate) fn keeper(self) -> Keeper {
        match (self.module, self.label) {
            (Some(module), Some(label)) => Keeper::Token(Place { module, label }, self.pin),
            _ => Keeper::Age(self.recipients),
        }
    }
}

/// What opens a key.
#[derive(Args)]
pub(crate) struct OpenerArguments {
    /// A file with an identity of age that opens the key; can be repeated
    #[arg(short, long = "identity", value_name = "FILE")]
    identities: Vec<PathBuf>,
    #[command(flatten)]
    pin: pin::Source,
}

impl OpenerArguments {
    pub(crate) fn opener(self) -> Opener {
        Opener {
            identities: self.identities,
            pin: self.pin,
        }
    }
}

#[derive(Args)]
pub(crate) struct Certify {
    /// The serial number on the module
    pub(crate) serial: Serial,
    #[command(flatten)]
    pub(crate) place: ModulePlace,
    #[command(flatten)]
    pub(crate) opener: OpenerArguments,
}

/// Where the module is.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub(crate) struct ModulePlace {
    /// The PC/SC reader with the module
    #[arg(long, value_name = "NAME")]
    reader: Option<String>,
    /// The USB port with the module, such as 1-2 (`keywriter --transport usb list` shows it)
    #[arg(long, value_name = "PORT")]
    usb: Option<String>,
    /// The module's socket
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

impl ModulePlace {
    pub(crate) fn location(self) -> Option<Location> {
        let socket = self.socket.map(Location::Socket);
        let reader = self.reader.map(Location::Reader);
        socket.or(reader).or(self.usb.map(Location::Usb))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn a_new_root_has_one_keeper() {
        Arguments::command().debug_assert();
        let parse = |words: &str| {
            let words = ["factory", "root", "new", "Name"]
                .into_iter()
                .chain(words.split(' '));
            let Command::Root(RootCommand::New { keeper, .. }) =
                Arguments::try_parse_from(words).ok()?.command
            else {
                return None;
            };
            Some(keeper.keeper())
        };
        let Some(Keeper::Age(recipients)) = parse("-r age1a -r age1b") else {
            panic!("sealed")
        };
        assert_eq!(recipients, ["age1a", "age1b"]);
        let Some(Keeper::Token(place, pin)) = parse("--pkcs11 m.so --token T --pin-file p") else {
            panic!("in a token")
        };
        assert_eq!(
            (place.label.as_str(), pin.pin_file),
            ("T", Some("p".into()))
        );
        for wrong in [
            "--pin-file p",
            "--pkcs11 m.so",
            "--token T",
            "-r age1a --token T",
            "-r age1a --pkcs11 m.so --token T",
            "--pkcs11 m.so --token T --pin 1234",
            "--pkcs11 m.so --token T --pin-file p --pin-fd 3",
        ] {
            assert!(parse(wrong).is_none(), "{wrong}");
        }
    }
}
