//! The program: its command line, and what each command does.

mod backup;
mod check;
mod commands;
mod file;
mod options;
mod serve;
mod settings;
mod webhook;

use std::{
    fmt::Display,
    io::{self, Write as _},
    path::PathBuf,
};

use clap::{Args, CommandFactory as _, Parser, Subcommand};
use plain_text::{acts, shown};

use crate::{
    email::EmailAddress,
    language::Language,
    model::{LicenseState, MailState, Scope},
    service::is_order_key,
};

pub use options::Options;

/// Issues and activates KeyWriter licenses.
#[derive(Parser)]
#[command(name = "license-portal", version)]
pub struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs the service; creates what `init` creates
    Serve,
    /// Creates the data folder, the portal key and the database, if they do not exist
    Init,
    /// Checks the configuration, and what it names
    CheckConfig,
    /// Sends a mail with the configured mail server
    TestMail {
        /// Recipient
        #[arg(value_name = "ADDRESS", value_parser = EmailAddress::parse)]
        to: EmailAddress,
    },
    /// Issues licenses, and mails license number and PIN
    Issue(Issue),
    /// Issues the licenses of a table, all or none; with the columns email, count, language, seats, holder, company
    Import {
        /// CSV file; the first line names the columns
        file: PathBuf,
        /// Name of this order: who repeats it within 30 days gets the same licenses, and no others
        #[arg(long, value_name = "TEXT", value_parser = order_key)]
        key: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Lists licenses
    List(List),
    /// Shows a license with its holder and its registrations
    Show(One),
    /// Revokes a license: no app can register or refresh with it
    Revoke(One),
    /// Undoes a revocation: the license is as it was before
    Restore(One),
    /// Corrects the email address of a license, and mails a new PIN to it
    Correct {
        #[command(flatten)]
        one: One,
        /// New email address
        #[arg(long, value_name = "ADDRESS", value_parser = EmailAddress::parse)]
        email: EmailAddress,
    },
    /// Gives a license to somebody else, who has to activate it; no app of the old holder can renew it
    Transfer {
        #[command(flatten)]
        one: One,
        /// Email address of the new holder
        #[arg(long, value_name = "ADDRESS", value_parser = EmailAddress::parse)]
        email: EmailAddress,
    },
    /// Prints all that is known of a license and its holder, as JSON
    Export(Number),
    /// Revokes a license, and erases what is known of the person who has it, for good
    Erase(Number),
    /// Prints what operators did, the newest first
    Log {
        /// Only what was done to this license
        #[arg(long, value_name = "NUMBER")]
        license: Option<String>,
        /// How many acts at most
        #[arg(long, default_value_t = 100)]
        limit: u32,
    },
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
    /// Changes on how many computers a license can be registered; those that are registered stay
    Seats {
        #[command(flatten)]
        one: One,
        /// How many [default: --installations]
        #[arg(value_name = "N")]
        seats: Option<u32>,
    },
    /// Manages keys for the operator API
    OperatorKey {
        #[command(subcommand)]
        command: OperatorCommand,
    },
    /// Manages webhooks: addresses that are told what happens to licenses
    Webhook {
        #[command(subcommand)]
        command: HookCommand,
    },
    /// Manages the key that signs licenses
    SigningKey {
        #[command(subcommand)]
        command: SigningKeyCommand,
    },
    /// Writes a copy of the database; the service may run meanwhile
    Backup {
        /// File to create; with --keep, the folder of the copies
        file: PathBuf,
        /// Name the copy after the time, and keep only so many of the newest
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        keep: Option<u16>,
    },
    /// Prints the public key to build the app with (`KEYWRITER_LICENSE_ANCHOR`)
    Anchor,
    /// Writes the man pages, one file for each command
    #[command(hide = true)]
    Man {
        /// Folder; created if it does not exist
        folder: PathBuf,
    },
}

#[derive(Args)]
struct Issue {
    /// Email address of the buyer
    #[arg(long, value_name = "ADDRESS", value_parser = EmailAddress::parse)]
    email: EmailAddress,
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
    /// Computers that each license can be registered on [default: --installations]
    #[arg(long, value_name = "N")]
    seats: Option<u32>,
    /// Name of this order: who repeats it within 30 days gets the same licenses, and no others
    #[arg(long, value_name = "TEXT", value_parser = order_key)]
    key: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct List {
    /// Only those in this state
    #[arg(long, value_parser = state)]
    state: Option<LicenseState>,
    /// Only those of this address
    #[arg(long, value_name = "ADDRESS", value_parser = EmailAddress::parse)]
    email: Option<EmailAddress>,
    /// Only those whose newest mail is waiting, delivered or failed
    #[arg(long, value_name = "STATE", value_parser = mail_state)]
    mail: Option<MailState>,
    /// Only those of this order
    #[arg(long, value_name = "N")]
    order: Option<i64>,
    /// Only those after this number, for the next page
    #[arg(long, value_name = "NUMBER")]
    after: Option<String>,
    /// How many at most
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Print a table (CSV) of all of them
    #[arg(long, conflicts_with_all = ["json", "limit", "after"])]
    csv: bool,
}

#[derive(Args)]
struct One {
    /// License number
    number: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Number {
    /// License number
    number: String,
}

#[derive(Subcommand)]
enum OperatorCommand {
    /// Creates a key, and prints it this once
    Add {
        /// Name of the operator
        #[arg(value_parser = operator_name)]
        name: String,
        /// What the key permits
        #[arg(
            long,
            value_enum,
            value_delimiter = ',',
            default_value = "issue,read-own"
        )]
        scope: Vec<Scope>,
        /// Days until it expires [default: never]
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
        days: Option<u16>,
    },
    /// Lists the keys: name, what it permits, when it was added, when it expires, when it was last used
    List,
    /// Removes a key
    Remove {
        /// Name of the operator
        name: String,
    },
}

#[derive(Subcommand)]
enum HookCommand {
    /// Adds a webhook, and prints this once the secret that signs what it is told
    Add {
        /// Name of the webhook
        #[arg(value_parser = operator_name)]
        name: String,
        /// Address, https://…
        url: String,
    },
    /// Lists the webhooks: name, address, how much they were told, what waits, what was given up, the last error
    List,
    /// Removes a webhook, and what it has to be told
    Remove {
        /// Name of the webhook
        name: String,
    },
    /// Tells a webhook the event `test`, at once
    Test {
        /// Name of the webhook
        name: String,
    },
}

#[derive(Subcommand)]
enum SigningKeyCommand {
    /// Signs with the configured key from now on, and no longer with the one before
    Rotate,
    /// Lists the public keys that licenses were ever signed with, the newest first
    List,
    /// Forgets a public key: licenses signed with it cannot be refreshed
    Forget {
        /// Public key, 64 lower-case hexadecimal digits
        anchor: String,
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
        // Reporting to a closed standard error that it is closed would end the service.
        .log_internal_errors(false)
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let options = cli.options.with_file()?;
        if !matches!(cli.command, Command::Anchor | Command::Man { .. }) {
            options.require_owner()?;
        }
        match cli.command {
            Command::Serve => serve::run(&options).await,
            Command::Init => options.create().await,
            Command::CheckConfig => check::config(&options).await,
            Command::TestMail { to } => check::mail(&options, &to).await,
            Command::Anchor => Ok(say(options.anchor()?)?),
            Command::Man { folder } => {
                std::fs::create_dir_all(&folder)?;
                Ok(clap_mangen::generate_to(Cli::command(), folder)?)
            }
            command => commands::run(&options, command).await,
        }
    })
}

/// Writes lines to standard output.
fn say(lines: impl Display) -> io::Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{lines}")?;
    output.flush()
}

/// Writes a note to standard error, if anyone reads it.
fn note(text: impl Display) {
    let _unread = writeln!(io::stderr(), "license-portal: {text}");
}

/// Writes why a command failed to standard error, if anyone reads it. The error may quote a file or a server.
pub fn complain(error: &anyhow::Error) {
    let text = shown(&format!("{error:#}"));
    // Nobody is left to tell.
    let _unread = writeln!(io::stderr(), "license-portal: {text}");
}

fn operator_name(text: &str) -> Result<String, &'static str> {
    let is_name = !text.is_empty() && text.len() <= 64 && !text.chars().any(acts);
    let is_name = is_name && text.trim() == text;
    is_name
        .then(|| text.to_owned())
        .ok_or("a name has 1 to 64 bytes, and nothing invisible")
}

fn order_key(text: &str) -> Result<String, &'static str> {
    is_order_key(text)
        .then(|| text.to_owned())
        .ok_or("a key has 1 to 128 letters, digits and signs of ASCII")
}

fn mail_state(text: &str) -> Result<MailState, &'static str> {
    MailState::parse(text).ok_or("waiting, delivered or failed")
}

fn state(text: &str) -> Result<LicenseState, &'static str> {
    LicenseState::parse(text).ok_or("issued, verifying, active or revoked")
}
