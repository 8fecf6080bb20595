//! One module and its connections: who is connected, whose turn it is, and what happens when it is unplugged.

use crate::{board::VirtualBoard, clock::Clock};
use hsm_core::{Link, Module, keypad::KeyEvent, leds::Pattern, time::Millis};
use hsm_protocol::{
    Serial,
    apdu::{CHAINING, CommandApdu},
    command::{ATR, ins},
    frame::{FrameHeader, FrameKind},
    limits,
};
use local_socket::Stream;
use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::Shutdown,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// Delays that a hub adds on request, to behave like hardware.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delays {
    /// For every APDU.
    pub latency: Duration,
    /// For every step of a cloning run.
    pub computing: Duration,
}

/// A port of the hub: a module and its connections.
#[derive(Debug)]
pub struct Port {
    /// The module's serial number.
    pub serial: Serial,
    delays: Delays,
    state: Mutex<State>,
    turn: Condvar,
}

#[derive(Debug)]
struct State {
    module: Module<VirtualBoard>,
    is_plugged: bool,
    /// What the LEDs show, and when that began.
    shown: (Pattern, Millis),
    connections: HashMap<u64, Stream>,
    next_connection: u64,
    /// The connection that sent the last APDU. Only its reset or end ends what is in progress over APDUs.
    last_sender: Option<u64>,
    /// The connection that is in the middle of a chain. The others wait.
    chaining: Option<u64>,
}

impl Port {
    /// Creates a port with its module, which is not plugged in.
    pub fn new(module: Module<VirtualBoard>, delays: Delays) -> Self {
        let serial = module.serial();
        let state = State {
            shown: (module.leds(), Millis::default()),
            module,
            is_plugged: false,
            connections: HashMap::new(),
            next_connection: 0,
            last_sender: None,
            chaining: None,
        };
        Self {
            serial,
            delays,
            state: Mutex::new(state),
            turn: Condvar::new(),
        }
    }

    /// Plugs the module in; returns `false` if it was plugged in already.
    pub fn plug(&self, clock: &Clock) -> bool {
        let mut state = self.lock();
        let was_plugged = std::mem::replace(&mut state.is_plugged, true);
        if !was_plugged {
            state.module.link(Link::Plugged, clock.now());
            state.note_leds(clock);
        }
        !was_plugged
    }

    /// Unplugs the module and ends every connection at once; returns `false` if it was not plugged in.
    pub fn unplug(&self, clock: &Clock) -> bool {
        let mut state = self.lock();
        let was_plugged = std::mem::replace(&mut state.is_plugged, false);
        if was_plugged {
            state.module.link(Link::Unplugged, clock.now());
            state.note_leds(clock);
            state.last_sender = None;
            state.chaining = None;
            for (_, connection) in state.connections.drain() {
                // The client may have hung up already.
                if let Err(error) = connection.shutdown(Shutdown::Both) {
                    tracing::debug!(%error, "a connection had ended already");
                }
            }
            self.turn.notify_all();
        }
        was_plugged
    }

    /// Whether the module is plugged in.
    pub fn is_plugged(&self) -> bool {
        self.lock().is_plugged
    }

    /// Presses or releases a key.
    pub fn key(&self, event: KeyEvent, clock: &Clock) {
        let mut state = self.lock();
        state.module.key(event, clock.now());
        state.note_leds(clock);
    }

    /// Lets the module's time-outs end.
    pub fn tick(&self, clock: &Clock) {
        let mut state = self.lock();
        state.module.tick(clock.now());
        state.note_leds(clock);
    }

    /// Returns what the LEDs show, and for how many milliseconds they have shown it.
    pub fn leds(&self, clock: &Clock) -> (Pattern, u64) {
        self.tick(clock);
        let (pattern, since) = self.lock().shown;
        (pattern, clock.now().0.saturating_sub(since.0))
    }

    /// Answers the frames of one connection until it ends or the module is unplugged.
    pub fn serve(&self, mut stream: Stream, clock: &Clock) -> io::Result<()> {
        let Some(connection) = self.register(&stream)? else {
            return Ok(());
        };
        let served = self.answer_all(connection, &mut stream, clock);
        self.unregister(connection, clock);
        match served {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            other => other,
        }
    }

    fn register(&self, stream: &Stream) -> io::Result<Option<u64>> {
        let mut state = self.lock();
        if !state.is_plugged {
            return Ok(None);
        }
        let connection = state.next_connection;
        state.next_connection += 1;
        state.connections.insert(connection, stream.try_clone()?);
        Ok(Some(connection))
    }

    fn unregister(&self, connection: u64, clock: &Clock) {
        let mut state = self.lock();
        state.connections.remove(&connection);
        self.reset(&mut state, connection, clock);
    }

    fn answer_all(&self, connection: u64, stream: &mut Stream, clock: &Clock) -> io::Result<()> {
        stream.set_write_timeout(Some(FRAME_TIMEOUT))?;
        let mut body = Vec::new();
        let mut answer = vec![0; FrameHeader::SIZE + limits::RESPONSE_APDU];
        loop {
            let mut header = [0; FrameHeader::SIZE];
            // A host may be idle between frames, but not within one.
            let (first, rest) = header.split_at_mut(1);
            stream.set_read_timeout(None)?;
            stream.read_exact(first)?;
            let end = Instant::now() + FRAME_TIMEOUT;
            read_by(stream, rest, end)?;
            let header = FrameHeader::parse(header).map_err(io::Error::other)?;
            body.resize(header.len, 0);
            read_by(stream, &mut body, end)?;
            let Some(len) = self.answer(
                connection,
                header.kind,
                &body,
                &mut answer[FrameHeader::SIZE..],
                clock,
            ) else {
                return Ok(());
            };
            let (head, rest) = answer.split_at_mut(FrameHeader::SIZE);
            head.copy_from_slice(
                &FrameHeader::encode(header.kind, &rest[..len]).map_err(io::Error::other)?,
            );
            stream.write_all(&answer[..FrameHeader::SIZE + len])?;
        }
    }

    /// Writes the answer to one frame and returns its length; `None` if the module was unplugged.
    fn answer(
        &self,
        connection: u64,
        kind: FrameKind,
        body: &[u8],
        answer: &mut [u8],
        clock: &Clock,
    ) -> Option<usize> {
        let mut state = self.wait_for_turn(connection)?;
        match kind {
            FrameKind::PowerUp | FrameKind::Reset => {
                self.reset(&mut state, connection, clock);
                answer.get_mut(..ATR.len())?.copy_from_slice(&ATR);
                Some(ATR.len())
            }
            FrameKind::PowerDown => {
                self.reset(&mut state, connection, clock);
                Some(0)
            }
            FrameKind::Transmit => {
                // Under the lock: a module does one thing at a time.
                std::thread::sleep(self.delay(body));
                state.last_sender = Some(connection);
                let len = state.module.apdu(body, clock.now(), answer);
                state.note_leds(clock);
                let is_open = opens_chain(body, answer.get(..len).unwrap_or_default());
                state.chaining = is_open.then_some(connection);
                self.turn.notify_all();
                Some(len)
            }
        }
    }

    /// Waits while another connection is in the middle of a chain, for a limited time.
    fn wait_for_turn(&self, connection: u64) -> Option<MutexGuard<'_, State>> {
        let is_others = |state: &mut State| state.chaining.is_some_and(|other| other != connection);
        let (state, _) = self
            .turn
            .wait_timeout_while(self.lock(), CHAIN_TIMEOUT, is_others)
            .unwrap_or_else(PoisonError::into_inner);
        (state.is_plugged && state.connections.contains_key(&connection)).then_some(state)
    }

    fn reset(&self, state: &mut State, connection: u64, clock: &Clock) {
        if state.last_sender == Some(connection) {
            state.module.link(Link::Reset, clock.now());
            state.last_sender = None;
            state.chaining = None;
            self.turn.notify_all();
        }
    }

    fn delay(&self, apdu: &[u8]) -> Duration {
        let is_step = matches!(
            apdu,
            [
                _,
                ins::OFFER
                    | ins::CONSENT
                    | ins::COMMIT
                    | ins::GRANT
                    | ins::PARCEL
                    | ins::COUNTERSIGN,
                ..
            ]
        );
        self.delays.latency
            + if is_step {
                self.delays.computing
            } else {
                Duration::ZERO
            }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // After a panic in another thread the module continues: its state is at worst that of an interrupted command.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Records when the LEDs begin to show another pattern.
    fn note_leds(&mut self, clock: &Clock) {
        let pattern = self.module.leds();
        if pattern != self.shown.0 {
            self.shown = (pattern, clock.now());
        }
    }
}

/// Reads until `end`, however slowly the bytes come.
fn read_by(stream: &mut Stream, mut bytes: &mut [u8], end: Instant) -> io::Result<()> {
    while !bytes.is_empty() {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(read) => bytes = bytes.get_mut(read..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// How long a host may take for one frame, and for reading its answer.
const FRAME_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a connection waits for the end of another one's chain.
const CHAIN_TIMEOUT: Duration = Duration::from_secs(2);

fn opens_chain(command: &[u8], response: &[u8]) -> bool {
    let has_more = matches!(response, [.., 0x61, _]);
    let is_link = CommandApdu::parse(command).is_ok()
        && command.first().is_some_and(|cla| cla & CHAINING != 0);
    has_more || is_link && matches!(response, [.., 0x90, 0x00])
}
