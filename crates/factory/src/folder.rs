//! The factory's folder. `root.pem` is for everyone. The root's key is in `root.age`, sealed, or in a token that `root.token`
//! names. `register` says what was certified.
//!
//! A key's own file decides whether there is a key, and is written last: what else there is without it, a power cut left.
//! `root.begun` names a token in which the key may have been made already.

use anyhow::{Context, Result};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// The name of a key's files.
#[derive(Clone, Copy)]
pub(crate) struct Name(pub(crate) &'static str);

/// The folder.
pub(crate) struct Folder {
    path: PathBuf,
    /// How many writes there are before the power is cut.
    #[cfg(test)]
    pub(crate) writes_left: std::cell::Cell<u32>,
}

impl Folder {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            #[cfg(test)]
            writes_left: u32::MAX.into(),
        }
    }

    /// Makes the folder, unless it is there, and waits until no other program makes a root in it. The lock ends with the
    /// file that this returns.
    pub(crate) fn lock(&self) -> Result<File> {
        fs::create_dir_all(&self.path).context("cannot make the factory's folder")?;
        let path = self.path.join("lock");
        let what = || format!("cannot lock {}", plain_text::shown_path(&path));
        let file = File::create(&path).with_context(what)?;
        file.lock().with_context(what)?;
        Ok(file)
    }

    /// Returns the path of the register.
    pub(crate) fn register(&self) -> PathBuf {
        self.path.join("register")
    }

    /// Returns whether anything was certified.
    pub(crate) fn has_entries(&self) -> Result<bool> {
        match fs::metadata(self.register()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            found => Ok(found.context("cannot look at the register")?.len() > 0),
        }
    }

    /// Returns the path of a key's public part.
    pub(crate) fn public(&self, key: Name) -> PathBuf {
        self.path.join(format!("{}.pem", key.0))
    }

    /// Returns the path of a key that is sealed.
    pub(crate) fn sealed(&self, key: Name) -> PathBuf {
        self.path.join(format!("{}.age", key.0))
    }

    /// Returns the path of the file that says in which token a key is.
    pub(crate) fn token(&self, key: Name) -> PathBuf {
        self.path.join(format!("{}.token", key.0))
    }

    /// Returns the path of the file that says in which token a key is being made.
    pub(crate) fn begun(&self, key: Name) -> PathBuf {
        self.path.join(format!("{}.begun", key.0))
    }

    /// Returns the file of a key, if there is one.
    pub(crate) fn key(&self, key: Name) -> Option<PathBuf> {
        [self.sealed(key), self.token(key)]
            .into_iter()
            .find(|path| path.exists())
    }

    /// Writes a new file, whole or not at all.
    pub(crate) fn add(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.write(path, bytes, |file| {
            file.persist_noclobber(path).map_err(|error| error.error)
        })
    }

    /// Writes a file, whole or not at all, in place of one that may be there.
    pub(crate) fn put(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        self.write(path, bytes, |file| {
            file.persist(path).map_err(|error| error.error)
        })
    }

    /// Gives a file another name.
    pub(crate) fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        let what = || format!("cannot write {}", plain_text::shown_path(to));
        #[cfg(test)]
        self.cut()?;
        fs::rename(from, to).with_context(what)?;
        self.sync().with_context(what)
    }

    /// Makes names of files durable: the next write may reach the disk before this one's name does.
    fn sync(&self) -> io::Result<()> {
        if cfg!(unix) {
            File::open(&self.path)?.sync_all()?;
        }
        Ok(())
    }

    fn write(
        &self,
        path: &Path,
        bytes: &[u8],
        finish: impl FnOnce(tempfile::NamedTempFile) -> io::Result<File>,
    ) -> Result<()> {
        let what = || format!("cannot write {}", plain_text::shown_path(path));
        #[cfg(test)]
        self.cut()?;
        let mut file = tempfile::NamedTempFile::new_in(&self.path).with_context(what)?;
        file.write_all(bytes).with_context(what)?;
        file.as_file().sync_all().with_context(what)?;
        finish(file).with_context(what)?;
        self.sync().with_context(what)
    }

    /// Counts a write; fails if there is no power for it.
    #[cfg(test)]
    pub(crate) fn cut(&self) -> Result<()> {
        let left = self.writes_left.get().checked_sub(1);
        self.writes_left.set(left.context("power cut")?);
        Ok(())
    }
}
