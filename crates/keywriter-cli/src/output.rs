//! Lines on standard output: text for people, JSON for programs.

use crate::{failure::Failure, words};
use keywriter::{
    Options,
    problem::Problem,
    protocol::EpochName,
    text::{acts, hex},
    transport::Location,
};
use serde::{Serialize, Serializer};
use serde_json::Value;
use std::{
    borrow::Cow,
    fmt::{self, Display},
    io::{self, Write},
    path::Path,
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
pub(crate) struct Event(Vec<(Cow<'static, str>, Value)>);

impl Event {
    pub(crate) fn new(name: &'static str) -> Self {
        Self(vec![("event".into(), name.into())])
    }

    /// Adds a field.
    pub(crate) fn with(
        mut self,
        name: impl Into<Cow<'static, str>>,
        value: impl Into<Value>,
    ) -> Self {
        self.0.push((name.into(), value.into()));
        self
    }

    /// Adds a field with a value's text form.
    pub(crate) fn text(self, name: &'static str, value: impl Display) -> Self {
        self.with(name, value.to_string())
    }

    /// Adds the fields of an epoch's name.
    pub(crate) fn epoch(self, name: EpochName) -> Self {
        self.with("epoch", name.number)
            .with("epoch_check", hex(&name.check))
    }

    /// Adds a field with a path. One that is not Unicode gets a second field with its bytes in hexadecimal digits, so that
    /// a program finds the file again: on Unix the system's own, on Windows WTF-8.
    pub(crate) fn path(self, name: &'static str, path: &Path) -> Self {
        if let Some(text) = path.to_str() {
            return self.with(name, text);
        }
        let bytes = path.as_os_str().as_encoded_bytes();
        self.with(name, String::from_utf8_lossy(bytes))
            .with(format!("{name}_bytes"), hex(bytes))
    }

    /// Adds a field with a path, or null.
    pub(crate) fn maybe_path(self, name: &'static str, path: Option<&Path>) -> Self {
        match path {
            Some(path) => self.path(name, path),
            None => self.with(name, Value::Null),
        }
    }

    /// Adds the fields of a location: what it is and, so that a program finds it again, its path or name as it is.
    pub(crate) fn place(self, location: &Location) -> Self {
        let event = self.with("transport", location.kind());
        match location {
            Location::Socket(path) => event.path("place", path),
            Location::Reader(name) | Location::Usb(name) => event.with("place", name.as_str()),
        }
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
        line(&escaped(&text))
    }
}

/// Escapes what would act on a terminal, as JSON allows in every string. Outside of strings there is no such character.
fn escaped(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if acts(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                fmt::Write::write_fmt(&mut safe, format_args!("\\u{unit:04x}")).unwrap_or_default();
            }
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Prints text on standard error, without a line feed. Nothing can be done if it is closed.
pub(crate) fn note(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(unix)]
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};

    #[test]
    fn a_name_in_json_does_nothing_to_a_terminal_and_reads_back() {
        let name = "a\u{1b}[2J\u{9b}\n\u{202e}\u{2066}\u{200b}\u{e0041}\u{7f}é";
        let event = Event::new("encrypted").path("file", name.as_ref());
        let line = escaped(&serde_json::to_string(&event).unwrap());
        assert!(!line.contains(acts), "{line}");
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["file"], name);
    }

    #[test]
    fn a_place_reads_back_whatever_its_name() {
        let name = "run\u{1b}[2J\u{202e}/A.sock";
        for location in [Location::Socket(name.into()), Location::Reader(name.into())] {
            let line =
                escaped(&serde_json::to_string(&Event::new("module").place(&location)).unwrap());
            assert!(!line.contains(acts), "{line}");
            assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["place"], name);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_place_that_is_not_text_is_found_again_by_its_bytes() {
        let socket = Location::Socket(OsStr::from_bytes(b"a\xff").into());
        let read = serde_json::to_value(Event::new("module").place(&socket)).unwrap();
        assert_eq!(read["place_bytes"], "61ff");
    }

    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_text_is_found_again_by_its_bytes() {
        let event = Event::new("encrypted").path("file", OsStr::from_bytes(b"a\xff").as_ref());
        let read = serde_json::to_value(&event).unwrap();
        assert_eq!(read["file_bytes"], "61ff");
    }
}
