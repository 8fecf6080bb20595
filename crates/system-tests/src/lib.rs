//! The only place where both sides of the wall meet: programs against modules, and what both must agree on. Unpublished.

#![forbid(unsafe_code)]
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "for tests: what is not as a test expects ends the test"
)]

pub mod cable;
pub mod format;
pub mod lab;
pub mod screen;
pub mod usb;
pub mod wire;
