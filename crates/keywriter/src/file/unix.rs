//! What files have on Unix, and some of it on Linux alone.

use super::run::FileId;
use rustix::{
    fs::{AtFlags, CWD, Mode, OFlags, linkat},
    io::Errno,
};
use std::{
    fs::{self, File, FileType, Metadata, OpenOptions},
    io::{self, Read},
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    },
    path::Path,
};

/// Makes a new file one that only its owner can read.
pub(crate) fn owners_only(options: &mut OpenOptions) -> &mut OpenOptions {
    options.mode(0o600)
}

/// Returns a file in a folder that has no name yet and only its owner can read; `None` where that cannot be.
#[cfg(target_os = "linux")]
pub(super) fn nameless(folder: &Path) -> Option<File> {
    let flags = OFlags::TMPFILE | OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::open(folder, flags, Mode::RUSR | Mode::WUSR).ok()?;
    Path::new(OWN_FILES).exists().then(|| file.into())
}

/// Returns nothing: only Linux has files without names.
#[cfg(not(target_os = "linux"))]
pub(super) fn nameless(_folder: &Path) -> Option<File> {
    None
}

/// Gives a nameless file a name that is free.
pub(super) fn link(file: &File, name: &Path) -> io::Result<()> {
    let own = format!("{OWN_FILES}/{}", file.as_raw_fd());
    Ok(linkat(CWD, own, CWD, name, AtFlags::SYMLINK_FOLLOW)?)
}

/// Where the kernel shows a program its open files.
const OWN_FILES: &str = "/proc/self/fd";

/// Makes the name of a file as durable as its content.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Returns whether what is there takes bytes and keeps none.
pub(super) fn takes_bytes(kind: FileType) -> bool {
    kind.is_char_device() || kind.is_fifo() || kind.is_socket()
}

/// Returns whether the error says that something is no file: here the kind of a file does.
pub(super) const fn is_of_stream(_error: &io::Error) -> bool {
    false
}

/// A terminal that is opened does not become the program's own (`O_NOCTTY`).
pub(super) fn no_terminal(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(OFlags::NOCTTY.bits().cast_signed())
}

/// Opens what is there itself, and waits for nobody (`O_NOFOLLOW`, `O_NONBLOCK`).
pub(super) fn no_links(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
}

/// Returns whether the filesystem has neither links nor renames that do not replace. FAT and FUSE answer a link with
/// EPERM.
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    let unsupported = [Errno::INVAL, Errno::NOSYS, Errno::OPNOTSUPP, Errno::PERM];
    Errno::from_io_error(error).is_some_and(|errno| unsupported.contains(&errno))
}

/// Returns what names the file at a path; links are followed.
pub(super) fn id_at(path: &Path) -> Option<FileId> {
    fs::metadata(path).ok().and_then(|metadata| id(&metadata))
}

/// Returns what names an open file.
pub(super) fn id_of(file: &File) -> Option<FileId> {
    file.metadata().ok().and_then(|metadata| id(&metadata))
}

/// A terminal or `/dev/null` may well be both ends.
fn id(metadata: &Metadata) -> Option<FileId> {
    let kind = metadata.file_type();
    let keeps = kind.is_file() || kind.is_fifo() || kind.is_block_device();
    keeps.then(|| (metadata.dev(), metadata.ino()))
}

/// What an input is read from.
#[derive(Debug)]
pub(super) struct Reading(File);

impl Reading {
    /// Reads a file.
    pub(super) const fn of_file(file: File) -> Self {
        Self(file)
    }

    /// Reads a pipe or a device.
    #[expect(clippy::unnecessary_wraps, reason = "it fails on other systems")]
    pub(super) const fn of_stream(file: File) -> io::Result<Self> {
        Ok(Self(file))
    }

    /// Returns what was opened.
    pub(super) const fn file(&self) -> &File {
        &self.0
    }

    /// Returns what to poll for the next byte, if reading may wait.
    pub(super) fn waits_on(&self) -> Option<OwnedFd> {
        awaited(&self.0)
    }
}

impl Read for Reading {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.0.read(bytes)
    }
}

/// Returns what to poll for the next byte of a file, if reading may wait.
pub(crate) fn awaited(file: &File) -> Option<OwnedFd> {
    let is_pipe = file.metadata().is_ok_and(|metadata| !metadata.is_file());
    // Without a descriptor to poll it is read all the same; a removed module is only noticed later.
    is_pipe.then(|| file.try_clone().ok().map(OwnedFd::from))?
}

/// Returns standard input. Not as `Stdin`: what that holds in its buffer cannot be waited for.
pub(super) fn stdin() -> io::Result<File> {
    Ok(io::stdin().as_fd().try_clone_to_owned()?.into())
}

#[cfg(test)]
pub(super) fn of_pipe(reader: io::PipeReader) -> File {
    OwnedFd::from(reader).into()
}

/// Returns whether nobody but this user, or root, can have written there.
pub(crate) fn belongs_to_this_user(path: &Path) -> bool {
    let user = rustix::process::geteuid();
    path.metadata().is_ok_and(|metadata| {
        let is_own = metadata.uid() == user.as_raw() || metadata.uid() == 0;
        is_own && metadata.mode() & OTHERS_WRITE == 0
    })
}

/// The bits by which a group and everybody may write. Who is in a group, this program cannot know.
const OTHERS_WRITE: u32 = 0o022;
