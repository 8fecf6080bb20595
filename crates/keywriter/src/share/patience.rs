//! Waiting for input with an eye on the module: who is typing into a pipe, or has forgotten to, hears at once that it is gone.

use crate::transport::{Leash, Transport, TransportError};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use std::{
    fs::File,
    io::{self, Read},
    os::fd::OwnedFd,
    sync::atomic::{AtomicBool, Ordering},
};

/// What is encrypted or decrypted.
pub trait Source: Read + Send {
    /// What can be polled for the next byte, if that may keep somebody waiting. Nothing of it may be in a buffer here.
    fn waits_on(&self) -> Option<OwnedFd> {
        None
    }
}

impl Source for &[u8] {}

impl Source for File {
    fn waits_on(&self) -> Option<OwnedFd> {
        let is_pipe = self.metadata().is_ok_and(|metadata| !metadata.is_file());
        // Without a descriptor to poll it is read as before: it just does not notice.
        is_pipe.then(|| self.try_clone().ok().map(OwnedFd::from))?
    }
}

/// Says that it is over, to whoever runs and to whoever waits.
#[derive(Debug)]
pub(super) struct Stop {
    is_over: AtomicBool,
    bell: Option<OwnedFd>,
}

impl Stop {
    pub(super) fn new() -> Self {
        Self {
            is_over: AtomicBool::new(false),
            bell: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok(),
        }
    }

    pub(super) fn ring(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        if let Some(bell) = &self.bell
            && let Err(error) = rustix::io::write(bell, &1_u64.to_ne_bytes())
        {
            tracing::debug!(%error, "it was rung before");
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

/// A source that fails, rather than waits, once the module is gone or all is over.
pub(super) struct Patient<'a> {
    source: &'a mut dyn Source,
    /// Where waiting is possible: for what.
    awaited: Option<(OwnedFd, Option<Leash>)>,
    stop: &'a Stop,
}

impl<'a> Patient<'a> {
    pub(super) fn new(source: &'a mut dyn Source, module: &dyn Transport, stop: &'a Stop) -> Self {
        Self {
            awaited: source.waits_on().map(|input| (input, module.leash())),
            source,
            stop,
        }
    }
}

impl Read for Patient<'_> {
    /// An error that holds a [`TransportError`] is the module's, any other the input's.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if let Some((input, leash)) = &self.awaited {
            let mut ends = vec![PollFd::new(input, PollFlags::IN)];
            ends.extend(leash.iter().map(Leash::as_poll));
            ends.extend(
                self.stop
                    .bell
                    .iter()
                    .map(|bell| PollFd::new(bell, PollFlags::IN)),
            );
            poll(&mut ends, None)?;
            if self.stop.is_over() {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            if let (Some(leash), Some(end)) = (leash, ends.get(1))
                && !end.revents().is_empty()
            {
                let place = leash.place().clone();
                return Err(io::Error::other(TransportError::PulledOut { place }));
            }
        }
        self.source.read(bytes)
    }
}
