//! The files of one run: none is written twice, and none that is read is written.

use super::{
    folder,
    system::{id_at, id_of},
};
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs::{self, File},
    path::{Path, PathBuf},
};

/// What names a file that can be lost or read back, whatever its path is: device and inode, volume and index.
pub(super) type FileId = (u64, u64);

/// What a run reads and has written.
#[derive(Debug, Default)]
pub struct RunFiles {
    read: BTreeSet<FileId>,
    written: BTreeSet<FileId>,
}

/// Why an output is not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Conflict {
    /// The run reads that file.
    #[error("it is an input of this run")]
    Input,
    /// The run has written that file before.
    #[error("this run wrote another output there")]
    Output,
}

impl RunFiles {
    /// Notes a file that is read, be it by its name now or later.
    pub fn reads(&mut self, path: &Path) {
        self.read.extend(id_at(path));
    }

    /// Notes an open file that is read.
    pub fn reads_open(&mut self, file: &File) {
        self.read.extend(id_of(file));
    }

    /// Notes an open file that was written.
    pub fn wrote(&mut self, file: &File) {
        self.written.extend(id_of(file));
    }

    /// Returns why what is at a path must not be replaced; links are followed.
    pub fn check(&self, output: &Path) -> Result<(), Conflict> {
        self.check_id(id_at(output))
    }

    /// Returns why an open file must not be written to.
    pub fn check_open(&self, output: &File) -> Result<(), Conflict> {
        self.check_id(id_of(output))
    }

    fn check_id(&self, id: Option<FileId>) -> Result<(), Conflict> {
        match id {
            Some(id) if self.written.contains(&id) => Err(Conflict::Output),
            Some(id) if self.read.contains(&id) => Err(Conflict::Input),
            _ => Ok(()),
        }
    }
}

/// Returns whether two paths name one file, be it there or not yet.
pub fn is_same(one: &Path, other: &Path) -> bool {
    match (id_at(one), id_at(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => place(one).is_some_and(|one| Some(one) == place(other)),
        _ => false,
    }
}

/// Returns where a file that is not there yet will be.
fn place(path: &Path) -> Option<(PathBuf, &OsStr)> {
    Some((fs::canonicalize(folder(path)).ok()?, path.file_name()?))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_file_is_known_under_each_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["in", "out", "other"] {
            fs::write(at(name), name).unwrap();
        }
        fs::hard_link(at("in"), at("hard")).unwrap();
        symlink("in", at("soft")).unwrap();
        symlink("out", at("to-out")).unwrap();
        let mut files = RunFiles::default();
        files.reads(&at("in"));
        files.wrote(&File::open(at("out")).unwrap());
        for name in ["in", "hard", "soft"] {
            assert_eq!(files.check(&at(name)), Err(Conflict::Input), "{name}");
        }
        for name in ["out", "to-out"] {
            assert_eq!(files.check(&at(name)), Err(Conflict::Output), "{name}");
        }
        for name in ["other", "none"] {
            assert_eq!(files.check(&at(name)), Ok(()), "{name}");
        }
    }

    #[test]
    fn a_device_may_be_both_ends() {
        let mut files = RunFiles::default();
        files.reads("/dev/null".as_ref());
        assert_eq!(files.check("/dev/null".as_ref()), Ok(()));
    }

    #[test]
    fn files_that_are_not_there_yet_are_compared_by_their_places() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("a")).unwrap();
        symlink("a", at("b")).unwrap();
        assert!(is_same(&at("a/new"), &at("b/new")));
        assert!(!is_same(&at("a/new"), &at("new")));
        fs::write(at("new"), "").unwrap();
        assert!(is_same(&at("new"), &at("a/../new")));
        assert!(!is_same(&at("new"), &at("a/new")));
    }
}
