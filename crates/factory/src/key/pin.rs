//! A token's PIN: typed on the terminal without echo, or read from a descriptor or a file. Never an argument.

use anyhow::{Context, Result, bail};
use clap::Args;
use std::{fs::File, io::Read, path::PathBuf};
use zeroize::Zeroizing;

/// Where the PIN comes from; the terminal, if nothing is named.
#[derive(Args, Clone, Debug, Default)]
#[group(multiple = false)]
pub(crate) struct Source {
    /// Read the token's PIN from this file descriptor (a line)
    #[cfg(unix)]
    #[arg(long, value_name = "N")]
    pub(crate) pin_fd: Option<u32>,
    /// Read the token's PIN from this file (its first line)
    #[arg(long, value_name = "FILE")]
    pub(crate) pin_file: Option<PathBuf>,
}

impl Source {
    /// Returns the PIN.
    pub(crate) fn ask(&self, token: &str) -> Result<Zeroizing<String>> {
        let pin = match self.path() {
            Some(path) => first_line(&path).with_context(|| {
                format!("cannot read the PIN from {}", plain_text::shown_path(&path))
            })?,
            None => rpassword::prompt_password(format!("PIN of the token {token}: "))
                .map(Zeroizing::new)
                .context(NO_TERMINAL)?,
        };
        if pin.is_empty() {
            bail!("the PIN is empty");
        }
        Ok(pin)
    }

    fn path(&self) -> Option<PathBuf> {
        #[cfg(unix)]
        if let Some(number) = self.pin_fd {
            return Some(format!("/dev/fd/{number}").into());
        }
        self.pin_file.clone()
    }
}

/// Reads to the first end of a line, byte by byte: no buffer keeps a copy.
fn first_line(path: &PathBuf) -> Result<Zeroizing<String>> {
    let mut file = File::open(path)?;
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST));
    let mut byte = Zeroizing::new([0]);
    while file.read(&mut *byte)? == 1 && byte[0] != b'\n' {
        if line.len() == LONGEST {
            bail!("it is longer than {LONGEST} bytes");
        }
        line.push(byte[0]);
    }
    let text = std::str::from_utf8(&line)?;
    Ok(Zeroizing::new(text.trim_end_matches('\r').to_owned()))
}

/// No token takes a PIN that is longer, in bytes.
const LONGEST: usize = 255;

const NO_TERMINAL: &str = "cannot ask for the PIN: run it in a terminal, or name a descriptor or a file (--pin-fd, --pin-file)";

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_first_line_of_a_file_is_the_pin() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("pin");
        let read = |text: &[u8]| {
            fs::write(&path, text).unwrap();
            let pin_file = Some(path.clone());
            Source {
                pin_file,
                ..Source::default()
            }
            .ask("T")
        };
        for text in ["1234", "1234\n", "1234\r\nother\n"] {
            assert_eq!(read(text.as_bytes()).unwrap().as_str(), "1234");
        }
        for bad in [&b""[..], b"\n1234\n", &[b'1'; 256], b"\xFF1234\n"] {
            read(bad).unwrap_err();
        }
        assert_eq!(read(&[b'1'; 255]).unwrap().len(), 255);
    }
}
