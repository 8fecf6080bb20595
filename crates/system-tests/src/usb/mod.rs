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
