//! Teams that live on: who is in one, its next epoch and policy, letters, and files of older epochs.

use super::PolicyChoices;
use clap::Subcommand;
use keywriter::Serial;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum TeamCommand {
    /// Show the members of each team, as their receipts prove them
    List {
        /// Mark custodians and retired modules, as this module tells; it must be unlocked
        #[arg(long, value_name = "SERIAL")]
        module: Option<Serial>,
        /// The folder of receipts [default: keywriter/receipts in the user's state folder]
        #[arg(long, value_name = "DIR")]
        receipts: Option<PathBuf>,
    },
    /// Write who is in the teams that this computer knows to one file: receipts and letterboxes
    Export {
        /// The file to write
        file: PathBuf,
        /// The folder of receipts [default: keywriter/receipts in the user's state folder]
        #[arg(long, value_name = "DIR")]
        receipts: Option<PathBuf>,
        /// Replace an existing file
        #[arg(long)]
        force: bool,
    },
    /// Learn from such a file who is in a team; what does not verify is left out
    Import {
        /// The file
        file: PathBuf,
        /// The folder for receipts [default: keywriter/receipts in the user's state folder]
        #[arg(long, value_name = "DIR")]
        receipts: Option<PathBuf>,
    },
    /// Give a module a name, which stays on this computer; without a name, take it away
    Name {
        /// The module
        serial: Serial,
        /// The name, at most 40 characters
        name: Option<String>,
    },
    /// Make the team's next epoch; a person must allow it on the module's keypad
    Rekey(RekeyChoices),
    /// Show what a module tells of its team: policy, custodians, retired modules, tickets it used
    Show {
        /// The module, unlocked
        serial: Serial,
        /// The folder of receipts, by which custodians are named [default: keywriter/receipts in the user's state folder]
        #[arg(long, value_name = "DIR")]
        receipts: Option<PathBuf>,
    },
    /// Say how many custodians must agree; a person must allow it on the module's keypad
    Policy {
        #[command(flatten)]
        policy: PolicyChoices,
        /// The ticket that the present custodians approved; may be repeated
        #[arg(long, value_name = "FILE")]
        ticket: Vec<PathBuf>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum LetterCommand {
    /// Write a module's letterbox to a file, to be mailed to whoever has the master
    Request {
        /// The module; it may be locked
        serial: Serial,
        /// The file to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Replace an existing file
        #[arg(long)]
        force: bool,
    },
    /// Write letters for the modules whose requests came, to be mailed back
    Write(WriteChoices),
    /// Give the modules that are plugged in their letters, and write the reply, to be mailed back
    Take {
        /// The letters
        file: PathBuf,
        /// The file to write the reply to
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Only to this module; may be repeated
        #[arg(long, value_name = "SERIAL")]
        to: Vec<Serial>,
        /// Replace an existing file
        #[arg(long)]
        force: bool,
    },
    /// Have a master countersign the replies that came, and keep the receipts
    Close {
        /// The master, unlocked by its Administrator
        serial: Serial,
        /// The replies
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The folder for receipts [default: keywriter/receipts in the user's state folder]
        #[arg(long, value_name = "DIR")]
        receipts: Option<PathBuf>,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct WriteChoices {
    /// The master, unlocked by its Administrator
    pub(crate) serial: Serial,
    /// The requests
    #[arg(required_unless_present = "members")]
    pub(crate) files: Vec<PathBuf>,
    /// Write to all members of the team that lack its epoch and whose letterbox this computer knows
    #[arg(long, conflicts_with_all = ["files", "join"])]
    pub(crate) members: bool,
    /// The file to write the letters to
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// The ticket that the policy asks for; goes with the letters if it is for a re-key or a policy; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) ticket: Vec<PathBuf>,
    /// Make clones, also of modules that are members already: PINs and settings are those of the master then
    #[arg(long)]
    pub(crate) join: bool,
    /// The folder of receipts, by which members are known [default: keywriter/receipts in the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) receipts: Option<PathBuf>,
    /// Replace an existing file
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RekeyChoices {
    /// The module that made the team, unlocked by its Administrator
    pub(crate) serial: Serial,
    /// Retire this module for good: the team gives it nothing any more; may be repeated
    #[arg(long, value_name = "SERIAL")]
    pub(crate) without: Vec<Serial>,
    /// Drop the oldest of sixteen epochs if there is room for no other: its files can then be read by nobody
    #[arg(long)]
    pub(crate) drop_oldest: bool,
    /// The ticket that the policy asks for; may be repeated
    #[arg(long, value_name = "FILE")]
    pub(crate) ticket: Vec<PathBuf>,
    /// Write letters with the new epoch to this file, for all members whose letterbox this computer knows
    #[arg(long, value_name = "FILE")]
    pub(crate) letters: Option<PathBuf>,
    /// The folder of receipts, by which members are known [default: keywriter/receipts in the user's state folder]
    #[arg(long, value_name = "DIR", requires = "letters")]
    pub(crate) receipts: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RewrapChoices {
    /// Files that end in .kw, and folders with everything below them
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Only say which files would be changed
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Use this module [default: an unlocked one that can do it]
    #[arg(long, value_name = "SERIAL")]
    pub(crate) module: Option<Serial>,
}
