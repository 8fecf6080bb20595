//! A module at a hub's socket (`hsm_protocol::frame`, docs/HUB.md).

use super::{
    ApduPipeline, CONNECTING, Location, PATIENCE, ReceiveHalf, RemovalSignal, SendHalf, Transport,
    TransportError,
};
use hsm_protocol::{
    frame::{FrameHeader, FrameKind},
    limits,
};
use local_socket::Stream;
use std::{
    io::{self, IoSlice, Read, Write},
    net::Shutdown,
    path::Path,
    time::{Duration, Instant},
};

/// A connection to a module's socket.
#[derive(Debug)]
pub struct Socket {
    stream: Stream,
    location: Location,
    patience: Duration,
}

impl Socket {
    /// Connects and powers the module up.
    pub fn open(path: &Path) -> Result<Self, TransportError> {
        let location = Location::Socket(path.to_owned());
        match local_socket::connect(path, CONNECTING) {
            Ok(stream) => Self::on(stream, location),
            Err(error) if is_timeout(error.kind()) => Err(TransportError::Silent { location }),
            Err(error) if is_absence(error.kind()) => Err(TransportError::Absent { location }),
            Err(source) => Err(TransportError::Io { location, source }),
        }
    }

    /// Takes over a stream that is connected already, and powers the module up.
    pub fn on(stream: Stream, location: Location) -> Result<Self, TransportError> {
        let mut socket = Self::patient(stream, location, CONNECTING)?;
        socket.patience = PATIENCE;
        Ok(socket)
    }

    fn patient(
        stream: Stream,
        location: Location,
        patience: Duration,
    ) -> Result<Self, TransportError> {
        let mut socket = Self {
            stream,
            location,
            patience,
        };
        socket.exchange(FrameKind::PowerUp, &[])?;
        Ok(socket)
    }

    fn exchange(&mut self, kind: FrameKind, body: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.half().send(kind, body)?;
        let mut answer = Vec::new();
        self.half().receive(kind, &mut answer)?;
        Ok(answer)
    }

    const fn half(&self) -> Half<'_> {
        Half {
            stream: &self.stream,
            location: &self.location,
            patience: self.patience,
        }
    }
}

/// One direction of a connection, or both.
struct Half<'a> {
    stream: &'a Stream,
    location: &'a Location,
    patience: Duration,
}

impl Half<'_> {
    fn send(&mut self, kind: FrameKind, body: &[u8]) -> Result<(), TransportError> {
        if body.len() > limits::FRAME_BODY {
            let (location, len) = (self.location.clone(), body.len());
            return Err(TransportError::TooLong { location, len });
        }
        let header = FrameHeader::encode(kind, body).map_err(|_overlong| self.malformed())?;
        self.write(&header, body)
            .map_err(|error| self.failure(error))
    }

    /// Writes header and body in one system call, unless the connection's buffer is full.
    fn write(&mut self, mut header: &[u8], mut body: &[u8]) -> io::Result<()> {
        let end = Instant::now() + self.patience;
        while !header.is_empty() || !body.is_empty() {
            self.stream.set_write_timeout(Some(left(end)?))?;
            let parts = [IoSlice::new(header), IoSlice::new(body)];
            let written = match self.stream.write_vectored(&parts) {
                Ok(0) => return Err(io::ErrorKind::BrokenPipe.into()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                other => other?,
            };
            (header, body) = match written.checked_sub(header.len()) {
                Some(sent) => (&[][..], body.get(sent..).unwrap_or_default()),
                None => (header.get(written..).unwrap_or_default(), body),
            };
        }
        Ok(())
    }

    fn receive(&mut self, kind: FrameKind, answer: &mut Vec<u8>) -> Result<(), TransportError> {
        // For the whole answer: a module that sends a byte now and then does not begin the time anew.
        let end = Instant::now() + self.patience;
        let mut header = [0; FrameHeader::SIZE];
        self.read(&mut header, end)?;
        let header = FrameHeader::parse(header).map_err(|_shape| self.malformed())?;
        if header.kind != kind {
            return Err(self.malformed());
        }
        answer.resize(header.len, 0);
        self.read(answer, end)
    }

    fn read(&mut self, bytes: &mut [u8], end: Instant) -> Result<(), TransportError> {
        self.fill(bytes, end).map_err(|error| self.failure(error))
    }

    fn fill(&mut self, mut bytes: &mut [u8], end: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            self.stream.set_read_timeout(Some(left(end)?))?;
            match self.stream.read(bytes) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(read) => bytes = bytes.get_mut(read..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn malformed(&self) -> TransportError {
        let location = self.location.clone();
        TransportError::Malformed { location }
    }

    fn failure(&self, source: io::Error) -> TransportError {
        let location = self.location.clone();
        match source.kind() {
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset => TransportError::PulledOut { location },
            kind if is_timeout(kind) => TransportError::Silent { location },
            _ => TransportError::Io { location, source },
        }
    }
}

/// Returns the time that is left, or the error of a wait that ended.
fn left(end: Instant) -> io::Result<Duration> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        Err(io::ErrorKind::TimedOut.into())
    } else {
        Ok(left)
    }
}

impl SendHalf for Half<'_> {
    fn send(&mut self, command: &[u8]) -> Result<(), TransportError> {
        Half::send(self, FrameKind::Transmit, command)
    }
}

impl ReceiveHalf for Half<'_> {
    fn receive(&mut self, answer: &mut Vec<u8>) -> Result<(), TransportError> {
        Half::receive(self, FrameKind::Transmit, answer)
    }

    fn abandon(&mut self) {
        // It may be closed already.
        if let Err(error) = self.stream.shutdown(Shutdown::Both) {
            tracing::debug!(location = %self.location, %error, "not shut down");
        }
    }
}

impl Transport for Socket {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        self.exchange(FrameKind::Transmit, command)
    }

    fn location(&self) -> &Location {
        &self.location
    }

    fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    fn split(&mut self) -> Option<ApduPipeline<'_>> {
        Some(ApduPipeline {
            send: Box::new(self.half()),
            receive: Box::new(self.half()),
        })
    }

    fn removal_signal(&self) -> Option<RemovalSignal> {
        let stream = self.stream.try_clone().ok()?;
        Some(RemovalSignal::new(stream, self.location.clone()))
    }
}

/// Returns whether a wait ended. It is one or the other, depending on the system.
const fn is_timeout(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}

/// Returns whether the socket is gone, or its hub is.
const fn is_absence(kind: io::ErrorKind) -> bool {
    matches!(
        kind,
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn location() -> Location {
        Location::Socket("/run/A.sock".into())
    }

    /// A module that answers each frame with the next of `answers`, then is pulled out.
    fn module(answers: Vec<Vec<u8>>) -> Stream {
        let (host, mut module) = local_socket::pair().unwrap();
        thread::spawn(move || {
            for answer in answers {
                let mut header = [0; FrameHeader::SIZE];
                module.read_exact(&mut header).unwrap();
                let header = FrameHeader::parse(header).unwrap();
                let mut body = vec![0; header.len];
                module.read_exact(&mut body).unwrap();
                module.write_all(&answer).unwrap();
            }
        });
        host
    }

    fn frame(kind: FrameKind, body: &[u8]) -> Vec<u8> {
        [&FrameHeader::encode(kind, body).unwrap(), body].concat()
    }

    #[test]
    fn an_apdu_goes_and_its_answer_comes() {
        let answers = vec![
            frame(FrameKind::PowerUp, b"ATR"),
            frame(FrameKind::Transmit, &[1, 0x90, 0]),
        ];
        let mut socket = Socket::on(module(answers), location()).unwrap();
        assert_eq!(socket.transmit(&[0x80, 1, 0, 0]).unwrap(), [1, 0x90, 0]);
    }

    #[test]
    fn a_socket_that_closes_is_a_module_pulled_out() {
        let mut socket =
            Socket::on(module(vec![frame(FrameKind::PowerUp, b"ATR")]), location()).unwrap();
        let error = socket.transmit(&[0x80, 1, 0, 0]).unwrap_err();
        assert!(matches!(error, TransportError::PulledOut { .. }), "{error}");
        assert!(error.to_string().contains("/run/A.sock"));
    }

    #[test]
    fn half_an_answer_is_a_module_pulled_out() {
        let mut half = frame(FrameKind::Transmit, &[1, 0x90, 0]);
        half.pop();
        let answers = vec![frame(FrameKind::PowerUp, b"ATR"), half];
        let mut socket = Socket::on(module(answers), location()).unwrap();
        let error = socket.transmit(&[0x80, 1, 0, 0]).unwrap_err();
        assert!(matches!(error, TransportError::PulledOut { .. }), "{error}");
    }

    /// A module that sends its answer byte by byte, for as long as somebody listens.
    #[test]
    fn a_module_that_trickles_does_not_begin_the_time_anew() {
        let (host, mut module) = local_socket::pair().unwrap();
        let trickler = thread::spawn(move || {
            module
                .write_all(&frame(FrameKind::PowerUp, b"ATR"))
                .unwrap();
            let mut header = [0; FrameHeader::SIZE];
            module.read_exact(&mut header).unwrap();
            module.read_exact(&mut header).unwrap();
            let answer = frame(FrameKind::Transmit, &vec![0; 60_000]);
            let sent = answer.iter().take_while(|byte| {
                thread::sleep(Duration::from_millis(1));
                module.write_all(&[**byte]).is_ok()
            });
            assert!(sent.count() < answer.len(), "the host gave up first");
        });
        let patience = Duration::from_millis(200);
        let mut socket = Socket::patient(host, location(), patience).unwrap();
        let error = socket.transmit(&[]).unwrap_err();
        assert!(matches!(error, TransportError::Silent { .. }), "{error}");
        drop(socket);
        trickler.join().unwrap();
    }

    #[test]
    fn an_answer_of_another_kind_is_no_answer() {
        let answers = vec![frame(FrameKind::Reset, b"ATR")];
        let error = Socket::on(module(answers), location()).unwrap_err();
        assert!(matches!(error, TransportError::Malformed { .. }), "{error}");
    }

    #[test]
    fn a_socket_without_a_listener_is_absence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("A.sock");
        assert!(matches!(
            Socket::open(&path),
            Err(TransportError::Absent { .. })
        ));
        drop(local_socket::Listener::bind(&path).unwrap());
        assert!(matches!(
            Socket::open(&path),
            Err(TransportError::Absent { .. })
        ));
    }
}
