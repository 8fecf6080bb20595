//! What files have on Windows. Who may read and write one, its folder says: the user's profile is the user's alone.

use super::run::FileId;
use local_socket::Stream;
use rustix::fd::OwnedFd;
use std::{
    env,
    fs::{self, File, FileType, OpenOptions},
    io::{self, Read},
    os::windows::{fs::OpenOptionsExt, io::AsHandle},
    path::Path,
    thread,
};
use winapi_util::file::{information, typ};

/// Leaves a new file as it is: it inherits its folder's access control list.
pub(crate) const fn owners_only(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Returns nothing: a file that can be given a name has one from the beginning.
pub(super) const fn nameless(_folder: &Path) -> Option<File> {
    None
}

/// Fails: there are no nameless files.
pub(super) fn link(_file: &File, _name: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Does nothing: NTFS keeps names in its journal, and folders cannot be flushed.
pub(super) const fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Returns whether what is there takes bytes and keeps none: here such things have no kind ([`is_of_stream`]).
pub(super) const fn takes_bytes(_kind: FileType) -> bool {
    false
}

/// Returns whether the error says that something is no file, as of a device or a pipe that is asked for its size.
pub(super) fn is_of_stream(error: &io::Error) -> bool {
    const INVALID_FUNCTION: i32 = 1;
    const INVALID_PARAMETER: i32 = 87;
    matches!(
        error.raw_os_error(),
        Some(INVALID_FUNCTION | INVALID_PARAMETER)
    )
}

/// Leaves it: there are no terminals to become the program's own.
pub(super) const fn no_terminal(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Opens what is there itself, not where a link leads.
pub(super) fn no_links(options: &mut OpenOptions) -> &mut OpenOptions {
    const OPEN_REPARSE_POINT: u32 = 0x0020_0000;
    options.custom_flags(OPEN_REPARSE_POINT)
}

/// Returns whether the filesystem has no renames that do not replace.
pub(super) fn is_unsupported(error: &io::Error) -> bool {
    const NOT_SUPPORTED: i32 = 50;
    is_of_stream(error) || error.raw_os_error() == Some(NOT_SUPPORTED)
}

/// Returns what names the file at a path; links are followed.
pub(super) fn id_at(path: &Path) -> Option<FileId> {
    fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    id_of(&File::open(path).ok()?)
}

/// Returns what names an open file.
pub(super) fn id_of(file: &File) -> Option<FileId> {
    if !typ(file).ok()?.is_disk() {
        return None;
    }
    let information = information(file).ok()?;
    Some((information.volume_serial_number(), information.file_index()))
}

/// What an input is read from. Windows cannot wait for a pipe and for a module at once, but for two sockets: a thread
/// carries what comes out of a pipe to one.
#[derive(Debug)]
pub(super) struct Reading {
    file: File,
    carried: Option<Stream>,
}

impl Reading {
    /// Reads a file.
    pub(super) const fn of_file(file: File) -> Self {
        let carried = None;
        Self { file, carried }
    }

    /// Reads a pipe or a device. The thread ends with the input, or with the next bytes that nobody takes.
    pub(super) fn of_stream(file: File) -> io::Result<Self> {
        let (mut near, far) = local_socket::pair()?;
        let mut input = file.try_clone()?;
        thread::Builder::new().spawn(move || {
            if let Err(error) = io::copy(&mut input, &mut near) {
                tracing::debug!(%error, "no more is read");
            }
        })?;
        let carried = Some(far);
        Ok(Self { file, carried })
    }

    /// Returns what was opened.
    pub(super) const fn file(&self) -> &File {
        &self.file
    }

    /// Returns what to poll for the next byte, if reading may wait.
    pub(super) fn waits_on(&self) -> Option<OwnedFd> {
        let carried = self.carried.as_ref()?;
        carried.try_clone().ok().map(OwnedFd::from)
    }
}

impl Read for Reading {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match &mut self.carried {
            Some(stream) => stream.read(bytes),
            None => self.file.read(bytes),
        }
    }
}

/// Returns nothing: only sockets can be polled.
pub(crate) const fn awaited(_file: &File) -> Option<OwnedFd> {
    None
}

/// Returns standard input.
pub(super) fn stdin() -> io::Result<File> {
    Ok(io::stdin().as_handle().try_clone_to_owned()?.into())
}

#[cfg(test)]
pub(super) fn of_pipe(reader: io::PipeReader) -> File {
    std::os::windows::io::OwnedHandle::from(reader).into()
}

/// Returns whether it is in this user's profile, where nobody else but administrators may write.
pub(crate) fn belongs_to_this_user(path: &Path) -> bool {
    let (Ok(path), Some(profile)) = (fs::canonicalize(path), env::home_dir()) else {
        return false;
    };
    fs::canonicalize(profile).is_ok_and(|profile| path.starts_with(profile))
}
