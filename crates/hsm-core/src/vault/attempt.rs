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
        if failures.admin >= ADMIN_LIMIT {
            Self::Exhausted
        } else if failures.admin >= admin_limit(failures) {
            Self::Blocked(failures.admin_steps)
        } else {
            Self::Left
        }
    }
}

/// How many failures at the Admin PIN are allowed now.
fn admin_limit(failures: Failures) -> u8 {
    let allowed = ADMIN_STEPS.get(usize::from(failures.admin_steps));
    allowed.copied().unwrap_or(ADMIN_LIMIT)
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
    /// Raises the failure count in the store, as if the PIN were wrong. That an attempt is left is decided before, and
    /// again by what the storage holds then: a glitch at one of the two, or at the write, gives none.
    pub(crate) fn spend<B: Board>(
        store: &mut Store,
        platform: &mut Platform<B>,
        path: Path,
    ) -> Result<Self, Uncounted> {
        let spent = path.failures(store.device());
        if spent >= path.limit(store.device()) || store.writes_left(platform) < STEPS {
            return Err(Uncounted::Blocked);
        }
        store.update(platform, |image, _| {
            let count = path.count(&mut image.device);
            *count = count.saturating_add(1);
            Ok(())
        })?;
        store.read_back(platform).map_err(NotStored::from)?;
        let stored = store.device();
        let counted = path.failures(stored);
        if counted > path.limit(stored) || spent.checked_add(1) != Some(counted) {
            return Err(Uncounted::Fault);
        }
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
        let image = store.image();
        let unwraps = image.unwrap_slot(platform, slot, stretched, kek)?;
        let opens = image.is_under::<B::Crypto>(kek);
        if unwraps && opens {
            store.update(platform, |image, _| {
                self.clear(&mut image.device);
                Ok(())
            })?;
            return Ok(Verdict::Matched);
        }
        if unwraps {
            return Err(NotStored::Fault);
        }
        let Device {
            failures, limits, ..
        } = store.device();
        match self {
            Self::Admin if AdminAttempts::of(*failures) == AdminAttempts::Exhausted => {
                Ok(Verdict::Exhausted)
            }
            Self::Recovery if failures.recovery >= limits.recovery => {
                store.update(platform, |image, platform| image.fill_slot(platform, slot))?;
                Ok(Verdict::Wrong)
            }
            Self::Admin | Self::User | Self::Recovery => Ok(Verdict::Wrong),
        }
    }

    /// Tries the PIN on the User's slot and on the Self-Destruct slot. Nothing outside may show which of the two it
    /// was. So there is one run of the KDF, both slots are tried, and the image that a self-destruction leaves is
    /// made every time, before one of the two images is chosen in constant time and written. Only then does it matter
    /// which it was.
    ///
    /// The Self-Destruct PIN needs no second decision: it opens nothing that was there, and who damages the CSPs must
    /// not prevent it. A User PIN that does not open them stops the module after the same steps.
    fn compare_both<B: Board>(
        self,
        store: &mut Store,
        platform: &mut Platform<B>,
        stretched: &Stretched,
        kek: &mut Kek,
    ) -> Result<Verdict, NotStored> {
        let image = store.image();
        let (mut user_kek, mut others_kek) = (Kek::default(), Kek::default());
        let unwraps = image.unwrap_slot(platform, self.slot(), stretched, &mut user_kek)?;
        let destroys =
            image.unwrap_slot(platform, Slot::SelfDestruct, stretched, &mut others_kek)?;
        // Both slots wrap the same KEK: whichever was unwrapped, the CSPs are opened with the same one.
        let mut unwrapped = Kek::default();
        unwrapped.choose(&user_kek, &others_kek, destroys);
        let opens = image.is_under::<B::Crypto>(&unwrapped);
        let is_matched = (unwraps & opens) | destroys;

        store.update_or_erase(platform, |image, platform| {
            let mut new_kek = Kek::default();
            image.destroy_if(destroys, platform, &mut new_kek, stretched)?;
            kek.choose(&user_kek, &new_kek, destroys);
            if is_matched {
                self.clear(&mut image.device);
            } else if !unwraps && image.device.failures.user >= image.device.limits.user {
                image.fill_slot(platform, self.slot())?;
            }
            Ok(())
        })?;
        if is_matched {
            Ok(Verdict::Matched)
        } else if unwraps {
            Err(NotStored::Fault)
        } else {
            Ok(Verdict::Wrong)
        }
    }

    const fn slot(self) -> Slot {
        match self {
            Self::Admin => Slot::Admin,
            Self::User => Slot::User,
            Self::Recovery => Slot::Recovery,
        }
    }

    const fn failures(self, device: &Device) -> u8 {
        match self {
            Self::Admin => device.failures.admin,
            Self::User => device.failures.user,
            Self::Recovery => device.failures.recovery,
        }
    }

    /// How many failures are allowed now.
    fn limit(self, device: &Device) -> u8 {
        match self {
            Self::Admin => admin_limit(device.failures),
            Self::User => device.limits.user,
            Self::Recovery => device.limits.recovery,
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
        Ok(true)
    })
}
