//! What a completed entry does: unlock, set a PIN, change a setting. Refused values leave everything as it was.

use crate::{
    attempt::{Attempt, Outcome, Path, Unpaid, unblock_admin},
    cloning::secondary::SecondaryRun,
    crypto::Rng,
    csp::{Csps, Kek, Stretched},
    device::{Device, Failures, Lifecycle},
    journal::Journal,
    keypad::entry::Purpose,
    leds::Pattern,
    module::Module,
    operator::show,
    pin::{MIN_COST, Pin, RuleBroken, Slot, UNBLOCK_CODE},
    platform::{Board, Fault},
    state::{AdminMode, AdminSession, Session, State, UserSession},
    store::Image,
    time::Millis,
};
use hsm_protocol::settings::{EncryptionMode, UserPinPolicy};

/// Why an entry changed nothing.
enum Refused {
    /// Wrong, blocked, or a rule is broken: the LEDs say so.
    ByRule,
    /// The board failed.
    Fault,
}

impl From<Fault> for Refused {
    fn from(_: Fault) -> Self {
        Self::Fault
    }
}

impl From<RuleBroken> for Refused {
    fn from(_: RuleBroken) -> Self {
        Self::ByRule
    }
}

/// Acts on a completed entry and shows what came of it.
pub(crate) fn complete<B: Board>(module: &mut Module<B>, purpose: Purpose, pin: &Pin, now: Millis) {
    let outcome = match purpose {
        Purpose::UnlockAdmin | Purpose::EnterAdminMode => {
            unlock(module, Path::Admin, purpose, pin, now)
        }
        Purpose::UnlockUser => unlock(module, Path::User, purpose, pin, now),
        Purpose::UnblockAdmin => unblock(module, pin),
        Purpose::FirstAdminPin => set_first_admin_pin(module, pin, now),
        Purpose::NewAdminPin => set_pin(module, Slot::Admin, pin),
        Purpose::NewUserPin => set_pin(module, Slot::User, pin),
        Purpose::AutoLock | Purpose::UserPinPolicy | Purpose::Cloning | Purpose::EncryptionMode => {
            set_setting(module, purpose, pin)
        }
    };
    match outcome {
        Ok(Some(pattern)) => show(module, pattern, now),
        Ok(None) => {}
        Err(Refused::ByRule) => show(module, Pattern::Refused, now),
        Err(Refused::Fault) => module.fail(),
    }
}

type Shown = Result<Option<Pattern>, Refused>;

fn unlock<B: Board>(
    module: &mut Module<B>,
    path: Path,
    purpose: Purpose,
    pin: &Pin,
    now: Millis,
) -> Shown {
    let Module {
        platform, store, ..
    } = module;
    let attempt = match Attempt::spend(store, platform, path) {
        Ok(attempt) => attempt,
        Err(Unpaid::Blocked) => return Err(Refused::ByRule),
        Err(Unpaid::Fault) => return Err(Refused::Fault),
    };
    let mut kek = Kek::default();
    match attempt.compare(store, platform, pin, &mut kek)? {
        Outcome::Matched => open(module, purpose, &kek, now).map(|()| None),
        Outcome::Wrong => Err(Refused::ByRule),
        Outcome::UserPinLost => {
            store.update(platform, |image, platform| {
                fill_slot::<B>(&mut image.device, platform, Slot::User)
            })?;
            Err(Refused::ByRule)
        }
        Outcome::Exhausted => {
            store.update(platform, Image::erase)?;
            module.lock(now);
            Err(Refused::ByRule)
        }
    }
}

/// Makes the session that was asked for, and opens the CSPs where they will lie.
fn open<B: Board>(
    module: &mut Module<B>,
    purpose: Purpose,
    kek: &Kek,
    now: Millis,
) -> Result<(), Refused> {
    let session = Session::default();
    let unplugged_since = module.unplugged_since(now);
    module.state = match purpose {
        Purpose::UnlockUser => State::User(UserSession {
            session,
            unplugged_since,
        }),
        Purpose::EnterAdminMode => State::AdminMode(AdminMode {
            session,
            entry: None,
            last_key: now,
        }),
        _ => State::Admin(AdminSession {
            session,
            unplugged_since,
            run: SecondaryRun::Idle,
            cycle: None,
        }),
    };
    let Module { state, store, .. } = module;
    match state {
        State::User(UserSession { session, .. })
        | State::AdminMode(AdminMode { session, .. })
        | State::Admin(AdminSession { session, .. }) => Ok(session.open::<B::Crypto>(store, kek)?),
        State::Fault | State::Fresh(_) | State::Locked(_) => Err(Refused::Fault),
    }
}

fn unblock<B: Board>(module: &mut Module<B>, pin: &Pin) -> Shown {
    // The code is printed in the manual: nothing to hide in the comparison.
    if pin.symbols() != UNBLOCK_CODE {
        return Err(Refused::ByRule);
    }
    if unblock_admin(&mut module.store, &mut module.platform)? {
        Ok(None)
    } else {
        Err(Refused::ByRule)
    }
}

/// The first Admin PIN makes the module's own group: KEK, keyring and slots, in one write. It leads into Admin mode.
fn set_first_admin_pin<B: Board>(module: &mut Module<B>, pin: &Pin, now: Millis) -> Shown {
    pin.check()?;
    let Module {
        platform, store, ..
    } = module;
    let mut kek = Kek::default();
    let mut csps = Csps::default();
    let mut salt = [0; 32];
    let cost = platform.pin_cost.max(MIN_COST);
    platform
        .rng
        .fill(kek.expose_mut())
        .map_err(|_error| Fault)?;
    platform.rng.fill(&mut salt).map_err(|_error| Fault)?;
    csps.keyring
        .generate(&mut platform.rng)
        .map_err(|_error| Fault)?;
    let mut stretched = Stretched::default();
    pin.stretch::<B::Crypto>(&salt, cost, &mut stretched)
        .map_err(|_error| Fault)?;
    csps.pins.set(Slot::Admin, &stretched);

    store.update(platform, |image, platform| {
        let device = &mut image.device;
        device.lifecycle = Lifecycle::Configured;
        device.failures = Failures::default();
        device.salt = salt;
        device.cost = cost;
        for slot in Slot::ALL {
            fill_slot(device, platform, slot)?;
        }
        let wrapped = Slot::Admin.wrap_key::<B::Crypto>(&platform.secret, &stretched, &kek);
        device.set_slot(Slot::Admin, wrapped.map_err(|_error| Fault)?);
        image.seal_csps(platform, &kek, &csps)?;
        image.seal_journal(platform, &kek, &Journal::default())
    })?;
    open(module, Purpose::EnterAdminMode, &kek, now)?;
    Ok(Some(Pattern::AdminPinStored))
}

/// Sets a PIN as Administrator, in Admin mode: it must differ from every other.
fn set_pin<B: Board>(module: &mut Module<B>, slot: Slot, pin: &Pin) -> Shown {
    let Module {
        platform,
        store,
        state,
        ..
    } = module;
    let State::AdminMode(AdminMode {
        session: Session { kek, csps },
        ..
    }) = state
    else {
        return Err(Refused::ByRule);
    };
    pin.check()?;
    if slot == Slot::User {
        pin.check_policy(csps.settings.policy)?;
    }
    let device = store.device();
    let mut stretched = Stretched::default();
    pin.stretch::<B::Crypto>(&device.salt, device.cost, &mut stretched)
        .map_err(|_error| Fault)?;
    if csps.pins.is_taken(&stretched, slot) {
        return Err(Refused::ByRule);
    }
    let wrapped = slot
        .wrap_key::<B::Crypto>(&platform.secret, &stretched, kek)
        .map_err(|_error| Fault)?;
    csps.pins.set(slot, &stretched);
    store.update(platform, |image, platform| {
        image.device.set_slot(slot, wrapped);
        if slot == Slot::User {
            image.device.failures.user = 0;
        }
        image.seal_csps(platform, kek, csps)
    })?;
    Ok(Some(if slot == Slot::Admin {
        Pattern::AdminPinStored
    } else {
        Pattern::Stored
    }))
}

/// Changes a setting, in Admin mode.
fn set_setting<B: Board>(module: &mut Module<B>, purpose: Purpose, typed: &Pin) -> Shown {
    let Module {
        platform,
        store,
        state,
        ..
    } = module;
    let State::AdminMode(AdminMode {
        session: Session { kek, csps },
        ..
    }) = state
    else {
        return Err(Refused::ByRule);
    };
    let mut settings = csps.settings;
    let value = |digits| typed.number(digits).ok_or(Refused::ByRule);
    match purpose {
        Purpose::AutoLock => {
            settings.auto_lock = match value(2)? {
                0 => None,
                minutes @ 5..=99 => Some(minutes),
                _ => return Err(Refused::ByRule),
            }
        }
        Purpose::UserPinPolicy => settings.policy = policy(value(3)?)?,
        Purpose::Cloning => {
            settings.cloning = match value(1)? {
                0 => false,
                1 => true,
                _ => return Err(Refused::ByRule),
            }
        }
        Purpose::EncryptionMode => {
            settings.mode =
                EncryptionMode::from_byte(value(1)?).map_err(|_digit| Refused::ByRule)?;
        }
        _ => return Err(Refused::ByRule),
    }
    csps.settings = settings;
    // A new policy does not judge the PIN that stands: it takes it away.
    let deletes_user_pin = purpose == Purpose::UserPinPolicy;
    if deletes_user_pin {
        csps.pins.delete(Slot::User);
    }
    store.update(platform, |image, platform| {
        if deletes_user_pin {
            fill_slot(&mut image.device, platform, Slot::User)?;
        }
        image.seal_csps(platform, kek, csps)
    })?;
    Ok(Some(Pattern::Stored))
}

/// LLS: the least length, 07 to 15, and 1 where a SHIFT symbol is needed. 070 is no policy.
fn policy(typed: u8) -> Result<Option<UserPinPolicy>, Refused> {
    let (min_length, needs_shift) = (typed / 10, typed % 10);
    match (min_length, needs_shift) {
        (7, 0) => Ok(None),
        (7..=15, 0 | 1) => Ok(Some(UserPinPolicy {
            min_length,
            needs_shift: needs_shift == 1,
        })),
        _ => Err(Refused::ByRule),
    }
}

/// A slot without a PIN looks like any other.
fn fill_slot<B: Board>(
    device: &mut Device,
    platform: &mut crate::platform::Platform<B>,
    slot: Slot,
) -> Result<(), Fault> {
    let mut random = [0; 40];
    platform.rng.fill(&mut random).map_err(|_error| Fault)?;
    device.set_slot(slot, random);
    Ok(())
}
