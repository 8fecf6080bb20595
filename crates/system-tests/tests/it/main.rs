//! Whole modules, whole runs, whole programs.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

mod attacks;
mod blind;
mod cloning;
mod programs;
mod secrets;
