//! The module: the same core in firmware, in a virtual module and in tests. It knows no operating system.
//!
//! Four doors lead in: [`Module::key`], [`Module::link`], [`Module::apdu`] and [`Module::tick`]; [`Module::leds`] leads out.
//! Constructing a module is power-up, dropping it is a power cut. A board brings what [`platform`] names.
//!
//! | module | what it holds |
//! |---|---|
//! | [`module`] | the doors |
//! | `state` | the one value that says what the module is, and the gates |
//! | `keypad`, `operator`, `complete` | keys → gestures → entries → acts |
//! | `unlock`, [`configure`] | what entries open; what they set |
//! | `display` | what the LEDs show |
//! | `exchange`, `dispatch` | APDU chaining; state × command |
//! | [`pin`], [`attempt`] | what may be a PIN; what a wrong one costs |
//! | `csp` | every type that holds a secret in the clear |
//! | `cloning` | the master's part and the secondary's |
//! | `cipher`, `file` | data units; shared files |
//! | `store`, `device`, `journal`, `sealed` | what is kept, and how it is sealed |
//! | [`crypto`] | the provider trait, the RustCrypto provider, the generator |

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

pub mod attempt;
mod cipher;
mod cloning;
mod complete;
pub mod configure;
pub mod crypto;
mod csp;
mod device;
mod dispatch;
mod display;
mod exchange;
mod factory;
mod file;
mod hybrid;
mod journal;
pub mod keypad;
pub mod leds;
pub mod module;
mod operator;
pub mod pin;
pub mod platform;
mod sealed;
mod state;
mod store;
pub mod time;
mod unlock;

pub use dispatch::FIRMWARE;
pub use module::{Link, Module};
pub use store::BLOB;
