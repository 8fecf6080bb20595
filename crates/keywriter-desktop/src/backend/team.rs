//! Serves a team: carries letters, re-keys, and reads who is in it. What needs a module is done on the modules' thread.

use super::{Emit, files};
use crate::model::{
    Allowance, Event, Mail, Member, PastCycle, Problem, Reason, Team, TeamDone, TeamEvent,
    TeamOrder, TeamOutcome,
};
use keywriter::{
    Options, Serial, asking,
    folders::Folders,
    genuine::TrustedRoot,
    letter::{
        self, GenuineLetter, GenuineLetterbox, LetterFor,
        desk::Desk,
        members::{self, Letterboxes, Members},
        post::Post,
    },
    license::{Day, GateRefusal, HardwarePermit},
    module::ModuleError,
    protocol::{LetterKind, Status},
    receipt::{self, SignedReceipt},
    settings::MasterState,
    survey::{Present, Survey},
    team::Rekey,
    text::{listed, shown_path},
};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirEntry},
    path::{Path, PathBuf},
    thread,
    time::UNIX_EPOCH,
};

/// Reads who is in which team, by the receipts on this computer.
pub(super) fn list(root: Option<&Path>, folders: &Folders) -> Vec<Team> {
    let Ok(Some(root)) = files::root(root, folders) else {
        return Vec::new();
    };
    let letterboxes = Letterboxes::new(folders.letterboxes());
    let member = |(serial, member): (Serial, members::Member)| Member {
        serial,
        epoch: member.epoch().number,
        master: member.statement.master.serial,
        has_letterbox: letterboxes.of(serial, &root).is_some(),
    };
    let teams = members::of_all(&folders.receipts(), &root);
    let teams = teams.into_iter().map(|(group, members)| Team {
        group,
        members: members.into_iter().map(member).collect(),
    });
    teams.collect()
}

/// Reads which cycles have receipts on this computer, the newest first. Files that do not verify are left out.
pub(super) fn history(root: Option<&Path>, folders: &Folders) -> Vec<PastCycle> {
    let Ok(Some(root)) = files::root(root, folders) else {
        return Vec::new();
    };
    let mut cycles: BTreeMap<(Serial, u32), (u64, PastCycle)> = BTreeMap::new();
    let kept = fs::read_dir(folders.receipts())
        .into_iter()
        .flatten()
        .flatten();
    for entry in kept {
        let path = entry.path();
        let is_receipt = path.extension().is_some_and(|ending| ending == "pem");
        let verified = is_receipt.then(|| receipt::verify(&path, &root).ok());
        let Some(verified) = verified.flatten() else {
            continue;
        };
        let (master, cycle) = (
            verified.statement().master.serial,
            verified.statement().cycle,
        );
        let (seconds, past) = cycles.entry((master, cycle.number)).or_insert_with(|| {
            let past = PastCycle {
                day: String::new(),
                master,
                number: cycle.number,
                options: cycle.options,
                receipts: Vec::new(),
            };
            (0, past)
        });
        *seconds = (*seconds).max(kept_at(&entry));
        past.receipts.push(path);
    }
    let mut cycles: Vec<_> = cycles.into_values().collect();
    cycles.sort_by_key(|(seconds, past)| Reverse((*seconds, past.number)));
    let past = cycles.into_iter().map(|(seconds, mut past)| {
        past.day = Day::from_unix(seconds).to_string();
        past.receipts.sort();
        past
    });
    past.collect()
}

/// Returns when a file was written, in seconds since 1970.
fn kept_at(entry: &DirEntry) -> u64 {
    let modified = entry.metadata().and_then(|metadata| metadata.modified());
    let since = modified
        .ok()
        .and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_secs())
}

/// An order with what it needs beside the modules.
pub(super) struct Service {
    pub(super) order: TeamOrder,
    pub(super) folders: Folders,
    pub(super) root: Option<PathBuf>,
    /// The license that a letter needs that makes a hardware module a clone.
    pub(super) hardware: Result<HardwarePermit, GateRefusal>,
    pub(super) emit: Emit,
}

impl Service {
    /// Does what was ordered with the modules that are there, and reports its end.
    pub(super) fn run(self, survey: Survey) {
        let root = files::root(self.root.as_deref(), &self.folders);
        let root = root.and_then(|root| root.ok_or(Reason::NoRoot.into()));
        let ended = root.and_then(|root| {
            let clerk = Clerk {
                service: &self,
                letterboxes: Letterboxes::new(self.folders.letterboxes()),
                root,
            };
            clerk.serve(survey)
        });
        (self.emit)(Event::Team(TeamEvent::Ended(ended)));
    }
}

/// Who does it, knowing the root that this computer trusts.
struct Clerk<'a> {
    service: &'a Service,
    letterboxes: Letterboxes,
    root: TrustedRoot,
}

/// A letterbox, and what the letter for it is to do.
type Wanted = (GenuineLetterbox, LetterFor);

impl Clerk<'_> {
    fn serve(&self, mut survey: Survey) -> Result<TeamOutcome, Problem> {
        match &self.service.order {
            TeamOrder::Request { serial, output } => request(&mut survey, *serial, output),
            TeamOrder::Write {
                master,
                requests,
                output,
            } => {
                let wanted = requested(requests, &self.root)?;
                self.write(&mut take(&mut survey, *master)?, wanted, output)
            }
            TeamOrder::Take(file) => self.take_all(survey, file),
            TeamOrder::Close { master, replies } => {
                self.close(&mut take(&mut survey, *master)?, replies)
            }
            TeamOrder::Rekey {
                master,
                without,
                output,
            } => self.rekey(survey, *master, without, output),
        }
    }

    /// Writes letters for requests: the next epochs for members, and the whole for everybody else.
    fn write(
        &self,
        master: &mut Present,
        requested: BTreeMap<Serial, GenuineLetterbox>,
        output: &Path,
    ) -> Result<TeamOutcome, Problem> {
        let members = self.members_of(master);
        let wanted = requested.into_values().map(|letterbox| {
            let what = Desk::purpose(&letterbox, &members);
            (letterbox, what)
        });
        let wanted: Vec<Wanted> = wanted.collect();
        let is_new_hardware =
            |(letterbox, what): &Wanted| *what == LetterFor::Join && !letterbox.is_virtual();
        if wanted.iter().any(is_new_hardware)
            && let Err(refusal) = &self.service.hardware
        {
            return Err(refusal.into());
        }
        for (letterbox, _) in &wanted {
            self.keep(letterbox);
        }
        self.write_letters(master, &wanted, output)
    }

    fn write_letters(
        &self,
        master: &mut Present,
        wanted: &[Wanted],
        output: &Path,
    ) -> Result<TeamOutcome, Problem> {
        let serial = master.facts.serial;
        let options = options(serial, &self.service.folders.master());
        let written = self
            .desk(master)?
            .write(options, wanted)
            .map_err(of(serial))?;
        let mut outcome = TeamOutcome::default();
        let mut post = Post::default();
        for ((letterbox, what), letter) in wanted.iter().zip(written) {
            let done = match (letter, what) {
                (Ok(letter), what) => {
                    post.letters.push(letter);
                    Ok(match what {
                        LetterFor::Join => TeamDone::JoinWritten,
                        LetterFor::Member { .. } => TeamDone::EpochWritten,
                    })
                }
                // The receipts do not know of that, and the master does.
                (Err(ModuleError::Refused(Status::Retired)), LetterFor::Member { .. }) => {
                    Ok(TeamDone::LeftOut)
                }
                (Err(error), _) => Err(Problem::from(&error)),
            };
            outcome.lines.push((Some(letterbox.party().serial), done));
        }
        if !post.letters.is_empty() {
            post.save(output, true)
                .map_err(|error| Problem::from(&error))?;
            outcome.mail = Some((Mail::Letters, output.to_owned()));
        }
        Ok(outcome)
    }

    /// Gives the letters of a file to the modules that they are for, and saves the reply beside the file.
    fn take_all(&self, survey: Survey, file: &Path) -> Result<TeamOutcome, Problem> {
        let letters = received(file)?;
        let mut outcome = TeamOutcome::default();
        let mut reply = Post::default();
        for mut present in survey.modules {
            let serial = present.facts.serial;
            let Some(letters) = letters.get(&serial) else {
                continue;
            };
            let taken = self.take_last(&mut present, letters);
            let taken = taken.map(|(receipt, done)| {
                reply.receipts.push(receipt);
                // The next letter needs none to be asked for, if this reaches the master's computer.
                reply.letterboxes.extend(present.module.letterbox().ok());
                done
            });
            outcome.lines.push((Some(serial), taken));
        }
        if outcome.lines.is_empty() {
            let whose: Vec<_> = letters.keys().copied().collect();
            return Err(Problem::new(Reason::NoLetter)
                .about(shown_path(file))
                .with_detail(format_args!("it is for {}", listed(&whose))));
        }
        if !reply.receipts.is_empty() {
            let path = reply_of(file);
            reply
                .save(&path, false)
                .map_err(|error| Problem::from(&error))?;
            outcome.mail = Some((Mail::Reply, path));
        }
        Ok(outcome)
    }

    /// Takes the last one of several letters for a module that fits its letterbox.
    fn take_last(
        &self,
        present: &mut Present,
        letters: &[Vec<u8>],
    ) -> Result<(Vec<u8>, TeamDone), Problem> {
        let serial = present.facts.serial;
        let authenticity = present.facts.certificate.authenticity.check();
        authenticity.map_err(|why| Problem::new(why.into()))?;
        let mut refused = Problem::new(Reason::OtherLetterbox);
        for bytes in letters.iter().rev() {
            let letter = GenuineLetter::check(bytes.clone(), &self.root).map_err(Problem::from)?;
            match self.take_one(present, serial, &letter) {
                Err(problem) if problem.reason == Reason::OtherLetterbox => refused = problem,
                outcome => return outcome,
            }
        }
        Err(refused)
    }

    fn take_one(
        &self,
        present: &mut Present,
        serial: Serial,
        letter: &GenuineLetter,
    ) -> Result<(Vec<u8>, TeamDone), Problem> {
        let party = present.facts.party().ok_or(Reason::NotGenuine)?;
        let kind = letter.head().kind();
        let done = |receipt: SignedReceipt| {
            let done = match kind {
                LetterKind::Join => TeamDone::Joined,
                LetterKind::Epoch => TeamDone::HasEpoch(receipt.statement().epoch.number),
            };
            (receipt.into_bytes(), done)
        };
        // After a power cut, or when the reply was lost, the module's last receipt is the answer.
        let module = &mut present.module;
        let last = module
            .last_receipt()
            .map_err(|error| Problem::from(&error))?;
        let last = last.and_then(|bytes| SignedReceipt::check(bytes, &party, &self.root));
        if let Some(receipt) = last.filter(|receipt| letter.is_answered_by(receipt)) {
            return Ok(done(receipt));
        }
        let taken = self.allowed(serial, Allowance::Replace, || module.take_letter(letter));
        let bytes = taken.map_err(|error| {
            let problem = Problem::from(&error);
            // Its User is enough.
            if kind == LetterKind::Epoch && problem.reason == Reason::Locked {
                Reason::NoUnlockedModule.into()
            } else {
                problem
            }
        })?;
        SignedReceipt::check(bytes, &party, &self.root)
            .filter(|receipt| letter.is_answered_by(receipt))
            .map(done)
            .ok_or_else(|| Reason::AnswerNotSigned.into())
    }

    fn close(&self, master: &mut Present, replies: &[PathBuf]) -> Result<TeamOutcome, Problem> {
        let posts = load_all(replies, |post| !post.receipts.is_empty())?;
        let folder = self.service.folders.receipts();
        let mut desk = self.desk(master)?;
        let mut outcome = TeamOutcome::default();
        for (file, post) in posts {
            for receipt in post.receipts {
                let aside = |path: PathBuf| tracing::warn!("set aside: {}", shown_path(&path));
                outcome
                    .lines
                    .push(match desk.close(receipt, &folder, &aside) {
                        Ok((_, proved)) => {
                            let serial = proved.statement().secondary.serial;
                            (Some(serial), Ok(TeamDone::Closed))
                        }
                        Err(error) => {
                            let problem = Problem::from(&error).about(shown_path(file));
                            (None, Err(problem))
                        }
                    });
            }
            for bytes in post.letterboxes {
                self.keep_given(bytes);
            }
        }
        Ok(outcome)
    }

    /// Makes the next epoch, and writes letters with it for all members whose letterbox is known or can be asked for.
    fn rekey(
        &self,
        mut survey: Survey,
        serial: Serial,
        without: &BTreeSet<Serial>,
        output: &Path,
    ) -> Result<TeamOutcome, Problem> {
        let mut master = take(&mut survey, serial)?;
        let rekey = Rekey {
            without: without.clone(),
            may_drop: false,
        };
        let module = &mut master.module;
        let next = self.allowed(serial, Allowance::Rekey, || module.rekey(&rekey));
        let epoch = next.map_err(of(serial))?.epoch.number;
        // They may be locked: a letterbox is given in every state.
        let others = survey.modules.into_iter();
        let asked = others.filter(|present| present.facts.is_genuine());
        for bytes in asked.filter_map(|mut present| present.module.letterbox().ok()) {
            self.keep_given(bytes);
        }
        let (mut wanted, mut unknown) = (Vec::new(), Vec::new());
        for (member, newest) in self.members_of(&master) {
            if without.contains(&member) || member == serial {
                continue;
            }
            let shared = newest.epoch();
            match self.letterboxes.of(member, &self.root) {
                Some(letterbox) => wanted.push((letterbox, LetterFor::Member { shared })),
                None => unknown.push((Some(member), Ok(TeamDone::NoLetterbox))),
            }
        }
        let mut lines = vec![(Some(serial), Ok(TeamDone::Rekeyed(epoch)))];
        let out = without.iter();
        lines.extend(out.map(|serial| (Some(*serial), Ok(TeamDone::LeftOut))));
        let mut outcome = TeamOutcome::default();
        if !wanted.is_empty() {
            // What was re-keyed stays so if this fails.
            match self.write_letters(&mut master, &wanted, output) {
                Ok(written) => outcome = written,
                Err(problem) => lines.push((None, Err(problem))),
            }
        }
        lines.append(&mut unknown);
        lines.append(&mut outcome.lines);
        outcome.lines = lines;
        Ok(outcome)
    }

    /// Runs a command that the module asks a person about, and repeats it until that person allowed it.
    fn allowed<T>(
        &self,
        serial: Serial,
        what: Allowance,
        mut command: impl FnMut() -> Result<T, ModuleError>,
    ) -> Result<T, ModuleError> {
        let needs_person =
            |error: &ModuleError| matches!(error, ModuleError::Refused(Status::NeedsPerson));
        match command() {
            Err(refused) if needs_person(&refused) => {
                (self.service.emit)(Event::Team(TeamEvent::Asks(serial, what)));
                asking::repeat(refused, asking::ASKS, thread::sleep, command, needs_person)
            }
            outcome => outcome,
        }
    }

    fn members_of(&self, master: &Present) -> Members {
        let group = master.facts.status.map(|status| status.group);
        group.map_or_else(Members::new, |group| {
            members::of_group(&self.service.folders.receipts(), &group, &self.root)
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
            &self.root,
        ))
    }

    fn keep_given(&self, bytes: Vec<u8>) {
        match GenuineLetterbox::check(bytes, &self.root) {
            Ok(letterbox) => self.keep(&letterbox),
            Err(error) => tracing::warn!(%error, "a letterbox is not kept"),
        }
    }

    /// Keeps a letterbox for the next letter. Without it, its module only has to be asked again.
    fn keep(&self, letterbox: &GenuineLetterbox) {
        if let Err(error) = self.letterboxes.keep(letterbox, &self.root) {
            tracing::warn!(%error, "a letterbox is not kept");
        }
    }
}

/// Writes a module's letterbox into a file.
fn request(survey: &mut Survey, serial: Serial, output: &Path) -> Result<TeamOutcome, Problem> {
    let mut present = take(survey, serial)?;
    let letterbox = present.module.letterbox().map_err(of(serial))?;
    let post = Post {
        letterboxes: vec![letterbox],
        ..Post::default()
    };
    post.save(output, true)
        .map_err(|error| Problem::from(&error))?;
    Ok(TeamOutcome {
        lines: vec![(Some(serial), Ok(TeamDone::Requested))],
        mail: Some((Mail::Request, output.to_owned())),
    })
}

fn of(serial: Serial) -> impl Fn(ModuleError) -> Problem {
    move |error| Problem::from(&error).about(serial)
}

fn take(survey: &mut Survey, serial: Serial) -> Result<Present, Problem> {
    let taken = survey.take(serial);
    taken.ok_or_else(|| survey.missing(Some(serial)))
}

/// Reads every file before anything is done, so that one that cannot be read is told first.
fn load_all(
    files: &[PathBuf],
    is_meant: impl Fn(&Post) -> bool,
) -> Result<Vec<(&Path, Post)>, Problem> {
    let mut posts = Vec::new();
    for file in files {
        let post = Post::load(file).map_err(|error| Problem::from(&error))?;
        if !is_meant(&post) {
            return Err(Problem::new(Reason::NoLetter).about(shown_path(file)));
        }
        posts.push((file.as_path(), post));
    }
    Ok(posts)
}

/// Returns the letterboxes of all files, the newest of each module.
fn requested(
    files: &[PathBuf],
    root: &TrustedRoot,
) -> Result<BTreeMap<Serial, GenuineLetterbox>, Problem> {
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
    Ok(newest)
}

/// Returns the letters of a file, by module, in the order in which they were written.
fn received(file: &Path) -> Result<BTreeMap<Serial, Vec<Vec<u8>>>, Problem> {
    let post = Post::load(file).map_err(|error| Problem::from(&error))?;
    let mut letters: BTreeMap<Serial, Vec<Vec<u8>>> = BTreeMap::new();
    for bytes in post.letters {
        let serial = letter::addressee(&bytes);
        let serial = serial.map_err(|why| Problem::from(why).about(shown_path(file)))?;
        letters.entry(serial).or_default().push(bytes);
    }
    if letters.is_empty() {
        return Err(Problem::new(Reason::NoLetter).about(shown_path(file)));
    }
    Ok(letters)
}

/// Returns the first free name of a reply to a file of letters, beside it.
fn reply_of(letters: &Path) -> PathBuf {
    let stem = letters.file_stem().unwrap_or_default();
    let name = |ending: String| {
        let mut name = stem.to_owned();
        name.push(ending);
        letters.with_file_name(name)
    };
    let numbered = (2..).map(|number| name(format!("-reply-{number}.pem")));
    let mut names = std::iter::once(name("-reply.pem".to_owned())).chain(numbered);
    names.find(|path| !path.exists()).unwrap_or_default()
}

/// Returns the choices of the master that is set, if it is this one. A letter disables no master.
fn options(serial: Serial, state: &Path) -> Options {
    let set = MasterState::load(state).ok();
    let set = set.filter(|state| state.master == serial);
    set.map_or_else(Options::default, |state| Options {
        disable_master: false,
        ..state.options
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_replaces_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let letters = folder.path().join("letters.pem");
        let first = reply_of(&letters);
        assert_eq!(first, folder.path().join("letters-reply.pem"));
        std::fs::write(&first, "").unwrap();
        assert_eq!(
            reply_of(&letters),
            folder.path().join("letters-reply-2.pem")
        );
    }
}
