//! Unix sockets.

use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with,
    sockopt::{Timeout, set_socket_timeout},
};
use std::{
    fs, io, os::fd::AsFd, os::fd::BorrowedFd, os::unix::net::UnixListener, path::Path,
    time::Duration,
};

/// A stream between two programs, or two threads.
pub use std::os::unix::net::UnixStream as Stream;

/// Connects to who listens at a path. A listener that is stopped accepts nobody, and the queue before it may be full:
/// waiting for it ends with the patience.
pub fn connect(path: &Path, patience: Duration) -> io::Result<Stream> {
    let socket = socket_with(
        AddressFamily::UNIX,
        SocketType::STREAM,
        CLOSED_FOR_CHILDREN,
        None,
    )?;
    rustix::io::fcntl_setfd(&socket, rustix::io::FdFlags::CLOEXEC)?;
    // For a socket of this kind, the time to send is the time to connect.
    set_socket_timeout(&socket, Timeout::Send, Some(patience))?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket.into())
}

/// Returns both ends of a new stream.
pub fn pair() -> io::Result<(Stream, Stream)> {
    Stream::pair()
}

/// Waits at a path for those who connect.
#[derive(Debug)]
pub struct Listener(UnixListener);

impl Listener {
    /// Begins to listen at a path, in place of a program that was killed and left its socket there. Accepting does not
    /// wait: poll for it.
    pub fn bind(path: &Path) -> io::Result<Self> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(Self(listener))
    }

    /// Takes the next one who connected; [`io::ErrorKind::WouldBlock`] if there is none.
    pub fn accept(&self) -> io::Result<Accepted> {
        let (stream, _) = self.0.accept()?;
        stream.set_nonblocking(false)?;
        Ok(Accepted(stream))
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// One who connected.
#[derive(Debug)]
pub struct Accepted(Stream);

impl Accepted {
    /// Returns the stream. It may wait until the other end has said who it is: not for the thread that accepts.
    pub fn into_stream(self) -> io::Result<Stream> {
        Ok(self.0)
    }
}

/// Apple's systems have no flag for it when a socket is made.
const CLOSED_FOR_CHILDREN: SocketFlags = {
    #[cfg(target_vendor = "apple")]
    {
        SocketFlags::empty()
    }
    #[cfg(not(target_vendor = "apple"))]
    {
        SocketFlags::CLOEXEC
    }
};
