//! The window without a display: clicks, keys and pictures; with made-up reports and with a real hub.

#![expect(clippy::unwrap_used, reason = "a test that fails says so")]

mod hands;
mod keypad;
mod pictures;
mod real_hub;
mod words;
