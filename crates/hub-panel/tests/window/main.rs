//! The window without a display: clicked, typed at, looked at; with reports made up here and with a real hub.

#![expect(clippy::unwrap_used, reason = "a test that fails says so")]

mod hands;
mod keypad;
mod pictures;
mod real_hub;
mod words;
