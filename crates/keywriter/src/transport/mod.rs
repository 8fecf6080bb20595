//! APDUs to a module and back, over a hub's socket, PC/SC or USB.

pub mod pcsc;
pub mod socket;
pub mod usb;

use crate::text::{shown, shown_path};
use hsm_protocol::Serial;
use local_socket::{Stream, TooFewFiles};
use rustix::event::{PollFd, PollFlags};
use std::{fmt, io, path::PathBuf, time::Duration};

/// Where a module is plugged in, whichever module that is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Location {
    /// A hub's socket for a module.
    Socket(PathBuf),
    /// A PC/SC reader, by its name.
    Reader(String),
    /// A USB port, by its bus and number.
    Usb(String),
}

impl Location {
    /// Returns `socket`, `reader` or `usb`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Socket(_) => "socket",
            Self::Reader(_) => "reader",
            Self::Usb(_) => "usb",
        }
    }

    /// Returns whether the module of that serial number may be there: a socket is named for its module.
    pub fn may_hold(&self, serial: Serial) -> bool {
        match self {
            Self::Socket(path) if path.extension().is_some() => path
                .file_stem()
                .is_some_and(|stem| stem.as_encoded_bytes() == serial.as_str().as_bytes()),
            Self::Socket(_) | Self::Reader(_) | Self::Usb(_) => true,
        }
    }

    /// Returns the socket's path, or the name of reader or port, safe to show.
    pub fn name(&self) -> String {
        match self {
            Self::Socket(path) => shown_path(path),
            Self::Reader(name) | Self::Usb(name) => shown(name),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}

/// A connection to one module. Dropping it never locks the module.
pub trait Transport: Send {
    /// Sends a command APDU and returns the response APDU. After an error the connection is over.
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError>;

    /// Returns where the module is.
    fn location(&self) -> &Location;

    /// Sets how long one answer may take, where that is for this computer to decide.
    fn set_patience(&mut self, _patience: Duration) {}

    /// Returns both directions by themselves, if commands may be sent ahead of the answers to earlier ones.
    fn split(&mut self) -> Option<ApduPipeline<'_>> {
        None
    }

    /// Returns what tells that the module was removed, without asking it; `None` if nothing does.
    fn removal_signal(&self) -> Option<RemovalSignal> {
        None
    }
}

/// A stream that hangs up once a module was removed. It can be polled while another thread talks to the module.
#[derive(Debug)]
pub struct RemovalSignal {
    stream: Stream,
    location: Location,
}

/// What to poll a stream for: that the other end is gone. A system without a flag for it says so unasked.
pub(crate) const HUNG_UP: PollFlags = {
    #[cfg(target_os = "linux")]
    {
        PollFlags::RDHUP
    }
    #[cfg(not(target_os = "linux"))]
    {
        PollFlags::empty()
    }
};

impl RemovalSignal {
    /// Takes a stream that hangs up when the module in `location` was removed.
    pub(crate) const fn new(stream: Stream, location: Location) -> Self {
        Self { stream, location }
    }

    /// Returns what to poll: any event means that the module was removed.
    pub(crate) fn as_poll(&self) -> PollFd<'_> {
        PollFd::new(&self.stream, HUNG_UP)
    }

    /// Returns where the module was.
    pub const fn location(&self) -> &Location {
        &self.location
    }
}

/// Both directions of a connection, so that several commands are under way.
pub struct ApduPipeline<'a> {
    /// Commands to the module.
    pub send: Box<dyn SendHalf + 'a>,
    /// Its answers, in the order of the commands.
    pub receive: Box<dyn ReceiveHalf + 'a>,
}

/// Commands to a module.
pub trait SendHalf: Send {
    /// Sends a command APDU; waits only while the connection's buffer is full.
    fn send(&mut self, command: &[u8]) -> Result<(), TransportError>;
}

/// Answers from a module, in the order of its commands.
pub trait ReceiveHalf: Send {
    /// Puts the next response APDU into `answer`.
    fn receive(&mut self, answer: &mut Vec<u8>) -> Result<(), TransportError>;

    /// Ends the connection: sending fails from now on.
    fn abandon(&mut self);
}

/// Connects to the module in `location`.
pub fn open(location: &Location) -> Result<Box<dyn Transport>, TransportError> {
    Ok(match location {
        Location::Socket(path) => Box::new(socket::Socket::open(path)?),
        Location::Reader(name) => Box::new(pcsc::Card::open(name)?),
        Location::Usb(port) => Box::new(usb::Device::open(port)?),
    })
}

/// Raises this process's limit of open files, as far as allowed, so that `count` modules can be connected.
pub fn allow_connections(count: usize) {
    let needed = u64::try_from(count)
        .unwrap_or(u64::MAX)
        .saturating_add(OTHER_FILES);
    if let Err(TooFewFiles { allowed }) = local_socket::allow_files(needed) {
        tracing::warn!(
            needed,
            allowed,
            "too few open files are allowed for all modules"
        );
    }
}

/// How many files are open besides connections.
const OTHER_FILES: u64 = 100;

/// How long a module on a socket may take for one answer: as long as a run waits for its next message.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How long it may take to connect to a module.
const CONNECTING: Duration = Duration::from_secs(10);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TransportError {
    /// No module: an empty reader, or a socket without a listener.
    #[error("no module in {location}")]
    Absent {
        /// Where it was looked for.
        location: Location,
    },
    /// It was pulled out.
    #[error("the module was pulled out of {location}")]
    PulledOut {
        /// Where it was.
        location: Location,
    },
    /// Another program uses it exclusively.
    #[error("another program is using {location}")]
    InUse {
        /// Where it is.
        location: Location,
    },
    /// Another program reset it again and again.
    #[error("another program keeps resetting the module in {location}")]
    Reset {
        /// Where it is.
        location: Location,
    },
    /// It does not answer in time.
    #[error("no answer from {location} in time")]
    Silent {
        /// Where it is.
        location: Location,
    },
    /// The answer is not a response APDU.
    #[error("{location} gave an invalid answer")]
    Malformed {
        /// Where it is.
        location: Location,
    },
    /// The command is longer than an extended-length APDU.
    #[error("a command of {len} bytes is too long for {location}")]
    TooLong {
        /// Where it was to go.
        location: Location,
        /// The command's length in bytes.
        len: usize,
    },
    /// The operating system failed.
    #[error("cannot talk to {location}")]
    Io {
        /// Where it is.
        location: Location,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The smart-card service failed.
    #[error("the smart-card service failed for {location}")]
    Service {
        /// Where it is.
        location: Location,
        /// What the service said.
        #[source]
        source: ::pcsc::Error,
    },
}

impl TransportError {
    /// Returns where it happened.
    pub const fn location(&self) -> &Location {
        match self {
            Self::Absent { location }
            | Self::PulledOut { location }
            | Self::InUse { location }
            | Self::Reset { location }
            | Self::Silent { location }
            | Self::Malformed { location }
            | Self::TooLong { location, .. }
            | Self::Io { location, .. }
            | Self::Service { location, .. } => location,
        }
    }
}
