//! Whole modules, whole runs, whole programs.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

mod blind;
mod cloning;
mod cuts;
mod exchange;
mod hostile;
mod keypad;
mod options;
mod programs;
mod states;
mod vectors;
