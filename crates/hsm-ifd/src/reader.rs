//! A reader's connection, and what pcscd has been told about it.
//!
//! pcscd keeps one thread per reader that asks whether a card is present, calls [`Reader::wait`], and asks again. Other
//! threads ask too, on behalf of clients, and what they are told does not reach that thread. A swap can therefore go
//! unnoticed unless the reader stays empty until *that thread* has looked: `Link` is the order in which this happens.

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

/// Why a reader has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReaderError {
    /// No module is present.
    NoModule,
    /// The command is longer than a frame's body may be; nothing was sent.
    TooLong,
    /// The connection broke, timed out, or carried something that is no answer; it was given up.
    Lost,
}

/// One reader of pcscd: the socket of one module.
#[derive(Debug)]
pub struct Reader {
    socket: PathBuf,
    link: Mutex<Link>,
    /// Held by the one exchange that is under way. Not the same as `link`: an exchange may last minutes.
    turn: Mutex<()>,
    /// An eventfd: readable once [`Reader::wait`] shall return.
    wake: OwnedFd,
}

/// What is connected, and what pcscd's event thread knows of it.
#[derive(Debug)]
enum Link {
    /// Nothing, and it knows.
    Absent,
    /// A connection that nobody has been told of.
    Found(Arc<UnixStream>),
    /// A connection, and the ATR of its last power-up (empty before the first).
    Present(Arc<UnixStream>, Vec<u8>),
    /// The connection is gone; the event thread has yet to look.
    Lost,
    /// Still gone; the event thread was sent to look, and has looked when it is back in [`Reader::wait`].
    Announced,
}

impl Reader {
    /// Opens the reader that `device`, a `DEVICENAME` of reader.conf, names; its module need not be there yet.
    pub fn open(device: &[u8]) -> io::Result<Self> {
        let socket = device
            .strip_prefix(DEVICE_PREFIX.as_bytes())
            .ok_or(io::ErrorKind::InvalidInput)?;
        let socket = PathBuf::from(OsStr::from_bytes(socket));
        let link = match dial(&socket) {
            Ok(stream) => Link::Found(Arc::new(stream)),
            Err(_nobody_listens) => Link::Absent,
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

    /// Waits until a module has come or gone, [`Self::wake`] was called, or `timeout` is over.
    ///
    /// For the one event thread of this reader. An error means that this computer cannot wait at the moment.
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
        // It fails when the counter is full, and then the thread is being woken already.
        let (Ok(_) | Err(_)) = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
    }

    /// Powers the module up; its ATR.
    pub fn power_up(&self) -> Result<Vec<u8>, ReaderError> {
        self.start(FrameKind::PowerUp)
    }

    /// Resets the module; its ATR.
    pub fn reset(&self) -> Result<Vec<u8>, ReaderError> {
        self.start(FrameKind::Reset)
    }

    /// Powers the module down.
    pub fn power_down(&self) -> Result<(), ReaderError> {
        self.exchange(FrameKind::PowerDown, &[], 0..=0).map(drop)
    }

    /// Sends a command APDU; the response APDU, two bytes or more.
    pub fn transmit(&self, command: &[u8]) -> Result<Vec<u8>, ReaderError> {
        self.exchange(FrameKind::Transmit, command, 2..=limits::RESPONSE_APDU)
    }

    /// The ATR of the last power-up. Asks the module nothing: powering it up again would end its session.
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

    /// One frame there and one back. Whatever goes wrong ends the connection: the next answer could be a late one.
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

    /// Breaks off if pcscd has something to look at; goes on with the connection whose end is awaited, if any.
    fn look(&self) -> ControlFlow<(), Option<Arc<UnixStream>>> {
        let mut link = lock(&self.link);
        let next = match &*link {
            Link::Absent => match dial(&self.socket) {
                Ok(stream) => Link::Found(Arc::new(stream)),
                Err(_nobody_listens) => return ControlFlow::Continue(None),
            },
            Link::Present(stream, _) if is_readable(stream, PollFlags::RDHUP) => Link::Announced,
            Link::Present(stream, _) => return ControlFlow::Continue(Some(Arc::clone(stream))),
            Link::Lost => Link::Announced,
            Link::Found(_) | Link::Announced => return ControlFlow::Break(()),
        };
        *link = next;
        ControlFlow::Break(())
    }

    /// Sleeps until `watched` has ended or `time` is over; `true` if it was woken.
    fn nap(&self, watched: Option<&UnixStream>, time: Duration) -> io::Result<bool> {
        let time = Timespec::try_from(time).map_err(io::Error::other)?;
        let mut awaited = vec![PollFd::new(&self.wake, PollFlags::IN)];
        awaited.extend(watched.map(|stream| PollFd::new(stream, PollFlags::RDHUP)));
        match poll(&mut awaited, Some(&time)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
        // Reading takes the call away; an error says that there was none.
        Ok(rustix::io::read(&self.wake, &mut [0_u8; 8]).is_ok())
    }
}

/// Connects without waiting: a module that does not accept is not there.
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
    mut stream: &UnixStream,
    kind: FrameKind,
    body: &[u8],
    len: RangeInclusive<usize>,
) -> io::Result<Vec<u8>> {
    // Bytes that lie here now would be taken for the answer.
    if is_readable(stream, PollFlags::IN | PollFlags::RDHUP) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    send_all(
        stream,
        &FrameHeader::encode(kind, body).map_err(io::Error::other)?,
        body,
    )?;
    let mut header = [0; FrameHeader::SIZE];
    stream.read_exact(&mut header)?;
    let header = FrameHeader::parse(header).map_err(io::Error::other)?;
    if header.kind != kind || !len.contains(&header.len) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    receive(stream, header.len)
}

/// Whether one of `events`, or the end of the connection, is there already. Takes nothing from the stream.
fn is_readable(stream: &UnixStream, events: PollFlags) -> bool {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    !matches!(
        poll(&mut [PollFd::new(stream, events)], Some(&now)),
        Ok(0) | Err(rustix::io::Errno::INTR)
    )
}

/// Header and body in one call while there is room, and no copy of either.
///
/// Without SIGPIPE: ignoring that signal is for a program to decide, and this is only a library in one.
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

/// So many bytes, into memory that nobody has to clear first.
fn receive(stream: &UnixStream, len: usize) -> io::Result<Vec<u8>> {
    let mut answer = Vec::with_capacity(len);
    while answer.len() < len {
        let count = retry_on_intr(|| rustix::io::read(stream, spare_capacity(&mut answer)))?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    // There may be more room than was asked for, and then more than the answer in it.
    if answer.len() == len {
        Ok(answer)
    } else {
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// A panic elsewhere leaves a [`Link`] whole: each is put in place by one assignment.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How often an empty reader looks for its module: a socket tells nobody that somebody has begun to listen.
const ARRIVAL: Duration = Duration::from_millis(20);

/// The longest silence in an answer: a person may be choosing what to press on the module meanwhile.
const READ_TIMEOUT: Duration = Duration::from_mins(5);

/// The longest time a module may take to make room for a command.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest ATR, in bytes (ISO 7816-3 § 8.2.1).
const ATR_MAX: usize = 33;

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
