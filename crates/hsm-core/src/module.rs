//! The doors of the module: keys and APDUs in, LEDs out.

use crate::{
    card::{dispatch, exchange::Exchange},
    keypad::{
        KeyEvent, display,
        gesture::{Gesture, Gestures},
        leds::Pattern,
        operator,
    },
    machine::Machine,
    platform::{Board, Platform},
    state::{Locked, State},
    time::Millis,
};

/// An event on the module's plug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The module is plugged in.
    Plugged,
    /// The module is pulled out.
    Unplugged,
    /// The reader resets the module or cycles its power: runs over APDUs end, the module stays unlocked.
    Reset,
}

/// A powered-up module. Dropping it is a power cut.
pub struct Module<B: Board> {
    machine: Machine<B>,
    is_plugged: bool,
    gestures: Gestures,
    exchange: Exchange,
}

impl<B: Board> core::fmt::Debug for Module<B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Module")
            .field("serial", &self.serial())
            .finish_non_exhaustive()
    }
}

impl<B: Board> Module<B> {
    /// Powers the module up, unplugged. If its store cannot be trusted or a self-test fails, it answers every command
    /// but SELF TEST with a failure.
    pub fn power_up(platform: Platform<B>) -> Self {
        let mut module = Self::off(platform);
        module.start();
        module
    }

    /// Returns a module without power. It is large: a board with little stack gives it its place, and then starts it
    /// there.
    pub fn off(platform: Platform<B>) -> Self {
        Self {
            machine: Machine::off(platform),
            is_plugged: false,
            gestures: Gestures::default(),
            exchange: Exchange::default(),
        }
    }

    /// Powers it up where it is, as [`Module::power_up`] does. To be called once, before anything else.
    pub fn start(&mut self) {
        self.machine.start();
    }

    /// Runs the self-tests that did not run yet, which the first command that needs one waits for otherwise: for a board
    /// that is slow, before it is used.
    pub fn test_all(&mut self) {
        self.machine.test_all();
    }

    /// Takes the movement of a key.
    pub fn key(&mut self, event: KeyEvent, now: Millis) {
        self.tick(now);
        if let Some(gesture) = self.gestures.key(event, now) {
            self.gesture(gesture, now);
        }
    }

    /// Takes an event on the plug.
    pub fn link(&mut self, link: Link, now: Millis) {
        self.tick(now);
        self.exchange.close();
        self.machine.state.end_runs();
        match link {
            Link::Plugged => {
                self.is_plugged = true;
                if matches!(self.machine.state, State::Locked(Locked::Asleep)) {
                    self.machine.state = State::awake(now);
                }
            }
            Link::Unplugged => {
                self.is_plugged = false;
                match &mut self.machine.state {
                    State::User(_)
                    | State::Admin(_)
                    | State::AdminMode(_)
                    | State::Recovering(_) => self.machine.lock(now),
                    // The time until it falls asleep starts now.
                    State::Locked(Locked::Awake { since, .. }) => *since = now,
                    State::Fault | State::Fresh(_) | State::Locked(Locked::Asleep) => {}
                }
            }
            Link::Reset => {}
        }
    }

    /// Runs a command APDU, writes the response to the start of `response` and returns the response's length in
    /// bytes. If `response` is shorter than [`hsm_protocol::limits::RESPONSE_ROOM`] bytes, the answer is `6700` and
    /// nothing is run; [`hsm_protocol::limits::RESPONSE_APDU`] bytes are enough for every command.
    pub fn apdu(&mut self, command: &[u8], now: Millis, response: &mut [u8]) -> usize {
        self.tick(now);
        let machine = &mut self.machine;
        self.exchange.apdu(command, response, |command, out| {
            dispatch::run(machine, command, now, out)
        })
    }

    /// Lets time pass. Must be called at least a few times a second while the module is awake.
    pub fn tick(&mut self, now: Millis) {
        if let Some(gesture) = self.gestures.tick(now) {
            self.gesture(gesture, now);
        }
        let was_unlocked = self.machine.state.is_unlocked();
        self.machine.tick(self.is_plugged, now);
        self.forget_if_locked(was_unlocked);
    }

    /// Returns what the LEDs show.
    pub fn leds(&self) -> Pattern {
        display::pattern(&self.machine)
    }

    /// Returns the serial number on the module's case.
    pub const fn serial(&self) -> hsm_protocol::Serial {
        self.machine.platform.serial
    }

    fn gesture(&mut self, gesture: Gesture, now: Millis) {
        let was_unlocked = self.machine.state.is_unlocked();
        operator::gesture(&mut self.machine, gesture, now);
        self.forget_if_locked(was_unlocked);
    }

    /// What an unlocked module answered cannot be fetched any more once it has locked. A COMMIT locks it too, and its
    /// Receipt is for everyone.
    fn forget_if_locked(&mut self, was_unlocked: bool) {
        if was_unlocked && !self.machine.state.is_unlocked() {
            self.exchange.drop_response();
        }
    }
}
