//! What outlasts a power cut on a board: the store in NOR flash, the counter and the keys in fuses.
//!
//! | file | what is in it |
//! |---|---|
//! | [`ring`] | the store's blob, in a ring of slots: after a cut at any point it is the old one or the new one |
//! | [`fuses`] | rows of fuses, and which row is for what |
//! | [`counter`] | a number that only rises: a fuse for each step |
//! | [`keys`] | the chip's secret and the store keys, which can be destroyed |
//!
//! A board supplies the chips: a flash with the traits of the crate `embedded-storage`, and [`fuses::Fuses`]. Why the
//! module needs a counter, and how many steps an unlock takes: `docs/STORE.md`, "Rollback" and "Wear".

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

pub mod counter;
pub mod fuses;
pub mod keys;
pub mod ring;

pub use counter::Counter;
pub use fuses::Fuses;
pub use keys::{Keys, Secret};
pub use ring::Ring;
