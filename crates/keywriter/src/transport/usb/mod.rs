//! A module on USB, without the system's smart-card service: on Linux the service knows readers by a list, in which ours
//! are not, and serves sixteen of them. Windows and macOS know readers by their class; there every module is in a
//! PC/SC reader, and nothing is here.

pub mod ccid;
#[cfg(target_os = "linux")]
mod linux;

use super::{Location, PATIENCE, Transport, TransportError};
use ccid::{Pipes, Reader, ReaderError};
use std::{io, time::Duration};

/// The folder in which the system has an entry for each USB device.
pub const DEVICES: Option<&str> = {
    #[cfg(target_os = "linux")]
    {
        Some("/sys/bus/usb/devices")
    }
    #[cfg(not(target_os = "linux"))]
    {
        None
    }
};

/// A module that is plugged in, as it names itself. Others can say the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Plugged {
    /// Bus and port, as the system numbers them: `1-2.3`.
    pub port: String,
    /// Its serial number.
    pub serial: String,
}

impl Plugged {
    /// Returns whether it is in one of these PC/SC readers, as `pcscd` names them: with the serial number in brackets.
    fn is_in(&self, mut readers: impl Iterator<Item = String>) -> bool {
        let named = format!("({})", self.serial);
        !self.serial.is_empty() && readers.any(|reader| reader.contains(&named))
    }
}

/// Returns the modules on USB that are in none of these PC/SC readers.
pub fn plugged(readers: &[String]) -> Vec<Plugged> {
    let mut plugged = list();
    plugged.retain(|module| !module.is_in(readers.iter().cloned()));
    plugged
}

#[cfg(target_os = "linux")]
use linux::{list, open};

#[cfg(not(target_os = "linux"))]
fn list() -> Vec<Plugged> {
    Vec::new()
}

#[cfg(not(target_os = "linux"))]
fn open(_: &str) -> Result<Box<dyn Pipes>, Unopened> {
    Err(Unopened::Absent)
}

/// Why the pipes of a device cannot be used.
#[derive(Debug)]
#[cfg_attr(
    not(target_os = "linux"),
    expect(dead_code, reason = "there is no USB to fail")
)]
enum Unopened {
    /// Nothing of ours is there.
    Absent,
    /// Another program has it: the smart-card service, or one of ours.
    InUse,
    /// The system refused.
    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "there is no USB")
    )]
    Io(io::Error),
}

/// A connection to a module on USB.
pub struct Device {
    reader: Option<Reader<Box<dyn Pipes>>>,
    location: Location,
    patience: Duration,
}

impl Device {
    /// Connects to the module in that port.
    pub fn open(port: &str) -> Result<Self, TransportError> {
        let location = Location::Usb(port.to_owned());
        let opened = match open(port) {
            Ok(pipes) => Reader::open(pipes, super::CONNECTING),
            Err(Unopened::Absent) => return Err(TransportError::Absent { location }),
            Err(Unopened::InUse) => return Err(TransportError::InUse { location }),
            Err(Unopened::Io(source)) => return Err(TransportError::Io { location, source }),
        };
        match opened {
            Ok(reader) => Ok(Self {
                reader: Some(reader),
                location,
                patience: PATIENCE,
            }),
            Err(error) => Err(failure(error, location)),
        }
    }
}

impl Transport for Device {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let location = self.location.clone();
        let Some(reader) = &mut self.reader else {
            return Err(TransportError::PulledOut { location });
        };
        match reader.transmit(command, self.patience) {
            Ok(response) if response.len() >= 2 => Ok(response),
            outcome => {
                self.reader = None;
                let error = outcome.err().unwrap_or(ReaderError::Malformed);
                Err(failure(error, location))
            }
        }
    }

    fn location(&self) -> &Location {
        &self.location
    }

    fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }
}

fn failure(error: ReaderError, location: Location) -> TransportError {
    match error {
        ReaderError::Silent => TransportError::Silent { location },
        ReaderError::Absent => TransportError::Absent { location },
        ReaderError::Malformed => TransportError::Malformed { location },
        ReaderError::Refused(_) => TransportError::Io {
            location,
            source: io::Error::other(error),
        },
        ReaderError::Pipes(gone) if gone.kind() == io::ErrorKind::NotConnected => {
            TransportError::PulledOut { location }
        }
        ReaderError::Pipes(source) => TransportError::Io { location, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_that_the_service_has_is_listed_once() {
        let module = Plugged {
            port: "1-2".into(),
            serial: "KW-0001".into(),
        };
        let is_in = |reader: &str| module.is_in([reader.to_owned()].into_iter());
        assert!(is_in("KeyWriter Hardware security module (KW-0001) 00 00"));
        assert!(!is_in(
            "KeyWriter Hardware security module (KW-00010) 00 00"
        ));
        assert!(!is_in("KW-0001"));
    }

    #[test]
    fn nothing_is_in_a_port_that_does_not_exist() {
        let absent = Device::open("no such port").err();
        assert!(matches!(absent, Some(TransportError::Absent { .. })));
    }
}
