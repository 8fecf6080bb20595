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

pub(crate) use input::is_changed;
pub use input::{InputChanged, InputFile};
pub use run::{Conflict, RunFiles, is_same};

use rustix::{
    fs::{AtFlags, CWD, FlockOperation, Mode, OFlags, fcntl_getfl, flock, linkat},
    io::Errno,
};
use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::{
        fd::AsRawFd,
        unix::{
            ffi::OsStrExt,
            fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
        },
    },
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
        let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        match rustix::fs::open(folder(target), flags, mode) {
            Ok(file) if Path::new(OWN_FILES).exists() => {
                let file = File::from(file);
                // [`Self::commit`] gives it a name for a moment.
                lock(&file);
                Ok(Self {
                    body: Body::Nameless(file),
                    target: target.to_owned(),
                })
            }
            // What cannot be written fails again, with the reason.
            Ok(_) | Err(_) => Self::begin_named(target),
        }
    }

    fn begin_named(target: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
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
                    .make_in(folder(&self.target), |path| link(&file, path))?;
                named.persist(&self.target)?;
            }
            Body::Named(file) => {
                file.as_file().sync_all()?;
                file.persist(&self.target)?;
            }
        }
        File::open(folder(&self.target))?.sync_all()
    }

    /// Puts it in place, or returns [`io::ErrorKind::AlreadyExists`] if something is there.
    pub fn commit_new(self) -> io::Result<()> {
        match self.body {
            Body::Stream(file) => return sync_stream(&file),
            Body::Nameless(file) => {
                file.sync_all()?;
                link(&file, &self.target)?;
            }
            Body::Named(file) => {
                file.as_file().sync_all()?;
                match file.persist_noclobber(&self.target) {
                    Err(PersistError { error, file }) if is_unsupported(&error) => {
                        rename_to_reserved(file, &self.target)?;
                    }
                    persisted => drop(persisted?),
                }
            }
        }
        File::open(folder(&self.target))?.sync_all()
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
    let kind = metadata.file_type();
    !(kind.is_char_device() || kind.is_fifo() || kind.is_socket())
}

/// Returns whether an output was closed when the program began: Rust puts `/dev/null` in its place, for reading and
/// writing. Who wants to lose what is written opens that for writing.
pub fn was_closed(output: &File) -> bool {
    let null = Path::new("/dev/null").metadata();
    let is_null = output
        .metadata()
        .is_ok_and(|metadata| null.is_ok_and(|null| metadata.rdev() == null.rdev()));
    let access = fcntl_getfl(output).map(|flags| flags & OFlags::ACCMODE);
    is_null && access == Ok(OFlags::RDWR)
}

fn open_stream(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .write(true)
        .custom_flags(NO_TERMINAL)
        .open(path)?;
    // Another program may have put a file there in between.
    if file.metadata()?.is_file() {
        return Err(io::ErrorKind::AlreadyExists.into());
    }
    Ok(file)
}

/// Waits until a device has everything, if it is one that keeps something.
fn sync_stream(file: &File) -> io::Result<()> {
    file.sync_all().or_else(|error| {
        let keeps_nothing = is_unsupported(&error);
        if keeps_nothing { Ok(()) } else { Err(error) }
    })
}

/// Says to other programs that it is being written. Where there are no locks, they may take it for a leftover.
fn lock(file: &File) {
    if let Err(error) = flock(file, FlockOperation::NonBlockingLockExclusive) {
        tracing::debug!(%error, "a file that is being written is not locked");
    }
}

/// Gives a nameless file a name that is free.
fn link(file: &File, name: &Path) -> io::Result<()> {
    let own = format!("{OWN_FILES}/{}", file.as_raw_fd());
    Ok(linkat(CWD, own, CWD, name, AtFlags::SYMLINK_FOLLOW)?)
}

/// Where the kernel shows a program its open files.
const OWN_FILES: &str = "/proc/self/fd";

/// The end of the name of a file that is being written.
const SUFFIX: &str = ".kw-new";

/// How many random characters are before that.
const RANDOM: usize = 6;

/// How many bytes of the target's name are before those: a name that is as long as a filesystem allows leaves no room.
const NAMED: usize = 100;

fn prefix(target: &Path) -> OsString {
    let name = target.file_name().unwrap_or_default().as_bytes();
    // Not within a character.
    let cut = (0..=NAMED.min(name.len()))
        .rev()
        .find(|at| name.get(*at).is_none_or(|byte| byte & 0xC0 != 0x80));
    let mut prefix = OsString::from(".");
    prefix.push(OsStr::from_bytes(
        name.get(..cut.unwrap_or(0)).unwrap_or_default(),
    ));
    prefix.push(".");
    prefix
}

/// Returns whether a file is one that was being written, by its name. It may hold plaintext that no one asked to keep.
pub fn is_leftover(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
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
    let removed = OpenOptions::new()
        .write(true)
        .custom_flags(NO_LINKS)
        .open(path)
        .and_then(|file| {
            flock(&file, FlockOperation::NonBlockingLockExclusive)?;
            fs::remove_file(path)
        });
    match removed {
        Ok(()) => tracing::warn!(?path, "what an interrupted program left is removed"),
        Err(error) => tracing::info!(?path, %error, "an unfinished file is not removed"),
    }
}

/// `O_NOCTTY`, as `open` takes it.
const NO_TERMINAL: i32 = OFlags::NOCTTY.bits().cast_signed();

/// `O_NOFOLLOW` and `O_NONBLOCK`, as `open` takes them.
const NO_LINKS: i32 = (OFlags::NOFOLLOW.bits() | OFlags::NONBLOCK.bits()).cast_signed();

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

/// Returns whether the filesystem has neither links nor renames that do not replace. FAT and FUSE answer a link with
/// EPERM.
fn is_unsupported(error: &io::Error) -> bool {
    let unsupported = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::PERM];
    Errno::from_io_error(error).is_some_and(|errno| unsupported.contains(&errno))
}

fn folder(file: &Path) -> &Path {
    file.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{os::unix::fs::PermissionsExt, process};

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_that_is_not_committed_was_never_there() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        fs::write(&target, "old").unwrap();
        let mut file = NewFile::begin(&target).unwrap();
        file.write_all(b"new").unwrap();
        drop(file);
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_file_that_is_being_written_has_no_name_or_one_that_is_recognized() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let mut file = NewFile::begin(&target).unwrap();
        file.write_all(b"plaintext").unwrap();
        assert_eq!(names(folder.path()), [""; 0]);
        let mut file = NewFile::begin_named(&target).unwrap();
        file.write_all(b"plaintext").unwrap();
        let [name] = names(folder.path()).try_into().unwrap();
        let unfinished = folder.path().join(name);
        assert!(is_leftover(&unfinished) && !is_leftover(&target));
        assert!(!is_leftover("notes.kw-new".as_ref()) && !is_leftover(".notes.kw-new".as_ref()));
        // It is still being written.
        remove_leftover(&unfinished);
        assert!(unfinished.exists());
        // As after a kill: nobody removes it, and nobody holds its lock.
        let Body::Named(killed) = file.body else {
            panic!("it has a name");
        };
        drop(killed.keep().unwrap());
        remove_leftover(&unfinished);
        assert!(!unfinished.exists());
    }

    #[test]
    fn a_file_that_is_taking_its_name_is_no_leftover() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        let file = NewFile::begin(&target).unwrap();
        let Body::Nameless(file) = file.body else {
            panic!("it has no name");
        };
        // As `commit` does before it renames it.
        let committing = folder.path().join(".a.abc123.kw-new");
        link(&file, &committing).unwrap();
        assert!(is_leftover(&committing));
        remove_leftover(&committing);
        assert!(committing.exists());
        drop(file);
        remove_leftover(&committing);
        assert!(!committing.exists());
    }

    #[test]
    fn a_named_file_replaces_and_is_replaced_as_a_nameless_one() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("a");
        for text in ["old", "new"] {
            let mut file = NewFile::begin_named(&target).unwrap();
            file.write_all(text.as_bytes()).unwrap();
            file.commit().unwrap();
            assert_eq!(fs::read_to_string(&target).unwrap(), text);
        }
        assert_eq!(names(folder.path()), ["a"]);
    }

    #[test]
    fn a_replaced_file_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("below/a");
        replace(&target, b"old").unwrap();
        replace(&target, b"new").unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"new");
        assert_eq!(
            target.metadata().unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert_eq!(names(target.parent().unwrap()), ["a"]);
    }

    #[test]
    fn what_is_no_file_is_written_to_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        rustix::fs::mkfifoat(CWD, &fifo, Mode::RWXU).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("fifo", &link).unwrap();
        for target in [&fifo, &link] {
            assert!(!would_replace(target));
            let reader = std::thread::spawn({
                let fifo = fifo.clone();
                move || fs::read(fifo).unwrap()
            });
            replace(target, b"bytes").unwrap();
            assert_eq!(reader.join().unwrap(), b"bytes");
            assert!(fifo.metadata().unwrap().file_type().is_fifo() && link.is_symlink());
        }
        replace("/dev/null".as_ref(), b"bytes").unwrap();
        let kind = Path::new("/dev/null").metadata().unwrap().file_type();
        assert!(kind.is_char_device());
        assert_eq!(names(folder.path()), ["fifo", "link"]);
    }

    #[test]
    fn a_link_stays_and_leads_to_what_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "old").unwrap();
        for (name, to) in [("link", "file"), ("dead", "none"), ("below", ".")] {
            std::os::unix::fs::symlink(to, at(name)).unwrap();
        }
        replace(&at("link"), b"new").unwrap();
        assert!(at("link").is_symlink() && would_replace(&at("dead")));
        assert_eq!(fs::read(at("file")).unwrap(), b"new");
        for name in ["dead", "below"] {
            assert!(NewFile::begin(&at(name)).is_err(), "{name}");
        }
        assert_eq!(names(folder.path()), ["below", "dead", "file", "link"]);
    }

    #[test]
    fn a_file_may_have_the_longest_name_there_is() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["x".repeat(255), "ü".repeat(127)] {
            let target = folder.path().join(&name);
            replace(&target, b"old").unwrap();
            replace(&target, b"new").unwrap();
            assert!(is_leftover(&folder.path().join(format!(
                "{}abc123.kw-new",
                prefix(&target).to_str().unwrap()
            ))));
            assert_eq!(names(folder.path()), [name]);
            fs::remove_file(target).unwrap();
        }
        assert!(NewFile::begin(&folder.path().join("x".repeat(256))).is_err());
    }

    /// A new file takes a free name whole, and a taken one not at all.
    fn assert_replaces_nothing(folder: &Path, commit: impl Fn(NewFile) -> io::Result<()>) {
        let target = folder.join("a");
        let write = |text: &[u8]| {
            let mut file = NewFile::begin(&target)?;
            file.write_all(text)?;
            commit(file)
        };
        write(b"old").unwrap();
        let error = write(b"new").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&target).unwrap(), b"old");
        assert_eq!(names(folder), ["a"]);
    }

    #[test]
    fn a_new_file_replaces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_replaces_nothing(folder.path(), NewFile::commit_new);
    }

    #[test]
    fn a_new_file_replaces_nothing_where_its_name_is_reserved_first() {
        let folder = tempfile::tempdir().unwrap();
        assert_replaces_nothing(folder.path(), |file| {
            let NewFile { body, target } = file;
            drop(body);
            let Body::Named(file) = NewFile::begin_named(&target)?.body else {
                panic!("it has a name");
            };
            fs::write(file.path(), if target.exists() { "new" } else { "old" })?;
            rename_to_reserved(file, &target)
        });
    }

    #[test]
    fn a_name_is_reserved_only_where_the_filesystem_has_no_other_way() {
        for errno in [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::PERM] {
            assert!(is_unsupported(&errno.into()), "{errno}");
        }
        for errno in [Errno::NOSPC, Errno::EXIST, Errno::ACCESS] {
            assert!(!is_unsupported(&errno.into()), "{errno}");
        }
    }

    /// As on a USB stick, mounted by the kernel if it has FAT and this user may mount, else by FUSE.
    #[test]
    fn a_new_file_replaces_nothing_on_fat() {
        let folder = tempfile::tempdir().unwrap();
        let Some(stick) = Fat::mount(folder.path()) else {
            hsm_testbench::not_tested(
                "files on FAT: it can be mounted neither by the kernel nor by fusefat (dosfstools, /dev/fuse)",
            );
            return;
        };
        println!("FAT by {}", stick.by);
        assert_replaces_nothing(&stick.root, NewFile::commit_new);
        NewFile::begin(&stick.root.join("b"))
            .unwrap()
            .commit_new()
            .unwrap();
        assert_eq!(names(&stick.root), ["a", "b"]);
    }

    struct Fat {
        root: std::path::PathBuf,
        by: &'static str,
    }

    impl Fat {
        fn mount(folder: &Path) -> Option<Self> {
            let (image, root) = (folder.join("image"), folder.join("root"));
            File::create(&image).unwrap().set_len(4 << 20).unwrap();
            fs::create_dir(&root).unwrap();
            let runs = |line: &[&str]| {
                let (program, options) = line.split_first().unwrap();
                let paths = [&image, &root];
                let paths = paths
                    .into_iter()
                    .take(1 + usize::from(*program != "mkfs.vfat"));
                let mut command = process::Command::new(program);
                let ran = command.args(options).args(paths).output();
                ran.is_ok_and(|ran| ran.status.success())
            };
            if !runs(&["mkfs.vfat"]) {
                return None;
            }
            let by = if runs(&["mount", "-t", "vfat", "-o", "loop"]) {
                "the kernel"
            } else if runs(&["fusefat", "-o", "rw+"]) {
                "FUSE"
            } else {
                return None;
            };
            Some(Self { root, by })
        }
    }

    impl Drop for Fat {
        fn drop(&mut self) {
            let program = if self.by == "FUSE" {
                "fusermount"
            } else {
                "umount"
            };
            let mut unmount = process::Command::new(program);
            if self.by == "FUSE" {
                unmount.arg("-u");
            }
            assert!(unmount.arg(&self.root).status().unwrap().success());
        }
    }
}
