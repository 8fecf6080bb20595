//! Files that appear whole or not at all.
//!
//! A file that is being written has no name yet, so that nothing is left of it however the program ends. It has a name
//! that [`is_leftover`] recognizes for the moment in which it takes another file's place, and all the time where a
//! filesystem has no files without names (FAT, NFS). A program that ends then leaves it; it is locked while it is
//! written, so that no other program takes it for such a leftover.
//!
//! Only files are replaced. Devices and FIFOs are written to, and a link leads to what is replaced or written to.

mod input;
mod run;
#[cfg(unix)]
#[path = "unix.rs"]
mod system;
#[cfg(windows)]
#[path = "windows.rs"]
mod system;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use input::is_changed;
pub use input::{InputChanged, InputFile};
pub use run::{Conflict, RunFiles, is_same};
pub(crate) use system::{awaited, belongs_to_this_user, owners_only};

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};
use tempfile::{Builder, NamedTempFile, PersistError};

/// A file that is being written: it takes its name with [`Self::commit`], and dropping it leaves nothing.
#[derive(Debug)]
pub struct NewFile {
    body: Body,
    target: PathBuf,
}

/// What is written to.
#[derive(Debug)]
enum Body {
    /// A file in the target's folder without a name, locked as long as it is open.
    Nameless(File),
    /// A file beside the target, locked as long as it is open.
    Named(NamedTempFile),
    /// The target itself: a device or a FIFO, which takes bytes as they come.
    Stream(File),
}

impl NewFile {
    /// Begins a file for `target` that only its owner can read, or opens the device or FIFO that is there.
    pub fn begin(target: &Path) -> io::Result<Self> {
        target.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let target = &match at(target)? {
            At::Nothing => target.to_owned(),
            At::File(file) => file,
            At::Stream => {
                return Ok(Self {
                    body: Body::Stream(open_stream(target)?),
                    target: target.to_owned(),
                });
            }
        };
        let Some(file) = system::nameless(folder(target)) else {
            // What cannot be written fails again, with the reason.
            return Self::begin_named(target);
        };
        // [`Self::commit`] gives it a name for a moment.
        lock(&file);
        Ok(Self {
            body: Body::Nameless(file),
            target: target.to_owned(),
        })
    }

    fn begin_named(target: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        system::owners_only(options.write(true).create_new(true));
        // Not `tempfile_in`: its errors name the temporary file.
        let file = Builder::new()
            .prefix(&prefix(target))
            .rand_bytes(RANDOM)
            .suffix(SUFFIX)
            .make_in(folder(target), |path| options.open(path))?;
        lock(file.as_file());
        Ok(Self {
            body: Body::Named(file),
            target: target.to_owned(),
        })
    }

    /// Returns the open file.
    pub fn file(&self) -> &File {
        match &self.body {
            Body::Nameless(file) | Body::Stream(file) => file,
            Body::Named(file) => file.as_file(),
        }
    }

    /// Puts it in place of what was there.
    pub fn commit(self) -> io::Result<()> {
        match self.body {
            Body::Stream(file) => return sync_stream(&file),
            Body::Nameless(file) => {
                file.sync_all()?;
                // A link replaces nothing; a rename does.
                let named = Builder::new()
                    .prefix(&prefix(&self.target))
                    .rand_bytes(RANDOM)
                    .suffix(SUFFIX)
                    .make_in(folder(&self.target), |path| system::link(&file, path))?;
                named.persist(&self.target)?;
            }
            Body::Named(file) => {
                file.as_file().sync_all()?;
                file.persist(&self.target)?;
            }
        }
        system::sync_folder(folder(&self.target))
    }

    /// Puts it in place, or returns [`io::ErrorKind::AlreadyExists`] if something is there.
    pub fn commit_new(self) -> io::Result<()> {
        match self.body {
            Body::Stream(file) => return sync_stream(&file),
            Body::Nameless(file) => {
                file.sync_all()?;
                system::link(&file, &self.target)?;
            }
            Body::Named(file) => {
                file.as_file().sync_all()?;
                match file.persist_noclobber(&self.target) {
                    Err(PersistError { error, file }) if system::is_unsupported(&error) => {
                        rename_to_reserved(file, &self.target)?;
                    }
                    persisted => drop(persisted?),
                }
            }
        }
        system::sync_folder(folder(&self.target))
    }
}

/// What is at a path that is to be written.
enum At {
    Nothing,
    /// A file; by its own path, if a link leads to it.
    File(PathBuf),
    /// A device or a FIFO.
    Stream,
}

fn at(target: &Path) -> io::Result<At> {
    match fs::metadata(target) {
        Ok(metadata) if metadata.is_file() => fs::canonicalize(target).map(At::File),
        Ok(metadata) if metadata.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(_) => Ok(At::Stream),
        Err(error) if system::is_of_stream(&error) => Ok(At::Stream),
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Err(_) if target.is_symlink() => Err(io::Error::other("it is a link to what is not there")),
        Err(_) => Ok(At::Nothing),
    }
}

/// Returns whether writing there replaces something: a file, or what a block device holds. A link counts as a file.
pub fn would_replace(path: &Path) -> bool {
    let Ok(metadata) = fs::metadata(path) else {
        return path.is_symlink();
    };
    !system::takes_bytes(metadata.file_type())
}

fn open_stream(path: &Path) -> io::Result<File> {
    let file = system::no_terminal(OpenOptions::new().write(true)).open(path)?;
    match file.metadata() {
        // Another program may have put a file there in between.
        Ok(metadata) if metadata.is_file() => Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if !system::is_of_stream(&error) => Err(error),
        Ok(_) | Err(_) => Ok(file),
    }
}

/// Waits until a device has everything, if it is one that keeps something.
fn sync_stream(file: &File) -> io::Result<()> {
    file.sync_all().or_else(|error| {
        let keeps_nothing = system::is_unsupported(&error);
        if keeps_nothing { Ok(()) } else { Err(error) }
    })
}

/// Says to other programs that it is being written. Where there are no locks, they may take it for a leftover.
fn lock(file: &File) {
    if let Err(error) = file.try_lock() {
        tracing::debug!(%error, "a file that is being written is not locked");
    }
}

/// The end of the name of a file that is being written.
const SUFFIX: &str = ".kw-new";

/// How many random characters are before that.
const RANDOM: usize = 6;

/// How many bytes of the target's name are before those: a name that is as long as a filesystem allows leaves no room.
const NAMED: usize = 100;

fn prefix(target: &Path) -> OsString {
    let name = target.file_name().unwrap_or_default();
    let name = String::from_utf8_lossy(name.as_encoded_bytes());
    let cut = name.floor_char_boundary(NAMED);
    format!(".{}.", name.get(..cut).unwrap_or_default()).into()
}

/// Returns whether a file is one that was being written, by its name. It may hold plaintext that no one asked to keep.
pub fn is_leftover(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    let Some(name) = name.strip_suffix(SUFFIX.as_bytes()) else {
        return false;
    };
    let Some((before, random)) = name.split_last_chunk::<RANDOM>() else {
        return false;
    };
    let is_random = random.iter().all(u8::is_ascii_alphanumeric);
    is_random && before.starts_with(b".") && before.ends_with(b".") && before.len() > 2
}

/// Removes a leftover, unless a program is still writing it.
pub fn remove_leftover(path: &Path) {
    let removed = system::no_links(OpenOptions::new().write(true))
        .open(path)
        .and_then(|file| {
            file.try_lock()?;
            fs::remove_file(path)
        });
    match removed {
        Ok(()) => tracing::warn!(?path, "what an interrupted program left is removed"),
        Err(error) => tracing::info!(?path, %error, "an unfinished file is not removed"),
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.body {
            Body::Nameless(file) | Body::Stream(file) => file.write(bytes),
            Body::Named(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.body {
            Body::Nameless(file) | Body::Stream(file) => file.flush(),
            Body::Named(file) => file.flush(),
        }
    }
}

/// Writes a whole file in place of what was there, or to the device or FIFO, and makes its folder if need be.
pub fn replace(target: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(folder(target))?;
    let mut file = NewFile::begin(target)?;
    file.write_all(bytes)?;
    file.commit()
}

/// Reserves the name with an empty file until the rename. A crash in between leaves that file, but replaces nothing.
fn rename_to_reserved(file: NamedTempFile, to: &Path) -> io::Result<()> {
    File::create_new(to)?;
    let renamed = file.persist(to).map_err(io::Error::from);
    renamed.map(drop).inspect_err(|_| {
        if let Err(error) = fs::remove_file(to) {
            tracing::warn!(%error, "an empty file is left");
        }
    })
}

fn folder(file: &Path) -> &Path {
    file.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}
