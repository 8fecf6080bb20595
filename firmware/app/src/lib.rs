//! What every board does. A board brings chips and pins; this crate has the rest, and no `unsafe`.
//!
//! | file | what is in it |
//! |---|---|
//! | [`device`] | the main loop's turn: keys, commands, time in; LEDs out |
//! | [`mailbox`] | commands and responses between the interrupt of the USB controller and the main loop |
//! | [`reader`] | the reader on a USB controller |
//! | [`matrix`] | twelve keys at seven pins, without bounces and ghosts |
//! | [`lamps`] | which LED is lit, at a time |

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod device;
pub mod lamps;
pub mod mailbox;
pub mod matrix;
pub mod reader;

pub use device::{Device, Watchdog};
pub use lamps::Lamps;
pub use mailbox::Mailbox;
pub use matrix::Matrix;
pub use reader::Reader;
