//! A module in a PC/SC reader.
//!
//! Each card has its own context: a context is one lock, and modules would wait for each other. Access is shared, so
//! that a second program may look; modules notice a command that does not belong to their run. An error, or an answer
//! without a status word, ends the connection: the module that is in the reader afterwards must prove its identity.

mod readers;

pub use readers::{Watch, obstacle, occupied};

use super::{CONNECTING, HUNG_UP, Location, PATIENCE, RemovalSignal, Transport, TransportError};
use hsm_protocol::{
    apdu::encode_extended,
    command::{AID, CLA_INTERINDUSTRY, ins},
};
use local_socket::Stream;
use pcsc::{Context, Disposition, Error, Protocols, ReaderState, Scope, ShareMode, State};
use rustix::event::{PollFd, Timespec, poll};
use std::{
    collections::BTreeSet,
    ffi::{CStr, CString},
    sync::{
        Mutex,
        mpsc::{Receiver, RecvTimeoutError, SendError, Sender, channel, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

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
        let (stream, held) = local_socket::pair().ok()?;
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
fn wait_for_removal(reader: &CStr, held: &Stream) {
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

fn is_dropped(held: &Stream) -> bool {
    let outcome = poll(
        &mut [PollFd::new(held, HUNG_UP)],
        Some(&Timespec::default()),
    );
    outcome.is_ok_and(|ready| ready != 0)
}

/// How long the thread may outlive its signal.
const LOOK: Duration = Duration::from_secs(1);

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
