//! A reader's connection, and what pcscd knows about it.
//!
//! pcscd has one event thread per reader that asks whether a card is present, calls [`Reader::wait`], and asks again.
//! Other threads ask too, on behalf of clients, and the event thread does not learn the answers. To notice a swap, it
//! must have seen the reader empty before a new connection is accepted: the states of `Link` keep this order.

use hsm_protocol::frame::{DEVICE_PREFIX, FrameHeader, FrameKind};
use hsm_protocol::limits;
use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::retry_on_intr;
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
    connect, sendmsg, socket_with,
};
use std::ffi::OsStr;
use std::io::{self, IoSlice, Read};
use std::ops::{ControlFlow, RangeInclusive};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Why a reader cannot answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReaderError {
    /// No module is present.
    NoModule,
    /// The command is longer than a frame's body may be; nothing was sent.
    TooLong,
    /// The connection broke, timed out, or carried an invalid answer; it was closed.
    Lost,
}

/// One reader of pcscd: the socket of one module.
#[derive(Debug)]
pub struct Reader {
    socket: PathBuf,
    link: Mutex<Link>,
    /// Held during an exchange. Not the same as `link`, because an exchange may last minutes.
    turn: Mutex<()>,
    /// An eventfd, readable when [`Reader::wait`] must return.
    wake: OwnedFd,
}

/// What is connected, and what pcscd's event thread knows about it.
#[derive(Debug)]
enum Link {
    /// Nothing is connected, and it knows.
    Absent,
    /// A connection that has not been reported to anyone.
    Found(Arc<UnixStream>),
    /// A connection, and the ATR of its last power-up (empty before the first).
    Present(Arc<UnixStream>, Vec<u8>),
    /// The connection has ended; the event thread has not been notified.
    Lost,
    /// It was notified. It has seen the empty reader when it calls [`Reader::wait`] again.
    Announced,
}

impl Reader {
    /// Opens the reader that `device` names, a `DEVICENAME` of reader.conf. Its module may be absent.
    pub fn open(device: &[u8]) -> io::Result<Self> {
        let socket = device
            .strip_prefix(DEVICE_PREFIX.as_bytes())
            .ok_or(io::ErrorKind::InvalidInput)?;
        let socket = PathBuf::from(OsStr::from_bytes(socket));
        let link = match dial(&socket) {
            Ok(stream) => Link::Found(Arc::new(stream)),
            Err(_not_listening) => Link::Absent,
        };
        let wake = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
        Ok(Self {
            socket,
            link: Mutex::new(link),
            turn: Mutex::new(()),
            wake,
        })
    }

    /// Whether a module is in the reader. Any thread may ask; only [`Self::wait`] accepts a new connection.
    pub fn is_present(&self) -> bool {
        let mut link = lock(&self.link);
        let next = match &*link {
            Link::Found(stream) if is_readable(stream, PollFlags::RDHUP) => Link::Absent,
            Link::Found(stream) => Link::Present(Arc::clone(stream), Vec::new()),
            Link::Present(stream, _) if is_readable(stream, PollFlags::RDHUP) => Link::Lost,
            Link::Present(..) => return true,
            Link::Absent | Link::Lost | Link::Announced => return false,
        };
        *link = next;
        matches!(*link, Link::Present(..))
    }

    /// Waits until a module is inserted or removed, [`Self::wake`] is called, or `timeout` ends.
    ///
    /// For the event thread of this reader only. An error means that this computer cannot wait at the moment.
    pub fn wait(&self, timeout: Duration) -> io::Result<()> {
        let end = Instant::now() + timeout;
        {
            let mut link = lock(&self.link);
            if matches!(*link, Link::Announced) {
                *link = Link::Absent;
            }
        }
        while let ControlFlow::Continue(watched) = self.look() {
            let left = end.saturating_duration_since(Instant::now());
            let nap = if watched.is_some() {
                left
            } else {
                left.min(ARRIVAL)
            };
            if self.nap(watched.as_deref(), nap)? || left.is_zero() {
                break;
            }
        }
        Ok(())
    }

    /// Ends the current or else the next [`Self::wait`].
    pub fn wake(&self) {
        // The write fails if the counter is full, and then the thread is being woken already.
        let (Ok(_) | Err(_)) = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    /// Powers the module up; returns its ATR.
    pub fn power_up(&self) -> Result<Vec<u8>, ReaderError> {
        self.start(FrameKind::PowerUp)
    }

    /// Resets the module; returns its ATR.
    pub fn reset(&self) -> Result<Vec<u8>, ReaderError> {
        self.start(FrameKind::Reset)
    }

    /// Powers the module down.
    pub fn power_down(&self) -> Result<(), ReaderError> {
        self.exchange(FrameKind::PowerDown, &[], 0..=0).map(drop)
    }

    /// Sends a command APDU; returns the response APDU, which has two bytes or more.
    pub fn transmit(&self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        self.exchange(FrameKind::Transmit, command, 2..=limits::RESPONSE_APDU)
    }

    /// Returns the ATR of the last power-up. Does not ask the module: powering it up again would end its session.
    pub fn atr(&self) -> Option<Vec<u8>> {
        match &*lock(&self.link) {
            Link::Present(_, atr) if !atr.is_empty() => Some(atr.clone()),
            _ => None,
        }
    }

    fn start(&self, kind: FrameKind) -> Result<Vec<u8>, ReaderError> {
        let fresh = self.exchange(kind, &[], 2..=ATR_MAX)?;
        if let Link::Present(_, atr) = &mut *lock(&self.link) {
            atr.clone_from(&fresh);
        }
        Ok(fresh)
    }

    /// Sends one frame and receives one. Every error ends the connection, because the next answer could be a late one.
    fn exchange(
        &self,
        kind: FrameKind,
        body: &[u8],
        len: RangeInclusive<usize>,
    ) -> Result<Vec<u8>, ReaderError> {
        if body.len() > limits::FRAME_BODY {
            return Err(ReaderError::TooLong);
        }
        let _turn = lock(&self.turn);
        let stream = match &*lock(&self.link) {
            Link::Present(stream, _) => Arc::clone(stream),
            _ => return Err(ReaderError::NoModule),
        };
        round_trip(&stream, kind, body, len).map_err(|_any| {
            let mut link = lock(&self.link);
            if matches!(&*link, Link::Present(current, _) if Arc::ptr_eq(current, &stream)) {
                *link = Link::Lost;
            }
            self.wake();
            ReaderError::Lost
        })
    }

    /// Breaks if pcscd must look at the reader; continues with the connection to watch, if any.
    fn look(&self) -> ControlFlow<(), Option<Arc<UnixStream>>> {
        let mut link = lock(&self.link);
        let next = match &*link {
            Link::Absent => match dial(&self.socket) {
                Ok(stream) => Link::Found(Arc::new(stream)),
                Err(_not_listening) => return ControlFlow::Continue(None),
            },
            Link::Present(stream, _) if is_readable(stream, PollFlags::RDHUP) => Link::Announced,
            Link::Present(stream, _) => return ControlFlow::Continue(Some(Arc::clone(stream))),
            Link::Lost => Link::Announced,
            Link::Found(_) | Link::Announced => return ControlFlow::Break(()),
        };
        *link = next;
        ControlFlow::Break(())
    }

    /// Sleeps until `watched` ends or `time` is over; returns `true` if it was woken.
    fn nap(&self, watched: Option<&UnixStream>, time: Duration) -> io::Result<bool> {
        let time = Timespec::try_from(time).map_err(io::Error::other)?;
        let mut awaited = vec![PollFd::new(&self.wake, PollFlags::IN)];
        awaited.extend(watched.map(|stream| PollFd::new(stream, PollFlags::RDHUP)));
        match poll(&mut awaited, Some(&time)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
        // Reading clears the eventfd; an error means that `wake` was not called.
        Ok(rustix::io::read(&self.wake, &mut [0_u8; 8]).is_ok())
    }
}

/// Connects without waiting: a module that does not accept at once counts as absent.
fn dial(socket: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let fd = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&fd, &SocketAddrUnix::new(socket)?)?;
    let stream = UnixStream::from(fd);
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(READ_TIMEOUT))?;
    stream.set_write_timeout(Some(WRITE_TIMEOUT))?;
    Ok(stream)
}

fn round_trip(
    stream: &UnixStream,
    kind: FrameKind,
    body: &[u8],
    len: RangeInclusive<usize>,
) -> io::Result<Vec<u8>> {
    // Bytes that have arrived already would be mistaken for the answer.
    if is_readable(stream, PollFlags::IN | PollFlags::RDHUP) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    send_all(
        stream,
        &FrameHeader::encode(kind, body).map_err(io::Error::other)?,
        body,
    )?;
    // For the whole answer: a module that sends a byte now and then does not begin the time anew.
    let end = Instant::now() + READ_TIMEOUT;
    let mut header = [0; FrameHeader::SIZE];
    fill(stream, &mut header, end)?;
    let header = FrameHeader::parse(header).map_err(io::Error::other)?;
    if header.kind != kind || !len.contains(&header.len) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    receive(stream, header.len, end)
}

/// Whether one of `events`, or the end of the connection, has occurred. Reads nothing from the stream.
fn is_readable(stream: &UnixStream, events: PollFlags) -> bool {
    let no_wait = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    !matches!(
        poll(&mut [PollFd::new(stream, events)], Some(&no_wait)),
        Ok(0) | Err(rustix::io::Errno::INTR)
    )
}

/// Sends header and body in one call if there is room, without copying either.
///
/// Does not raise SIGPIPE: whether to ignore that signal is the decision of the program that loads this library.
fn send_all(stream: &UnixStream, header: &[u8], body: &[u8]) -> io::Result<()> {
    let (mut head, mut body) = (header, body);
    while !head.is_empty() || !body.is_empty() {
        let parts = [IoSlice::new(head), IoSlice::new(body)];
        let control = &mut SendAncillaryBuffer::default();
        let sent = retry_on_intr(|| sendmsg(stream, &parts, control, SendFlags::NOSIGNAL))?;
        let of_body = sent.saturating_sub(head.len());
        head = head.get(sent..).unwrap_or_default();
        body = body.get(of_body..).unwrap_or_default();
    }
    Ok(())
}

/// Makes the next read end at `end`.
fn wait_no_longer(stream: &UnixStream, end: Instant) -> io::Result<()> {
    let left = end.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(left))
}

fn fill(mut stream: &UnixStream, mut bytes: &mut [u8], end: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        wait_no_longer(stream, end)?;
        match stream.read(bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => bytes = bytes.get_mut(count..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Receives `len` bytes until `end`, into memory that is not cleared first.
fn receive(stream: &UnixStream, len: usize, end: Instant) -> io::Result<Vec<u8>> {
    let mut answer = Vec::with_capacity(len);
    while answer.len() < len {
        wait_no_longer(stream, end)?;
        let count = retry_on_intr(|| rustix::io::read(stream, spare_capacity(&mut answer)))?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    // The buffer may be larger than requested, and may then hold more than the answer.
    if answer.len() == len {
        Ok(answer)
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// Locks, after a panic in another thread too: a [`Link`] is replaced by one assignment, so it is never half written.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often an empty reader looks for its module: there is no event for a socket that begins to listen.
const ARRIVAL: Duration = Duration::from_millis(20);

/// The longest time for an answer: the module may be waiting for a person to press keys.
const READ_TIMEOUT: Duration = Duration::from_mins(5);

/// The longest time until a module accepts a command.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest ATR, in bytes (ISO 7816-3 § 8.2.1).
const ATR_MAX: usize = 33;

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
