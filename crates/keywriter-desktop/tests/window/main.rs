//! The window without a display: what it shows for each state, and what it does when it is used.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod files;
mod hands;
mod keyboard;
mod names;
mod pictures;
mod scenes;
mod states;
mod team;
mod walk;
mod words;
