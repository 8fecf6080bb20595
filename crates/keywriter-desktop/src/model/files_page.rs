//! The page where files are encrypted and decrypted: what is chosen, how far it is, and what became of each file.

use super::{Command, Intent, ModuleView, Problem, Reason, Sharing, Surveyed};
use keywriter::{
    Serial,
    share::{ENDING, paths::Act},
    text::{hex, listed, shown_path},
};
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

/// Files, and which device shares them.
#[derive(Debug)]
pub struct FilesPage {
    act: Act,
    /// The files and folders, in the order in which they were chosen.
    inputs: Vec<PathBuf>,
    /// The device to encrypt with, if the user chose one.
    chosen: Option<Serial>,
    /// The folder of the results, if the user chose one.
    output: Option<PathBuf>,
    devices: Vec<(Serial, Sharing)>,
    course: FilesCourse,
    /// The files that exist where results would be written: the user is asked.
    existing: Vec<PathBuf>,
    recipient: RecipientView,
}

impl Default for FilesPage {
    fn default() -> Self {
        Self {
            act: Act::Encrypt,
            inputs: Vec::new(),
            chosen: None,
            output: None,
            devices: Vec::new(),
            course: FilesCourse::default(),
            existing: Vec::new(),
            recipient: RecipientView::default(),
        }
    }
}

/// How far the files are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum FilesCourse {
    /// Nothing has begun.
    #[default]
    Choosing,
    /// Under way.
    Running {
        /// How far.
        progress: FilesProgress,
        /// The user wants it to end.
        is_stopping: bool,
    },
    /// Over.
    Ended(FilesOutcome),
}

/// How far files under way are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilesProgress {
    /// The file that is being read.
    pub file: PathBuf,
    /// How many are finished.
    pub finished: usize,
    /// How many there are.
    pub total: usize,
    /// How many bytes were read, of `size`.
    pub bytes: u64,
    /// The bytes of all files.
    pub size: u64,
    /// Every byte passes through the device.
    pub is_slow: bool,
}

impl FilesProgress {
    /// Returns the share that is done, 0 to 1. Files without bytes count as one each.
    #[expect(clippy::cast_precision_loss, reason = "a bar is shorter than that")]
    pub fn share(&self) -> f32 {
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let done = self.bytes.saturating_add(count(self.finished));
        let all = self.size.saturating_add(count(self.total)).max(1);
        (done as f32 / all as f32).min(1.0)
    }
}

/// What became of files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilesOutcome {
    /// Those that were written: from which file.
    pub done: Vec<SharedFile>,
    /// Those that failed, and why.
    pub failed: Vec<(PathBuf, Problem)>,
    /// Those whose results would have replaced a file, left as they are.
    pub left_out: Vec<PathBuf>,
    /// Those that were not begun, or not finished because the user ended it.
    pub not_done: Vec<PathBuf>,
    /// The user ended it before all were done.
    pub is_stopped: bool,
    /// Encrypted files show which blocks are equal, as the device is set.
    pub shows_blocks: bool,
}

/// A file that was encrypted or decrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedFile {
    /// What was read.
    pub input: PathBuf,
    /// What was written.
    pub output: PathBuf,
}

/// What is done with the files that results would replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Existing {
    /// The user is asked.
    Ask,
    /// They stay, and what would replace them is left out.
    Keep,
    /// These are replaced, and no others.
    Replace(BTreeSet<PathBuf>),
}

/// What to do with which files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesOrder {
    /// What.
    pub act: Act,
    /// Which files and folders.
    pub inputs: Vec<PathBuf>,
    /// The device to encrypt with; `None`: any that can.
    pub named: Option<Serial>,
    /// The folder of the results; `None`: beside what they are made of.
    pub output: Option<PathBuf>,
    /// What happens to files that are there.
    pub existing: Existing,
}

/// The team's recipient for age.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum RecipientView {
    /// Not asked for.
    #[default]
    None,
    /// The device is asked.
    Asked,
    /// As a device told it.
    Told(Recipient),
}

/// A recipient that was checked against what this computer knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Who told it.
    pub serial: Serial,
    /// Its group.
    pub group: [u8; 16],
    /// As age takes it.
    pub text: String,
}

/// What happens to files.
#[derive(Clone, Debug)]
pub enum FilesEvent {
    /// How far they are.
    Progress(FilesProgress),
    /// Nothing was begun: these files would be replaced.
    Existing(Vec<PathBuf>),
    /// Nothing was begun, for this reason: what was chosen stays.
    Refused(Problem),
    /// They are finished.
    Ended(FilesOutcome),
    /// A device told the team's recipient, or did not.
    Recipient(Result<Recipient, Problem>),
}

impl FilesPage {
    pub(super) fn act(&mut self, intent: Intent) -> Vec<Command> {
        match intent {
            Intent::StopFiles => return self.stop(),
            Intent::AskRecipient if self.recipient != RecipientView::Asked => {
                self.recipient = RecipientView::Asked;
                return vec![Command::AskRecipient(self.named())];
            }
            Intent::ShowFiles => {
                return self
                    .result()
                    .map(Command::ShowInFolder)
                    .into_iter()
                    .collect();
            }
            _ if self.is_running() => {}
            Intent::AddFiles(paths) => self.add(paths),
            Intent::RemoveFile(place) if place < self.inputs.len() => {
                self.inputs.remove(place);
            }
            Intent::ClearFiles => {
                self.inputs.clear();
                self.course = FilesCourse::Choosing;
            }
            Intent::SetAct(act) => self.act = act,
            Intent::SetOutput(folder) => self.output = folder,
            Intent::ChooseSharer(serial) => {
                self.chosen = Some(serial);
                self.recipient = RecipientView::None;
            }
            Intent::StartFiles if self.can_start() => return self.start(Existing::Ask),
            Intent::AnswerExisting(existing) => {
                let asked = std::mem::take(&mut self.existing);
                let existing = match existing {
                    Some(true) => Existing::Replace(asked.into_iter().collect()),
                    Some(false) => Existing::Keep,
                    None => return Vec::new(),
                };
                if self.can_start() {
                    return self.start(existing);
                }
            }
            _ => {}
        }
        Vec::new()
    }

    /// Takes up files. Those that all end as encrypted ones do are to be decrypted; a new list begins after the last one.
    fn add(&mut self, paths: Vec<PathBuf>) {
        if paths.is_empty() {
            return;
        }
        if matches!(self.course, FilesCourse::Ended(_)) {
            self.inputs.clear();
            self.course = FilesCourse::Choosing;
        }
        let is_first = self.inputs.is_empty();
        for path in paths {
            if !self.inputs.contains(&path) {
                self.inputs.push(path);
            }
        }
        if is_first {
            let is_encrypted = |path: &PathBuf| path.extension().is_some_and(|it| it == ENDING);
            self.act = if self.inputs.iter().all(is_encrypted) {
                Act::Decrypt
            } else {
                Act::Encrypt
            };
        }
    }

    fn start(&mut self, existing: Existing) -> Vec<Command> {
        self.course = FilesCourse::Running {
            progress: FilesProgress::default(),
            is_stopping: false,
        };
        vec![Command::ShareFiles(FilesOrder {
            act: self.act,
            inputs: self.inputs.clone(),
            named: self.named().filter(|_| self.act == Act::Encrypt),
            output: self.output.clone(),
            existing,
        })]
    }

    fn stop(&mut self) -> Vec<Command> {
        match &mut self.course {
            FilesCourse::Running { is_stopping, .. } if !*is_stopping => {
                *is_stopping = true;
                vec![Command::StopFiles]
            }
            _ => Vec::new(),
        }
    }

    pub(super) fn survey(&mut self, surveyed: &Surveyed) {
        let devices = surveyed.modules.iter();
        self.devices = devices
            .map(
                |ModuleView {
                     serial, sharing, ..
                 }| (*serial, sharing.clone()),
            )
            .collect();
        if let RecipientView::Told(recipient) = &self.recipient
            && !self.groups().contains(&recipient.group)
        {
            self.recipient = RecipientView::None;
        }
    }

    /// Forgets the team's recipient: another one may be right now.
    pub(super) fn forget_recipient(&mut self) {
        self.recipient = RecipientView::None;
    }

    /// Handles what happens to files; returns a problem to be said.
    pub(super) fn follow(&mut self, event: FilesEvent) -> Option<Problem> {
        match event {
            FilesEvent::Progress(new) => {
                if let FilesCourse::Running { progress, .. } = &mut self.course {
                    *progress = new;
                }
            }
            FilesEvent::Existing(files) => {
                self.course = FilesCourse::Choosing;
                self.existing = files;
            }
            FilesEvent::Refused(problem) => {
                self.course = FilesCourse::Choosing;
                return Some(problem);
            }
            FilesEvent::Ended(outcome) => self.course = FilesCourse::Ended(outcome),
            FilesEvent::Recipient(Ok(recipient)) => self.recipient = RecipientView::Told(recipient),
            FilesEvent::Recipient(Err(problem)) => {
                self.recipient = RecipientView::None;
                return Some(problem);
            }
        }
        None
    }

    /// Returns what is done with the files.
    pub const fn what(&self) -> Act {
        self.act
    }

    /// Returns the files and folders that were chosen.
    pub fn inputs(&self) -> &[PathBuf] {
        &self.inputs
    }

    /// Returns the folder of the results, if it is not the one of what they are made of.
    pub fn output(&self) -> Option<&Path> {
        self.output.as_deref()
    }

    /// Returns how far they are.
    pub const fn course(&self) -> &FilesCourse {
        &self.course
    }

    /// Returns the files that the user is asked about, because they would be replaced.
    pub fn existing(&self) -> &[PathBuf] {
        &self.existing
    }

    /// Returns the team's recipient.
    pub const fn recipient(&self) -> &RecipientView {
        &self.recipient
    }

    /// Returns the devices, each with whether it can share files.
    pub fn devices(&self) -> &[(Serial, Sharing)] {
        &self.devices
    }

    /// Returns whether devices of several groups are unlocked, so that the user has to choose one.
    pub fn needs_choice(&self) -> bool {
        self.groups().len() > 1
    }

    /// Returns the unlocked devices, and the place of the chosen one among them.
    pub fn choices(&self) -> (Vec<Serial>, Option<usize>) {
        let unlocked: Vec<_> = self.unlocked().map(|(serial, _)| serial).collect();
        let chosen = unlocked.iter().position(|it| Some(*it) == self.chosen);
        (unlocked, chosen)
    }

    /// Returns whether files are being encrypted or decrypted.
    pub const fn is_running(&self) -> bool {
        matches!(self.course, FilesCourse::Running { .. })
    }

    /// Returns whether that can begin.
    pub fn can_start(&self) -> bool {
        !self.is_running()
            && !matches!(self.course, FilesCourse::Ended(_))
            && !self.inputs.is_empty()
            && self.lack().is_none()
    }

    /// Returns what is missing on the side of the devices.
    pub fn lack(&self) -> Option<Problem> {
        if self.devices.is_empty() {
            return Some(Reason::NoModule.into());
        }
        if self.groups().is_empty() {
            let locked = |(serial, sharing): &(Serial, Sharing)| {
                matches!(sharing, Sharing::Locked).then_some(*serial)
            };
            let locked: Vec<_> = self.devices.iter().filter_map(locked).collect();
            return Some(Problem::new(Reason::NoUnlockedModule).about(listed(&locked)));
        }
        (self.act == Act::Encrypt && self.named().is_none() && self.needs_choice())
            .then(|| Reason::SeveralGroups.into())
    }

    /// Returns the chosen device, while it is unlocked.
    fn named(&self) -> Option<Serial> {
        self.unlocked()
            .map(|(serial, _)| serial)
            .find(|serial| Some(*serial) == self.chosen)
    }

    fn unlocked(&self) -> impl Iterator<Item = (Serial, [u8; 16])> + '_ {
        self.devices
            .iter()
            .filter_map(|(serial, sharing)| match sharing {
                Sharing::Unlocked { group } => Some((*serial, *group)),
                Sharing::Locked | Sharing::Unfit(_) => None,
            })
    }

    fn groups(&self) -> BTreeSet<[u8; 16]> {
        self.unlocked().map(|(_, group)| group).collect()
    }

    /// Returns a result, to be shown where it lies.
    fn result(&self) -> Option<PathBuf> {
        let FilesCourse::Ended(outcome) = &self.course else {
            return None;
        };
        outcome.done.first().map(|file| file.output.clone())
    }
}

impl Recipient {
    /// Returns its group in hexadecimal digits.
    pub fn group_text(&self) -> String {
        hex(&self.group)
    }
}

/// Returns a file's name and its folder, for two lines of a list.
pub fn name_and_folder(path: &Path) -> (String, String) {
    let name = path.file_name().map(Path::new).map(shown_path);
    let folder = path.parent().map(shown_path);
    (
        name.unwrap_or_else(|| shown_path(path)),
        folder.unwrap_or_default(),
    )
}
