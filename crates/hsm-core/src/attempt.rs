//! Attempts at a PIN: paid in the store before anything is compared, and given back only for a match.

use crate::{
    csp::{Kek, Stretched},
    device::{Device, Failures},
    pin::{Pin, Slot},
    platform::{Board, Fault, Platform},
    store::Store,
};

/// The two paths on which a PIN is guessed in Standby. What was typed decides the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    Admin,
    User,
}

/// Failures after which the Admin PIN is blocked, by how often the code that gives more was taken.
const ADMIN_STEPS: [u8; 3] = [5, 8, ADMIN_LIMIT];

/// Failures after which everything is erased.
pub(crate) const ADMIN_LIMIT: u8 = 10;

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
    /// The slot opened; the counter is back at zero.
    Matched,
    /// Wrong, with attempts left or the path blocked.
    Wrong,
    /// Wrong, and it was the User's last: the User PIN is gone.
    UserPinLost,
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

    /// Tries the PIN on its path's slot; a match puts the KEK into `kek`.
    pub(crate) fn compare<B: Board>(
        self,
        store: &mut Store,
        platform: &mut Platform<B>,
        pin: &Pin,
        kek: &mut Kek,
    ) -> Result<Outcome, Fault> {
        let Self(path) = self;
        let slot = match path {
            Path::Admin => Slot::Admin,
            Path::User => Slot::User,
        };
        let device = store.device();
        let mut stretched = Stretched::default();
        pin.stretch::<B::Crypto>(&device.salt, device.cost, &mut stretched)
            .map_err(|_bad_cost| Fault)?;
        let wrapped = device.slot(slot).ok_or(Fault)?;
        if slot
            .unwrap_key::<B::Crypto>(&platform.secret, &stretched, wrapped, kek)
            .is_ok()
        {
            store.update(platform, |image, _| {
                *path.count(&mut image.device) = 0;
                if path == Path::Admin {
                    image.device.failures.admin_steps = 0;
                }
                Ok::<_, Fault>(())
            })?;
            return Ok(Outcome::Matched);
        }
        Ok(match path {
            Path::Admin if AdminAttempts::of(device.failures) == AdminAttempts::Exhausted => {
                Outcome::Exhausted
            }
            Path::User if device.failures.user >= device.limits.user => Outcome::UserPinLost,
            Path::Admin | Path::User => Outcome::Wrong,
        })
    }
}

impl Path {
    const fn count(self, device: &mut Device) -> &mut u8 {
        match self {
            Self::Admin => &mut device.failures.admin,
            Self::User => &mut device.failures.user,
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
