//! Where the app's PIN is typed: a terminal without echo, or a file descriptor. Never an argument.

use crate::{args::Args, failure::Failure, system};
use keywriter::license::Pin;
use std::{
    fs::File,
    io::{self, Read},
};
use zeroize::Zeroizing;

/// Where PINs come from.
pub(crate) struct PinSource(Option<File>);

impl PinSource {
    /// Opens the named descriptor, else takes the terminal.
    pub(crate) fn open(args: &Args) -> Result<Self, Failure> {
        let file = args.pin_fd.map(system::descriptor).transpose();
        file.map(Self).map_err(Failure::NoTerminal)
    }

    /// Asks for a PIN; on a descriptor, takes the next line.
    pub(crate) fn ask(&mut self, prompt: &str) -> Result<Pin, Failure> {
        let typed = match &mut self.0 {
            Some(file) => line(file),
            None => rpassword::prompt_password(prompt).map(Zeroizing::new),
        };
        Ok(Pin::parse(&typed.map_err(Failure::NoTerminal)?)?)
    }
}

/// Reads a line byte by byte: what follows is the next one's, and no buffer keeps a copy.
fn line(file: &mut impl Read) -> io::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(LINE));
    let mut byte = Zeroizing::new([0]);
    while line.len() < LINE && file.read(&mut *byte)? == 1 {
        match byte[0] {
            b'\n' => break,
            b'\r' => {}
            other => line.push(other.into()),
        }
    }
    Ok(line)
}

/// More than a PIN. Never more than its capacity in bytes: what is beyond ASCII takes two.
const LINE: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_gives_a_line_at_a_time() {
        let mut text = "12345678\r\n87654321".as_bytes();
        assert_eq!(line(&mut text).unwrap().as_str(), "12345678");
        assert_eq!(line(&mut text).unwrap().as_str(), "87654321");
        assert_eq!(line(&mut text).unwrap().as_str(), "");
    }

    #[test]
    fn an_endless_line_is_not_read_to_its_end() {
        let line = line(&mut io::repeat(b'1')).unwrap();
        assert!(Pin::parse(&line).is_err());
    }
}
