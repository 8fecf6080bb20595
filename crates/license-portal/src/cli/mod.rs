//! The program: its command line, and what each command does.

mod commands;
mod serve;
mod settings;

use std::path::PathBuf;

use clap::{Args, CommandFactory as _, Parser, Subcommand};

use crate::{language::Language, model::LicenseState};

pub use settings::ServeOptions;

/// Issues and activates KeyWriter licenses.
#[derive(Parser)]
#[command(name = "license-portal", version)]
pub struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

/// Options of every command.
#[derive(Args, Clone)]
pub struct Place {
    /// Folder of the portal key, the SQLite file, the outbox and the packages
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_DATA",
        default_value = "portal-data",
        value_name = "DIR"
    )]
    data: PathBuf,
    /// Database: sqlite:FILE or postgres://… [default: portal.sqlite in the data folder]
    #[arg(
        long,
        global = true,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    database: Option<String>,
    /// Key that all instances of the portal share [default: portal.key in the data folder; created if it does not exist]
    #[arg(long, global = true, env = "LICENSE_PORTAL_KEY", value_name = "FILE")]
    portal_key: Option<PathBuf>,
    /// Address where people reach the portal; mailed links begin with it
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_URL",
        default_value = "http://127.0.0.1:8480",
        value_name = "URL"
    )]
    public_url: String,
    /// Email address of the support, on every page and in every mail
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_SUPPORT_EMAIL",
        default_value = "support@keywriter.example",
        value_name = "ADDRESS"
    )]
    support_email: String,
    /// Phone number of the support
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_SUPPORT_PHONE",
        default_value = "+44 20 7946 0123",
        value_name = "NUMBER"
    )]
    support_phone: String,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the service
    Serve(Box<ServeOptions>),
    /// Issues licenses, and mails license number and PIN
    Issue {
        /// Email address of the buyer
        #[arg(long, value_name = "ADDRESS")]
        email: String,
        /// How many licenses
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
        count: u32,
        /// Sells them active: they need no activation
        #[arg(long)]
        activated: bool,
        /// Person who holds the licenses, with --activated; the license tokens name it
        #[arg(long, requires = "activated", value_name = "NAME")]
        holder: Option<String>,
        /// Company of the holder
        #[arg(long, requires = "holder", value_name = "NAME")]
        company: Option<String>,
        /// Language of the mails
        #[arg(long, value_enum, default_value_t = Language::En)]
        language: Language,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Lists licenses
    List {
        /// Only those in this state
        #[arg(long, value_parser = state)]
        state: Option<LicenseState>,
        /// Only those of this address
        #[arg(long, value_name = "ADDRESS")]
        email: Option<String>,
        /// Only those after this number, for the next page
        #[arg(long, value_name = "NUMBER")]
        after: Option<String>,
        /// How many at most
        #[arg(long, default_value_t = 100)]
        limit: u32,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Shows a license with its holder and its registrations
    Show(One),
    /// Revokes a license: no app can register or refresh with it
    Revoke(One),
    /// Mails a new PIN; the old one is no longer valid
    Resend(One),
    /// Removes registrations of a license, so that it can be registered on other computers
    Forget {
        #[command(flatten)]
        one: One,
        /// Only this installation, as `show` prints it [default: all]
        #[arg(long, value_name = "HEX")]
        installation: Option<String>,
    },
    /// Manages keys for the operator API
    OperatorKey {
        #[command(subcommand)]
        command: OperatorCommand,
    },
    /// Writes a copy of the database; the service may run meanwhile
    Backup {
        /// File to create
        file: PathBuf,
    },
    /// Prints the public key to build the app with (`KEYWRITER_LICENSE_ANCHOR`)
    Anchor {
        /// Key that signs licenses: 64 hexadecimal digits [default: the development key]
        #[arg(long, env = "LICENSE_PORTAL_SIGNING_KEY", value_name = "FILE")]
        signing_key: Option<PathBuf>,
    },
    /// Writes the man pages, one file for each command
    #[command(hide = true)]
    Man {
        /// Folder; created if it does not exist
        folder: PathBuf,
    },
}

#[derive(Args)]
struct One {
    /// License number
    number: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum OperatorCommand {
    /// Creates a key, and prints it this once
    Add {
        /// Name of the operator
        name: String,
    },
    /// Lists the operators that have a key
    List,
    /// Removes a key
    Remove {
        /// Name of the operator
        name: String,
    },
}

/// Runs a command.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_default_env()
                .unwrap_or_else(|_unset| "info,sqlx=warn".into()),
        )
        .with_writer(std::io::stderr)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Serve(options) => serve::run(&cli.place, &options).await,
            Command::Anchor { signing_key } => commands::anchor(signing_key.as_deref()),
            Command::Man { folder } => {
                std::fs::create_dir_all(&folder)?;
                Ok(clap_mangen::generate_to(Cli::command(), folder)?)
            }
            command => commands::run(&cli.place, command).await,
        }
    })
}

fn state(text: &str) -> Result<LicenseState, &'static str> {
    LicenseState::parse(text).ok_or("issued, verifying, active or revoked")
}
