//! The device as plainly as it can be said, from docs/KEYPAD.md, docs/LEDS.md, docs/STORE.md and docs/PROTOCOL.md: what is
//! stored, what state it is in, what time and plug do. `hand` adds the keypad, `host` the commands.

use crate::{
    disk::Disk,
    files::Slot,
    hand::Entry,
    host::{Cycle, Exchange, SecondaryRun},
    team::{Rekey, Team},
};
use hsm_core::{
    Link,
    leds::Pattern,
    time::{ADMIN_MODE, ASKS, ENTRY_PAUSE, FLASH, MINUTE, RUN, STANDBY, UNPLUGGED},
};
use hsm_protocol::{cloning::Condition, settings::EncryptionMode};
use std::{cell::Cell, collections::BTreeMap, rc::Rc};

/// The four PINs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Admin,
    User,
    Recovery,
    SelfDestruct,
}

/// The paths on which a PIN is guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Path {
    Admin,
    User,
    Recovery,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifecycle {
    Shipment,
    Reset,
    Configured,
}

/// What a power cut leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) lifecycle: Lifecycle,
    pub(crate) pins: BTreeMap<Kind, String>,
    /// Which salt the PINs are stretched with.
    pub(crate) salt: u64,
    pub(crate) failures: BTreeMap<Path, u8>,
    /// How often the code that gives more attempts was taken.
    pub(crate) steps: usize,
    pub(crate) user_limit: u8,
    pub(crate) auto_lock: Option<u8>,
    pub(crate) policy: Option<(u8, bool)>,
    pub(crate) cloning: bool,
    pub(crate) mode: EncryptionMode,
    pub(crate) releases_keys: bool,
    pub(crate) group: u64,
    pub(crate) team: Team,
    pub(crate) cycles: u32,
    pub(crate) total: u64,
    /// Oldest first.
    pub(crate) journal: Vec<JournalLine>,
    /// Each secondary, with the number of its Parcels and that of the last of them.
    pub(crate) table: Vec<(usize, u32, u64)>,
    /// How many Parcels had been released when the table was last cleared.
    pub(crate) cleared: u64,
    /// Which run's receipt this module gave last.
    pub(crate) receipt: Option<u64>,
}

/// An entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JournalLine {
    pub(crate) number: u64,
    pub(crate) cycle: u32,
    pub(crate) options: u8,
    pub(crate) secondaries: u16,
    pub(crate) condition: Condition,
    pub(crate) secondary: usize,
    pub(crate) run: u64,
    pub(crate) sealed: bool,
}

impl Stored {
    pub(crate) fn blank(lifecycle: Lifecycle) -> Self {
        Self {
            lifecycle,
            pins: BTreeMap::new(),
            salt: 0,
            failures: BTreeMap::new(),
            steps: 0,
            user_limit: 10,
            auto_lock: None,
            policy: None,
            cloning: false,
            mode: EncryptionMode::Xts,
            releases_keys: true,
            group: 0,
            team: Team::default(),
            cycles: 0,
            total: 0,
            journal: Vec::new(),
            table: Vec::new(),
            cleared: 0,
            receipt: None,
        }
    }

    pub(crate) fn failures(&self, path: Path) -> u8 {
        self.failures.get(&path).copied().unwrap_or(0)
    }

    pub(crate) fn count(&mut self, path: Path, failures: u8) {
        self.failures.insert(path, failures);
    }

    /// How many failures a path allows in all.
    pub(crate) const fn limit(&self, path: Path) -> u8 {
        match path {
            Path::Admin => 10,
            Path::User => self.user_limit,
            Path::Recovery => 5,
        }
    }

    /// How often the Admin PIN is blocked now: its failures have reached 5, then 8.
    pub(crate) fn is_blocked(&self) -> bool {
        self.failures(Path::Admin) >= [5, 8, 10][self.steps]
    }

    /// The rule of the limits: what ran out is deleted, whenever it is that the module comes to it.
    fn delete_what_ran_out(&mut self) {
        for (path, kind) in [(Path::User, Kind::User), (Path::Recovery, Kind::Recovery)] {
            if self.failures(path) >= self.limit(path) {
                self.pins.remove(&kind);
            }
        }
    }
}

/// What a deed does that only the board sees.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The store is written: afterwards it holds this.
    Write(Box<Stored>, Purpose),
    /// A PIN is compared, on a path.
    Compared(Path),
    /// Starts a path's count again: a PIN matched, or was set again with the authority for it.
    Cleared(Path),
}

/// What a write does to the store keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Nothing.
    Keeps,
    /// It might have erased, and does as if.
    MightErase,
    /// The next one is used, and the one before destroyed.
    Erases,
}

#[derive(Debug, Default)]
pub(crate) enum Waiting {
    #[default]
    Nothing,
    Entry(Entry),
    /// A chord or key that confirms, from that moment on.
    Armed(Armed, u64),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Armed {
    Reset,
    Delete(Kind),
    ReadOut(u8),
}

#[derive(Debug)]
pub(crate) struct Presence {
    pub(crate) unplugged_since: Option<u64>,
    pub(crate) last_use: u64,
    /// That it is writing, the one with the last chunk at the end.
    pub(crate) files: Vec<Slot>,
}

/// A person is asked for one thing.
#[derive(Debug)]
pub(crate) struct Asking {
    /// The digit of the chord that allows it.
    pub(crate) digit: u8,
    /// What else distinguishes the command.
    pub(crate) rekey: Option<Rekey>,
    pub(crate) since: u64,
    /// The chord went down since.
    pub(crate) is_pressed: bool,
    pub(crate) is_confirmed: bool,
}

#[expect(clippy::large_enum_variant, reason = "there are three of them")]
#[derive(Debug)]
pub(crate) enum State {
    /// Shipment or Reset.
    Fresh {
        waiting: Waiting,
        run: SecondaryRun,
    },
    Asleep,
    Standby {
        waiting: Waiting,
        since: u64,
    },
    Recovering(Entry),
    AdminMode {
        waiting: Waiting,
        last_key: u64,
    },
    User {
        waiting: Waiting,
        presence: Presence,
    },
    Admin {
        presence: Presence,
        asking: Option<Asking>,
        run: SecondaryRun,
        cycle: Option<Cycle>,
        /// How many writes the host may still cause.
        writes: u16,
    },
}

/// The model of one module.
pub(crate) struct Model {
    pub(crate) index: usize,
    pub(crate) stored: Stored,
    pub(crate) state: State,
    pub(crate) is_plugged: bool,
    pub(crate) disk: Disk,
    /// A pattern that passes, and when it is over.
    pub(crate) flash: Option<(Pattern, u64)>,
    pub(crate) exchange: Exchange,
    /// What the deed under way did so far.
    pub(crate) events: Vec<Event>,
    /// Rare things that happened, for the figures.
    pub(crate) seen: Vec<&'static str>,
    /// The last number given to a group, a salt or a message; all modules of a case draw from it.
    numbers: Rc<Cell<u64>>,
}

impl Model {
    /// Certified, in Shipment State, plugged in; its counter has that value.
    pub(crate) fn new(index: usize, counter: u64, numbers: Rc<Cell<u64>>) -> Self {
        let mut model = Self {
            index,
            disk: Disk::new(Stored::blank(Lifecycle::Shipment), counter),
            stored: Stored::blank(Lifecycle::Shipment),
            state: State::Asleep,
            is_plugged: true,
            flash: None,
            exchange: Exchange::Closed,
            events: Vec::new(),
            seen: Vec::new(),
            numbers,
        };
        model.lock(0);
        model
    }

    /// Returns a number that was not used before.
    pub(crate) fn number(&self) -> u64 {
        self.numbers.set(self.numbers.get() + 1);
        self.numbers.get()
    }

    /// One transaction of the store.
    pub(crate) fn write(&mut self, change: impl FnOnce(&mut Stored)) {
        self.write_for(Purpose::Keeps, change);
    }

    pub(crate) fn write_for(&mut self, purpose: Purpose, change: impl FnOnce(&mut Stored)) {
        change(&mut self.stored);
        self.events
            .push(Event::Write(Box::new(self.stored.clone()), purpose));
    }

    pub(crate) fn clear(&mut self, path: Path) {
        self.events.push(Event::Cleared(path));
    }

    /// Everything but what a module is: reset, and the Admin PIN's limit.
    pub(crate) fn erase(&mut self) {
        self.write_for(Purpose::Erases, |stored| {
            *stored = Stored::blank(Lifecycle::Reset);
        });
        for path in [Path::Admin, Path::User, Path::Recovery] {
            self.clear(path);
        }
    }

    pub(crate) fn lock(&mut self, now: u64) {
        self.state = if self.stored.lifecycle == Lifecycle::Configured {
            State::Standby {
                waiting: Waiting::Nothing,
                since: now,
            }
        } else {
            State::Fresh {
                waiting: Waiting::Nothing,
                run: SecondaryRun::Idle,
            }
        };
    }

    pub(crate) fn show(&mut self, pattern: Pattern, now: u64) {
        let time = match pattern {
            Pattern::ReadOut(read_out) => {
                let blinks = read_out.tens + read_out.units + u8::from(read_out.flag) + 2;
                500 * u64::from(blinks)
            }
            _ => FLASH,
        };
        self.flash = Some((pattern, now + time));
    }

    /// Power came back to what the store holds; it is plugged in.
    pub(crate) fn power_up(&mut self, now: u64) {
        self.stored = self.disk.stored();
        self.events.clear();
        self.stored.delete_what_ran_out();
        if self.stored.failures(Path::Admin) >= 10 {
            self.seen.push("erasure finished at power-up");
            self.erase();
        }
        self.flash = None;
        self.exchange = Exchange::Closed;
        self.is_plugged = true;
        self.lock(now);
    }

    pub(crate) fn link(&mut self, link: Link, now: u64) {
        self.exchange = Exchange::Closed;
        match &mut self.state {
            State::Fresh { run, .. } => *run = SecondaryRun::Idle,
            State::Admin {
                run, cycle, asking, ..
            } => {
                *run = SecondaryRun::Idle;
                *cycle = None;
                *asking = None;
            }
            _ => {}
        }
        match link {
            Link::Plugged => {
                self.is_plugged = true;
                match &mut self.state {
                    State::Asleep => self.lock(now),
                    State::User { presence, .. } | State::Admin { presence, .. } => {
                        presence.unplugged_since = None;
                    }
                    _ => {}
                }
            }
            Link::Unplugged => {
                self.is_plugged = false;
                match &mut self.state {
                    State::Standby { since, .. } => *since = now,
                    State::Fresh { .. } | State::Asleep => {}
                    _ => self.lock(now),
                }
            }
            Link::Reset => {}
        }
    }

    /// Time has come to `now`.
    pub(crate) fn tick(&mut self, now: u64) {
        if self.flash.is_some_and(|(_, until)| now >= until) {
            self.flash = None;
        }
        let auto_lock = self.stored.auto_lock;
        let is_away = |presence: &Presence| {
            let unplugged = presence.unplugged_since;
            unplugged.is_some_and(|since| now - since > UNPLUGGED)
                || auto_lock
                    .is_some_and(|minutes| now - presence.last_use > u64::from(minutes) * MINUTE)
        };
        let is_over = match &mut self.state {
            State::Asleep => false,
            State::Fresh { waiting, run } => {
                waiting.tick(now);
                run.tick(now);
                false
            }
            State::Standby { waiting, since } => {
                waiting.tick(now);
                let is_idle = matches!(waiting, Waiting::Nothing);
                if is_idle && !self.is_plugged && now - *since > STANDBY {
                    self.state = State::Asleep;
                }
                false
            }
            State::Recovering(entry) => now - entry.last_key > ENTRY_PAUSE,
            State::AdminMode { waiting, last_key } => {
                waiting.tick(now);
                now - *last_key > ADMIN_MODE
            }
            State::User { waiting, presence } => {
                waiting.tick(now);
                is_away(presence)
            }
            State::Admin {
                presence,
                asking,
                run,
                cycle,
                ..
            } => {
                run.tick(now);
                if asking
                    .as_ref()
                    .is_some_and(|asking| now - asking.since > ASKS)
                {
                    *asking = None;
                }
                for place in cycle.iter_mut().flat_map(|cycle| &mut cycle.runs) {
                    if place.as_ref().is_some_and(|run| now - run.since > RUN) {
                        *place = None;
                    }
                }
                is_away(presence)
            }
        };
        if is_over {
            self.seen.push(match &self.state {
                State::AdminMode { .. } => "Admin mode timed out",
                State::Recovering(_) => "recovery timed out",
                _ if self.is_plugged => "locked unattended",
                _ => "locked unplugged",
            });
            // What an unlocked module answered is gone.
            if self.exchange == Exchange::Answering
                && matches!(self.state, State::User { .. } | State::Admin { .. })
            {
                self.exchange = Exchange::Closed;
            }
            self.lock(now);
        }
    }
}

impl Waiting {
    fn tick(&mut self, now: u64) {
        let since = match self {
            Self::Nothing => return,
            Self::Entry(entry) => entry.last_key,
            Self::Armed(_, since) => *since,
        };
        if now - since > ENTRY_PAUSE {
            *self = Self::Nothing;
        }
    }
}
