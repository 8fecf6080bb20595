//! The one value that says what the module is, and the gates to what each state permits.

use crate::{
    cloning::{master::MasterCycle, secondary::SecondaryRun},
    crypto::Provider,
    csp::{Csps, Kek},
    keypad::entry::Entry,
    pin::Slot,
    platform::Fault,
    store::Store,
    time::Millis,
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
    /// Configuration by keypad. To the host it is locked.
    AdminMode(AdminMode),
    /// Unlocked by its User.
    User(UserSession),
    /// Unlocked by its Administrator.
    Admin(AdminSession<C>),
}

/// A module without an Admin PIN may be cloned to.
pub(crate) struct Fresh<C: Provider> {
    pub(crate) entry: Option<Entry>,
    pub(crate) run: SecondaryRun<C>,
}

/// Locked, asleep or awake.
pub(crate) enum Locked {
    Asleep,
    Awake { since: Millis, entry: Option<Entry> },
}

/// Configuration by keypad.
pub(crate) struct AdminMode {
    pub(crate) session: Session,
    pub(crate) entry: Option<Entry>,
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
    pub(crate) unplugged_since: Option<Millis>,
}

/// An Administrator's session; it holds the runs of either role.
pub(crate) struct AdminSession<C: Provider> {
    pub(crate) session: Session,
    pub(crate) unplugged_since: Option<Millis>,
    pub(crate) run: SecondaryRun<C>,
    pub(crate) cycle: Option<MasterCycle>,
}

impl Session {
    /// Opens the store's CSPs in place. A User PIN whose attempts ran out is gone, whatever its record says.
    pub(crate) fn open<C: Provider>(&mut self, store: &Store, kek: &Kek) -> Result<(), Fault> {
        self.kek.expose_mut().copy_from_slice(kek.expose());
        store.image().open_csps::<C>(&self.kek, &mut self.csps)?;
        let device = store.device();
        if device.failures.user >= device.limits.user {
            self.csps.pins.delete(Slot::User);
        }
        Ok(())
    }
}

impl<C: Provider> Fresh<C> {
    pub(crate) const fn new() -> Self {
        Self {
            entry: None,
            run: SecondaryRun::Idle,
        }
    }
}

impl<C: Provider> State<C> {
    pub(crate) const fn awake(now: Millis) -> Self {
        Self::Locked(Locked::Awake {
            since: now,
            entry: None,
        })
    }

    /// The gate of everything that deals with data.
    pub(crate) fn user(&self) -> Result<&Session, Status> {
        match self {
            Self::User(user) => Ok(&user.session),
            Self::Admin(admin) => Ok(&admin.session),
            Self::Fault => Err(Status::MemoryFailure),
            Self::Fresh(_) | Self::Locked(_) | Self::AdminMode(_) => Err(Status::Locked),
        }
    }

    /// The gate of everything that only the Administrator may do.
    pub(crate) fn admin(&mut self) -> Result<&mut AdminSession<C>, Status> {
        match self {
            Self::Admin(admin) => Ok(admin),
            Self::User(_) => Err(Status::NotAdministrator),
            Self::Fault => Err(Status::MemoryFailure),
            Self::Fresh(_) | Self::Locked(_) | Self::AdminMode(_) => Err(Status::Locked),
        }
    }
}
