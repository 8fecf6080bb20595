//! Unix.

pub(crate) use super::closed::stdout_was_closed;

use std::{
    fs::File,
    io::{self, StdoutLock},
    os::{
        fd::AsFd,
        unix::fs::{MetadataExt, fchown},
    },
};

/// Opens an inherited descriptor for reading.
pub(crate) fn descriptor(number: u32) -> io::Result<File> {
    File::open(format!("/dev/fd/{number}"))
}

/// Returns standard output as a file.
pub(crate) fn stdout_file(out: &StdoutLock<'_>) -> io::Result<File> {
    out.as_fd().try_clone_to_owned().map(File::from)
}

/// Gives a file owner and permissions of the one whose place it takes: who may read it stays so.
pub(crate) fn take_over(old: &File, new: &File) -> io::Result<()> {
    let (before, made) = (old.metadata()?, new.metadata()?);
    let (owner, group) = (before.uid(), before.gid());
    if (owner, group) != (made.uid(), made.gid()) {
        fchown(new, Some(owner), Some(group))?;
    }
    new.set_permissions(before.permissions())
}

/// Where what is written is lost.
pub(crate) const NOWHERE: &str = "/dev/null";
