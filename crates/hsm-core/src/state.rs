//! The one value that says what the module is, and the gates to what each state permits.

use crate::{
    asking::Asking,
    card::file::Files,
    cloning::{master::MasterCycle, secondary::SecondaryRun},
    crypto::Provider,
    keypad::{
        entry::Entry,
        waiting::{
            AdminModeAct, AdminModeEntry, CompleteReset, FirstAdminPin, OwnPin, StandbyEntry,
            Waiting,
        },
    },
    platform::Fault,
    presented::Presented,
    time::{ADMIN_MODE, MINUTE, Millis, STANDBY, UNPLUGGED},
    vault::{
        csp::{contents::Csps, kek::Kek, slot::Slot},
        device::Lifecycle,
        store::Store,
        writes::HostWrites,
    },
};
use hsm_protocol::{Status, identity::LockState};

/// What the module is. Data that has a meaning in one state only is in that variant.
#[expect(
    clippy::large_enum_variant,
    reason = "the core has no allocator to put a variant elsewhere"
)]
pub(crate) enum State<C: Provider> {
    /// A self-test failed, the store cannot be read, or it is unknown what was written last: only a power-up helps.
    Fault,
    /// No Admin PIN: Shipment or Reset, as the store says.
    Fresh(Fresh<C>),
    /// Locked.
    Locked(Locked),
    /// The Recovery PIN was right; a new User PIN is to be typed. To the host the module is locked.
    Recovering(Recovering),
    /// Configuration by keypad. To the host the module is locked.
    AdminMode(AdminMode),
    /// Unlocked by its User.
    User(UserSession),
    /// Unlocked by its Administrator.
    Admin(AdminSession<C>),
}

/// A module without an Admin PIN, which may be cloned to.
pub(crate) struct Fresh<C: Provider> {
    pub(crate) waiting: Waiting<FirstAdminPin>,
    pub(crate) run: SecondaryRun<C>,
}

/// Locked, asleep or awake.
pub(crate) enum Locked {
    Asleep,
    Awake {
        /// The last key, or the moment when the module was unplugged.
        since: Millis,
        waiting: Waiting<StandbyEntry, CompleteReset>,
    },
}

/// Between the Recovery PIN and the User PIN that replaces the lost one.
pub(crate) struct Recovering {
    pub(crate) session: Session,
    pub(crate) entry: Entry<OwnPin>,
}

/// Configuration by keypad.
pub(crate) struct AdminMode {
    pub(crate) session: Session,
    pub(crate) waiting: Waiting<AdminModeEntry, AdminModeAct>,
    pub(crate) last_key: Millis,
}

/// What a PIN opened. Authority is possession: dropping the session locks the module.
#[derive(Default)]
pub(crate) struct Session {
    pub(crate) kek: Kek,
    pub(crate) csps: Csps,
    /// What custodians agreed to, as far as a host showed it.
    pub(crate) presented: Presented,
}

/// A User's session: data only.
pub(crate) struct UserSession {
    pub(crate) session: Session,
    pub(crate) files: Files,
    pub(crate) waiting: Waiting<OwnPin>,
    pub(crate) presence: Presence,
}

/// An Administrator's session, with the module's runs as master and as secondary.
pub(crate) struct AdminSession<C: Provider> {
    pub(crate) session: Session,
    pub(crate) files: Files,
    pub(crate) presence: Presence,
    /// What a host asks for and a person must allow. It ends with the session.
    pub(crate) asking: Asking,
    pub(crate) run: SecondaryRun<C>,
    pub(crate) cycle: Option<MasterCycle>,
    /// The writes that the host may still cause.
    pub(crate) writes: HostWrites,
}

/// When an unlocked module was last used.
pub(crate) struct Presence {
    /// When it was unlocked. Pulling it out locks it, so an unplugged one has been unplugged since then at least.
    unlocked: Millis,
    /// The last key or ciphered data. Status polls do not count.
    pub(crate) last_use: Millis,
}

impl Presence {
    const fn new(now: Millis) -> Self {
        Self {
            unlocked: now,
            last_use: now,
        }
    }

    /// Returns whether the module is to lock by itself.
    fn is_over(&self, auto_lock: Option<u8>, is_plugged: bool, now: Millis) -> bool {
        let is_forgotten = !is_plugged && now.since(self.unlocked) > UNPLUGGED;
        let is_unattended = auto_lock.is_some_and(|minutes| {
            now.since(self.last_use) > u64::from(minutes).saturating_mul(MINUTE)
        });
        is_forgotten || is_unattended
    }
}

impl Session {
    /// Opens the store's CSPs in place. A PIN without attempts is deleted, whatever its record says.
    pub(crate) fn open<C: Provider>(&mut self, store: &Store, kek: &Kek) -> Result<(), Fault> {
        self.kek.copy_from(kek);
        store.image().open_csps::<C>(&self.kek, &mut self.csps)?;
        let device = store.device();
        if device.failures.user >= device.limits.user {
            self.csps.pins.delete(Slot::User);
        }
        if device.failures.recovery >= device.limits.recovery {
            self.csps.pins.delete(Slot::Recovery);
        }
        Ok(())
    }
}

impl Locked {
    pub(crate) const fn awake(now: Millis) -> Self {
        Self::Awake {
            since: now,
            waiting: Waiting::Nothing,
        }
    }
}

/// The states that can be entered. Sessions are made empty, to be opened in place.
impl<C: Provider> State<C> {
    /// Returns the state of a module that is not unlocked.
    pub(crate) fn resting(lifecycle: Lifecycle, locked: Locked) -> Self {
        match lifecycle {
            Lifecycle::Shipment | Lifecycle::Reset => Self::Fresh(Fresh {
                waiting: Waiting::Nothing,
                run: SecondaryRun::Idle,
            }),
            Lifecycle::Configured => Self::Locked(locked),
        }
    }

    pub(crate) const fn awake(now: Millis) -> Self {
        Self::Locked(Locked::awake(now))
    }

    pub(crate) fn recovering(now: Millis) -> Self {
        Self::Recovering(Recovering {
            session: Session::default(),
            entry: Entry::new(OwnPin, now),
        })
    }

    pub(crate) fn admin_mode(now: Millis) -> Self {
        Self::AdminMode(AdminMode {
            session: Session::default(),
            waiting: Waiting::Nothing,
            last_key: now,
        })
    }

    pub(crate) fn user(now: Millis) -> Self {
        Self::User(UserSession {
            session: Session::default(),
            files: Files::default(),
            waiting: Waiting::Nothing,
            presence: Presence::new(now),
        })
    }

    pub(crate) fn admin(now: Millis) -> Self {
        Self::Admin(AdminSession {
            session: Session::default(),
            files: Files::default(),
            presence: Presence::new(now),
            asking: Asking::default(),
            run: SecondaryRun::Idle,
            cycle: None,
            writes: HostWrites::default(),
        })
    }
}

/// The gates: each asks the state for what a command or an act needs.
impl<C: Provider> State<C> {
    /// Returns the session of the User or Administrator who unlocked the module: for commands on data.
    pub(crate) fn unlocked(&self) -> Result<&Session, Status> {
        match self {
            Self::User(user) => Ok(&user.session),
            Self::Admin(admin) => Ok(&admin.session),
            Self::Fault => Err(Status::MemoryFailure),
            Self::Fresh(_) | Self::Locked(_) | Self::Recovering(_) | Self::AdminMode(_) => {
                Err(Status::Locked)
            }
        }
    }

    /// Returns the same session, to be changed: for what a letter brings to the module.
    pub(crate) fn unlocked_mut(&mut self) -> Result<&mut Session, Status> {
        match self {
            Self::User(user) => Ok(&mut user.session),
            Self::Admin(admin) => Ok(&mut admin.session),
            Self::Fault => Err(Status::MemoryFailure),
            Self::Fresh(_) | Self::Locked(_) | Self::Recovering(_) | Self::AdminMode(_) => {
                Err(Status::Locked)
            }
        }
    }

    /// Ends what was begun in the former epoch: runs, and files that are being written.
    pub(crate) fn end_epoch(&mut self) {
        self.end_runs();
        match self {
            Self::User(UserSession { files, .. }) | Self::Admin(AdminSession { files, .. }) => {
                *files = Files::default();
            }
            Self::Fault
            | Self::Fresh(_)
            | Self::Locked(_)
            | Self::Recovering(_)
            | Self::AdminMode(_) => {}
        }
    }

    /// Returns the same session's CSPs, with the files being written.
    pub(crate) fn unlocked_files(&mut self) -> Result<(&Csps, &mut Files), Status> {
        match self {
            Self::User(user) => Ok((&user.session.csps, &mut user.files)),
            Self::Admin(admin) => Ok((&admin.session.csps, &mut admin.files)),
            Self::Fault => Err(Status::MemoryFailure),
            Self::Fresh(_) | Self::Locked(_) | Self::Recovering(_) | Self::AdminMode(_) => {
                Err(Status::Locked)
            }
        }
    }

    /// Returns the Administrator's session: for everything that only the Administrator may do.
    pub(crate) fn administrator(&mut self) -> Result<&mut AdminSession<C>, Status> {
        match self {
            Self::Admin(admin) => Ok(admin),
            Self::User(_) => Err(Status::NotAdministrator),
            Self::Fault => Err(Status::MemoryFailure),
            Self::Fresh(_) | Self::Locked(_) | Self::Recovering(_) | Self::AdminMode(_) => {
                Err(Status::Locked)
            }
        }
    }

    /// Returns whether a person is asked for something.
    pub(crate) fn is_asking(&self) -> bool {
        matches!(self, Self::Admin(admin) if admin.asking.act().is_some())
    }

    /// Returns whether a host can use what the module holds.
    pub(crate) const fn is_unlocked(&self) -> bool {
        matches!(self, Self::User(_) | Self::Admin(_))
    }

    /// Returns the session that a PIN opened, whatever it may be used for.
    pub(crate) const fn session_mut(&mut self) -> Option<&mut Session> {
        match self {
            Self::Recovering(Recovering { session, .. })
            | Self::AdminMode(AdminMode { session, .. })
            | Self::User(UserSession { session, .. })
            | Self::Admin(AdminSession { session, .. }) => Some(session),
            Self::Fault | Self::Fresh(_) | Self::Locked(_) => None,
        }
    }

    /// Returns how the module identifies itself to a host.
    pub(crate) const fn lock_state(&self, lifecycle: Lifecycle) -> LockState {
        match self {
            Self::User(_) | Self::Admin(_) => LockState::Unlocked,
            Self::Fault | Self::Locked(_) | Self::Recovering(_) | Self::AdminMode(_) => {
                LockState::Locked
            }
            Self::Fresh(_) => match lifecycle {
                Lifecycle::Shipment => LockState::Shipment,
                Lifecycle::Reset | Lifecycle::Configured => LockState::Reset,
            },
        }
    }
}

/// Time and the plug.
impl<C: Provider> State<C> {
    /// Notes that data was ciphered: the module is not unattended.
    pub(crate) const fn touch(&mut self, now: Millis) {
        match self {
            Self::User(UserSession { presence, .. })
            | Self::Admin(AdminSession { presence, .. }) => {
                presence.last_use = now;
            }
            Self::Fault
            | Self::Fresh(_)
            | Self::Locked(_)
            | Self::Recovering(_)
            | Self::AdminMode(_) => {}
        }
    }

    /// Ends the runs of both roles, and what the host asked for.
    pub(crate) fn end_runs(&mut self) {
        match self {
            Self::Fresh(fresh) => fresh.run = SecondaryRun::Idle,
            Self::Admin(admin) => {
                admin.run = SecondaryRun::Idle;
                admin.cycle = None;
                admin.asking.end();
            }
            Self::Fault
            | Self::Locked(_)
            | Self::Recovering(_)
            | Self::AdminMode(_)
            | Self::User(_) => {}
        }
    }

    /// Ends what has timed out within the state. Returns whether the module is to lock.
    pub(crate) fn tick(&mut self, is_plugged: bool, now: Millis) -> bool {
        match self {
            Self::Fault | Self::Locked(Locked::Asleep) => false,
            Self::Fresh(fresh) => {
                fresh.run.tick(now);
                fresh.waiting.tick(now);
                false
            }
            Self::Locked(Locked::Awake { since, waiting }) => {
                waiting.tick(now);
                if waiting.is_nothing() && !is_plugged && now.since(*since) > STANDBY {
                    *self = Self::Locked(Locked::Asleep);
                }
                false
            }
            Self::Recovering(recovering) => recovering.entry.has_expired(now),
            Self::AdminMode(admin) => {
                admin.waiting.tick(now);
                now.since(admin.last_key) > ADMIN_MODE
            }
            Self::User(user) => {
                user.waiting.tick(now);
                let auto_lock = user.session.csps.settings.auto_lock;
                user.presence.is_over(auto_lock, is_plugged, now)
            }
            Self::Admin(admin) => {
                admin.run.tick(now);
                admin.asking.tick(now);
                if let Some(cycle) = &mut admin.cycle {
                    cycle.tick(now);
                }
                let auto_lock = admin.session.csps.settings.auto_lock;
                admin.presence.is_over(auto_lock, is_plugged, now)
            }
        }
    }
}
