//! Tickets, and the policy that asks for them.

use super::PortalChoice;
use clap::{ArgGroup, Subcommand};
use keywriter::Serial;
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum TicketCommand {
    /// Write a ticket for custodians to approve
    #[command(subcommand)]
    New(NewTicket),
    /// Show what a ticket allows, who approved it and, on a second screen, the code to type
    Show {
        /// The ticket
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Draw a QR code of the portal's page that shows the ticket on a phone
        #[arg(long)]
        qr: bool,
        #[command(flatten)]
        portal: PortalChoice,
    },
    /// Approve a ticket with a custodian's module; a person must type the ticket's code on its keypad
    Approve {
        /// The custodian's module, unlocked by its Administrator
        serial: Serial,
        /// The ticket; the approval is added to it
        file: PathBuf,
    },
    /// End a ticket before it is used up; a person must allow it on the master's keypad
    Withdraw {
        /// The master that the ticket is for, unlocked by its Administrator
        serial: Serial,
        /// The ticket
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum NewTicket {
    /// To clone to modules that are plugged in
    Clone(CopyChoices),
    /// To write letters that make clones
    Letter(CopyChoices),
    /// To re-key the team
    Rekey {
        /// The module that made the team, unlocked by its Administrator
        serial: Serial,
        /// Retire this module; may be repeated
        #[arg(long, value_name = "SERIAL")]
        without: Vec<Serial>,
        /// Drop the oldest of sixteen epochs
        #[arg(long)]
        drop_oldest: bool,
        /// The file to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
    /// To change the team's policy
    Policy {
        #[command(flatten)]
        policy: PolicyChoices,
        /// The file to write
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
    },
}

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("whom").required(true))]
pub(crate) struct CopyChoices {
    /// The master, unlocked by its Administrator
    pub(crate) serial: Serial,
    /// So many modules, whichever they are: 1 to 250
    #[arg(long, group = "whom", value_name = "N")]
    pub(crate) count: Option<u16>,
    /// This module, once; may be repeated
    #[arg(long, group = "whom", value_name = "SERIAL")]
    pub(crate) to: Vec<Serial>,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct PolicyChoices {
    /// The module that made the team, unlocked by its Administrator
    pub(crate) serial: Serial,
    /// How many custodians must agree; 0 asks nobody
    #[arg(long, value_name = "N")]
    pub(crate) quorum: u8,
    /// A custodian: plugged in, or known by its receipt; may be repeated
    #[arg(long, value_name = "SERIAL")]
    pub(crate) custodian: Vec<Serial>,
    /// The folder of receipts, by which custodians are known [default: keywriter/receipts in the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) receipts: Option<PathBuf>,
}
