//! Which readers have a card, what keeps them from being seen, and when that changes.

use super::{AT_ONCE, within};
use crate::transport::{CONNECTING, Location, TransportError};
use pcsc::{Context, Error, ReaderState, Scope, State};
use std::{ffi::CString, io, time::Duration};

/// Returns the readers that have a card: none if the smart-card service does not run.
pub fn occupied() -> Vec<String> {
    let work = || Context::establish(Scope::User).and_then(|context| occupied_in(&context));
    match within(CONNECTING, work, drop) {
        Some(Ok(readers)) => readers,
        Some(Err(error)) => {
            tracing::debug!(%error, "no readers");
            Vec::new()
        }
        None => Vec::new(),
    }
}

/// Returns what keeps readers from being seen. A service that does not run is one if readers are `wanted`, or if the
/// environment names its socket.
pub fn obstacle(wanted: bool) -> Option<TransportError> {
    let location = Location::Reader(service::NAME.into());
    let work = || Context::establish(Scope::User);
    let Some(established) = within(AT_ONCE, work, drop) else {
        return Some(TransportError::Silent { location });
    };
    let source = established.err()?;
    match service::look() {
        Service::Denied(source) => Some(TransportError::Io { location, source }),
        Service::Absent if !wanted => None,
        Service::Absent | Service::Broken => Some(TransportError::Service { location, source }),
    }
}

/// What is known of a service that cannot be used.
enum Service {
    /// It does not run, and nothing says that it should.
    Absent,
    /// This user may not connect to it: it says then, too, that it does not run.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "pcscd's alone"))]
    Denied(io::Error),
    /// It runs, or the environment names its socket.
    #[cfg_attr(not(target_os = "linux"), expect(dead_code, reason = "pcscd's alone"))]
    Broken,
}

/// pcscd, at its socket.
#[cfg(target_os = "linux")]
mod service {
    use super::Service;
    use std::{env, io, os::unix::net::UnixStream, path::PathBuf};

    pub(super) const NAME: &str = "pcscd";

    pub(super) fn look() -> Service {
        let named = env::var_os(SOCKET_VARIABLE);
        let is_named = named.is_some();
        let socket = named.map_or_else(|| SOCKET.into(), PathBuf::from);
        match UnixStream::connect(socket) {
            Err(source) if source.kind() == io::ErrorKind::PermissionDenied => {
                Service::Denied(source)
            }
            Err(_) if !is_named => Service::Absent,
            _ => Service::Broken,
        }
    }

    /// The environment variable that names the service's socket, and where it is else.
    const SOCKET_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";
    const SOCKET: &str = "/run/pcscd/pcscd.comm";
}

/// The system's own: it starts with the first reader.
#[cfg(not(target_os = "linux"))]
mod service {
    use super::Service;

    pub(super) const NAME: &str = "the system's smart-card service";

    pub(super) const fn look() -> Service {
        Service::Absent
    }
}

fn occupied_in(context: &Context) -> Result<Vec<String>, Error> {
    let mut occupied = Vec::new();
    let mut states: Vec<_> = names(context)?
        .into_iter()
        .map(|name| ReaderState::new(name, State::UNAWARE))
        .collect();
    for states in states.chunks_mut(WAIT_MAX) {
        context.get_status_change(Duration::ZERO, states)?;
        occupied.extend(
            states
                .iter()
                .filter(|state| state.event_state().contains(State::PRESENT))
                .filter_map(|state| Some(state.name().to_str().ok()?.to_owned())),
        );
    }
    Ok(occupied)
}

fn names(context: &Context) -> Result<Vec<CString>, Error> {
    match context.list_readers_owned() {
        Err(Error::NoReadersAvailable) => Ok(Vec::new()),
        other => other,
    }
}

/// Waits for a card or a reader that comes or goes.
#[derive(Default)]
pub struct Watch {
    context: Option<Context>,
    /// The state of each reader after the last wait.
    seen: Vec<(CString, State)>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

impl Watch {
    /// Returns whether something changed within `timeout`; `None` if the service does not run.
    ///
    /// Readers beyond the fifteenth are only looked at when this is called.
    pub fn wait_change(&mut self, timeout: Duration) -> Option<bool> {
        let outcome = self
            .context()
            .and_then(|context| self.wait(&context, timeout));
        match outcome {
            Ok(changed) => Some(changed),
            // A reader vanished between the list and the wait.
            Err(Error::UnknownReader) => Some(true),
            Err(error) => {
                tracing::debug!(%error, "no readers to watch");
                self.context = None;
                None
            }
        }
    }

    fn context(&mut self) -> Result<Context, Error> {
        if let Some(context) = &self.context {
            return Ok(context.clone());
        }
        let context = Context::establish(Scope::User)?;
        self.context = Some(context.clone());
        Ok(context)
    }

    fn wait(&mut self, context: &Context, timeout: Duration) -> Result<bool, Error> {
        let names = names(context)?;
        let is_new = names.len() != self.seen.len();
        let mut states: Vec<_> = names
            .into_iter()
            .map(|name| {
                let seen = self.seen.iter().find(|(known, _)| *known == name);
                let state = seen.map_or(State::UNAWARE, |(_, state)| *state);
                ReaderState::new(name, state)
            })
            .collect();
        // New entries answer at once, and do not count as a change.
        let waited = states.len().min(WAIT_MAX - 1);
        let (waited, looked_at) = states.split_at_mut(waited);
        let mut changed = is_new && !self.seen.is_empty();
        for more in looked_at.chunks_mut(WAIT_MAX) {
            changed |= settle(context, more, Duration::ZERO)?.unwrap_or_default();
        }
        let mut entries: Vec<_> = waited
            .iter()
            .map(|state| ReaderState::new(state.name().to_owned(), state.current_state()))
            .collect();
        entries.push(ReaderState::new(pcsc::PNP_NOTIFICATION(), State::UNAWARE));
        let patience = if changed { Duration::ZERO } else { timeout };
        match settle(context, &mut entries, patience)? {
            Some(is_different) => changed |= is_different,
            None if !changed => return Ok(false),
            None => {}
        }
        entries.pop();
        self.seen = entries
            .iter()
            .chain(&*looked_at)
            .map(|state| {
                (
                    state.name().to_owned(),
                    state.event_state() - State::CHANGED,
                )
            })
            .collect();
        Ok(changed)
    }
}

/// Waits, and returns whether a known entry or the list of readers changed; `None` after the time-out.
fn settle(
    context: &Context,
    states: &mut [ReaderState],
    timeout: Duration,
) -> Result<Option<bool>, Error> {
    match context.get_status_change(timeout, states) {
        Ok(()) => Ok(Some(states.iter().any(|state| {
            let is_known =
                !state.current_state().is_empty() || state.name() == pcsc::PNP_NOTIFICATION();
            is_known && state.event_state().contains(State::CHANGED)
        }))),
        Err(Error::Timeout) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The most entries that one wait takes, including the one for new readers.
const WAIT_MAX: usize = 16;
