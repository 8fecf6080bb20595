//! A module in a PC/SC reader.
//!
//! Each card has its own context: a context is one lock, and modules would wait for each other. Access is shared, so
//! that a second program may look; modules notice a command that does not belong to their run. An error, or an answer
//! without a status word, ends the connection: the module that is in the reader afterwards must prove its identity.

use super::{CONNECTING, Location, RemovalSignal, Transport, TransportError};
use hsm_protocol::{
    apdu::encode_extended,
    command::{AID, CLA_INTERINDUSTRY, ins},
};
use pcsc::{Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::{
    collections::BTreeSet,
    env,
    ffi::{CStr, CString},
    io,
    os::unix::net::UnixStream,
    path::PathBuf,
    sync::{
        Mutex,
        mpsc::{SendError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

/// The most entries that one wait takes, including the one for new readers.
const WAIT_MAX: usize = 16;

/// Room for the longest response, and what the service needs in addition.
const RECEIVE: usize = 65_548;

/// A connection to the card in a reader.
pub struct Card {
    handle: Option<pcsc::Card>,
    location: Location,
    receive: Vec<u8>,
}

impl std::fmt::Debug for Card {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Card")
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}

impl Card {
    /// Connects to the card in the reader of that name, over T=1.
    pub fn open(reader: &str) -> Result<Self, TransportError> {
        let location = Location::Reader(reader.to_owned());
        let Ok(name) = CString::new(reader) else {
            return Err(TransportError::Absent { location });
        };
        match connect(name) {
            Some(Ok(card)) => Ok(Self {
                handle: Some(card),
                location,
                receive: vec![0; RECEIVE],
            }),
            Some(Err(error)) => Err(failure(error, location, true)),
            None => Err(TransportError::InUse { location }),
        }
    }

    /// Takes the card again that another program has reset. The module selects its application anew; it stays unlocked.
    fn reconnect(&mut self) -> Result<(), Error> {
        let card = self.handle.as_mut().ok_or(Error::RemovedCard)?;
        card.reconnect(ShareMode::Shared, Protocols::T1, Disposition::LeaveCard)?;
        let mut select = [0; SELECT];
        let header = [CLA_INTERINDUSTRY, ins::SELECT, 0x04, 0];
        let len = encode_extended(header, &AID, &mut select).unwrap_or_default();
        let select = select.get(..len).unwrap_or_default();
        card.transmit(select, &mut self.receive).map(drop)
    }

    /// Sends a command, for as long as another program does something with the card in one piece.
    fn send(&mut self, command: &[u8]) -> Result<Vec<u8>, Error> {
        let end = Instant::now() + CONNECTING;
        let card = self.handle.as_ref().ok_or(Error::RemovedCard)?;
        loop {
            match card.transmit(command, &mut self.receive) {
                Err(Error::SharingViolation) if Instant::now() < end => thread::sleep(BETWEEN),
                outcome => return outcome.map(<[u8]>::to_vec),
            }
        }
    }
}

/// Connects to the card in a reader; `None` if another program keeps it. The service lets a connection wait as long as
/// another program has a transaction: it goes on in a thread of its own, and there is one for each reader.
fn connect(reader: CString) -> Option<Result<pcsc::Card, Error>> {
    let is_first = WAITING.lock().ok()?.insert(reader.clone());
    if !is_first {
        return None;
    }
    let (sender, connected) = sync_channel(1);
    thread::spawn(move || {
        let card = Context::establish(Scope::User)
            .and_then(|context| context.connect(&reader, ShareMode::Shared, Protocols::T1));
        if let Ok(mut waiting) = WAITING.lock() {
            waiting.remove(&reader);
        }
        if let Err(SendError(Ok(card))) = sender.send(card) {
            leave(card);
        }
    });
    connected.recv_timeout(CONNECTING).ok()
}

/// How many resets by another program one command survives.
const RESETS: usize = 5;

/// The readers that a thread waits for.
static WAITING: Mutex<BTreeSet<CString>> = Mutex::new(BTreeSet::new());

/// How long to wait before a card is asked again that another program uses.
const BETWEEN: Duration = Duration::from_millis(50);

/// Room for the command that selects the application: header, Lc, the identifier and Le.
const SELECT: usize = 4 + 3 + AID.len() + 2;

/// Disconnects without a reset; the drop of the crate's card would reset it.
fn leave(card: pcsc::Card) {
    if let Err((card, error)) = card.disconnect(Disposition::LeaveCard) {
        tracing::debug!(%error, "not disconnected");
        drop(card);
    }
}

impl Transport for Card {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let location = self.location.clone();
        let mut answer = self.send(command);
        for _ in 0..RESETS {
            if !matches!(answer, Err(Error::ResetCard)) {
                break;
            }
            // The command was not sent. The rest of an answer is lost.
            let is_rest = command.get(1) == Some(&ins::GET_RESPONSE);
            answer = match self.reconnect() {
                Ok(()) if is_rest => return Err(TransportError::Reset { location }),
                Ok(()) => self.send(command),
                Err(error) => Err(error),
            };
        }
        let outcome = match answer {
            Ok(response) if response.len() >= 2 => return Ok(response),
            Ok(_) => TransportError::PulledOut { location },
            Err(error) => failure(error, location, false),
        };
        self.leave();
        Err(outcome)
    }

    fn location(&self) -> &Location {
        &self.location
    }

    /// Starts a thread with its own context, because a context's lock is held while a command is under way. Both end
    /// some time after the signal is dropped; the card is not touched.
    fn removal_signal(&self) -> Option<RemovalSignal> {
        let Location::Reader(name) = &self.location else {
            return None;
        };
        let name = CString::new(name.as_str()).ok()?;
        let (stream, held) = UnixStream::pair().ok()?;
        thread::Builder::new()
            .spawn(move || wait_for_removal(&name, &held))
            .ok()?;
        Some(RemovalSignal::new(stream, self.location.clone()))
    }
}

impl Card {
    fn leave(&mut self) {
        if let Some(card) = self.handle.take() {
            leave(card);
        }
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        self.leave();
    }
}

/// Returns when the card was removed or swapped, or the other end of `held` is dropped. Without a service there is no
/// card.
fn wait_for_removal(reader: &CStr, held: &UnixStream) {
    let Ok(context) = Context::establish(Scope::User) else {
        return;
    };
    let mut states = [ReaderState::new(reader.to_owned(), State::UNAWARE)];
    let mut count = None;
    while !is_dropped(held) {
        match context.get_status_change(LOOK, &mut states) {
            Ok(()) => {}
            Err(Error::Timeout) => continue,
            Err(_gone) => return,
        }
        for state in &mut states {
            let is_swapped = *count.get_or_insert(state.event_count()) != state.event_count();
            if is_swapped || !state.event_state().contains(State::PRESENT) {
                return;
            }
            state.sync_current_state();
        }
    }
}

fn is_dropped(held: &UnixStream) -> bool {
    let outcome = poll(
        &mut [PollFd::new(held, PollFlags::RDHUP)],
        Some(&Timespec::default()),
    );
    outcome.is_ok_and(|ready| ready != 0)
}

/// How long the thread may outlive its signal.
const LOOK: Duration = Duration::from_secs(1);

/// Returns the readers that have a card: none if the smart-card service does not run.
pub fn occupied() -> Vec<String> {
    match Context::establish(Scope::User).and_then(|context| occupied_in(&context)) {
        Ok(readers) => readers,
        Err(error) => {
            tracing::debug!(%error, "no readers");
            Vec::new()
        }
    }
}

/// Returns what keeps readers from being seen. A service that does not run is one if readers are `wanted`, or if the
/// environment names its socket.
pub fn obstacle(wanted: bool) -> Option<TransportError> {
    let source = Context::establish(Scope::User).err()?;
    let location = Location::Reader("pcscd".into());
    let named = env::var_os(SOCKET_VARIABLE);
    let is_named = named.is_some();
    let socket = named.map_or_else(|| SOCKET.into(), PathBuf::from);
    // The service says that it does not run, too, where this user may not connect to it.
    match UnixStream::connect(socket) {
        Err(source) if source.kind() == io::ErrorKind::PermissionDenied => {
            Some(TransportError::Io { location, source })
        }
        Err(_) if !wanted && !is_named => None,
        _ => Some(TransportError::Service { location, source }),
    }
}

/// The environment variable that names the service's socket, and where it is else.
const SOCKET_VARIABLE: &str = "PCSCLITE_CSOCK_NAME";
const SOCKET: &str = "/run/pcscd/pcscd.comm";

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

fn failure(source: Error, location: Location, is_opening: bool) -> TransportError {
    match source {
        Error::NoSmartcard | Error::UnknownReader | Error::ReaderUnavailable | Error::NoService
            if is_opening =>
        {
            TransportError::Absent { location }
        }
        Error::RemovedCard
        | Error::NoSmartcard
        | Error::UnknownReader
        | Error::ReaderUnavailable
        | Error::NotTransacted
        | Error::InvalidValue
        | Error::CommError
        | Error::UnresponsiveCard
        | Error::UnpoweredCard => TransportError::PulledOut { location },
        Error::SharingViolation => TransportError::InUse { location },
        Error::ResetCard => TransportError::Reset { location },
        source => TransportError::Service { location, source },
    }
}
