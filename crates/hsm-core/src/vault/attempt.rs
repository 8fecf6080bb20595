//! Attempts at a PIN: paid in the store before anything is compared, and given back only for a match.

use crate::{
    crypto::Rng,
    platform::{Board, Fault, Platform},
    vault::csp::pin::{Pin, Slot},
    vault::csp::{Kek, Stretched},
    vault::device::{Device, Failures},
    vault::store::Store,
};

/// The paths on which a PIN is guessed in Standby. What was typed decides the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    Admin,
    User,
    Recovery,
}

/// Failures after which the Admin PIN is blocked, by how often the code that gives more was taken.
pub const ADMIN_STEPS: [u8; 3] = [5, 8, ADMIN_LIMIT];

/// Failures at the Admin PIN after which everything is erased.
pub const ADMIN_LIMIT: u8 = 10;

/// Failures after which the User PIN is deleted, unless the Administrator sets fewer; the most that can be set.
pub const USER_LIMIT: u8 = 10;

/// Failures after which the Recovery PIN is deleted.
pub const RECOVERY_LIMIT: u8 = 5;

/// How the Admin PIN's attempts stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdminAttempts {
    Left,
    /// Blocked until the code is typed; the number of steps taken so far.
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

/// One attempt that was paid for. Only it can be compared, once.
pub(crate) struct Attempt(Path);

/// What came of an attempt.
pub(crate) enum Outcome {
    /// A slot opened; the counter is back at zero.
    Matched,
    /// Wrong. If it was the last of its path, that PIN is gone; the Administrator's is another matter.
    Wrong,
    /// Wrong, and it was the Administrator's last: everything is to be erased.
    Exhausted,
}

/// Why an attempt was not paid for, and so nothing may be compared.
pub(crate) enum Unpaid {
    /// None is left on this path.
    Blocked,
    /// The store failed.
    Fault,
}

impl From<Fault> for Unpaid {
    fn from(_: Fault) -> Self {
        Self::Fault
    }
}

impl Attempt {
    /// Raises the failure count in the store.
    pub(crate) fn spend<B: Board>(
        store: &mut Store,
        platform: &mut Platform<B>,
        path: Path,
    ) -> Result<Self, Unpaid> {
        let device = store.device();
        let is_open = match path {
            Path::Admin => AdminAttempts::of(device.failures) == AdminAttempts::Left,
            Path::User => device.failures.user < device.limits.user,
            Path::Recovery => device.failures.recovery < device.limits.recovery,
        };
        if !is_open {
            return Err(Unpaid::Blocked);
        }
        store.update(platform, |image, _| {
            let count = path.count(&mut image.device);
            *count = count.saturating_add(1);
            Ok::<_, Fault>(())
        })?;
        Ok(Self(path))
    }

    /// Tries the PIN on the slot of the Administrator or of recovery; a match puts the KEK into `kek`.
    pub(crate) fn compare<B: Board>(
        self,
        store: &mut Store,
        platform: &mut Platform<B>,
        pin: &Pin,
        kek: &mut Kek,
    ) -> Result<Outcome, Fault> {
        let Self(path) = self;
        let device = store.device();
        let mut stretched = Stretched::default();
        pin.stretch::<B::Crypto>(&device.salt, device.cost, &mut stretched)
            .map_err(|_bad_cost| Fault)?;
        let slot = path.slot();
        let wrapped = device.slot(slot).ok_or(Fault)?;
        if slot
            .unwrap_key::<B::Crypto>(&platform.secret, &stretched, wrapped, kek)
            .is_ok()
        {
            store.update(platform, |image, _| {
                path.clear(&mut image.device);
                Ok::<_, Fault>(())
            })?;
            return Ok(Outcome::Matched);
        }
        let failures = device.failures;
        match path {
            Path::Admin if AdminAttempts::of(failures) == AdminAttempts::Exhausted => {
                Ok(Outcome::Exhausted)
            }
            Path::Recovery if failures.recovery >= device.limits.recovery => {
                store.update(platform, |image, platform| image.fill_slot(platform, slot))?;
                Ok(Outcome::Wrong)
            }
            Path::Admin | Path::User | Path::Recovery => Ok(Outcome::Wrong),
        }
    }

    /// Tries the PIN on the User's slot and on the Self-Destruct one. What it was must not be told from outside: there is one
    /// KDF run, both slots are tried, and the image that a self-destruction leaves is made every time, before one of the two is
    /// chosen, byte by byte and in constant time, and written. Only then does it matter which it was.
    pub(crate) fn compare_both<B: Board>(
        self,
        store: &mut Store,
        platform: &mut Platform<B>,
        pin: &Pin,
        kek: &mut Kek,
    ) -> Result<Outcome, Fault> {
        let Self(path) = self;
        let device = store.device();
        let mut stretched = Stretched::default();
        pin.stretch::<B::Crypto>(&device.salt, device.cost, &mut stretched)
            .map_err(|_bad_cost| Fault)?;
        let (mut user_kek, mut unused) = (Kek::default(), Kek::default());
        let tries = |slot: Slot, kek| {
            let wrapped = device.slot(slot).ok_or(Fault)?;
            Ok(slot
                .unwrap_key::<B::Crypto>(&platform.secret, &stretched, wrapped, kek)
                .is_ok())
        };
        let is_users = tries(path.slot(), &mut user_kek)?;
        let destroys = tries(Slot::SelfDestruct, &mut unused)?;

        store.update(platform, |image, platform| {
            let mut ashes = image.clone();
            let mut new_kek = Kek::default();
            platform
                .rng
                .fill(new_kek.expose_mut())
                .map_err(|_error| Fault)?;
            ashes.destroy(platform, &new_kek, &stretched)?;
            image.choose(&ashes, destroys)?;
            kek.choose(&user_kek, &new_kek, destroys);
            if is_users || destroys {
                path.clear(&mut image.device);
            } else if image.device.failures.user >= image.device.limits.user {
                image.fill_slot(platform, path.slot())?;
            }
            Ok::<_, Fault>(())
        })?;
        Ok(if is_users || destroys {
            Outcome::Matched
        } else {
            Outcome::Wrong
        })
    }
}

impl Path {
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

/// Takes the code that gives more attempts; `false` if the Admin PIN is not blocked.
pub(crate) fn unblock_admin<B: Board>(
    store: &mut Store,
    platform: &mut Platform<B>,
) -> Result<bool, Fault> {
    let AdminAttempts::Blocked(steps) = AdminAttempts::of(store.device().failures) else {
        return Ok(false);
    };
    store.update(platform, |image, _| {
        image.device.failures.admin_steps = steps.saturating_add(1);
        Ok::<_, Fault>(true)
    })
}
