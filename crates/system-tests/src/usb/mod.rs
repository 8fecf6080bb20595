//! Boards in an emulator as USB devices of a guest, a small Linux in an emulator of its own.
//!
//! | file | what is in it |
//! |---|---|
//! | [`device`] | a device: what a host asks for (URBs), as packets of a cable and back |
//! | [`board`] | a board in its emulator: the cable, the keys, the power |
//! | [`server`] | devices for a host elsewhere, by USB/IP |
//! | [`guest`] | the guest: its files, its start, commands in it |
//! | [`archive`] | the archive that the guest's kernel unpacks |

pub mod archive;
pub mod board;
pub mod device;
pub mod guest;
pub mod server;

pub use board::Board;
pub use guest::Guest;
pub use server::Server;

use std::{
    os::unix::net::UnixStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Connects to a socket that the emulator will make.
fn connect(path: &Path) -> UnixStream {
    let end = Instant::now() + PATIENCE;
    loop {
        match UnixStream::connect(path) {
            Ok(stream) => return stream,
            Err(error) if Instant::now() > end => panic!("{}: {error}", path.display()),
            Err(_not_yet) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

/// How long an emulator may take to start, on a computer with much else to do.
const PATIENCE: Duration = Duration::from_mins(5);
