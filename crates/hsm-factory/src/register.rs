//! What was certified, so that no two modules have one serial number.

use der::DateTime;
use hsm_protocol::certificate::RequestedKey;
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, Write},
    path::{Path, PathBuf},
    time::SystemTime,
};

/// Where a factory notes what it certifies.
pub trait Register {
    /// Notes that this key gets a certificate for its serial number; called before there is one. The same key may have
    /// another, in case its first one was lost on the way; another key may not.
    fn enter(&mut self, key: &RequestedKey<'_>) -> Result<(), RegisterError>;
}

/// Why a serial number cannot be entered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// Another key has a certificate for it.
    #[error(
        "{serial} was certified on {when} with another key. If that module is destroyed, delete its line from {} and try again",
        .path.display()
    )]
    Taken {
        /// The serial number.
        serial: String,
        /// When.
        when: String,
        /// The register.
        path: PathBuf,
    },
    /// The register cannot be used.
    #[error("cannot use the register of certified modules, {}", .0.display())]
    File(PathBuf, #[source] io::Error),
}

/// A register in a file, a line for each key: serial number, time, point in hexadecimal digits.
#[derive(Clone, Debug)]
pub struct RegisterFile(PathBuf);

impl RegisterFile {
    /// Takes the file's path; the file is made with the first entry.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// Returns the path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    fn append(&self, key: &RequestedKey<'_>) -> io::Result<Result<(), RegisterError>> {
        let mut file = options().open(&self.0)?;
        // Two factories at once wait for each other; the lock ends with the file.
        file.lock()?;
        let text = whole_lines(&mut file)?;
        let serial = key.serial();
        let point = hex::encode(key.public());
        let known = text.lines().find_map(|line| {
            let mut words = line.split(' ');
            (words.next()? == serial.as_str()).then_some((words.next()?, words.next()?))
        });
        if let Some((when, known)) = known {
            let taken = RegisterError::Taken {
                serial: serial.as_str().to_owned(),
                when: when.to_owned(),
                path: self.0.clone(),
            };
            return Ok(if known == point { Ok(()) } else { Err(taken) });
        }
        let now = DateTime::from_system_time(SystemTime::now()).map_err(io::Error::other)?;
        file.write_all(format!("{serial} {now} {point}\n").as_bytes())?;
        file.sync_all()?;
        sync_folder(&self.0)?;
        Ok(Ok(()))
    }
}

impl Register for RegisterFile {
    fn enter(&mut self, key: &RequestedKey<'_>) -> Result<(), RegisterError> {
        self.append(key)
            .map_err(|error| RegisterError::File(self.0.clone(), error))?
    }
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Reads every whole line, and cuts off what a power cut left of one: its certificate was never made. Ends at the end.
fn whole_lines(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    text.truncate(text.rfind('\n').map_or(0, |at| at + 1));
    let end = u64::try_from(text.len()).map_err(io::Error::other)?;
    file.set_len(end)?;
    file.seek(io::SeekFrom::Start(end))?;
    Ok(text)
}

/// Makes a new file's name durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if cfg!(unix) && !folder.as_os_str().is_empty() => {
            File::open(folder)?.sync_all()
        }
        _ => Ok(()),
    }
}
