//! Whether anything that a host or a thief can time depends on a secret (docs/CONSTANT-TIME.md).
//!
//! `constant-time branches`, under valgrind: secrets are marked as uninitialized memory, and memcheck reports every branch and
//! every address that depends on them. `constant-time timing`: a User unlock and a self-destruction, measured.

#![allow(
    clippy::expect_used,
    reason = "a bench: what is not as expected ends the check"
)]

mod branches;
mod memcheck;
mod timing;
mod watched;

use std::{env, process::ExitCode};

fn main() -> ExitCode {
    let is_good = match env::args().nth(1).as_deref() {
        Some("branches") => branches::run(),
        Some("timing") => timing::run(),
        _ => {
            eprintln!("usage: constant-time branches|timing");
            false
        }
    };
    if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
