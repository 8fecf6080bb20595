//! One module behind its socket: who is connected, whose turn it is, and what happens when it is pulled out.

use crate::{board::VirtualBoard, clock::Clock};
use hsm_core::{Link, Module, keypad::KeyEvent, leds::Pattern, time::Millis};
use hsm_protocol::{
    Serial,
    apdu::{CHAINING, CommandApdu},
    command::{ATR, ins},
    frame::{FrameHeader, FrameKind},
    limits,
};
use std::{
    collections::HashMap,
    io::{self, Read, Write},
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Time that a hub adds on request, to look like hardware.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delays {
    /// For every APDU.
    pub latency: Duration,
    /// For every step of a cloning run.
    pub computing: Duration,
}

/// A module and its connections.
#[derive(Debug)]
pub struct Port {
    /// The module's serial number.
    pub serial: Serial,
    delays: Delays,
    inside: Mutex<Inside>,
    turn: Condvar,
}

#[derive(Debug)]
struct Inside {
    module: Module<VirtualBoard>,
    is_plugged: bool,
    /// What the LEDs show, and since when.
    shown: (Pattern, Millis),
    connections: HashMap<u64, UnixStream>,
    next_connection: u64,
    /// Who sent the last APDU. Its reset or hang-up ends what runs over APDUs; another's does not.
    speaker: Option<u64>,
    /// Who is in the middle of a chain. The others wait.
    chaining: Option<u64>,
}

impl Port {
    /// A port with its module, not plugged in yet.
    pub fn new(module: Module<VirtualBoard>, delays: Delays) -> Self {
        let serial = module.serial();
        let inside = Inside {
            shown: (module.leds(), Millis::default()),
            module,
            is_plugged: false,
            connections: HashMap::new(),
            next_connection: 0,
            speaker: None,
            chaining: None,
        };
        Self {
            serial,
            delays,
            inside: Mutex::new(inside),
            turn: Condvar::new(),
        }
    }

    /// Plugs the module in; `false` if it was.
    pub fn plug(&self, clock: &Clock) -> bool {
        let mut inside = self.lock();
        let was_plugged = std::mem::replace(&mut inside.is_plugged, true);
        if !was_plugged {
            inside.module.link(Link::Plugged, clock.now());
            inside.look(clock);
        }
        !was_plugged
    }

    /// Pulls the module out: every connection ends at once; `false` if it was out.
    pub fn unplug(&self, clock: &Clock) -> bool {
        let mut inside = self.lock();
        let was_plugged = std::mem::replace(&mut inside.is_plugged, false);
        if was_plugged {
            inside.module.link(Link::Unplugged, clock.now());
            inside.look(clock);
            inside.speaker = None;
            inside.chaining = None;
            for (_, connection) in inside.connections.drain() {
                // It may have hung up by itself.
                if let Err(error) = connection.shutdown(Shutdown::Both) {
                    tracing::debug!(%error, "a connection was gone already");
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

    /// A key moves.
    pub fn key(&self, event: KeyEvent, clock: &Clock) {
        let mut inside = self.lock();
        inside.module.key(event, clock.now());
        inside.look(clock);
    }

    /// Time passes.
    pub fn tick(&self, clock: &Clock) {
        let mut inside = self.lock();
        inside.module.tick(clock.now());
        inside.look(clock);
    }

    /// What the LEDs show, and for how many milliseconds they have.
    pub fn leds(&self, clock: &Clock) -> (Pattern, u64) {
        self.tick(clock);
        let (pattern, since) = self.lock().shown;
        (pattern, clock.now().0.saturating_sub(since.0))
    }

    /// Answers one connection's frames until it hangs up or the module is pulled out.
    pub fn serve(&self, mut stream: UnixStream, clock: &Clock) -> io::Result<()> {
        let Some(connection) = self.enter(&stream)? else {
            return Ok(());
        };
        let served = self.answer_all(connection, &mut stream, clock);
        self.leave(connection, clock);
        match served {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
            other => other,
        }
    }

    fn enter(&self, stream: &UnixStream) -> io::Result<Option<u64>> {
        let mut inside = self.lock();
        if !inside.is_plugged {
            return Ok(None);
        }
        let connection = inside.next_connection;
        inside.next_connection += 1;
        inside.connections.insert(connection, stream.try_clone()?);
        Ok(Some(connection))
    }

    fn leave(&self, connection: u64, clock: &Clock) {
        let mut inside = self.lock();
        inside.connections.remove(&connection);
        self.reset(&mut inside, connection, clock);
    }

    fn answer_all(
        &self,
        connection: u64,
        stream: &mut UnixStream,
        clock: &Clock,
    ) -> io::Result<()> {
        let mut body = Vec::new();
        let mut answer = vec![0; FrameHeader::SIZE + limits::RESPONSE_APDU];
        loop {
            let mut header = [0; FrameHeader::SIZE];
            stream.read_exact(&mut header)?;
            let header = FrameHeader::parse(header).map_err(io::Error::other)?;
            body.resize(header.len, 0);
            stream.read_exact(&mut body)?;
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

    /// The answer's length; `None` once the module is pulled out.
    fn answer(
        &self,
        connection: u64,
        kind: FrameKind,
        body: &[u8],
        answer: &mut [u8],
        clock: &Clock,
    ) -> Option<usize> {
        let mut inside = self.turn_of(connection)?;
        match kind {
            FrameKind::PowerUp | FrameKind::Reset => {
                self.reset(&mut inside, connection, clock);
                answer.get_mut(..ATR.len())?.copy_from_slice(&ATR);
                Some(ATR.len())
            }
            FrameKind::PowerDown => {
                self.reset(&mut inside, connection, clock);
                Some(0)
            }
            FrameKind::Transmit => {
                // Held while it lasts: a module does one thing at a time.
                std::thread::sleep(self.delay(body));
                inside.speaker = Some(connection);
                let len = inside.module.apdu(body, clock.now(), answer);
                inside.look(clock);
                let is_open = opens_chain(body, answer.get(..len).unwrap_or_default());
                inside.chaining = is_open.then_some(connection);
                self.turn.notify_all();
                Some(len)
            }
        }
    }

    /// Waits while another connection is in the middle of a chain, but not for ever.
    fn turn_of(&self, connection: u64) -> Option<MutexGuard<'_, Inside>> {
        let is_others =
            |inside: &mut Inside| inside.chaining.is_some_and(|other| other != connection);
        let (inside, _) = self
            .turn
            .wait_timeout_while(self.lock(), CHAIN_PATIENCE, is_others)
            .unwrap_or_else(PoisonError::into_inner);
        (inside.is_plugged && inside.connections.contains_key(&connection)).then_some(inside)
    }

    fn reset(&self, inside: &mut Inside, connection: u64, clock: &Clock) {
        if inside.speaker == Some(connection) {
            inside.module.link(Link::Reset, clock.now());
            inside.speaker = None;
            inside.chaining = None;
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

    fn lock(&self) -> MutexGuard<'_, Inside> {
        // A thread that panicked left a module that only a power-up could be worse for; it goes on.
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    /// Notes when the LEDs begin to show something else.
    fn look(&mut self, clock: &Clock) {
        let pattern = self.module.leds();
        if pattern != self.shown.0 {
            self.shown = (pattern, clock.now());
        }
    }
}

/// How long a connection waits for another's chain to end.
const CHAIN_PATIENCE: Duration = Duration::from_secs(2);

fn opens_chain(command: &[u8], response: &[u8]) -> bool {
    let has_more = matches!(response, [.., 0x61, _]);
    let is_link = CommandApdu::parse(command).is_ok()
        && command.first().is_some_and(|cla| cla & CHAINING != 0);
    has_more || is_link && matches!(response, [.., 0x90, 0x00])
}
