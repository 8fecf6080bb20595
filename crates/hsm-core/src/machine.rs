//! What every act works on: the board's parts, the store, the module's key, the state, and what the LEDs show in
//! passing.

use crate::{
    crypto::{
        CryptoError,
        self_test::{AT_POWER_UP, SelfTests},
    },
    keypad::leds::Pattern,
    platform::{Board, Fault, Platform},
    state::{Locked, State},
    time::{FLASH, Millis},
    vault::{
        attempt::AdminAttempts,
        csp::{
            letterbox,
            module_key::{self, ModuleKey},
        },
        store::Store,
    },
};
use hsm_protocol::self_test::SelfTest;

/// A powered-up module without its doors.
pub(crate) struct Machine<B: Board> {
    pub(crate) platform: Platform<B>,
    pub(crate) store: Store,
    /// `None` before GENERATE KEY, and until the first command: a module may be moved to its place after it powered up,
    /// and would leave a copy of its key behind.
    pub(crate) signer: Option<ModuleKey<B::Crypto>>,
    pub(crate) state: State<B::Crypto>,
    pub(crate) self_tests: SelfTests,
    /// A pattern that the LEDs show until the given time, in place of the state's own.
    pub(crate) flash: Option<(Pattern, Millis)>,
}

impl<B: Board> Machine<B> {
    /// Returns a module that was not powered up yet.
    pub(crate) const fn off(platform: Platform<B>) -> Self {
        Self {
            platform,
            store: Store::blank(),
            signer: None,
            state: State::Fault,
            self_tests: SelfTests::NONE,
            flash: None,
        }
    }

    /// Runs the first self-tests and opens the store. If one of them fails, the module only answers what failed.
    pub(crate) fn start(&mut self) {
        if let Err(Fault) = self.open() {
            self.store.clear();
            return;
        }
        self.state = State::resting(self.store.device().lifecycle, Locked::Asleep);
    }

    fn open(&mut self) -> Result<(), Fault> {
        self.require(AT_POWER_UP)?;
        let Self {
            platform, store, ..
        } = self;
        store.load(platform)?;
        // Power was cut between counting the last attempt and erasing: the erasure is completed now.
        if AdminAttempts::of(store.device().failures) == AdminAttempts::Exhausted {
            store.erase(platform).map_err(|_not_stored| Fault)?;
        }
        module_key::check(platform, store)?;
        letterbox::check(platform, store)
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

    /// Stops the module: the content of the storage is unknown until the next power-up, or a self-test failed. Every
    /// key is wiped. If the reason is not known, the tests may find it.
    pub(crate) fn fail(&mut self) {
        self.flash = None;
        self.signer = None;
        self.state = State::Fault;
        if self.self_tests.failed().is_none() {
            // What they find is kept in `self_tests`.
            let _found = self.run_self_tests();
        }
    }

    /// Runs every self-test.
    pub(crate) fn run_self_tests(&mut self) -> Result<(), Fault> {
        self.self_tests
            .run_all::<B::Crypto>(&mut self.platform.rng)
            .map_err(|CryptoError| Fault)
    }

    /// Runs the self-tests that were not passed since the power-up. If one fails, the module stops.
    pub(crate) fn test_all(&mut self) {
        if self.require(&SelfTest::ALL).is_err() {
            self.fail();
        }
    }

    /// Runs those of these self-tests that were not passed since the power-up.
    pub(crate) fn require(&mut self, tests: &[SelfTest]) -> Result<(), Fault> {
        self.self_tests
            .require::<B::Crypto>(tests, &mut self.platform.rng)
            .map_err(|CryptoError| Fault)
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
