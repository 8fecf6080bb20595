//! What every act works on: the board's parts, the store, the module's key, the state, and what the LEDs show in
//! passing.

use crate::{
    crypto::Provider,
    keypad::leds::Pattern,
    platform::{Board, Fault, Platform},
    state::{Locked, State},
    time::{FLASH, Millis},
    vault::{attempt::AdminAttempts, csp::module_key, store::Store},
};

/// A powered-up module without its doors.
pub(crate) struct Machine<B: Board> {
    pub(crate) platform: Platform<B>,
    pub(crate) store: Store,
    /// `None` before GENERATE KEY, and until the first command: a module may be moved to its place after it powered up,
    /// and would leave a copy of its key behind.
    pub(crate) signer: Option<<B::Crypto as Provider>::Signer>,
    pub(crate) state: State<B::Crypto>,
    /// A pattern that the LEDs show until the given time, in place of the state's own.
    pub(crate) flash: Option<(Pattern, Millis)>,
}

impl<B: Board> Machine<B> {
    /// Opens the store. If it cannot be trusted, the module answers every command with a failure.
    pub(crate) fn power_up(mut platform: Platform<B>) -> Self {
        let (store, state) = match open(&mut platform) {
            Ok(store) => {
                let state = State::resting(store.device().lifecycle, Locked::Asleep);
                (store, state)
            }
            Err(Fault) => (Store::blank(), State::Fault),
        };
        Self {
            platform,
            store,
            signer: None,
            state,
            flash: None,
        }
    }

    /// Prepares the module's key, once for a power-up.
    pub(crate) fn load_signer(&mut self) -> Result<(), Fault> {
        match self.signer {
            Some(_) => Ok(()),
            None => module_key::load_signer(&self.platform, &self.store, &mut self.signer),
        }
    }

    /// Locks the module. An open session is dropped, and zeroized, in place.
    pub(crate) fn lock(&mut self, now: Millis) {
        self.state = State::resting(self.store.device().lifecycle, Locked::awake(now));
    }

    /// Stops the module: the content of the storage is unknown until the next power-up.
    pub(crate) fn fail(&mut self) {
        self.flash = None;
        self.state = State::Fault;
    }

    /// Shows a pattern for a short time.
    pub(crate) fn show(&mut self, pattern: Pattern, now: Millis) {
        let milliseconds = match pattern {
            Pattern::ReadOut(read_out) => read_out.duration(),
            _ => FLASH,
        };
        self.flash = Some((pattern, now.plus(milliseconds)));
    }

    /// Ends whatever has timed out.
    pub(crate) fn tick(&mut self, is_plugged: bool, now: Millis) {
        if self.flash.is_some_and(|(_, until)| now >= until) {
            self.flash = None;
        }
        if self.state.tick(is_plugged, now) {
            self.lock(now);
        }
    }
}

fn open<B: Board>(platform: &mut Platform<B>) -> Result<Store, Fault> {
    let mut store = Store::power_up(platform)?;
    // Power was cut between counting the last attempt and erasing: the erasure is completed now.
    if AdminAttempts::of(store.device().failures) == AdminAttempts::Exhausted {
        store.erase(platform).map_err(|_not_stored| Fault)?;
    }
    Ok(store)
}
