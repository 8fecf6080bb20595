//! What was certified, so that no two modules have one serial number.

use der::DateTime;
use hsm_protocol::{EcPoint, Serial, certificate::RequestedKey};
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
    /// A line says neither whose it is nor which key: it may be that of this serial number.
    #[error("line {line} of {} is damaged. Put it right, or delete it if its module is destroyed", .path.display())]
    Damaged {
        /// The line's number, from 1.
        line: usize,
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
        for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.is_empty()) {
            let Some(entry) = Entry::parse(line) else {
                return Ok(Err(RegisterError::Damaged {
                    line: number,
                    path: self.0.clone(),
                }));
            };
            if entry.serial == serial {
                return Ok(self.known(&entry, key));
            }
        }
        let now = DateTime::from_system_time(SystemTime::now()).map_err(io::Error::other)?;
        let point = hex::encode(key.public());
        file.write_all(format!("{serial} {now} {point}\n").as_bytes())?;
        file.sync_all()?;
        sync_folder(&self.0)?;
        Ok(Ok(()))
    }

    fn known(&self, entry: &Entry<'_>, key: &RequestedKey<'_>) -> Result<(), RegisterError> {
        if entry.point == *key.public() {
            return Ok(());
        }
        Err(RegisterError::Taken {
            serial: entry.serial.as_str().to_owned(),
            when: entry.when.to_owned(),
            path: self.0.clone(),
        })
    }
}

/// A line of a register.
struct Entry<'a> {
    serial: Serial,
    when: &'a str,
    point: EcPoint,
}

impl<'a> Entry<'a> {
    /// Reads a line that is whole.
    fn parse(line: &'a str) -> Option<Self> {
        let mut words = line.split(' ');
        let [serial, when, point] = [words.next()?, words.next()?, words.next()?];
        let mut entry = Self {
            serial: Serial::parse(serial.as_bytes()).ok()?,
            when,
            point: [0; 97],
        };
        hex::decode_to_slice(point, &mut entry.point).ok()?;
        words.next().is_none().then_some(entry)
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

/// Reads every line. What a power cut left of the last one is cut off: its certificate was never made. A last line that
/// is whole is ended, as some editors do not. Leaves the file at its end.
fn whole_lines(file: &mut File) -> io::Result<String> {
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    let end = text.rfind('\n').map_or(0, |at| at + 1);
    let is_whole = Entry::parse(&text[end..]).is_some();
    if !is_whole {
        text.truncate(end);
    }
    let end = u64::try_from(text.len()).map_err(io::Error::other)?;
    file.set_len(end)?;
    file.seek(io::SeekFrom::Start(end))?;
    if is_whole {
        file.write_all(b"\n")?;
    }
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
