//! What devices are ordered to do for a team, and what became of it.

use super::{Problem, TicketWish};
use keywriter::{
    Serial,
    team::{Policy, Rekey},
    teamwork::{Mail, policy::Custodians},
};
use std::path::PathBuf;

/// What is done for a team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TeamOrder {
    /// Write a device's letterbox into a file.
    Request {
        /// The device.
        serial: Serial,
        /// The file.
        output: PathBuf,
    },
    /// Write letters for requests.
    Write {
        /// The device that writes them.
        master: Serial,
        /// The files with letterboxes.
        requests: Vec<PathBuf>,
        /// The files of the ticket that allows it.
        tickets: Vec<PathBuf>,
        /// The file of the letters.
        output: PathBuf,
    },
    /// Give the letters of a file to the devices that are plugged in. The reply is saved beside it.
    Take(PathBuf),
    /// Have the receipts of replies countersigned.
    Close {
        /// The device that wrote the letters.
        master: Serial,
        /// The files with receipts.
        replies: Vec<PathBuf>,
    },
    /// Make the next epoch, and write letters with it.
    Rekey {
        /// The device that makes it.
        master: Serial,
        /// The members that do not get it, and whether the oldest epoch may be dropped.
        rekey: Rekey,
        /// The files of the ticket that allows it.
        tickets: Vec<PathBuf>,
        /// The file of the letters.
        output: PathBuf,
    },
    /// Make a ticket for a master.
    MakeTicket {
        /// The device that it is for.
        master: Serial,
        /// What it is to allow.
        wish: TicketWish,
        /// The file of the ticket.
        output: PathBuf,
    },
    /// Approve a ticket.
    Approve {
        /// The custodian's device.
        serial: Serial,
        /// The ticket; the approval is added to it.
        file: PathBuf,
    },
    /// End a ticket.
    Withdraw {
        /// The device that it is for.
        serial: Serial,
        /// The files of the ticket.
        files: Vec<PathBuf>,
    },
    /// Let custodians decide.
    SetPolicy {
        /// The device that tells the team.
        master: Serial,
        /// Who they are.
        custodians: Custodians,
    },
    /// Give the team the policy that a ticket allows.
    UsePolicy {
        /// The device that it is for.
        master: Serial,
        /// The policy.
        policy: Policy,
        /// The files of the ticket.
        files: Vec<PathBuf>,
    },
}

/// What became of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeamOutcome {
    /// Each device, with what became of it.
    pub lines: Vec<(Option<Serial>, Result<TeamDone, Problem>)>,
    /// The file to be mailed.
    pub mail: Option<(Mail, PathBuf)>,
}

/// What was done with a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeamDone {
    /// Its letterbox was written into a file.
    Requested,
    /// A letter was written that makes it a clone.
    JoinWritten,
    /// A letter was written with the team's epoch.
    EpochWritten,
    /// It became a clone by a letter, and is locked.
    Joined,
    /// It has this epoch by a letter.
    HasEpoch(u32),
    /// Its receipt is proved.
    Closed,
    /// Its team has this epoch now.
    Rekeyed(u32),
    /// It gets no letter: its letterbox is not known on this computer.
    NoLetterbox,
    /// It is left out of the team from now on.
    LeftOut,
    /// A ticket was made for it.
    TicketMade,
    /// It approved a ticket.
    Approved,
    /// It takes a ticket no more.
    Withdrawn,
    /// Its team has another policy.
    PolicySet,
}
