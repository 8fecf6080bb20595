//! Windows.

use std::{
    fs::File,
    io::{self, StdoutLock},
    os::windows::io::{AsHandle, AsRawHandle},
};

/// Opens standard input: the only descriptor that has a number here.
pub(crate) fn descriptor(number: u32) -> io::Result<File> {
    if number != 0 {
        return Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "on Windows only descriptor 0, standard input, can be read",
        ));
    }
    io::stdin().as_handle().try_clone_to_owned().map(File::from)
}

/// Returns standard output as a file.
pub(crate) fn stdout_file(out: &StdoutLock<'_>) -> io::Result<File> {
    out.as_handle().try_clone_to_owned().map(File::from)
}

/// Returns whether standard output was closed: then it has no handle.
pub(crate) fn stdout_was_closed() -> bool {
    io::stdout().as_raw_handle().is_null()
}

/// Gives a file the read-only attribute of the one whose place it takes. Both are in one folder, whose access control list
/// they inherit.
pub(crate) fn take_over(old: &File, new: &File) -> io::Result<()> {
    new.set_permissions(old.metadata()?.permissions())
}

/// Where what is written is lost.
pub(crate) const NOWHERE: &str = "NUL";
