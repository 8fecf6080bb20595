//! Lines on standard output: text for people, JSON for programs.

use crate::failure::Failure;
use keywriter::Options;
use serde::Serialize;
use std::io::{self, Write};

/// Prints one JSON object on a line of its own.
pub(crate) fn json(object: &impl Serialize) -> Result<(), Failure> {
    let mut line = serde_json::to_vec(object).map_err(|error| Failure::Output(error.into()))?;
    line.push(b'\n');
    write(&line)
}

/// Prints text and a line feed.
pub(crate) fn line(text: &str) -> Result<(), Failure> {
    write(format!("{text}\n").as_bytes())
}

/// Prints bytes as they are.
pub(crate) fn write(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        // A reader that has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.map_err(Failure::Output),
    }
}

/// The choices of a cycle, as JSON.
#[derive(Serialize)]
pub(crate) struct ChoicesLine {
    auto_lock: bool,
    user_pin_policy: bool,
    disable_master: bool,
}

impl From<Options> for ChoicesLine {
    fn from(options: Options) -> Self {
        Self {
            auto_lock: options.auto_lock,
            user_pin_policy: options.user_pin_policy,
            disable_master: options.disable_master,
        }
    }
}

/// A failed command, as JSON.
#[derive(Serialize)]
pub(crate) struct ErrorLine {
    pub(crate) event: &'static str,
    pub(crate) code: u8,
    pub(crate) error: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<&'static str>,
}
