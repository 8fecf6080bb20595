//! Who is in a group, as its receipts say, and which letterbox each member has. Nothing here is believed that its module
//! did not sign; what is lost comes back with the next receipt or letterbox.

use super::{GenuineLetter, GenuineLetterbox};
use crate::{
    genuine::TrustedRoot,
    letter::post::{Post, PostError},
    license::Day,
    receipt,
};
use hsm_protocol::{EpochName, Serial, receipt::Statement};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

/// A member of a group: the newest receipt that names it.
#[derive(Clone, Debug)]
pub struct Member {
    /// What both modules signed.
    pub statement: Statement,
    /// The receipt's file.
    pub receipt: PathBuf,
}

impl Member {
    /// Returns the epoch that it is known to have.
    pub const fn epoch(&self) -> EpochName {
        self.statement.epoch
    }

    /// Returns the day on which this computer kept the receipt, by its clock: modules have none.
    pub fn since(&self) -> Option<Day> {
        let modified = fs::metadata(&self.receipt).and_then(|file| file.modified());
        let since = modified.ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(Day::from_unix(since.as_secs()))
    }
}

/// The members of a group, by serial number.
pub type Members = BTreeMap<Serial, Member>;

/// Returns the members of a group by the receipts of a folder. Files that do not verify are left out.
pub fn of_group(folder: &Path, group: &[u8; 16], root: &TrustedRoot) -> Members {
    of_all(folder, root).remove(group).unwrap_or_default()
}

/// Returns the members of every group.
pub fn of_all(folder: &Path, root: &TrustedRoot) -> BTreeMap<[u8; 16], Members> {
    let mut groups: BTreeMap<[u8; 16], Members> = BTreeMap::new();
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    for path in files.map(|entry| entry.path()) {
        if path.extension().is_none_or(|ending| ending != "pem") {
            continue;
        }
        let Ok(verified) = receipt::verify(&path, root) else {
            continue;
        };
        let statement = *verified.statement();
        let members = groups.entry(statement.group).or_default();
        let age = |statement: &Statement| (statement.epoch.number, statement.number);
        let known = members.get(&statement.secondary.serial);
        let is_newer = known.is_none_or(|known| age(&known.statement) < age(&statement));
        if is_newer {
            let receipt = path;
            members.insert(statement.secondary.serial, Member { statement, receipt });
        }
    }
    groups
}

/// The letterboxes that this computer has seen, the newest of each module.
#[derive(Clone, Debug)]
pub struct Letterboxes {
    folder: PathBuf,
}

impl Letterboxes {
    /// Takes the folder that they are kept in.
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    fn path(&self, serial: Serial) -> PathBuf {
        self.folder.join(format!("{serial}.letterbox.pem"))
    }

    fn letter(&self, serial: Serial) -> PathBuf {
        self.folder.join(format!("{serial}.letter.pem"))
    }

    /// Keeps a letter that was written, until its receipt is here.
    pub fn keep_letter(&self, serial: Serial, letter: Vec<u8>) -> Result<(), PostError> {
        let post = Post {
            letters: vec![letter],
            ..Post::default()
        };
        self.save(&post, &self.letter(serial))
    }

    /// Returns whether the last letter to a member was not answered yet, as far as this computer knows.
    pub fn is_outstanding(&self, serial: Serial, member: &Member, root: &TrustedRoot) -> bool {
        let letter = Post::load(&self.letter(serial)).ok();
        let letter = letter.and_then(|mut post| post.letters.pop());
        let letter = letter.and_then(|bytes| GenuineLetter::check(bytes, root).ok());
        letter.is_some_and(|letter| {
            // Another way may have brought the member farther meanwhile: then nobody waits for the letter.
            let is_older = member.statement.epoch.number > letter.head().epoch.number;
            !letter.is_answered_in(&member.statement) && !is_older
        })
    }

    fn save(&self, post: &Post, path: &Path) -> Result<(), PostError> {
        fs::create_dir_all(&self.folder).map_err(|source| PostError::Write {
            path: self.folder.clone(),
            source,
        })?;
        post.save(path, true)
    }

    /// Returns a module's letterbox, if one is known that verifies.
    pub fn of(&self, serial: Serial, root: &TrustedRoot) -> Option<GenuineLetterbox> {
        let mut post = Post::load(&self.path(serial)).ok()?;
        let letterbox = GenuineLetterbox::check(post.letterboxes.pop()?, root).ok()?;
        (letterbox.party().serial == serial).then_some(letterbox)
    }

    /// Keeps a letterbox, unless a later one of its module is known.
    pub fn keep(&self, letterbox: &GenuineLetterbox, root: &TrustedRoot) -> Result<(), PostError> {
        let serial = letterbox.party().serial;
        let known = self.of(serial, root);
        if known.is_some_and(|known| known.number() > letterbox.number()) {
            return Ok(());
        }
        let post = Post {
            letterboxes: vec![letterbox.as_bytes().to_vec()],
            ..Post::default()
        };
        self.save(&post, &self.path(serial))
    }
}
