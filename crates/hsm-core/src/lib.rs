//! The module: the same core in firmware, in a virtual module and in tests. It knows no operating system.
//!
//! Four doors lead in: [`Module::key`], [`Module::link`], [`Module::apdu`] and [`Module::tick`]; [`Module::leds`]
//! leads out. Constructing a module is power-up, dropping it is a power cut. A board brings what [`platform`] names.
//!
//! | room | what is in it |
//! |---|---|
//! | [`module`] | the doors |
//! | `machine`, `state` | what every act works on; the one value that says what the module is, and its gates |
//! | [`keypad`] | keys, gestures, entries and what they do; the LEDs |
//! | `card` | APDUs, commands against states, ciphering, shared files, manufacture |
//! | `cloning` | the master's part and the secondary's |
//! | `vault` | the sealed store, attempts at PINs, and `csp`: every type that holds a secret in the clear |
//! | [`crypto`] | the provider trait, the `RustCrypto` provider, the generator |
//! | [`platform`], [`time`] | what a board supplies; time |
//!
//! Imports lead down this list. `cargo xtask layers` checks that, and that they form no large circle.

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

mod asking;
mod card;
mod cloning;
pub mod crypto;
pub mod keypad;
mod machine;
pub mod module;
pub mod platform;
mod presented;
mod state;
pub mod time;
mod vault;

pub use card::dispatch::FIRMWARE;
pub use keypad::{configure, leds};
pub use module::{Link, Module};
pub use vault::{attempt, csp::pin, image::BLOB};
