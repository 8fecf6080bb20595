//! Reading an input that may keep its reader waiting: the wait ends as soon as the module is gone.

use crate::{
    file,
    module::ModuleError,
    transport::{RemovalSignal, Transport, TransportError},
};
use local_socket::Stream;
use rustix::{
    event::{PollFd, PollFlags, poll},
    fd::OwnedFd,
};
use std::{
    fs::File,
    io::{self, Read, Write},
    sync::atomic::{AtomicBool, Ordering},
};

/// What can be polled: a descriptor on Unix, a socket on Windows.
pub type Awaited = OwnedFd;

/// What is carried through a module.
pub trait Source: Read + Send {
    /// Returns a descriptor to poll for the next byte, if reading may wait. Such a source keeps no bytes in a buffer.
    fn waits_on(&self) -> Option<Awaited> {
        None
    }
}

impl Source for &[u8] {}

impl Source for File {
    fn waits_on(&self) -> Option<Awaited> {
        file::awaited(self)
    }
}

/// Reads until the buffer is full or the input ends. Returns the number of bytes read.
pub(crate) fn fill(input: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut used = 0;
    while let Some(rest) = buffer.get_mut(used..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(count) => used += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(used)
}

/// Returns the error of a read that failed: the module's if its removal ended the wait, else the input's.
pub(crate) fn read_error<E: From<ModuleError>>(
    error: io::Error,
    input: impl FnOnce(io::Error) -> E,
) -> E {
    match error.downcast::<TransportError>() {
        Ok(removed) => ModuleError::from(removed).into(),
        Err(error) => input(error),
    }
}

/// Tells the reading thread that the receiving one has failed, even while it waits for input.
#[derive(Debug)]
pub(super) struct Interrupt {
    is_raised: AtomicBool,
    /// Where it is raised, and where that is waited for.
    ends: Option<(Stream, Stream)>,
}

impl Interrupt {
    pub(super) fn new() -> Self {
        Self {
            is_raised: AtomicBool::new(false),
            ends: local_socket::pair()
                .ok()
                .filter(|(raised, _)| raised.set_nonblocking(true).is_ok()),
        }
    }

    pub(super) fn raise(&self) {
        self.is_raised.store(true, Ordering::Relaxed);
        if let Some((raised, _)) = &self.ends
            && let Err(error) = (&mut &*raised).write_all(&[1])
        {
            tracing::debug!(%error, "the interrupt was raised before");
        }
    }

    pub(super) fn is_raised(&self) -> bool {
        self.is_raised.load(Ordering::Relaxed)
    }
}

/// A source that fails, instead of waiting, once its module is gone or the interrupt is raised.
pub(super) struct InterruptibleReader<'a> {
    source: &'a mut dyn Source,
    /// What is polled, if reading may wait.
    awaited: Option<(Awaited, Option<RemovalSignal>)>,
    interrupt: &'a Interrupt,
}

impl<'a> InterruptibleReader<'a> {
    pub(super) fn new(
        source: &'a mut dyn Source,
        module: Option<&dyn Transport>,
        interrupt: &'a Interrupt,
    ) -> Self {
        Self {
            awaited: source
                .waits_on()
                .map(|input| (input, module.and_then(Transport::removal_signal))),
            source,
            interrupt,
        }
    }
}

impl Read for InterruptibleReader<'_> {
    /// An error that holds a [`TransportError`] is the module's, any other the input's.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if let Some((input, removal)) = &self.awaited {
            let mut awaited = vec![PollFd::new(input, PollFlags::IN)];
            awaited.extend(removal.iter().map(RemovalSignal::as_poll));
            let ends = self.interrupt.ends.iter();
            awaited.extend(ends.map(|(_, waiting)| PollFd::new(waiting, PollFlags::IN)));
            poll(&mut awaited, None)?;
            if self.interrupt.is_raised() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            if let (Some(removal), Some(polled)) = (removal, awaited.get(1))
                && !polled.revents().is_empty()
            {
                let location = removal.location().clone();
                return Err(io::Error::other(TransportError::PulledOut { location }));
            }
        }
        self.source.read(bytes)
    }
}
