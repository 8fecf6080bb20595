//! The command line's definition.

mod team;
mod ticket;

pub(crate) use team::{LetterCommand, RekeyChoices, RewrapChoices, TeamCommand, WriteChoices};
pub(crate) use ticket::{CopyChoices, NewTicket, PolicyChoices, TicketCommand};

use crate::{
    commands::{recipient::RecipientChoices, share::ShareChoices},
    failure::Failure,
};
use clap::{Parser, Subcommand, ValueEnum};
use keywriter::{
    Serial,
    discovery::{Discovery, Kinds},
    folders::Folders,
    genuine::TrustedRoot,
    license::{DEFAULT_PORTAL, LicenseFile, LicenseNumber, is_development_build},
    report::Language,
    trust::{self, RootSource},
};
use std::path::PathBuf;
use tracing_subscriber::EnvFilter;

/// Clones a master security module to other modules and keeps the receipts.
#[derive(Debug, Parser)]
#[command(name = "keywriter", version = VERSION, propagate_version = true)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Args {
    /// The folder of a virtual hub [default: `KEYWRITER_HUB`, else keywriter/hub in the user's state folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// The root certificate of your modules, PEM [default: the one that was pinned, else the hub's]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) root: Option<PathBuf>,
    /// Where to look for modules
    #[arg(long, global = true, value_enum, default_value_t)]
    pub(crate) transport: TransportKind,
    /// Print one JSON object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Log more on standard error; repeat it for still more
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
    /// What to log on standard error, as in `RUST_LOG`: a level, or TARGET=LEVEL,...
    #[arg(long, global = true, value_name = "FILTER")]
    pub(crate) log: Option<String>,
    /// Read the app's PIN from this file descriptor instead of the terminal, one line per question
    #[arg(
        long,
        global = true,
        value_name = "N",
        env = "KEYWRITER_PIN_FD",
        hide_env_values = true
    )]
    pub(crate) pin_fd: Option<u32>,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where modules are looked for.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum TransportKind {
    /// A hub's sockets, PC/SC readers and USB
    #[default]
    All,
    /// A hub's sockets
    Socket,
    /// PC/SC readers
    Pcsc,
    /// USB, without the smart-card service (Linux)
    Usb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// List the modules that are plugged in
    List,
    /// Choose the master
    #[command(subcommand)]
    Master(MasterCommand),
    /// Clone the master to the modules that are plugged in
    Clone(CloneChoices),
    /// Show which modules a master cloned to; it must be unlocked by its Administrator
    Journal {
        /// The master
        serial: Serial,
        /// Empty the table of modules; a person must allow it on the module's keypad
        #[arg(long)]
        clear_table: bool,
    },
    /// Show who is in a team, give it its next epoch, or a policy
    #[command(subcommand)]
    Team(TeamCommand),
    /// Let custodians decide who gets the team's keys
    #[command(subcommand)]
    Ticket(TicketCommand),
    /// Clone to modules that are elsewhere, by files that are mailed
    #[command(subcommand)]
    Letter(LetterCommand),
    /// Show, pin or forget the root of trust that certifies your modules
    #[command(subcommand)]
    Root(RootCommand),
    /// Verify receipts and reports
    #[command(subcommand)]
    Receipt(ReceiptCommand),
    /// Carry the Auto-Lock and User PIN Policy choices to another computer
    #[command(subcommand)]
    Settings(SettingsCommand),
    /// Encrypt files for every clone of a module
    Encrypt(ShareChoices),
    /// Decrypt files with any module of the group that they were encrypted for
    Decrypt(ShareChoices),
    /// Bring encrypted files of older epochs into the current one, in place
    Rewrap(RewrapChoices),
    /// Show the header of an encrypted file; needs no module
    Inspect {
        /// The file; - is standard input
        file: PathBuf,
    },
    /// Print the team's recipient for age, or write its identity file
    Recipient(RecipientChoices),
    /// Cipher a file's raw data units, without padding and without authentication
    #[command(subcommand)]
    DataUnits(DataUnitsCommand),
    /// Register this app with the license number and the PIN that you received
    Register(RegisterChoices),
    /// Change the app's PIN
    #[command(subcommand)]
    Pin(PinCommand),
    /// Show or renew the license of this app
    #[command(subcommand)]
    License(LicenseCommand),
    /// Print command-line completions for a shell
    #[command(hide = true)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages, one file per command
    #[command(hide = true)]
    Man {
        /// The folder; created if it does not exist
        folder: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct RegisterChoices {
    /// Your license number
    #[arg(long, value_name = "XXXX-XXXX-XXXX-XXXX")]
    pub(crate) license: LicenseNumber,
    /// Register without a network: show a request code, then read the response code of the portal's page
    #[arg(long)]
    pub(crate) offline: bool,
    /// The file that holds the response code [default: standard input]
    #[arg(long, value_name = "FILE", requires = "offline")]
    pub(crate) response: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) portal: PortalChoice,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PortalChoice {
    /// The license portal
    #[arg(
        long,
        value_name = "URL",
        env = "KEYWRITER_PORTAL",
        hide_env_values = true,
        default_value = DEFAULT_PORTAL
    )]
    pub(crate) portal: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PinCommand {
    /// Ask for the current PIN and twice for the new one, which takes effect at the next launch
    Change,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LicenseCommand {
    /// Show the license and whether it is valid
    Show,
    /// Ask the portal for a new license token, before or after the license expired
    Refresh(PortalChoice),
}

#[derive(Debug, Subcommand)]
pub(crate) enum MasterCommand {
    /// Make a module the master, with these choices
    Set {
        /// The module
        serial: Serial,
        /// Copy the unattended auto-lock too
        #[arg(long)]
        auto_lock: bool,
        /// Copy the User PIN policy too
        #[arg(long)]
        user_pin_policy: bool,
        /// Disable cloning on the master once all secondaries of a cycle are done
        #[arg(long)]
        disable_master: bool,
    },
    /// Show the master, and whether it is active
    Show,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CloneChoices {
    /// The ticket that the team's policy asks for; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) ticket: Vec<PathBuf>,
    /// Clone only to this module; may be repeated
    #[arg(long, value_name = "SERIAL")]
    pub(crate) to: Vec<Serial>,
    /// How many modules are cloned at the same time; 1 is one after the other [default: all, at most 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub(crate) jobs: Option<u8>,
    /// The folder for receipts [default: keywriter/receipts in the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) receipts: Option<PathBuf>,
    /// Write a report of the cycle, with its receipts, to this file; `receipt verify` checks it
    #[arg(long, value_name = "FILE.json")]
    pub(crate) report: Option<PathBuf>,
    /// Write the report as an HTML page to read and print
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report_page: Option<PathBuf>,
    /// The language of the page
    #[arg(
        long,
        value_name = "LANGUAGE",
        value_enum,
        default_value_t,
        requires = "report_page"
    )]
    pub(crate) report_language: PageLanguage,
}

/// The language of a report's page.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum PageLanguage {
    /// English
    #[default]
    En,
    /// German
    De,
    /// French
    Fr,
}

impl From<PageLanguage> for Language {
    fn from(language: PageLanguage) -> Self {
        match language {
            PageLanguage::En => Self::English,
            PageLanguage::De => Self::German,
            PageLanguage::Fr => Self::French,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum SettingsCommand {
    /// Write the choices to a file
    Export {
        /// The file
        file: PathBuf,
    },
    /// Read the choices from a file
    Import {
        /// The file
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum RootCommand {
    /// Show which root this computer trusts, and where it is from
    Show,
    /// Trust a root from now on
    Pin {
        /// The root certificate, PEM
        file: PathBuf,
    },
    /// Trust the pinned root no longer
    Forget,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReceiptCommand {
    /// Verify a receipt, or every receipt of a report, offline, with nothing but the root certificate
    Verify {
        /// The receipt or the report
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataUnitsCommand {
    /// Encipher a file
    Encipher(DataUnitsChoices),
    /// Decipher a file
    Decipher(DataUnitsChoices),
}

#[derive(Debug, clap::Args)]
pub(crate) struct DataUnitsChoices {
    /// The module; unlocked
    pub(crate) serial: Serial,
    /// The file to read, in whole blocks of 16 bytes
    pub(crate) input: PathBuf,
    /// The file to write
    pub(crate) output: PathBuf,
    /// The size of a data unit, in bytes: a multiple of 16
    #[arg(long, default_value_t = 4096, value_name = "BYTES")]
    pub(crate) unit_size: u16,
    /// The number of the first data unit
    #[arg(long, default_value_t = 0, value_name = "NUMBER")]
    pub(crate) first: u64,
}

impl Args {
    /// Starts the log on standard error: as `--log` says, else as many `-v` as there are, else `RUST_LOG`.
    pub(crate) fn start_logging(&self) -> Result<(), Failure> {
        let default = match self.verbose {
            0 => "error",
            1 => "info",
            2 => "debug",
            _ => "trace",
        };
        let filter = match &self.log {
            Some(filter) => EnvFilter::try_new(filter)
                .map_err(|error| Failure::Usage(format!("--log: {error}"), None))?,
            None if self.verbose == 0 => {
                EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(default))
            }
            None => EnvFilter::new(default),
        };
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            // It would panic if standard error is full.
            .log_internal_errors(false)
            .with_ansi(false)
            .init();
        Ok(())
    }

    /// Finds this user's folders.
    pub(crate) fn folders(&self) -> Result<Folders, Failure> {
        Ok(Folders::find(self.state.clone())?)
    }

    /// Returns where this user's license and PIN are.
    pub(crate) fn license_store(&self) -> Result<LicenseFile, Failure> {
        Ok(LicenseFile::new(self.folders()?.license()))
    }

    /// Returns where modules are looked for.
    pub(crate) fn discovery(&self) -> Result<Discovery, Failure> {
        let kinds = match self.transport {
            TransportKind::All => Kinds::All,
            TransportKind::Socket => Kinds::Sockets,
            TransportKind::Pcsc => Kinds::Readers,
            TransportKind::Usb => Kinds::Usb,
        };
        Ok(Discovery::new(self.folders()?.run(), kinds))
    }

    /// Finds the root certificate: the named one, else the pinned one, else the hub's, else none.
    pub(crate) fn trusted_root(&self) -> Result<Option<(TrustedRoot, RootSource)>, Failure> {
        Ok(trust::find(self.root.as_deref(), &self.folders()?)?)
    }
}

const VERSION: &str = if is_development_build() {
    concat!(env!("CARGO_PKG_VERSION"), " (development build)")
} else {
    env!("CARGO_PKG_VERSION")
};

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn jobs_are_1_to_64() {
        let parse = |jobs| Args::try_parse_from(["keywriter", "clone", "--jobs", jobs]).is_ok();
        assert!(parse("1") && parse("64"));
        assert!(!parse("0") && !parse("65"));
    }

    #[test]
    fn a_language_is_for_a_page() {
        let parse = |arguments: &[&str]| {
            let arguments = ["keywriter", "clone"].iter().chain(arguments);
            Args::try_parse_from(arguments).is_ok()
        };
        assert!(parse(&["--report", "a.json"]) && parse(&["--report-page", "a.html"]));
        let language = ["--report-language", "fr", "--report-page", "a.html"];
        assert!(parse(&language));
        assert!(!parse(&language[..2]));
    }

    #[test]
    fn a_serial_number_in_small_letters_is_a_usage_error() {
        assert!(Args::try_parse_from(["keywriter", "journal", "vm0001"]).is_err());
        assert!(Args::try_parse_from(["keywriter", "journal", "VM0001"]).is_ok());
    }
}
