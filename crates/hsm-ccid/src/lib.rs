//! The module on USB: a smart-card reader (CCID, the USB class of chip card interface devices, revision 1.1) with one slot
//! whose card never leaves. It exchanges whole APDUs, also extended ones, and asks for time while the module computes.
//!
//! | file | what is in it |
//! |---|---|
//! | [`message`] | what a host sends and what it is answered: the ten bytes before the data |
//! | [`ccid`] | the slot: packets in and out, without any bus |
//! | [`class`] | the same as a class of the crate `usb-device`, with its descriptors |
//!
//! The room for an APDU has one owner at a time: [`Ccid`] while it receives, the module while it computes
//! ([`Command::run`]), and [`Ccid`] again while it sends. So a board needs no lock around it, and no `unsafe`.

#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::panic,
        clippy::unreachable,
        clippy::as_conversions
    )
)]

#[cfg(test)]
extern crate std;

pub mod ccid;
pub mod class;
pub mod message;

pub use ccid::{Ccid, Command, Response, Room, Task};
pub use class::CcidClass;
