//! The two loops that carry a stream: through a module ([`carry`]), or through this computer's processors
//! ([`in_batches`]).
//!
//! Commands to a module are sent ahead of their answers, so that input, connection, module and output work at the
//! same time.
//!
//! One thread reads and sends, another receives and writes; the connection's own buffers are between them. Over a
//! connection that takes one command at a time (PC/SC), a third thread sends and receives in turn.

mod batches;
mod input;
mod turns;

pub(crate) use batches::{Steps, in_batches};
pub use input::{Awaited, Source};
pub(crate) use input::{fill, read_error};

use crate::{
    module::{Command, ConnectedModule, ModuleError, decode},
    transport::{ApduPipeline, Location, ReceiveHalf, SendHalf, TransportError},
};
use hsm_protocol::{Malformed, Status};
use input::{Interrupt, InterruptibleReader};
use std::{
    io::Read,
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
    time::{Duration, Instant},
};

/// Carries `input` through a module, in commands that have the header and the room of `command`.
///
/// `produce` runs on a separate thread: it reads from the input, writes a command's data, and returns the data's
/// length and a token, or `None` at the end. `consume` gets each token with the data of its answer, in order. The first
/// error ends both.
pub(crate) fn carry<T: Send, E: From<ModuleError> + Send>(
    module: &mut ConnectedModule,
    command: Command,
    input: &mut dyn Source,
    produce: impl FnMut(&mut dyn Read, &mut [u8]) -> Result<Option<(usize, T)>, E> + Send,
    consume: impl FnMut(T, &[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let location = module.location().clone();
    let interrupt = Interrupt::new();
    let input = InterruptibleReader::new(input, Some(module.transport()), &interrupt);
    let transport = module.transport();
    let has_halves = transport.split().is_some();
    thread::scope(|scope| {
        let ApduPipeline { send, receive } = if has_halves {
            let gone = || TransportError::PulledOut {
                location: location.clone(),
            };
            transport
                .split()
                .ok_or_else(gone)
                .map_err(ModuleError::from)?
        } else {
            turns::pipeline(scope, transport, &location)
        };
        let (tokens, expected) = sync_channel(AHEAD);
        let side = Sending {
            send,
            input,
            command,
            tokens,
            interrupt: &interrupt,
            location: &location,
        };
        let sending = scope.spawn(move || side.run(produce));
        let receiving = Receiving {
            receive,
            expected,
            interrupt: &interrupt,
            location: &location,
        };
        let (consumed, [receive, write]) = receiving.run(consume);
        let (produced, [read, send]) = sending
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        // They work at the same time: the sum is more than the whole.
        tracing::debug!(?read, ?send, ?receive, ?write, "how long each stage took");
        consumed.and(produced)
    })
}

/// How many commands may be sent ahead.
const AHEAD: usize = 4;

/// The side that reads and sends.
struct Sending<'a, T> {
    send: Box<dyn SendHalf + 'a>,
    input: InterruptibleReader<'a>,
    command: Command,
    tokens: SyncSender<T>,
    interrupt: &'a Interrupt,
    location: &'a Location,
}

impl<T> Sending<'_, T> {
    /// Returns the outcome, and how long reading and sending took. Where the receiving side has failed, it has the
    /// error, and this one just ends.
    fn run<E: From<ModuleError>>(
        mut self,
        mut produce: impl FnMut(&mut dyn Read, &mut [u8]) -> Result<Option<(usize, T)>, E>,
    ) -> (Result<(), E>, [Duration; 2]) {
        let (mut read, mut send) = (Duration::ZERO, Duration::ZERO);
        let mut next = || {
            let produced = timed(&mut read, || produce(&mut self.input, self.command.data()));
            let Some((len, token)) = produced? else {
                return Ok(false);
            };
            if self.interrupt.is_raised() || self.tokens.send(token).is_err() {
                return Ok(false);
            }
            let command = self.command.complete(len);
            let command = command.map_err(|Malformed| ModuleError::malformed(self.location))?;
            timed(&mut send, || self.send.send(command)).map_err(ModuleError::from)?;
            Ok(true)
        };
        let outcome = loop {
            match next() {
                Ok(true) => {}
                Ok(false) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        (outcome, [read, send])
    }
}

/// The side that receives and writes.
struct Receiving<'a, T> {
    receive: Box<dyn ReceiveHalf + 'a>,
    expected: Receiver<T>,
    interrupt: &'a Interrupt,
    location: &'a Location,
}

impl<T> Receiving<'_, T> {
    /// Returns the outcome, and how long receiving and writing took.
    fn run<E: From<ModuleError>>(
        mut self,
        mut consume: impl FnMut(T, &[u8]) -> Result<(), E>,
    ) -> (Result<(), E>, [Duration; 2]) {
        let (mut receive, mut write) = (Duration::ZERO, Duration::ZERO);
        let mut outcome = Ok(());
        let mut answer = Vec::new();
        for token in self.expected {
            let received = timed(&mut receive, || self.receive.receive(&mut answer));
            if let Err(error) = received {
                self.receive.abandon();
                self.interrupt.raise();
                outcome = outcome.and(Err(ModuleError::from(error).into()));
                break;
            }
            // After an error, the answers to commands that were sent before are received and dropped.
            if outcome.is_ok() {
                outcome = timed(&mut write, || consume(token, data(&answer, self.location)?));
                if outcome.is_err() {
                    self.interrupt.raise();
                }
            }
        }
        (outcome, [receive, write])
    }
}

fn data<'a>(answer: &'a [u8], location: &Location) -> Result<&'a [u8], ModuleError> {
    match decode(answer, location)? {
        (data, Status::Success) => Ok(data),
        (_, refused) => Err(ModuleError::Refused(refused)),
    }
}

/// Adds the time that `work` takes.
fn timed<R>(time: &mut Duration, work: impl FnOnce() -> R) -> R {
    let began = Instant::now();
    let done = work();
    *time += began.elapsed();
    done
}
