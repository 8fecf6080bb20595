//! What a completed entry does in the model: unlocking, new PINs, settings (docs/KEYPAD.md).

use crate::{
    device::{
        Event, Kind, Lifecycle, Model, Path, Presence, Purpose as WritePurpose, State, Stored,
        Waiting,
    },
    hand::{Entry, Purpose},
    host::SecondaryRun,
    pins,
    team::Team,
};
use hsm_core::leds::Pattern;
use hsm_protocol::{limits, settings::EncryptionMode};

impl Model {
    pub(crate) fn complete(&mut self, purpose: Purpose, typed: &str, now: u64) {
        let shown = match purpose {
            Purpose::UnlockAdmin | Purpose::EnterAdminMode => self.as_admin(purpose, typed, now),
            Purpose::UnlockUser => self.as_user(typed, now),
            Purpose::Recover => self.recover(typed, now),
            Purpose::Unblock => self.unblock(typed),
            Purpose::FirstAdminPin => self.first_admin_pin(typed, now),
            Purpose::NewPin(kind) => self.new_pin(kind, typed),
            Purpose::OwnPin => self.own_pin(typed, now),
            Purpose::Setting(setting) => self.set(setting, typed),
        };
        match shown {
            Some(Shown::Pattern(pattern)) => self.show(pattern, now),
            Some(Shown::State) => {}
            None => self.refuse(now),
        }
    }

    /// Pays for one attempt, if there is one, and compares.
    fn attempt(&mut self, path: Path, kind: Kind, typed: &str) -> Option<bool> {
        let failures = self.stored.failures(path);
        let is_closed = path == Path::Admin && self.stored.is_blocked();
        if is_closed || failures >= self.stored.limit(path) {
            return None;
        }
        self.write(|stored| stored.count(path, failures + 1));
        self.events.push(Event::Compared(path));
        Some(self.stored.pins.get(&kind).is_some_and(|pin| pin == typed))
    }

    fn is_last(&self, path: Path) -> bool {
        self.stored.failures(path) >= self.stored.limit(path)
    }

    fn as_admin(&mut self, purpose: Purpose, typed: &str, now: u64) -> Option<Shown> {
        if self.attempt(Path::Admin, Kind::Admin, typed)? {
            self.write(|stored| {
                stored.count(Path::Admin, 0);
                stored.steps = 0;
            });
            self.clear(Path::Admin);
            self.state = if purpose == Purpose::EnterAdminMode {
                State::AdminMode {
                    waiting: Waiting::Nothing,
                    last_key: now,
                }
            } else {
                State::Admin {
                    presence: self.presence(now),
                    asking: None,
                    run: SecondaryRun::Idle,
                    cycle: None,
                    writes: limits::HOST_WRITES,
                }
            };
            return Some(Shown::State);
        }
        if self.is_last(Path::Admin) {
            self.seen.push("Admin limit");
            self.erase();
            self.lock(now);
        }
        None
    }

    fn as_user(&mut self, typed: &str, now: u64) -> Option<Shown> {
        let is_users = self.attempt(Path::User, Kind::User, typed)?;
        let destroys = self
            .stored
            .pins
            .get(&Kind::SelfDestruct)
            .map(String::as_str)
            == Some(typed);
        let is_last = self.is_last(Path::User);
        if destroys {
            self.seen.push("self-destruction");
        } else if is_last && !is_users {
            self.seen.push("User limit");
        }
        let (group, typed) = (destroys.then(|| self.number()), typed.to_owned());
        let purpose = if destroys {
            WritePurpose::Erases
        } else {
            WritePurpose::MightErase
        };
        let index = self.index;
        self.write_for(purpose, |stored| {
            if let Some(group) = group {
                // Counts of failures stay: a blocked Admin PIN that was suddenly open again would give it away.
                let before = std::mem::replace(stored, Stored::blank(Lifecycle::Configured));
                stored.salt = before.salt;
                stored.failures = before.failures;
                stored.count(Path::User, 0);
                stored.steps = before.steps;
                stored.group = group;
                stored.team = Team::new(group, index);
                stored.pins.insert(Kind::User, typed);
            } else if is_users {
                stored.count(Path::User, 0);
            } else if is_last {
                stored.pins.remove(&Kind::User);
            }
        });
        if !is_users && !destroys {
            return None;
        }
        self.clear(Path::User);
        self.state = State::User {
            waiting: Waiting::Nothing,
            presence: self.presence(now),
        };
        Some(Shown::State)
    }

    const fn presence(&self, now: u64) -> Presence {
        Presence {
            unplugged_since: if self.is_plugged { None } else { Some(now) },
            last_use: now,
            files: Vec::new(),
        }
    }

    fn recover(&mut self, typed: &str, now: u64) -> Option<Shown> {
        if self.attempt(Path::Recovery, Kind::Recovery, typed)? {
            self.write(|stored| stored.count(Path::Recovery, 0));
            self.clear(Path::Recovery);
            self.state = State::Recovering(Entry::new(Purpose::OwnPin, now));
            return Some(Shown::State);
        }
        if self.is_last(Path::Recovery) {
            self.seen.push("Recovery limit");
            self.write(|stored| drop(stored.pins.remove(&Kind::Recovery)));
        }
        None
    }

    fn unblock(&mut self, typed: &str) -> Option<Shown> {
        if typed != "47867243" {
            return None;
        }
        self.seen.push("unblocked");
        self.write(|stored| stored.steps += 1);
        Some(Shown::State)
    }

    fn first_admin_pin(&mut self, typed: &str, now: u64) -> Option<Shown> {
        if !pins::is_allowed(typed) || !self.disk.can_be_erased() {
            return None;
        }
        let (group, salt) = (self.number(), self.number());
        let index = self.index;
        self.write(|stored| {
            *stored = Stored::blank(Lifecycle::Configured);
            stored.pins.insert(Kind::Admin, typed.into());
            stored.group = group;
            stored.team = Team::new(group, index);
            stored.salt = salt;
        });
        self.state = State::AdminMode {
            waiting: Waiting::Nothing,
            last_key: now,
        };
        Some(Shown::Pattern(Pattern::AdminPinStored))
    }

    fn new_pin(&mut self, kind: Kind, typed: &str) -> Option<Shown> {
        let stored = &self.stored;
        let is_taken = stored
            .pins
            .iter()
            .any(|(other, pin)| *other != kind && pin == typed);
        let meets_policy = kind != Kind::User || pins::meets(stored.policy, typed);
        if !pins::is_allowed(typed) || is_taken || !meets_policy {
            return None;
        }
        let path = match kind {
            Kind::User => Some(Path::User),
            Kind::Recovery => Some(Path::Recovery),
            Kind::Admin | Kind::SelfDestruct => None,
        };
        self.write(|stored| {
            stored.pins.insert(kind, typed.into());
            if let Some(path) = path {
                stored.count(path, 0);
            }
        });
        if let Some(path) = path {
            self.clear(path);
        }
        Some(Shown::Pattern(if kind == Kind::Admin {
            Pattern::AdminPinStored
        } else {
            Pattern::Stored
        }))
    }

    fn own_pin(&mut self, typed: &str, now: u64) -> Option<Shown> {
        let stored = &self.stored;
        let recovers = matches!(self.state, State::Recovering(_));
        let destroys = stored.pins.get(&Kind::SelfDestruct).map(String::as_str) == Some(typed);
        let is_good = pins::is_allowed(typed) && pins::meets(stored.policy, typed) && !destroys;
        if is_good {
            self.seen
                .push(if recovers { "recovery" } else { "own PIN" });
            self.write(|stored| {
                stored.pins.insert(Kind::User, typed.into());
                stored.count(Path::User, 0);
                if recovers {
                    stored.pins.remove(&Kind::Recovery);
                }
            });
            self.clear(Path::User);
        }
        if recovers {
            self.lock(now);
        }
        is_good.then_some(Shown::Pattern(Pattern::Stored))
    }

    fn set(&mut self, setting: u8, typed: &str) -> Option<Shown> {
        let digits = if setting == 7 {
            3
        } else {
            1 + usize::from(matches!(setting, 0 | 5))
        };
        let value: u16 = typed.parse().ok().filter(|_| typed.len() == digits)?;
        let mut next = self.stored.clone();
        let byte = u8::try_from(value).unwrap_or(u8::MAX);
        match (setting, value) {
            (5, 0) => next.auto_lock = None,
            (5, 5..=99) => next.auto_lock = Some(byte),
            (7, 70) => next.policy = None,
            (7, 70..=151) if value % 10 < 2 => {
                next.policy = Some((byte / 10, value % 10 == 1));
            }
            (8, 0 | 1) => next.cloning = value == 1,
            (9, 1) => next.mode = EncryptionMode::Xts,
            (9, 2) => next.mode = EncryptionMode::Ecb,
            (90, 0 | 1) => next.releases_keys = value == 1,
            (0, 1..=10) => {
                next.user_limit = byte;
                next.count(Path::User, 0);
            }
            _ => return None,
        }
        if setting == 7 {
            next.pins.remove(&Kind::User);
        }
        self.write(|stored| *stored = next);
        if setting == 0 {
            self.clear(Path::User);
        }
        Some(Shown::Pattern(Pattern::Stored))
    }
}

/// What the LEDs show of a success.
enum Shown {
    Pattern(Pattern),
    State,
}
