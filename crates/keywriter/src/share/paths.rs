//! Which files a command means, and what they will be called.

use super::ENDING;
use crate::{file, text::shown_path};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// A file to read and one to write.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Job {
    /// What is read.
    pub input: PathBuf,
    /// What is written; nothing is there yet, or it may be replaced.
    pub output: PathBuf,
}

/// What is done to files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// `name` becomes `name.kw`.
    Encrypt,
    /// `name.kw` becomes `name`.
    Decrypt,
}

/// Why a file or folder is not worked on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PathError {
    /// A file or folder cannot be read.
    #[error("cannot read {}", shown_path(path))]
    Read {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Its name does not say what to call the result.
    #[error("{} does not end in .{ENDING}, so the name of the output is unknown", shown_path(.0))]
    NoEnding(PathBuf),
    /// Many files and one name for all.
    #[error("{} is not a folder, and there are several files", shown_path(.0))]
    OneName(PathBuf),
    /// Neither a file nor a folder, and there is nothing else in its folder.
    #[error("{} is neither a file nor a folder", shown_path(.0))]
    Special(PathBuf),
    /// There is no such file in a folder.
    #[error("there is nothing to do in {}", shown_path(.0))]
    Nothing(PathBuf),
}

impl PathError {
    /// Returns what it concerns.
    pub fn path(&self) -> &Path {
        let (Self::Read { path, .. }
        | Self::NoEnding(path)
        | Self::OneName(path)
        | Self::Special(path)
        | Self::Nothing(path)) = self;
        path
    }
}

/// What a command does.
#[derive(Debug, Default)]
pub struct Plan {
    /// What is read and written; in the order of the names.
    pub jobs: Vec<Job>,
    /// What cannot be done. It keeps nothing else from being done.
    pub failed: Vec<PathError>,
}

impl Plan {
    /// Plans one command, folders with all that is below them. In folders, only files ending in `.kw` are decrypted and
    /// all others encrypted; links are not followed.
    pub fn new(act: Act, inputs: &[PathBuf], output: Option<&Path>) -> Result<Self, PathError> {
        let mut plan = Self::default();
        let into = output.filter(|path| path.is_dir());
        for input in inputs {
            if let Err(error) = plan.add(act, input, output, into) {
                plan.failed.push(error);
            }
        }
        // What is named twice is done once.
        let mut seen = BTreeSet::new();
        plan.jobs.retain(|job| seen.insert(job.clone()));
        let mut seen = BTreeSet::new();
        plan.failed
            .retain(|error| seen.insert(error.path().to_owned()));
        match (output, into) {
            (Some(file), None) if plan.jobs.len() + plan.failed.len() > 1 => {
                Err(PathError::OneName(file.to_owned()))
            }
            _ => Ok(plan),
        }
    }

    fn add(
        &mut self,
        act: Act,
        input: &Path,
        output: Option<&Path>,
        into: Option<&Path>,
    ) -> Result<(), PathError> {
        let metadata = fs::metadata(input).map_err(read_error(input))?;
        if metadata.is_dir() {
            // With a folder of its own, what is below `input` keeps its place below that.
            let base = into.map(|into| into.join(input.file_name().unwrap_or_default()));
            let before = self.jobs.len() + self.failed.len();
            let special = self.walk(act, input, base.as_deref());
            return match special {
                _ if self.jobs.len() + self.failed.len() > before => Ok(()),
                Some(special) => Err(PathError::Special(special)),
                None => Err(PathError::Nothing(input.to_owned())),
            };
        }
        let named = || {
            act.name(input)
                .ok_or_else(|| PathError::NoEnding(input.to_owned()))
        };
        let output = match (output, into) {
            (None, _) => input.with_file_name(named()?),
            (Some(_), Some(into)) => into.join(named()?),
            (Some(file), None) => file.to_owned(),
        };
        self.jobs.push(Job {
            input: input.to_owned(),
            output,
        });
        Ok(())
    }

    /// Adds what is below a folder. Returns one of the FIFOs, sockets and devices there, which are left out.
    fn walk(&mut self, act: Act, folder: &Path, into: Option<&Path>) -> Option<PathBuf> {
        let mut found = Vec::new();
        match fs::read_dir(folder) {
            Ok(entries) => {
                for entry in entries {
                    match entry {
                        Ok(entry) => found.push(entry),
                        Err(error) => self.failed.push(read_error(folder)(error)),
                    }
                }
            }
            Err(error) => self.failed.push(read_error(folder)(error)),
        }
        found.sort_by_key(fs::DirEntry::file_name);
        let mut special = None;
        for entry in found {
            let input = entry.path();
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) => {
                    self.failed.push(read_error(&input)(error));
                    continue;
                }
            };
            let below = into.map(|into| into.join(entry.file_name()));
            if kind.is_dir() {
                special = self.walk(act, &input, below.as_deref()).or(special);
            } else if !kind.is_file() {
                special = (!kind.is_symlink()).then_some(input).or(special);
            } else if file::is_leftover(&input) {
                file::remove_leftover(&input);
            } else if is_encrypted(&input) == (act == Act::Decrypt)
                && let Some(name) = act.name(&input)
            {
                let output = below.as_deref().unwrap_or(&input).with_file_name(name);
                self.jobs.push(Job { input, output });
            }
        }
        special
    }
}

fn is_encrypted(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == ENDING)
}

impl Act {
    /// The name of the result.
    fn name(self, input: &Path) -> Option<std::ffi::OsString> {
        match self {
            Self::Encrypt => {
                let mut name = input.file_name()?.to_owned();
                name.push(".");
                name.push(ENDING);
                Some(name)
            }
            Self::Decrypt if is_encrypted(input) => Some(input.file_stem()?.to_owned()),
            Self::Decrypt => None,
        }
    }
}

fn read_error(path: &Path) -> impl FnOnce(io::Error) -> PathError {
    let path = path.to_owned();
    move |source| PathError::Read { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("a/b")).unwrap();
        for name in ["a/1", "a/2.kw", "a/b/3", "a/b/4.kw", "5.pdf"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink("1", folder.path().join("a/link")).unwrap();
        folder
    }

    /// Input and output, below the folder.
    fn planned(act: Act, inputs: &[&str], output: Option<&str>) -> Result<Vec<String>, PathError> {
        let tree = tree();
        let at = |name: &str| tree.path().join(name);
        let inputs: Vec<_> = inputs.iter().map(|name| at(name)).collect();
        let output = output.map(at);
        let short = |path: &Path| shown_path(path.strip_prefix(tree.path()).unwrap());
        let mut plan = Plan::new(act, &inputs, output.as_deref())?;
        if let Some(error) = plan.failed.pop() {
            return Err(error);
        }
        Ok(plan
            .jobs
            .iter()
            .map(|job| format!("{} {}", short(&job.input), short(&job.output)))
            .map(|ends| ends.replace('\\', "/"))
            .collect())
    }

    #[test]
    fn results_lie_beside_what_they_are_made_of() {
        assert_eq!(
            planned(Act::Encrypt, &["a", "5.pdf"], None).unwrap(),
            ["a/1 a/1.kw", "a/b/3 a/b/3.kw", "5.pdf 5.pdf.kw"]
        );
        assert_eq!(
            planned(Act::Decrypt, &["a"], None).unwrap(),
            ["a/2.kw a/2", "a/b/4.kw a/b/4"]
        );
    }

    #[test]
    fn what_an_interrupted_program_left_is_no_document() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(".a.pdf.Xy12Zw.kw-new");
        for name in [&left, &folder.path().join("b")] {
            fs::write(name, "plaintext").unwrap();
        }
        let plan = Plan::new(Act::Encrypt, &[folder.path().to_owned()], None).unwrap();
        assert_eq!(plan.jobs.len(), 1);
        assert!(!left.exists());
    }

    #[cfg(unix)]
    #[test]
    fn what_fails_keeps_nothing_else_from_being_done() {
        let tree = tree();
        // A path that the system takes, with folders below it that it does not.
        let mut deep = tree.path().join("a");
        while deep.as_os_str().len() + 201 < 4_096 {
            deep.push("x".repeat(200));
            fs::create_dir(&deep).unwrap();
        }
        let ran = std::process::Command::new("mkdir")
            .args(["-p", &"y".repeat(200)])
            .current_dir(&deep)
            .status();
        assert!(ran.unwrap().success());
        let inputs = ["none", "a", "a", "5.pdf", "5.pdf"].map(|name| tree.path().join(name));
        let plan = Plan::new(Act::Encrypt, &inputs, None).unwrap();
        let failed: Vec<_> = plan.failed.iter().map(PathError::path).collect();
        assert_eq!(failed, [inputs[0].as_path(), &deep.join("y".repeat(200))]);
        assert_eq!(plan.jobs.len(), 3, "each once");
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_with_nothing_but_fifos_is_not_one_without_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let plan = || Plan::new(Act::Encrypt, &[folder.path().to_owned()], None).unwrap();
        assert!(matches!(plan().failed[..], [PathError::Nothing(_)]));
        let fifo = folder.path().join("fifo");
        rustix::fs::mkfifoat(rustix::fs::CWD, &fifo, rustix::fs::Mode::RWXU).unwrap();
        assert!(matches!(&plan().failed[..], [PathError::Special(path)] if *path == fifo));
    }

    #[test]
    fn results_in_another_folder_keep_their_places() {
        assert_eq!(
            planned(Act::Encrypt, &["5.pdf", "a/b"], Some("a")).unwrap(),
            ["5.pdf a/5.pdf.kw", "a/b/3 a/b/3.kw"]
        );
        assert_eq!(
            planned(Act::Encrypt, &["5.pdf"], Some("new")).unwrap(),
            ["5.pdf new"]
        );
    }

    #[test]
    fn what_is_not_clear_is_refused() {
        let refused = |act, inputs: &[&str], output| planned(act, inputs, output).unwrap_err();
        assert!(matches!(
            refused(Act::Decrypt, &["5.pdf"], None),
            PathError::NoEnding(_)
        ));
        assert!(matches!(
            refused(Act::Encrypt, &["a"], Some("new")),
            PathError::OneName(_)
        ));
        assert!(matches!(
            refused(Act::Encrypt, &["none"], None),
            PathError::Read { .. }
        ));
    }
}
