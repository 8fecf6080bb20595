//! Vectors: what modules receive, and what they answer to the byte. A file plays on modules whose entropy is fixed.
//!
//! ```text
//! expect: the point of it, as a sentence
//! section: where docs/PROTOCOL.md says so
//!
//! module A-1                 a module that no factory has seen, plugged in
//! keys A-1 KEY 24681357 KEY  typed on its keypad
//! wait A-1 31                seconds pass
//! reset A-1                  the reader resets it
//! A-1 > 80500000             sent
//! A-1 < 9000                 received
//! ```

use crate::Bench;
use hsm_core::{Link, crypto::rust_crypto::RustCrypto};
use std::{collections::BTreeMap, fmt::Write};

/// Plays a vector, or records one.
#[derive(Default)]
pub struct Player {
    modules: BTreeMap<String, Bench<RustCrypto>>,
    text: String,
}

impl Player {
    /// A vector that will show `point`.
    pub fn record(point: &str, section: &str) -> Self {
        Self {
            modules: BTreeMap::new(),
            text: format!("expect: {point}\nsection: {section}\n\n"),
        }
    }

    /// Plays a recorded file; every answer must be the recorded one.
    pub fn play(text: &str) -> Result<(), String> {
        let mut lines = text.lines();
        let mut header = |name: &str| {
            let line = lines.next().unwrap_or_default();
            line.strip_prefix(name)
                .filter(|rest| !rest.is_empty())
                .map(drop)
                .ok_or(format!("no '{name}' in its header"))
        };
        header("expect: ")?;
        header("section: ")?;
        let mut player = Self::default();
        let mut answer = String::new();
        for line in lines.filter(|line| !line.is_empty()) {
            let (first, rest) = line
                .split_once(' ')
                .ok_or(format!("'{line}' is not a line of a vector"))?;
            match (first, rest.split_at(2)) {
                (serial, ("> ", apdu)) => answer = player.exchange(serial, apdu)?,
                (_, ("< ", expected)) if answer != expected => {
                    return Err(format!("answered {answer}\nexpected {expected}"));
                }
                (_, ("< ", _)) => {}
                _ => player.act(first, rest)?,
            }
        }
        Ok(())
    }

    /// Does something without an answer: `module`, `keys`, `wait`, `reset`, `unplug` or `plug`.
    pub fn act(&mut self, what: &str, rest: &str) -> Result<(), String> {
        let (serial, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        if what == "module" {
            self.modules.insert(serial.into(), Bench::bare(serial));
        } else {
            let module = self
                .modules
                .get_mut(serial)
                .ok_or(format!("no module {serial}"))?;
            match what {
                "keys" => drop(module.press(rest)),
                "wait" => {
                    module.pass(rest.parse::<u64>().map_err(|error| error.to_string())? * 1000);
                }
                "reset" => module.link(Link::Reset),
                "unplug" => module.link(Link::Unplugged),
                "plug" => module.link(Link::Plugged),
                other => return Err(format!("'{other}' is an unknown action")),
            }
        }
        let line = format!("{what} {serial} {rest}");
        writeln!(self.text, "{}", line.trim_end()).map_err(|error| error.to_string())
    }

    /// Sends an APDU as hex; the response as hex.
    pub fn exchange(&mut self, serial: &str, apdu: &str) -> Result<String, String> {
        let module = self
            .modules
            .get_mut(serial)
            .ok_or(format!("no module {serial}"))?;
        let bytes = hex::decode(apdu).map_err(|error| error.to_string())?;
        let answer = hex::encode(module.raw(&bytes));
        writeln!(self.text, "{serial} > {apdu}\n{serial} < {answer}")
            .map_err(|error| error.to_string())?;
        Ok(answer)
    }

    /// Everything that a module's generator gave so far.
    pub fn draws(&self, serial: &str) -> Vec<Vec<u8>> {
        self.modules[serial].recorded.all()
    }

    /// What was recorded.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Returns the lines `name: value` of a vector that has such lines alone.
pub fn fields(text: &str) -> BTreeMap<&str, &str> {
    text.lines()
        .filter_map(|line| line.split_once(": "))
        .collect()
}

/// Returns the bytes of a field.
pub fn field(fields: &BTreeMap<&str, &str>, name: &str) -> Vec<u8> {
    let digits = fields.get(name).expect(name);
    hex::decode(digits).expect(name)
}

/// Returns what a module answered to its commands of an instruction in a vector, without the status words.
pub fn answers(text: &str, ins: u8) -> Vec<Vec<u8>> {
    let mut asked = false;
    let mut answers = Vec::new();
    for (direction, bytes) in text.lines().filter_map(|line| {
        let (_, rest) = line.split_once(' ')?;
        rest.split_once(' ')
    }) {
        match direction {
            ">" => asked = bytes.starts_with(&format!("80{ins:02x}")),
            "<" if asked => {
                let mut answer = hex::decode(bytes).expect("hex");
                answer.truncate(answer.len() - 2);
                answers.push(answer);
            }
            _ => {}
        }
    }
    answers
}
