//! Lines on standard output: text for people, JSON for programs.

use crate::failure::Failure;
use keywriter::Options;
use serde::Serialize;
use std::{
    borrow::Cow,
    io::{self, Write},
};

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

/// A failed command, or one file of several, as JSON.
#[derive(Serialize)]
pub(crate) struct ErrorLine<'a> {
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    code: u8,
    reason: &'static str,
    error: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
}

impl<'a> ErrorLine<'a> {
    pub(crate) fn of(event: &'static str, file: Option<&'a str>, failure: &'a Failure) -> Self {
        let (code, reason) = failure.codes();
        Self {
            event,
            file,
            code,
            reason,
            error: failure.text(),
            advice: failure.advice(),
        }
    }
}
