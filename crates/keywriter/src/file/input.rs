//! Files that are read from their beginning to their end, and must stay as they are meanwhile.

use super::system::{self, Reading};
use crate::pipeline::Source;
use rustix::fd::OwnedFd;
use std::{
    fs::{File, Metadata},
    io::{self, Read},
    path::Path,
    time::SystemTime,
};

/// A file, pipe or device that is read once. Reading a file fails if another program changes it before its end.
#[derive(Debug)]
pub struct InputFile {
    file: Reading,
    /// What the file was when it was opened; a pipe or device has no state of its own.
    opened: Option<State>,
    read: u64,
}

/// What differs after a file was written to. The time of its last change would differ, too, where another program
/// renamed it, linked to it, or set its mode or an attribute: a backup does that, and what is read stays the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct State {
    len: u64,
    written: Option<SystemTime>,
}

/// Another program wrote to a file while it was read, so that what was read never was its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("another program changed it while it was read")]
pub struct InputChanged;

impl InputFile {
    /// Opens a file.
    pub fn open(path: &Path) -> io::Result<Self> {
        File::open(path).and_then(Self::new)
    }

    /// Takes standard input.
    pub fn stdin() -> io::Result<Self> {
        Self::new(system::stdin()?)
    }

    /// Returns a pipe with some bytes in it, and its other end: until that is dropped, the next byte is waited for.
    #[cfg(test)]
    pub(crate) fn pipe(bytes: &[u8]) -> (Self, io::PipeWriter) {
        let (reader, mut writer) = io::pipe().unwrap();
        io::Write::write_all(&mut writer, bytes).unwrap();
        (Self::new(system::of_pipe(reader)).unwrap(), writer)
    }

    fn new(file: File) -> io::Result<Self> {
        let opened = match file.metadata() {
            Ok(metadata) => metadata.is_file().then(|| State::of(&metadata)),
            Err(error) if system::is_of_stream(&error) => None,
            Err(error) => return Err(error),
        };
        Ok(Self {
            file: if opened.is_some() {
                Reading::of_file(file)
            } else {
                Reading::of_stream(file)?
            },
            opened,
            read: 0,
        })
    }

    /// Returns its length in bytes, where that is known.
    pub fn size(&self) -> Option<u64> {
        self.opened.map(|opened| opened.len)
    }

    /// Fails with [`InputChanged`] if it is no longer what was opened.
    pub fn check(&self) -> io::Result<()> {
        match self.opened {
            Some(opened) if State::of(&self.file().metadata()?) != opened => {
                Err(io::Error::other(InputChanged))
            }
            _ => Ok(()),
        }
    }

    /// Returns the open file.
    pub const fn file(&self) -> &File {
        self.file.file()
    }
}

impl State {
    fn of(metadata: &Metadata) -> Self {
        Self {
            len: metadata.len(),
            written: metadata.modified().ok(),
        }
    }
}

impl Read for InputFile {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(bytes)?;
        self.read += u64::try_from(count).unwrap_or(0);
        // One that grows as fast as it is read has no end.
        let is_beyond = self.opened.is_some_and(|opened| self.read > opened.len);
        if count == 0 || is_beyond {
            self.check()?;
        }
        Ok(count)
    }
}

impl Source for InputFile {
    fn waits_on(&self) -> Option<OwnedFd> {
        self.file.waits_on()
    }
}

/// Returns whether reading failed because the file was changed.
pub(crate) fn is_changed(error: &io::Error) -> bool {
    error
        .get_ref()
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<InputChanged>)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, io::Write, time::Duration};

    /// Reads a part of a file, lets something happen to it, and reads the rest.
    fn read_around(change: impl FnOnce(&Path)) -> io::Result<usize> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, [1; 1000]).unwrap();
        // The clock of a filesystem has steps of some milliseconds.
        let old = SystemTime::now() - Duration::from_mins(1);
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(old)
            .unwrap();
        let mut input = InputFile::open(&path).unwrap();
        input.read_exact(&mut [0; 100]).unwrap();
        change(&path);
        input.read_to_end(&mut Vec::new())
    }

    #[test]
    fn a_file_that_is_changed_while_it_is_read_is_told() {
        assert_eq!(read_around(|_| ()).unwrap(), 900);
        let open = |path: &Path| File::options().write(true).open(path).unwrap();
        let truncated = read_around(|path| open(path).set_len(500).unwrap());
        let emptied = read_around(|path| drop(fs::write(path, "")));
        let rewritten = read_around(|path| drop(fs::write(path, [2; 1000])));
        let grown = read_around(|path| {
            let file = File::options().append(true).open(path);
            file.unwrap().write_all(b"more").unwrap();
        });
        for outcome in [truncated, emptied, rewritten, grown] {
            assert!(is_changed(&outcome.unwrap_err()));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_file_may_get_another_name_or_mode_while_it_is_read() {
        use std::os::unix::fs::PermissionsExt;
        let beside = |path: &Path| path.with_file_name("b");
        let renamed = read_around(|path| fs::rename(path, beside(path)).unwrap());
        let linked = read_around(|path| fs::hard_link(path, beside(path)).unwrap());
        let removed = read_around(|path| fs::remove_file(path).unwrap());
        let closed = read_around(|path| {
            fs::set_permissions(path, fs::Permissions::from_mode(0o400)).unwrap();
        });
        let replaced = read_around(|path| {
            fs::write(beside(path), "other").unwrap();
            fs::rename(beside(path), path).unwrap();
        });
        for outcome in [renamed, linked, removed, closed, replaced] {
            assert_eq!(outcome.unwrap(), 900);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_whose_length_the_system_does_not_know_is_read() {
        let mut text = String::new();
        let mut input = InputFile::open("/proc/cpuinfo".as_ref()).unwrap();
        input.read_to_string(&mut text).unwrap();
        assert!(!text.is_empty());
    }
}
