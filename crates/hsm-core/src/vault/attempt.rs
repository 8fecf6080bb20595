//! Attempts at a PIN: counted in the store before anything is compared, and reset only by a match.

use super::{
    csp::{
        kek::Kek,
        pin::{Pin, Stretched},
        slot::Slot,
    },
    device::{Device, Failures},
    store::{NotStored, Store},
};
use crate::platform::{Board, Fault, Platform};

pub use super::device::{RECOVERY_LIMIT, USER_LIMIT};

/// The ways to type a PIN in Standby, each with its own counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    Admin,
    User,
    Recovery,
}

/// Failures after which the Admin PIN is blocked, by how many times the code that gives more attempts was accepted.
pub const ADMIN_STEPS: [u8; 3] = [5, 8, ADMIN_LIMIT];

/// Failures at the Admin PIN after which everything is erased.
pub const ADMIN_LIMIT: u8 = 10;

/// Whether the Admin PIN has attempts left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdminAttempts {
    Left,
    /// Blocked until the code is typed; how many times it was accepted so far.
    Blocked(u8),
    Exhausted,
}

impl AdminAttempts {
    pub(crate) fn of(failures: Failures) -> Self {
        let allowed = ADMIN_STEPS
            .get(usize::from(failures.admin_steps))
            .copied()
            .unwrap_or(ADMIN_LIMIT);
        if failures.admin >= ADMIN_LIMIT {
            Self::Exhausted
        } else if failures.admin >= allowed {
            Self::Blocked(failures.admin_steps)
        } else {
            Self::Left
        }
    }
}

/// One attempt that is already counted. Only such an attempt can be compared, and only once.
pub(crate) struct Attempt(Path);

/// The most steps of the counter that an attempt takes: it is counted, after a power-up in two of them, and its verdict
/// is stored.
const STEPS: u64 = 3;

/// The result of an attempt.
pub(crate) enum Verdict {
    /// A slot opened; the counter is back at zero.
    Matched,
    /// The PIN was wrong. If it was the last attempt of its path, that path's PIN is deleted.
    Wrong,
    /// The PIN was wrong, and it was the Administrator's last attempt: everything is to be erased.
    Exhausted,
}

/// Why an attempt was not counted, and so nothing may be compared.
pub(crate) enum Uncounted {
    /// This path has no attempts left, or the store can no longer count them.
    Blocked,
    /// The store failed.
    Fault,
}

impl From<NotStored> for Uncounted {
    fn from(reason: NotStored) -> Self {
        match reason {
            NotStored::WornOut => Self::Blocked,
            NotStored::Fault => Self::Fault,
        }
    }
}

impl Attempt {
    /// Raises the failure count in the store, as if the PIN were wrong.
    pub(crate) fn spend<B: Board>(
        store: &mut Store,
        platform: &mut Platform<B>,
        path: Path,
    ) -> Result<Self, Uncounted> {
        let device = store.device();
        let is_open = match path {
            Path::Admin => AdminAttempts::of(device.failures) == AdminAttempts::Left,
            Path::User => device.failures.user < device.limits.user,
            Path::Recovery => device.failures.recovery < device.limits.recovery,
        };
        if !is_open || store.writes_left(platform) < STEPS {
            return Err(Uncounted::Blocked);
        }
        store.update(platform, |image, _| {
            let count = path.count(&mut image.device);
            *count = count.saturating_add(1);
            Ok::<_, NotStored>(())
        })?;
        Ok(Self(path))
    }

    /// Tries the PIN; a match puts the KEK into `kek`.
    pub(crate) fn compare<B: Board>(
        self,
        store: &mut Store,
        platform: &mut Platform<B>,
        pin: &Pin,
        kek: &mut Kek,
    ) -> Result<Verdict, NotStored> {
        let Self(path) = self;
        let device = store.device();
        let mut stretched = Stretched::default();
        pin.stretch::<B::Crypto>(&device.salt, device.cost, &mut stretched)
            .map_err(|_bad_cost| Fault)?;
        match path {
            Path::Admin | Path::Recovery => path.compare_one(store, platform, &stretched, kek),
            Path::User => path.compare_both(store, platform, &stretched, kek),
        }
    }
}

impl Path {
    /// Tries the PIN on the slot of the Administrator or of recovery.
    fn compare_one<B: Board>(
        self,
        store: &mut Store,
        platform: &mut Platform<B>,
        stretched: &Stretched,
        kek: &mut Kek,
    ) -> Result<Verdict, NotStored> {
        let slot = self.slot();
        if store.image().open_slot(platform, slot, stretched, kek)? {
            store.update(platform, |image, _| {
                self.clear(&mut image.device);
                Ok::<_, NotStored>(())
            })?;
            return Ok(Verdict::Matched);
        }
        let Device {
            failures, limits, ..
        } = store.device();
        match self {
            Self::Admin if AdminAttempts::of(*failures) == AdminAttempts::Exhausted => {
                Ok(Verdict::Exhausted)
            }
            Self::Recovery if failures.recovery >= limits.recovery => {
                store.update(platform, |image, platform| {
                    Ok::<_, NotStored>(image.fill_slot(platform, slot)?)
                })?;
                Ok(Verdict::Wrong)
            }
            Self::Admin | Self::User | Self::Recovery => Ok(Verdict::Wrong),
        }
    }

    /// Tries the PIN on the User's slot and on the Self-Destruct slot. Nothing outside may show which of the two it
    /// was. So there is one run of the KDF, both slots are tried, and the image that a self-destruction leaves is
    /// made every time, before one of the two images is chosen in constant time and written. Only then does it matter
    /// which it was.
    fn compare_both<B: Board>(
        self,
        store: &mut Store,
        platform: &mut Platform<B>,
        stretched: &Stretched,
        kek: &mut Kek,
    ) -> Result<Verdict, NotStored> {
        let image = store.image();
        let (mut user_kek, mut unused) = (Kek::default(), Kek::default());
        let is_users = image.open_slot(platform, self.slot(), stretched, &mut user_kek)?;
        let destroys = image.open_slot(platform, Slot::SelfDestruct, stretched, &mut unused)?;

        store.update_or_erase(platform, |image, platform| {
            let mut destroyed = image.clone();
            let mut new_kek = Kek::default();
            destroyed.destroy(platform, &mut new_kek, stretched)?;
            image.choose(&destroyed, destroys)?;
            kek.choose(&user_kek, &new_kek, destroys);
            if is_users || destroys {
                self.clear(&mut image.device);
            } else if image.device.failures.user >= image.device.limits.user {
                image.fill_slot(platform, self.slot())?;
            }
            Ok::<_, NotStored>(())
        })?;
        Ok(if is_users || destroys {
            Verdict::Matched
        } else {
            Verdict::Wrong
        })
    }

    const fn slot(self) -> Slot {
        match self {
            Self::Admin => Slot::Admin,
            Self::User => Slot::User,
            Self::Recovery => Slot::Recovery,
        }
    }

    const fn count(self, device: &mut Device) -> &mut u8 {
        match self {
            Self::Admin => &mut device.failures.admin,
            Self::User => &mut device.failures.user,
            Self::Recovery => &mut device.failures.recovery,
        }
    }

    const fn clear(self, device: &mut Device) {
        *self.count(device) = 0;
        if let Self::Admin = self {
            device.failures.admin_steps = 0;
        }
    }
}

/// Accepts the code that gives more attempts. Returns `false` if the Admin PIN is not blocked.
pub(crate) fn unblock_admin<B: Board>(
    store: &mut Store,
    platform: &mut Platform<B>,
) -> Result<bool, NotStored> {
    let AdminAttempts::Blocked(steps) = AdminAttempts::of(store.device().failures) else {
        return Ok(false);
    };
    store.update(platform, |image, _| {
        image.device.failures.admin_steps = steps.saturating_add(1);
        Ok::<_, NotStored>(true)
    })
}
