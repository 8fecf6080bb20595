//! Requests, letters and replies that are written and closed.

use super::{Done, Mail, Output, Tally, Teamwork, Told, of_module};
use crate::{
    Serial,
    genuine::TrustedRoot,
    letter::{GenuineLetterbox, LetterFor, desk::Desk, members::Member, post::Post},
    license::{GateRefusal, HardwarePermit},
    module::ModuleError,
    problem::{Problem, Reason},
    survey::Present,
    text::shown_path,
    ticket::{Allows, ApprovedTicket},
};
use hsm_protocol::Status;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// A letterbox, and what the letter for it is to do.
pub type Wanted = (GenuineLetterbox, LetterFor);

/// The letterboxes of requests: the newest of each module.
#[derive(Clone, Debug, Default)]
pub struct Requests(BTreeMap<Serial, GenuineLetterbox>);

impl Requests {
    /// Reads files, and checks what is in them.
    pub fn load(files: &[PathBuf], root: &TrustedRoot) -> Result<Self, Problem> {
        let mut newest: BTreeMap<Serial, GenuineLetterbox> = BTreeMap::new();
        for (file, post) in load_all(files, |post| !post.letterboxes.is_empty())? {
            for bytes in post.letterboxes {
                let letterbox = GenuineLetterbox::check(bytes, root)
                    .map_err(|why| Problem::from(why).about(shown_path(file)))?;
                let serial = letterbox.party().serial;
                let known = newest.get(&serial);
                if known.is_none_or(|known| known.number() <= letterbox.number()) {
                    newest.insert(serial, letterbox);
                }
            }
        }
        Ok(Self(newest))
    }
}

/// Receipts that came back, and the next letterboxes with them; by the files that they came in.
#[derive(Clone, Debug)]
pub struct Replies<'a>(Vec<(&'a Path, Post)>);

impl<'a> Replies<'a> {
    /// Reads files. What is in them is checked when it is closed.
    pub fn load(files: &'a [PathBuf]) -> Result<Self, Problem> {
        load_all(files, |post| !post.receipts.is_empty()).map(Self)
    }
}

/// Reads every file before anything is done, so that one that cannot be read is told first.
fn load_all(
    files: &[PathBuf],
    is_meant: impl Fn(&Post) -> bool,
) -> Result<Vec<(&Path, Post)>, Problem> {
    let mut posts = Vec::new();
    for file in files {
        let post = Post::load(file).map_err(|error| Problem::from(&error))?;
        posts.push((file.as_path(), post));
    }
    match posts.iter().find(|(_, post)| !is_meant(post)) {
        Some((file, _)) => Err(Problem::new(Reason::NoLetter).about(shown_path(file))),
        None => Ok(posts),
    }
}

/// What is done about members that their master retired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retired {
    /// It is a failure: the letter was asked for.
    Fails,
    /// They are left out: the receipts do not know of that, and their master does.
    LeftOut,
}

impl Teamwork<'_> {
    /// Writes a module's letterbox into a file. The module may be locked.
    pub fn request(&self, present: &mut Present, output: Output<'_>) -> Result<(), Problem> {
        let serial = present.facts.serial;
        let letterbox = present.module.letterbox().map_err(of_module(serial))?;
        let post = Post {
            letterboxes: vec![letterbox],
            ..Post::default()
        };
        output.save(&post)?;
        (self.tell)(Told::Saved(Mail::Request, output.path.to_owned(), 1));
        Ok(())
    }

    /// Returns what is to be written for requests: a member in use gets the epochs, unless it is to `join` all the same;
    /// anybody else becomes a clone.
    pub fn to_requests(&self, master: &Present, requests: Requests, join: bool) -> Vec<Wanted> {
        let members = self.members_of(master);
        let wanted = requests.0.into_values().map(|letterbox| {
            let what = if join {
                LetterFor::Join
            } else {
                Desk::purpose(&letterbox, &members)
            };
            (letterbox, what)
        });
        wanted.collect()
    }

    /// Returns what is to be written for members that lack their master's epoch, and tells of whom no letterbox is known.
    pub fn to_members(&self, master: &Present) -> Vec<Wanted> {
        let epoch = master.facts.status.map(|status| status.epoch);
        self.to_some(master, |_, member| Some(member.epoch()) != epoch)
    }

    pub(super) fn to_some(
        &self,
        master: &Present,
        is_meant: impl Fn(Serial, &Member) -> bool,
    ) -> Vec<Wanted> {
        let (mut wanted, mut unknown) = (Vec::new(), Vec::new());
        for (serial, member) in self.members_of(master) {
            if !is_meant(serial, &member) {
                continue;
            }
            let shared = member.epoch();
            match self.letterboxes.of(serial, self.root) {
                Some(letterbox) => wanted.push((letterbox, LetterFor::Member { shared })),
                None => unknown.push(serial),
            }
        }
        if !unknown.is_empty() {
            (self.tell)(Told::NoLetterbox(unknown));
        }
        wanted
    }

    /// Refuses letters that make hardware modules clones without a license, and keeps the letterboxes.
    pub fn check_wanted(
        &self,
        wanted: &[Wanted],
        hardware: &Result<HardwarePermit, GateRefusal>,
    ) -> Result<(), Problem> {
        let is_new_hardware =
            |(letterbox, what): &Wanted| *what == LetterFor::Join && !letterbox.is_virtual();
        if wanted.iter().any(is_new_hardware)
            && let Err(refusal) = hardware
        {
            return Err(refusal.into());
        }
        for (letterbox, _) in wanted {
            self.keep_one(letterbox);
        }
        Ok(())
    }

    /// Writes letters into a file. Shows the master the tickets that allow joining letters; the others go with the letters,
    /// for members of a team with a quorum. One letter that the master refuses takes none of the others away.
    pub fn write(
        &self,
        master: &mut Present,
        (wanted, tickets): (&[Wanted], &[ApprovedTicket]),
        retired: Retired,
        output: Output<'_>,
    ) -> Result<Tally, Problem> {
        if wanted.is_empty() {
            (self.tell)(Told::NothingToWrite);
            return Ok(Tally::default());
        }
        let serial = master.facts.serial;
        let is_for_master =
            |given: &&ApprovedTicket| matches!(given.ticket.allows, Allows::Letter(_));
        for ticket in tickets.iter().filter(is_for_master) {
            self.present(std::slice::from_ref(ticket), master)?;
        }
        let options = self.options(serial);
        let written = self.desk(master)?.write(options, wanted);
        let (mut post, mut sent) = (Post::default(), Vec::new());
        let mut left_out = 0;
        for ((letterbox, what), letter) in wanted.iter().zip(written.map_err(of_module(serial))?) {
            let done = match letter {
                Ok(letter) => {
                    sent.push((letterbox.party().serial, letter.clone()));
                    post.letters.push(letter);
                    match what {
                        LetterFor::Join => Done::JoinWritten,
                        LetterFor::Member { .. } => Done::EpochWritten,
                    }
                }
                Err(ModuleError::Refused(Status::Retired)) if retired == Retired::LeftOut => {
                    left_out += 1;
                    Done::LeftOut
                }
                Err(error) => {
                    self.fail(letterbox.party().serial, Problem::from(&error));
                    continue;
                }
            };
            (self.tell)(Told::Done(letterbox.party().serial, done));
        }
        if !post.letters.is_empty() {
            for ticket in tickets.iter().filter(|given| !is_for_master(given)) {
                ticket.put_into(&mut post);
            }
            output.save(&post)?;
            for (serial, letter) in sent {
                if let Err(error) = self.letterboxes.keep_letter(serial, letter) {
                    tracing::warn!(%serial, %error, "it is not noted that a letter is under way");
                }
            }
            let file = output.path.to_owned();
            (self.tell)(Told::Saved(Mail::Letters, file, post.letters.len()));
        }
        let all = wanted.len() - left_out;
        Ok(Tally {
            failed: all - post.letters.len(),
            all,
        })
    }

    pub(super) fn fail(&self, serial: Serial, problem: Problem) {
        (self.tell)(Told::Failed(Some(serial), problem));
    }

    /// Has a master countersign the receipts of replies, and keeps them.
    pub fn close(&self, master: &mut Present, replies: Replies<'_>) -> Result<Tally, Problem> {
        let aside = |path: PathBuf| (self.tell)(Told::ReceiptSetAside(path));
        let mut desk = self.desk(master)?;
        let mut tally = Tally::default();
        for (file, post) in replies.0 {
            for receipt in post.receipts {
                tally.all += 1;
                match desk.close(receipt, &self.receipts, &aside) {
                    Ok((path, proved)) => {
                        let serial = proved.statement().secondary.serial;
                        (self.tell)(Told::Done(serial, Done::Closed(path)));
                    }
                    Err(error) => {
                        tally.failed += 1;
                        let problem = Problem::from(&error).within(shown_path(file));
                        (self.tell)(Told::Failed(None, problem));
                    }
                }
            }
            self.keep(post.letterboxes);
        }
        Ok(tally)
    }
}
