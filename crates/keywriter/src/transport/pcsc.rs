//! A module in a PC/SC reader.
//!
//! Each card has its own context: a context is one lock, and modules would wait for each other. Access is shared, so
//! that a second program may look; modules notice a command that does not belong to their run. An error, or an answer
//! without a status word, ends the connection: the module that is in the reader afterwards must prove its identity.

use super::{CONNECTING, Location, PATIENCE, RemovalSignal, Transport, TransportError};
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
        mpsc::{Receiver, RecvTimeoutError, SendError, Sender, channel, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// The most entries that one wait takes, including the one for new readers.
const WAIT_MAX: usize = 16;

/// Room for the longest response, and what the service needs in addition.
const RECEIVE: usize = 65_548;

/// A connection to the card in a reader. It is a thread's own: the service lets a command wait as long as it likes.
#[derive(Debug)]
pub struct Card {
    worker: Option<Worker>,
    location: Location,
    patience: Duration,
}

#[derive(Debug)]
struct Worker {
    requests: Sender<Request>,
    answers: Receiver<Result<Vec<u8>, Error>>,
    thread: JoinHandle<()>,
}

#[derive(Debug)]
enum Request {
    Transmit(Vec<u8>),
    /// Takes a card that another program has reset.
    Reconnect,
}

impl Card {
    /// Connects to the card in the reader of that name, over T=1.
    pub fn open(reader: &str) -> Result<Self, TransportError> {
        let location = Location::Reader(reader.to_owned());
        let Ok(name) = CString::new(reader) else {
            return Err(TransportError::Absent { location });
        };
        match connect(name.clone()) {
            Some(Ok(card)) => Ok(Self {
                worker: Some(Worker::start(card)),
                location,
                patience: PATIENCE,
            }),
            Some(Err(error)) => Err(failure(error, location, true)),
            None if is_in_use(name) => Err(TransportError::InUse { location }),
            None => Err(TransportError::Silent { location }),
        }
    }

    fn ask(&mut self, request: Request) -> Result<Result<Vec<u8>, Error>, TransportError> {
        let location = self.location.clone();
        let Some(worker) = &self.worker else {
            return Err(TransportError::PulledOut { location });
        };
        if worker.requests.send(request).is_err() {
            return Err(TransportError::PulledOut { location });
        }
        worker.answers.recv_timeout(self.patience).map_err(|error| {
            // The thread is left alone, and leaves the card when the service answers.
            self.worker = None;
            match error {
                RecvTimeoutError::Timeout => TransportError::Silent { location },
                RecvTimeoutError::Disconnected => TransportError::PulledOut { location },
            }
        })
    }
}

impl Worker {
    fn start(mut card: pcsc::Card) -> Self {
        let (requests, asked) = channel();
        let (answered, answers) = sync_channel(1);
        let thread = thread::spawn(move || {
            let mut receive = vec![0; RECEIVE];
            for request in asked {
                let answer = match request {
                    Request::Transmit(command) => send(&card, &command, &mut receive),
                    Request::Reconnect => reconnect(&mut card, &mut receive),
                };
                if answered.send(answer).is_err() {
                    break;
                }
            }
            leave(card);
        });
        Self {
            requests,
            answers,
            thread,
        }
    }
}

/// Takes the card again that another program has reset. The module selects its application anew; it stays unlocked.
fn reconnect(card: &mut pcsc::Card, receive: &mut [u8]) -> Result<Vec<u8>, Error> {
    card.reconnect(ShareMode::Shared, Protocols::T1, Disposition::LeaveCard)?;
    let mut select = [0; SELECT];
    let header = [CLA_INTERINDUSTRY, ins::SELECT, 0x04, 0];
    let len = encode_extended(header, &AID, &mut select).unwrap_or_default();
    let select = select.get(..len).unwrap_or_default();
    card.transmit(select, receive).map(<[u8]>::to_vec)
}

/// Sends a command. It waits for a while if another program does something with the card in one piece.
fn send(card: &pcsc::Card, command: &[u8], receive: &mut [u8]) -> Result<Vec<u8>, Error> {
    let end = Instant::now() + CONNECTING;
    loop {
        match card.transmit(command, receive) {
            Err(Error::SharingViolation) if Instant::now() < end => thread::sleep(BETWEEN),
            outcome => return outcome.map(<[u8]>::to_vec),
        }
    }
}

/// Does something that the service may let wait, in a thread of its own; `None` if it takes too long. `late` gets what
/// comes after that.
fn within<T: Send + 'static>(
    time: Duration,
    work: impl FnOnce() -> T + Send + 'static,
    late: impl FnOnce(T) + Send + 'static,
) -> Option<T> {
    let (sender, done) = sync_channel(1);
    thread::spawn(move || {
        if let Err(SendError(outcome)) = sender.send(work()) {
            late(outcome);
        }
    });
    done.recv_timeout(time).ok()
}

/// Connects to the card in a reader; `None` if that takes too long. The service lets a connection wait as long as another
/// program has a transaction; nobody else waits for that reader meanwhile.
fn connect(reader: CString) -> Option<Result<pcsc::Card, Error>> {
    let is_first = WAITING.lock().ok()?.insert(reader.clone());
    if !is_first {
        return None;
    }
    let work = move || {
        let card = Context::establish(Scope::User)
            .and_then(|context| context.connect(&reader, ShareMode::Shared, Protocols::T1));
        if let Ok(mut waiting) = WAITING.lock() {
            waiting.remove(&reader);
        }
        card
    };
    let late = |card: Result<pcsc::Card, Error>| {
        if let Ok(card) = card {
            leave(card);
        }
    };
    within(CONNECTING, work, late)
}

/// Returns whether another program uses the card in a reader, if the service says so at once.
fn is_in_use(reader: CString) -> bool {
    let work = move || {
        let mut states = [ReaderState::new(reader, State::UNAWARE)];
        let context = Context::establish(Scope::User)?;
        context.get_status_change(Duration::ZERO, &mut states)?;
        Ok::<_, Error>(states.iter().any(|reader| {
            let used = State::INUSE | State::EXCLUSIVE;
            reader.event_state().intersects(used)
        }))
    };
    within(AT_ONCE, work, drop).is_some_and(|state| state == Ok(true))
}

/// How long the service may take for what it knows.
const AT_ONCE: Duration = Duration::from_secs(2);

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
        let mut answer = self.ask(Request::Transmit(command.to_vec()))?;
        for _ in 0..RESETS {
            if !matches!(answer, Err(Error::ResetCard)) {
                break;
            }
            // The command was not sent. The rest of an answer is lost.
            let is_rest = command.get(1) == Some(&ins::GET_RESPONSE);
            answer = match self.ask(Request::Reconnect)? {
                Ok(_) if is_rest => return Err(TransportError::Reset { location }),
                Ok(_) => self.ask(Request::Transmit(command.to_vec()))?,
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

    fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
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
    /// Waits until the card is left.
    fn leave(&mut self) {
        let Some(worker) = self.worker.take() else {
            return;
        };
        drop((worker.requests, worker.answers));
        if worker.thread.join().is_err() {
            tracing::debug!(location = %self.location, "not disconnected");
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
    let location = Location::Reader("pcscd".into());
    let work = || Context::establish(Scope::User);
    let Some(established) = within(AT_ONCE, work, drop) else {
        return Some(TransportError::Silent { location });
    };
    let source = established.err()?;
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
