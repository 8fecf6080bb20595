//! The main loop's turn: keys, the plug, a command and time go into the module; its LEDs come out.

use crate::{Lamps, Mailbox, Matrix, matrix::Scan};
use hsm_ccid::Task;
use hsm_core::{
    Link, Module,
    leds::Pattern,
    platform::{Board, Platform},
    time::Millis,
};

/// A timer that resets the chip unless it is fed. It must leave time for the longest command, some seconds.
pub trait Watchdog {
    /// Starts it again from the beginning.
    fn feed(&mut self);
}

/// Powers a module up where it stays, and runs every self-test, so that no command waits for one. In a function of its
/// own: the stack that it takes is free again afterwards.
#[inline(never)]
pub fn power_up<B: Board>(place: &mut Option<Module<B>>, platform: Platform<B>) -> &mut Module<B> {
    let module = put(place, platform);
    module.start();
    module.test_all();
    module
}

/// Gives a module its place, while nothing else is on the stack.
#[inline(never)]
fn put<B: Board>(place: &mut Option<Module<B>>, platform: Platform<B>) -> &mut Module<B> {
    place.insert(Module::off(platform))
}

/// What a turn begins with.
#[derive(Clone, Copy, Debug)]
pub struct Input {
    /// The keys that are pressed.
    pub keys: Scan,
    /// Whether the plug has power.
    pub is_plugged: bool,
    /// The time.
    pub now: Millis,
}

/// A module, its keys and its LEDs.
pub struct Device<'m, B: Board> {
    module: &'m mut Module<B>,
    matrix: Matrix,
    is_plugged: bool,
    shown: Pattern,
    since: Millis,
}

impl<'m, B: Board> Device<'m, B> {
    /// Returns the device of a module that was just powered up.
    pub fn new(module: &'m mut Module<B>, now: Millis) -> Self {
        Self {
            shown: module.leds(),
            module,
            matrix: Matrix::default(),
            is_plugged: false,
            since: now,
        }
    }

    /// Does what there is to do, at most one command. Returns what the LEDs show, and whether there is a response.
    pub fn turn(
        &mut self,
        input: Input,
        mailbox: &Mailbox<'_>,
        watchdog: &mut impl Watchdog,
    ) -> (Lamps, bool) {
        let Input {
            keys,
            is_plugged,
            now,
        } = input;
        if is_plugged != self.is_plugged {
            self.is_plugged = is_plugged;
            let link = if is_plugged {
                Link::Plugged
            } else {
                Link::Unplugged
            };
            self.module.link(link, now);
        }
        let module = &mut *self.module;
        self.matrix.scan(keys, now, |event| module.key(event, now));
        module.tick(now);
        let mut has_response = false;
        while let Some(task) = mailbox.take() {
            match task {
                Task::Reset => module.link(Link::Reset, now),
                Task::Run(command) => {
                    mailbox.respond(command.run(|apdu, response| module.apdu(apdu, now, response)));
                    has_response = true;
                    break;
                }
            }
        }
        watchdog.feed();
        (self.show(now), has_response)
    }

    /// Returns what the module shows.
    pub const fn pattern(&self) -> Pattern {
        self.shown
    }

    fn show(&mut self, now: Millis) -> Lamps {
        let pattern = self.module.leds();
        if pattern != self.shown {
            self.shown = pattern;
            self.since = now;
        }
        Lamps::at(pattern, now.0.saturating_sub(self.since.0))
    }
}
