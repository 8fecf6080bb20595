//! Which files a command means, and what they will be called.

use super::ENDING;
use crate::{file, text::shown_path};
use std::{
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

/// Why it is not clear what to do.
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
    /// Neither a file nor a folder.
    #[error("{} is neither a file nor a folder", shown_path(.0))]
    Special(PathBuf),
    /// There is no such file in a folder.
    #[error("there is nothing to do in {}", shown_path(.0))]
    Nothing(PathBuf),
}

/// The jobs of one command, folders with all that is below them; in the order of their names. In folders, only files
/// ending in `.kw` are decrypted and all others encrypted; links are not followed.
pub fn jobs(act: Act, inputs: &[PathBuf], output: Option<&Path>) -> Result<Vec<Job>, PathError> {
    let mut jobs = Vec::new();
    let into = output.filter(|path| path.is_dir());
    for input in inputs {
        let metadata = fs::metadata(input).map_err(read_error(input))?;
        if metadata.is_dir() {
            let before = jobs.len();
            // With a folder of its own, what is below `input` keeps its place below that.
            let base = into.map(|into| into.join(input.file_name().unwrap_or_default()));
            walk(act, input, base.as_deref(), &mut jobs)?;
            if jobs.len() == before {
                return Err(PathError::Nothing(input.clone()));
            }
        } else {
            let named = || {
                act.name(input)
                    .ok_or_else(|| PathError::NoEnding(input.clone()))
            };
            let output = match (output, into) {
                (None, _) => input.with_file_name(named()?),
                (Some(_), Some(into)) => into.join(named()?),
                (Some(file), None) => file.to_owned(),
            };
            jobs.push(Job {
                input: input.clone(),
                output,
            });
        }
    }
    match (output, into) {
        (Some(file), None) if jobs.len() > 1 => Err(PathError::OneName(file.to_owned())),
        _ => Ok(jobs),
    }
}

fn walk(
    act: Act,
    folder: &Path,
    into: Option<&Path>,
    jobs: &mut Vec<Job>,
) -> Result<(), PathError> {
    let entries = fs::read_dir(folder).map_err(read_error(folder))?;
    let mut entries = entries
        .collect::<io::Result<Vec<_>>>()
        .map_err(read_error(folder))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let input = entry.path();
        let kind = entry.file_type().map_err(read_error(&input))?;
        let below = into.map(|into| into.join(entry.file_name()));
        if kind.is_dir() {
            walk(act, &input, below.as_deref(), jobs)?;
        } else if kind.is_file() && file::is_leftover(&input) {
            file::remove_leftover(&input);
        } else if kind.is_file()
            && is_encrypted(&input) == (act == Act::Decrypt)
            && let Some(name) = act.name(&input)
        {
            let output = below.as_deref().unwrap_or(&input).with_file_name(name);
            jobs.push(Job { input, output });
        }
    }
    Ok(())
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
        let jobs = jobs(act, &inputs, output.as_deref())?;
        Ok(jobs
            .iter()
            .map(|job| format!("{} {}", short(&job.input), short(&job.output)))
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
        let jobs = jobs(Act::Encrypt, &[folder.path().to_owned()], None).unwrap();
        assert_eq!(jobs.len(), 1);
        assert!(!left.exists());
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
