//! The device: keys in, APDUs in, LEDs out. Four doors and no more.

use crate::{
    card::exchange::Exchange,
    card::factory,
    crypto::Provider,
    keypad::display,
    keypad::leds::Pattern,
    keypad::operator,
    keypad::{KeyEvent, gesture::Gestures},
    platform::{Board, Fault, Platform},
    state::{Fresh, Locked, State, Waiting},
    time::{ADMIN_MODE, Millis, STANDBY},
    vault::attempt::AdminAttempts,
    vault::device::Lifecycle,
    vault::store::Store,
};
use hsm_protocol::identity::LockState;

/// What happens to the module's plug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// It is plugged in.
    Plugged,
    /// It is pulled out.
    Unplugged,
    /// The reader resets it, or takes its power: what runs over APDUs ends, the unlock stays.
    Reset,
}

/// A module that is powered up. Dropping it is a power cut.
pub struct Module<B: Board> {
    pub(crate) platform: Platform<B>,
    pub(crate) store: Store,
    pub(crate) signer: Option<<B::Crypto as Provider>::Signer>,
    pub(crate) state: State<B::Crypto>,
    pub(crate) flash: Option<(Pattern, Millis)>,
    is_plugged: bool,
    gestures: Gestures,
    exchange: Exchange,
}

impl<B: Board> core::fmt::Debug for Module<B> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Module")
            .field("serial", &self.platform.serial)
            .finish_non_exhaustive()
    }
}

impl<B: Board> Module<B> {
    /// Power-up, unplugged. A store that cannot be trusted gives a module that answers every command with a failure.
    pub fn power_up(mut platform: Platform<B>) -> Self {
        let opened = Self::open(&mut platform);
        let is_fault = opened.is_err();
        let (store, signer) = opened.unwrap_or((Store::blank(), None));
        let state = if is_fault {
            State::Fault
        } else {
            resting(&store, Locked::Asleep)
        };
        Self {
            platform,
            store,
            signer,
            state,
            flash: None,
            is_plugged: false,
            gestures: Gestures::default(),
            exchange: Exchange::default(),
        }
    }

    /// A key moves.
    pub fn key(&mut self, event: KeyEvent, now: Millis) {
        self.tick(now);
        if let Some(gesture) = self.gestures.key(event, now) {
            operator::gesture(self, gesture, now);
        }
    }

    /// Something happens to the plug.
    pub fn link(&mut self, link: Link, now: Millis) {
        self.tick(now);
        self.exchange = Exchange::default();
        self.end_runs();
        match link {
            Link::Plugged => {
                self.is_plugged = true;
                self.set_unplugged_since(None);
                if matches!(self.state, State::Locked(Locked::Asleep)) {
                    self.state = State::awake(now);
                }
            }
            Link::Unplugged => {
                self.is_plugged = false;
                match &mut self.state {
                    State::User(_)
                    | State::Admin(_)
                    | State::AdminMode(_)
                    | State::Recovering(_) => self.lock(now),
                    // It stays awake for a while, however long it was plugged in.
                    State::Locked(Locked::Awake { since, .. }) => *since = now,
                    State::Fault | State::Fresh(_) | State::Locked(Locked::Asleep) => {}
                }
            }
            Link::Reset => {}
        }
    }

    /// A command APDU arrives; the response goes into the front of `response`, and its length comes back.
    /// `response` holds at least [`hsm_protocol::limits::RESPONSE_ROOM`] bytes, or nothing is run and `6700` answered;
    /// [`hsm_protocol::limits::RESPONSE_APDU`] is enough for every command.
    pub fn apdu(&mut self, command: &[u8], now: Millis, response: &mut [u8]) -> usize {
        self.tick(now);
        let mut exchange = core::mem::take(&mut self.exchange);
        let len = exchange.apdu(command, response, |command, out| {
            crate::card::dispatch::run(self, command, now, out)
        });
        self.exchange = exchange;
        len
    }

    /// Time passes. Call it at least some times a second while the module is awake.
    pub fn tick(&mut self, now: Millis) {
        if let Some(gesture) = self.gestures.tick(now) {
            operator::gesture(self, gesture, now);
        }
        if self.flash.is_some_and(|(_, until)| now >= until) {
            self.flash = None;
        }
        self.expire(now);
    }

    /// What the LEDs show.
    pub fn leds(&self) -> Pattern {
        match self.flash {
            Some((pattern, _)) => pattern,
            None => display::pattern(self),
        }
    }

    /// The serial number on the module's case.
    pub const fn serial(&self) -> hsm_protocol::Serial {
        self.platform.serial
    }

    pub(crate) fn lock_state(&self) -> LockState {
        match self.state {
            State::User(_) | State::Admin(_) => LockState::Unlocked,
            State::Fault | State::Locked(_) | State::Recovering(_) | State::AdminMode(_) => {
                LockState::Locked
            }
            State::Fresh(_) if self.store.device().lifecycle == Lifecycle::Shipment => {
                LockState::Shipment
            }
            State::Fresh(_) => LockState::Reset,
        }
    }

    /// Locks; a session that was open is dropped, and zeroized, where it lay.
    pub(crate) fn lock(&mut self, now: Millis) {
        self.state = resting(
            &self.store,
            Locked::Awake {
                since: now,
                waiting: Waiting::Nothing,
            },
        );
    }

    /// Nobody knows what the store holds now.
    pub(crate) fn fail(&mut self) {
        self.flash = None;
        self.state = State::Fault;
    }

    /// When an unlocked module starts to wait for its plug.
    pub(crate) const fn unplugged_since(&self, now: Millis) -> Option<Millis> {
        if self.is_plugged { None } else { Some(now) }
    }

    #[expect(
        clippy::type_complexity,
        reason = "the two values that a power-up opens"
    )]
    fn open(
        platform: &mut Platform<B>,
    ) -> Result<(Store, Option<<B::Crypto as Provider>::Signer>), Fault> {
        let mut store = Store::power_up(platform)?;
        // The cut came between paying for the last attempt and erasing: what was begun is finished.
        if AdminAttempts::of(store.device().failures) == AdminAttempts::Exhausted {
            store.update(platform, crate::vault::store::Image::erase)?;
        }
        let signer = factory::load_signer(platform, &store)?;
        Ok((store, signer))
    }

    fn set_unplugged_since(&mut self, since: Option<Millis>) {
        match &mut self.state {
            State::User(user) => user.presence.unplugged_since = since,
            State::Admin(admin) => admin.presence.unplugged_since = since,
            State::Fault
            | State::Fresh(_)
            | State::Locked(_)
            | State::Recovering(_)
            | State::AdminMode(_) => {}
        }
    }

    fn end_runs(&mut self) {
        match &mut self.state {
            State::Fresh(fresh) => fresh.run = crate::cloning::secondary::SecondaryRun::Idle,
            State::Admin(admin) => {
                admin.run = crate::cloning::secondary::SecondaryRun::Idle;
                admin.cycle = None;
            }
            State::Fault
            | State::Locked(_)
            | State::Recovering(_)
            | State::AdminMode(_)
            | State::User(_) => {}
        }
    }

    fn expire(&mut self, now: Millis) {
        let is_over = match &mut self.state {
            State::Fault | State::Locked(Locked::Asleep) => false,
            State::Fresh(fresh) => {
                fresh.run.tick(now);
                fresh.waiting.expire(now);
                false
            }
            State::Locked(Locked::Awake { since, waiting }) => {
                waiting.expire(now);
                if waiting.is_nothing() && !self.is_plugged && now.since(*since) > STANDBY {
                    self.state = State::Locked(Locked::Asleep);
                }
                false
            }
            State::Recovering(recovering) => recovering.entry.has_expired(now),
            State::AdminMode(admin) => {
                admin.waiting.expire(now);
                now.since(admin.last_key) > ADMIN_MODE
            }
            State::User(user) => {
                user.waiting.expire(now);
                user.presence
                    .is_over(user.session.csps.settings.auto_lock, now)
            }
            State::Admin(admin) => {
                admin.run.tick(now);
                if let Some(cycle) = &mut admin.cycle {
                    cycle.tick(now);
                }
                admin
                    .presence
                    .is_over(admin.session.csps.settings.auto_lock, now)
            }
        };
        if is_over {
            self.lock(now);
        }
    }
}

/// The state of a module that nobody unlocked.
fn resting<C: Provider>(store: &Store, locked: Locked) -> State<C> {
    match store.device().lifecycle {
        Lifecycle::Shipment | Lifecycle::Reset => State::Fresh(Fresh::new()),
        Lifecycle::Configured => State::Locked(locked),
    }
}
