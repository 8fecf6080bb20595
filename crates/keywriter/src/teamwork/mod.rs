//! What people do for a team: letters, the next epoch, the policy, tickets. Every front end does it through this. What files
//! hold is checked before a module is asked; of each module, [`Told`] says what was done with it as soon as it is done.
//!
//! | module | what it holds |
//! |---|---|
//! | [`letters`] | requests, letters and replies that are written and closed |
//! | [`taking`] | letters that are taken |
//! | [`rekeying`] | the next epoch, and how members get it |
//! | [`tickets`] | tickets that are made, approved, shown and withdrawn |
//! | [`policy`] | who the custodians are |

pub mod letters;
pub mod policy;
pub mod rekeying;
pub mod taking;
pub mod tickets;

use crate::{
    Options, Serial,
    asking::{self, Asked},
    file,
    folders::Folders,
    genuine::TrustedRoot,
    letter::{
        GenuineLetterbox,
        desk::Desk,
        members::{self, Letterboxes, Members},
        post::Post,
    },
    module::ModuleError,
    problem::{Problem, Reason},
    settings::MasterState,
    survey::{Present, Survey},
    text::shown_path,
};
use std::{
    path::{Path, PathBuf},
    thread,
};
use taking::Taken;

/// What an act needs beside files and modules.
pub struct Teamwork<'a> {
    /// The root that this computer trusts.
    pub root: &'a TrustedRoot,
    /// The folder of receipts, by which members are known.
    pub receipts: PathBuf,
    /// The letterboxes that this computer has seen.
    pub letterboxes: Letterboxes,
    /// The file with the choices of the master that is set.
    pub master: PathBuf,
    /// Hears what is done.
    pub tell: &'a dyn Fn(Told),
}

/// What is told while it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A module waits for a person at its keypad.
    Asks(Serial, Asked),
    /// Something was done with a module, or for it.
    Done(Serial, Done),
    /// Something was not done. The module is named if it is known.
    Failed(Option<Serial>, Problem),
    /// A file was saved that is to be mailed, with so many messages.
    Saved(Mail, PathBuf, usize),
    /// These members get no letter: this computer knows no letterbox of them.
    NoLetterbox(Vec<Serial>),
    /// No member is known that lacks the epoch and whose letterbox is here.
    NothingToWrite,
    /// That master never cloned to these modules, which are to be retired: their serial numbers may be mistyped.
    NeverCloned(Serial, Vec<Serial>),
    /// A module was shown a ticket: how many approvals came with it, how many of them count, and how many are wanted.
    Approvals {
        /// The module.
        serial: Serial,
        /// How many came with the ticket.
        given: usize,
        /// How many of them count.
        counted: u8,
        /// How many the module wants.
        quorum: u8,
    },
    /// A file was not the receipt that it should be, and was renamed to this.
    ReceiptSetAside(PathBuf),
    /// A letterbox is not kept, for this reason: its module has to be asked again.
    LetterboxNotKept(String),
}

/// What was done with a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// A letter was written that makes it a clone.
    JoinWritten,
    /// A letter was written with the team's epoch.
    EpochWritten,
    /// It was retired, and no letter was written.
    LeftOut,
    /// It took a letter.
    Taken(Taken),
    /// Its receipt is proved, and kept in this file.
    Closed(PathBuf),
}

/// What a file holds that is to be mailed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mail {
    /// A letterbox, for whoever has the master.
    Request,
    /// Letters, for the members.
    Letters,
    /// Receipts, for whoever has the master.
    Reply,
    /// A ticket, for custodians, or for whoever has the master.
    Ticket,
}

/// How many were meant, and how many of them failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How many failed.
    pub failed: usize,
    /// Of so many.
    pub all: usize,
}

/// A file to be written.
#[derive(Clone, Copy, Debug)]
pub struct Output<'a> {
    /// Its path.
    pub path: &'a Path,
    /// Whether an existing file is replaced.
    pub replace: bool,
}

impl Output<'_> {
    /// Refuses to replace a file before anything is done: what a module did cannot be undone.
    pub fn check(self) -> Result<(), Problem> {
        if !self.replace && file::would_replace(self.path) {
            Err(Problem::new(Reason::FileExists).about(shown_path(self.path)))
        } else {
            Ok(())
        }
    }

    fn save(self, post: &Post) -> Result<(), Problem> {
        post.save(self.path, self.replace)
            .map_err(|error| Problem::from(&error))
    }
}

impl<'a> Teamwork<'a> {
    /// Takes this user's folders.
    pub fn new(folders: &Folders, root: &'a TrustedRoot, tell: &'a dyn Fn(Told)) -> Self {
        Self {
            root,
            receipts: folders.receipts(),
            letterboxes: Letterboxes::new(folders.letterboxes()),
            master: folders.master(),
            tell,
        }
    }

    /// Runs a command that the module asks a person about, and repeats it until that person allowed it.
    fn allowed<T>(
        &self,
        serial: Serial,
        what: Asked,
        command: impl FnMut() -> Result<T, ModuleError>,
    ) -> Result<T, Problem> {
        let tell = || (self.tell)(Told::Asks(serial, what));
        asking::allowed(what, thread::sleep, tell, command)
            .map_err(|error| asking::problem(what, &error).about(serial))
    }

    /// Returns the members of a master's group; nobody while it is locked and does not say which group that is.
    fn members_of(&self, master: &Present) -> Members {
        let group = master.facts.status.map(|status| status.group);
        group.map_or_else(Members::new, |group| {
            members::of_group(&self.receipts, &group, self.root)
        })
    }

    /// Returns a master's desk. The module is genuine and unlocked; whether it may clone, it says itself.
    fn desk<'m>(&'m self, master: &'m mut Present) -> Result<Desk<'m>, Problem> {
        let (serial, status) = (master.facts.serial, master.facts.status);
        let status = status.ok_or_else(|| Problem::new(Reason::Locked).about(serial))?;
        let party = master.facts.party();
        let party = party.ok_or_else(|| Problem::new(Reason::NotGenuine).about(serial))?;
        Ok(Desk::new(
            &mut master.module,
            party,
            status.group,
            self.root,
        ))
    }

    /// Returns the choices of the master that is set, if it is this one. A letter disables no master.
    fn options(&self, serial: Serial) -> Options {
        Options {
            disable_master: false,
            ..self.choices(serial)
        }
    }

    fn choices(&self, serial: Serial) -> Options {
        let set = MasterState::load(&self.master).ok();
        let set = set.filter(|state| state.master == serial);
        set.map_or_else(Options::default, |state| state.options)
    }

    /// Keeps letterboxes for the next letters. Without one, its module only has to be asked again.
    pub fn keep(&self, letterboxes: Vec<Vec<u8>>) {
        for bytes in letterboxes {
            match GenuineLetterbox::check(bytes, self.root) {
                Ok(letterbox) => self.keep_one(&letterbox),
                Err(error) => tracing::warn!(%error, "a letterbox is not kept"),
            }
        }
    }

    fn keep_one(&self, letterbox: &GenuineLetterbox) {
        if let Err(error) = self.letterboxes.keep(letterbox, self.root) {
            (self.tell)(Told::LetterboxNotKept(error.to_string()));
        }
    }
}

/// Takes one module, which is genuine, out of what was found.
pub fn take(found: &mut Survey, serial: Serial) -> Result<Present, Problem> {
    if found.is_duplicate(serial) {
        return Err(Problem::new(Reason::DuplicateSerial).about(serial));
    }
    let present = found.take(serial);
    let present = present.ok_or_else(|| found.missing(Some(serial)))?;
    check_genuine(&present)?;
    Ok(present)
}

fn check_genuine(present: &Present) -> Result<(), Problem> {
    let facts = &present.facts;
    facts.certificate.authenticity.check().map_err(|why| {
        Problem::new(why.into())
            .about(facts.serial)
            .with_roots(facts.other_root.as_ref())
    })
}

/// Makes a problem of a named module.
fn of_module(serial: Serial) -> impl Fn(ModuleError) -> Problem {
    move |error| Problem::from(&error).about(serial)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_only_if_that_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("letters.pem");
        let output = |replace| Output {
            path: &path,
            replace,
        };
        assert_eq!(output(false).check(), Ok(()));
        std::fs::write(&path, "").unwrap();
        let refused = output(false).check().unwrap_err();
        assert_eq!(refused.reason, Reason::FileExists);
        assert_eq!(output(true).check(), Ok(()));
    }
}
