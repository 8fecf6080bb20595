//! The one value that says what the module is, and the gates to what each state permits.

use crate::{
    card::file::Files,
    cloning::{master::MasterCycle, secondary::SecondaryRun},
    crypto::Provider,
    keypad::entry::{Entry, Setting},
    platform::Fault,
    time::{ENTRY_PAUSE, MINUTE, Millis, UNPLUGGED},
    vault::csp::pin::Slot,
    vault::csp::{Csps, Kek},
    vault::store::Store,
};
use hsm_protocol::Status;

/// What the module is. Whatever means something only in one state lives in that variant.
#[expect(
    clippy::large_enum_variant,
    reason = "the core has no allocator to put a variant elsewhere"
)]
pub(crate) enum State<C: Provider> {
    /// The store cannot be read, or nobody knows what was written last: only a power-up helps.
    Fault,
    /// No Admin PIN: Shipment or Reset, as the store says.
    Fresh(Fresh<C>),
    /// Locked.
    Locked(Locked),
    /// The Recovery PIN was right; a new User PIN is to be typed. To the host it is locked.
    Recovering(Recovering),
    /// Configuration by keypad. To the host it is locked.
    AdminMode(AdminMode),
    /// Unlocked by its User.
    User(UserSession),
    /// Unlocked by its Administrator.
    Admin(AdminSession<C>),
}

/// What the keypad waits for.
#[derive(Default)]
pub(crate) enum Waiting {
    /// The first key of something.
    #[default]
    Nothing,
    /// The rest of an entry.
    Entry(Entry),
    /// A gesture that confirms, from that moment on.
    Armed(Armed, Millis),
}

/// What is done once it is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Armed {
    /// A complete reset.
    Reset,
    /// The deletion of a PIN.
    Delete(Slot),
    /// A read-out.
    ReadOut(Setting),
}

impl Waiting {
    /// Forgets what was begun and not gone on with.
    pub(crate) fn expire(&mut self, now: Millis) {
        let is_over = match self {
            Self::Nothing => false,
            Self::Entry(entry) => entry.has_expired(now),
            Self::Armed(_, since) => now.since(*since) > ENTRY_PAUSE,
        };
        if is_over {
            *self = Self::Nothing;
        }
    }

    pub(crate) const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }
}

/// A module without an Admin PIN may be cloned to.
pub(crate) struct Fresh<C: Provider> {
    pub(crate) waiting: Waiting,
    pub(crate) run: SecondaryRun<C>,
}

/// Locked, asleep or awake.
pub(crate) enum Locked {
    Asleep,
    Awake { since: Millis, waiting: Waiting },
}

/// Between the Recovery PIN and the User PIN that replaces the lost one.
pub(crate) struct Recovering {
    pub(crate) session: Session,
    pub(crate) entry: Entry,
}

/// Configuration by keypad.
pub(crate) struct AdminMode {
    pub(crate) session: Session,
    pub(crate) waiting: Waiting,
    pub(crate) last_key: Millis,
}

/// What a PIN opened. Authority is possession: dropping it is locking.
#[derive(Default)]
pub(crate) struct Session {
    pub(crate) kek: Kek,
    pub(crate) csps: Csps,
}

/// A User's session: data only.
pub(crate) struct UserSession {
    pub(crate) session: Session,
    pub(crate) files: Files,
    pub(crate) waiting: Waiting,
    pub(crate) presence: Presence,
}

/// An Administrator's session; it holds the runs of either role.
pub(crate) struct AdminSession<C: Provider> {
    pub(crate) session: Session,
    pub(crate) files: Files,
    pub(crate) presence: Presence,
    pub(crate) run: SecondaryRun<C>,
    pub(crate) cycle: Option<MasterCycle>,
}

/// When an unlocked module was last of use to somebody.
#[derive(Clone, Copy)]
pub(crate) struct Presence {
    /// Since when it waits for its plug; `None` while it is plugged in.
    pub(crate) unplugged_since: Option<Millis>,
    /// The last key or ciphered data. Status polls do not count.
    pub(crate) last_use: Millis,
}

impl Presence {
    /// Whether it locks by itself.
    pub(crate) fn is_over(&self, auto_lock: Option<u8>, now: Millis) -> bool {
        let is_forgotten = self
            .unplugged_since
            .is_some_and(|since| now.since(since) > UNPLUGGED);
        let is_unattended = auto_lock.is_some_and(|minutes| {
            now.since(self.last_use) > u64::from(minutes).saturating_mul(MINUTE)
        });
        is_forgotten || is_unattended
    }
}

impl Session {
    /// Opens the store's CSPs in place. A PIN whose attempts ran out is gone, whatever its record says.
    pub(crate) fn open<C: Provider>(&mut self, store: &Store, kek: &Kek) -> Result<(), Fault> {
        self.kek.expose_mut().copy_from_slice(kek.expose());
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

impl<C: Provider> Fresh<C> {
    pub(crate) const fn new() -> Self {
        Self {
            waiting: Waiting::Nothing,
            run: SecondaryRun::Idle,
        }
    }
}

impl<C: Provider> State<C> {
    pub(crate) const fn awake(now: Millis) -> Self {
        Self::Locked(Locked::Awake {
            since: now,
            waiting: Waiting::Nothing,
        })
    }

    /// The gate of everything that deals with data.
    pub(crate) fn user(&self) -> Result<&Session, Status> {
        match self {
            Self::User(user) => Ok(&user.session),
            Self::Admin(admin) => Ok(&admin.session),
            Self::Fault => Err(Status::MemoryFailure),
            Self::Fresh(_) | Self::Locked(_) | Self::Recovering(_) | Self::AdminMode(_) => {
                Err(Status::Locked)
            }
        }
    }

    /// Likewise, with the files being written.
    pub(crate) fn user_files(&mut self) -> Result<(&Csps, &mut Files), Status> {
        match self {
            Self::User(user) => Ok((&user.session.csps, &mut user.files)),
            Self::Admin(admin) => Ok((&admin.session.csps, &mut admin.files)),
            Self::Fault => Err(Status::MemoryFailure),
            Self::Fresh(_) | Self::Locked(_) | Self::Recovering(_) | Self::AdminMode(_) => {
                Err(Status::Locked)
            }
        }
    }

    /// Ciphered data went through: the module is not unattended.
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

    /// The gate of everything that only the Administrator may do.
    pub(crate) fn admin(&mut self) -> Result<&mut AdminSession<C>, Status> {
        match self {
            Self::Admin(admin) => Ok(admin),
            Self::User(_) => Err(Status::NotAdministrator),
            Self::Fault => Err(Status::MemoryFailure),
            Self::Fresh(_) | Self::Locked(_) | Self::Recovering(_) | Self::AdminMode(_) => {
                Err(Status::Locked)
            }
        }
    }
}
