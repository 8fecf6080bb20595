//! Flash and fuses as chips have them, with power cuts at every point; and the module's core over them.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

mod chip;
mod core;
mod fuses;
mod ring;
