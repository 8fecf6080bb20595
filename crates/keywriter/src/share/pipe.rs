//! Commands sent ahead of their answers, so that input, connection, module and output work at the same time.
//!
//! One thread reads and sends, another receives and writes; what lies between them is the connection's own room. Over a
//! connection that takes one command at a time (PC/SC), a third thread stands between the two.

use super::{ShareError, patience::Stop};
use crate::{
    module::{ConnectedModule, ModuleError},
    transport::{Halves, Place, ReceiveHalf, SendHalf, Transport, TransportError},
};
use hsm_protocol::{Status, limits};
use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread::{self, Scope},
    time::{Duration, Instant},
};

/// How long each side was busy or waited.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    /// Waiting until a command was on its way.
    pub(super) send: Duration,
    /// Waiting for answers.
    pub(super) receive: Duration,
    /// Dealing with answers.
    pub(super) take: Duration,
}

/// Where commands go in.
pub(super) struct Feed<'a, T> {
    half: Box<dyn SendHalf + 'a>,
    tokens: SyncSender<T>,
    stop: &'a Stop,
    send: Duration,
}

/// Why a feed ends early.
pub(super) enum Stopped {
    /// The other side knows why.
    There,
    /// The input failed.
    Here(ShareError),
}

impl From<ShareError> for Stopped {
    fn from(error: ShareError) -> Self {
        Self::Here(error)
    }
}

impl<T> Feed<'_, T> {
    /// Sends a command; `token` comes out with its answer.
    pub(super) fn send(&mut self, command: &[u8], token: T) -> Result<(), Stopped> {
        if self.stop.is_over() || self.tokens.send(token).is_err() {
            return Err(Stopped::There);
        }
        let began = Instant::now();
        // Whatever is wrong with the connection, the receiving side is told as well.
        self.half
            .send(command)
            .map_err(|error| Stopped::Here(error.into()))?;
        self.send += began.elapsed();
        Ok(())
    }
}

/// Runs commands through a module: `produce` sends them from a thread of its own, `take` gets the answers' data in order.
/// The first error ends both, and rings.
pub(super) fn run<T: Send>(
    module: &mut ConnectedModule,
    stop: &Stop,
    produce: impl FnOnce(&mut Feed<'_, T>) -> Result<(), Stopped> + Send,
    mut take: impl FnMut(T, &[u8]) -> Result<(), ShareError>,
) -> Result<Times, ShareError> {
    let place = module.place().clone();
    let transport = module.transport();
    let splits = transport.split().is_some();
    thread::scope(|scope| {
        let (half, mut answers) = if splits {
            transport.split().ok_or_else(|| gone(&place))?
        } else {
            one_at_a_time(scope, transport, &place)
        };
        let (tokens, expected) = sync_channel(AHEAD);
        let mut feed = Feed {
            half,
            tokens,
            stop,
            send: Duration::ZERO,
        };
        let producer = scope.spawn(move || {
            let outcome = produce(&mut feed);
            (outcome, feed.send)
        });
        let mut times = Times::default();
        let mut taken = Ok(());
        let mut answer = Vec::new();
        for token in expected {
            let asked = Instant::now();
            if let Err(error) = answers.receive(&mut answer) {
                answers.abandon();
                stop.ring();
                taken = taken.and(Err(error.into()));
                break;
            }
            let came = Instant::now();
            times.receive += came - asked;
            // After an error, the answers to what was sent before are taken from the connection and forgotten.
            if taken.is_ok() {
                taken = data(&answer, &place)
                    .map_err(ShareError::from)
                    .and_then(|data| take(token, data));
                if taken.is_err() {
                    stop.ring();
                }
                times.take += came.elapsed();
            }
        }
        let (outcome, waited) = producer
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        times.send = waited;
        match (taken, outcome) {
            (Err(error), _) | (Ok(()), Err(Stopped::Here(error))) => Err(error),
            (Ok(()), Ok(()) | Err(Stopped::There)) => Ok(times),
        }
    })
}

/// How many commands may be on their way.
const AHEAD: usize = 4;

/// The data of an answer.
fn data<'a>(answer: &'a [u8], place: &Place) -> Result<&'a [u8], ModuleError> {
    let place = || place.clone();
    let Some((data, word)) = answer.split_last_chunk() else {
        return Err(ModuleError::Malformed { place: place() });
    };
    let word = u16::from_be_bytes(*word);
    match Status::from_word(word) {
        Some(Status::Success) => Ok(data),
        Some(refused) => Err(ModuleError::Refused(refused)),
        None => Err(ModuleError::UnknownStatus {
            place: place(),
            word,
        }),
    }
}

fn gone(place: &Place) -> ShareError {
    TransportError::PulledOut {
        place: place.clone(),
    }
    .into()
}

/// Halves of a connection that has none: a thread sends and receives in turn.
fn one_at_a_time<'scope, 'env>(
    scope: &'scope Scope<'scope, 'env>,
    transport: &'env mut dyn Transport,
    place: &Place,
) -> Halves<'env> {
    let (commands, to_send) = sync_channel::<Vec<u8>>(1);
    let (answered, answers) = sync_channel(1);
    let (used, spare) = sync_channel(AHEAD);
    scope.spawn(move || {
        for command in to_send {
            let answer = transport.transmit(&command);
            let is_over = answer.is_err();
            if answered.send(answer).is_err() || is_over {
                break;
            }
            // No room for a spare one: it is dropped.
            drop(used.try_send(command));
        }
    });
    let place = place.clone();
    (
        Box::new(Commands {
            to: commands,
            spare,
            place: place.clone(),
        }),
        Box::new(Answers { answers, place }),
    )
}

struct Commands {
    to: SyncSender<Vec<u8>>,
    spare: Receiver<Vec<u8>>,
    place: Place,
}

impl SendHalf for Commands {
    fn send(&mut self, command: &[u8]) -> Result<(), TransportError> {
        let mut buffer = self
            .spare
            .try_recv()
            .unwrap_or_else(|_none| Vec::with_capacity(limits::COMMAND_APDU));
        buffer.clear();
        buffer.extend_from_slice(command);
        self.to
            .send(buffer)
            .map_err(|_over| TransportError::PulledOut {
                place: self.place.clone(),
            })
    }
}

struct Answers {
    answers: Receiver<Result<Vec<u8>, TransportError>>,
    place: Place,
}

impl ReceiveHalf for Answers {
    fn receive(&mut self, answer: &mut Vec<u8>) -> Result<(), TransportError> {
        *answer = self
            .answers
            .recv()
            .map_err(|_over| TransportError::PulledOut {
                place: self.place.clone(),
            })??;
        Ok(())
    }

    fn abandon(&mut self) {
        // The thread between ends by itself once nobody takes its answers.
        self.answers = sync_channel(0).1;
    }
}
