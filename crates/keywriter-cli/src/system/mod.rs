//! What this program asks of the system in another way on each: descriptors, and who owns a file.

#[cfg(unix)]
mod closed;
#[cfg(unix)]
#[path = "unix.rs"]
mod this;
#[cfg(windows)]
#[path = "windows.rs"]
mod this;

pub(crate) use this::{NOWHERE, descriptor, stdout_file, stdout_was_closed, take_over};
