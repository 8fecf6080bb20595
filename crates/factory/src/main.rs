//! The program `factory`, of who makes hardware modules: the root of trust, certificates, the register of what was
//! certified (docs/HARDWARE.md).

#![forbid(unsafe_code)]

mod certify;
mod root;
mod sealed;

use clap::{Args, Parser, Subcommand};
use hsm_factory::RegisterFile;
use hsm_protocol::Serial;
use keywriter::transport::Location;
use std::{fs, io, path::PathBuf, process::ExitCode};

/// Make hardware modules genuine: a root of trust, its certificates, and a register.
#[derive(Parser)]
#[command(name = "factory", version)]
struct Arguments {
    /// The factory's folder: root.pem, root.age and the register
    #[arg(long, value_name = "DIR", default_value = "factory", global = true)]
    folder: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The root of trust
    #[command(subcommand)]
    Root(RootCommand),
    /// Certify a new module, once
    Certify(Certify),
    /// List what was certified
    List,
}

#[derive(Subcommand)]
enum RootCommand {
    /// Make a root, and seal its key
    New {
        /// What people will read in its certificate
        name: String,
        /// Who may use the root: a recipient of age; can be repeated
        #[arg(short, long = "recipient", required = true)]
        recipients: Vec<String>,
    },
    /// Show name and fingerprint
    Show,
}

#[derive(Args)]
struct Certify {
    /// The serial number on the module
    serial: Serial,
    #[command(flatten)]
    place: Place,
    /// A file with an identity of age that opens the root; can be repeated
    #[arg(short, long = "identity", required = true, value_name = "FILE")]
    identities: Vec<PathBuf>,
}

/// Where the module is.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct Place {
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

impl Place {
    fn location(&self) -> Option<Location> {
        let socket = self.socket.clone().map(Location::Socket);
        let reader = || self.reader.clone().map(Location::Reader);
        let usb = || self.usb.clone().map(Location::Usb);
        socket.or_else(reader).or_else(usb)
    }
}

fn main() -> ExitCode {
    match run(&plain_text::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("factory: {}", plain_text::shown(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = root::Folder(arguments.folder.clone());
    match &arguments.command {
        Command::Root(RootCommand::New { name, recipients }) => folder.make(name, recipients)?,
        Command::Root(RootCommand::Show) => {}
        Command::Certify(choices) => {
            let Some(location) = choices.place.location() else {
                anyhow::bail!("name the module's reader, USB port or socket");
            };
            let root = folder.open(&choices.identities)?;
            let mut register = RegisterFile::new(folder.register());
            certify::certify(&root, &mut register, choices.serial, &location)?;
            println!("{} is certified", choices.serial);
            return Ok(());
        }
        Command::List => return list(&folder),
    }
    println!("{}", folder.trusted()?.summary());
    Ok(())
}

/// Prints serial numbers and when they were certified.
fn list(folder: &root::Folder) -> anyhow::Result<()> {
    let text = match fs::read_to_string(folder.register()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text?,
    };
    for line in text.lines() {
        let (rest, _key) = line.rsplit_once(' ').unwrap_or((line, ""));
        println!("{}", plain_text::shown(rest));
    }
    Ok(())
}
