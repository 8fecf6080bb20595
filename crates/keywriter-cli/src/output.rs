//! Lines on standard output: text for people, JSON for programs.

use crate::{failure::Failure, words};
use keywriter::{Options, problem::Problem};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::{
    fmt::Display,
    io::{self, Write},
};

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

/// An event for programs: one JSON object on one line, its fields in the order in which they are added.
pub(crate) struct Event(Vec<(&'static str, Value)>);

impl Event {
    pub(crate) fn new(name: &'static str) -> Self {
        Self(vec![("event", name.into())])
    }

    /// Adds a field.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// Adds a field with a value's text form.
    pub(crate) fn text(self, name: &'static str, value: impl Display) -> Self {
        self.with(name, value.to_string())
    }

    /// Adds a field unless it has no value.
    pub(crate) fn some(self, name: &'static str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// Adds the choices of a cycle.
    pub(crate) fn choices(self, options: Options) -> Self {
        self.with("auto_lock", options.auto_lock)
            .with("user_pin_policy", options.user_pin_policy)
            .with("disable_master", options.disable_master)
    }

    /// Adds a problem: its code, its line in a field of that name, and the advice.
    pub(crate) fn problem(self, name: &'static str, problem: &Problem) -> Self {
        self.with("reason", problem.reason.code())
            .with(name, words::line(problem))
            .with("advice", words::of(problem.reason).advice)
    }

    /// Adds a failure with its exit code.
    pub(crate) fn failure(self, failure: &Failure) -> Self {
        let (code, reason) = failure.codes();
        self.with("code", code)
            .with("reason", reason)
            .with("error", failure.text())
            .some("advice", failure.advice())
    }

    /// Prints it.
    pub(crate) fn print(&self) -> Result<(), Failure> {
        let text = serde_json::to_string(self).map_err(|error| Failure::Output(error.into()))?;
        line(&text)
    }
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
