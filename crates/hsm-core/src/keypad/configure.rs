//! What an Administrator configures in Admin mode, and the one thing that a User does: another PIN.

use crate::{
    crypto::Rng,
    keypad::act::{Refused, Shown},
    keypad::entry::{Purpose, Setting},
    keypad::leds::{Pattern, ReadOut},
    keypad::unlock::open,
    module::Module,
    platform::{Board, Fault},
    state::{AdminMode, Recovering, Session, State, UserSession},
    time::Millis,
    vault::attempt::USER_LIMIT,
    vault::csp::pin::{MIN_COST, Pin, Slot},
    vault::csp::{Csps, Kek, Stretched},
    vault::device::{Failures, Lifecycle},
    vault::journal::Journal,
};
use core::ops::RangeInclusive;
use hsm_protocol::settings::{EncryptionMode, UserPinPolicy};

/// The first Admin PIN makes the module's own group: KEK, keyring and slots, in one write. It leads into Admin mode.
pub(crate) fn set_first_admin_pin<B: Board>(
    module: &mut Module<B>,
    pin: &Pin,
    now: Millis,
) -> Shown {
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
        image.device.lifecycle = Lifecycle::Configured;
        image.device.failures = Failures::default();
        image.device.salt = salt;
        image.device.cost = cost;
        image.fill_slots(platform)?;
        image.set_slot(platform, Slot::Admin, &stretched, &kek)?;
        image.seal_csps(platform, &kek, &csps)?;
        image.seal_journal(platform, &kek, &Journal::default())
    })?;
    open(module, Purpose::FirstAdminPin, &kek, now)?;
    Ok(Some(Pattern::AdminPinStored))
}

/// Sets a PIN as Administrator: it must differ from every other.
pub(crate) fn set_pin<B: Board>(module: &mut Module<B>, slot: Slot, pin: &Pin) -> Shown {
    let Module {
        platform,
        store,
        state,
        ..
    } = module;
    let Session { kek, csps } = configuring(state)?;
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
    csps.pins.set(slot, &stretched);
    store.update(platform, |image, platform| {
        image.set_slot(platform, slot, &stretched, kek)?;
        image.device.failures.forget(slot);
        image.seal_csps(platform, kek, csps)
    })?;
    Ok(Some(match slot {
        Slot::Admin => Pattern::AdminPinStored,
        Slot::User | Slot::Recovery | Slot::SelfDestruct => Pattern::Stored,
    }))
}

/// Sets the User PIN as User: unlocked, or after a recovery, which this uses up in the same write. It is compared with the
/// Self-Destruct PIN alone: anything more would be a guess at a PIN that no counter sees.
pub(crate) fn set_own_pin<B: Board>(module: &mut Module<B>, pin: &Pin, now: Millis) -> Shown {
    let Module {
        platform,
        store,
        state,
        ..
    } = module;
    let (Session { kek, csps }, recovers) = match state {
        State::User(UserSession { session, .. }) => (session, false),
        State::Recovering(Recovering { session, .. }) => (session, true),
        State::Fault
        | State::Fresh(_)
        | State::Locked(_)
        | State::AdminMode(_)
        | State::Admin(_) => {
            return Err(Refused::ByRule);
        }
    };
    let device = store.device();
    let mut stretched = Stretched::default();
    pin.stretch::<B::Crypto>(&device.salt, device.cost, &mut stretched)
        .map_err(|_error| Fault)?;
    let is_allowed = pin
        .check()
        .and_then(|()| pin.check_policy(csps.settings.policy))
        .is_ok()
        && !csps.pins.is(Slot::SelfDestruct, &stretched);
    if !is_allowed {
        // A recovery whose new PIN is refused is over, and not used up.
        if recovers {
            module.lock(now);
        }
        return Err(Refused::ByRule);
    }
    csps.pins.set(Slot::User, &stretched);
    if recovers {
        csps.pins.delete(Slot::Recovery);
    }
    store.update(platform, |image, platform| {
        image.set_slot(platform, Slot::User, &stretched, kek)?;
        image.device.failures.forget(Slot::User);
        if recovers {
            image.fill_slot(platform, Slot::Recovery)?;
        }
        image.seal_csps(platform, kek, csps)
    })?;
    if recovers {
        module.lock(now);
    }
    Ok(Some(Pattern::Stored))
}

/// Deletes a PIN as Administrator; its slot looks like any other afterwards.
pub(crate) fn delete_pin<B: Board>(module: &mut Module<B>, slot: Slot) -> Shown {
    let Module {
        platform,
        store,
        state,
        ..
    } = module;
    let Session { kek, csps } = configuring(state)?;
    csps.pins.delete(slot);
    store.update(platform, |image, platform| {
        image.fill_slot(platform, slot)?;
        image.seal_csps(platform, kek, csps)
    })?;
    Ok(Some(Pattern::Stored))
}

/// Changes a setting as Administrator.
pub(crate) fn set<B: Board>(module: &mut Module<B>, setting: Setting, typed: &Pin) -> Shown {
    let Module {
        platform,
        store,
        state,
        ..
    } = module;
    let Session { kek, csps } = configuring(state)?;
    let mut settings = csps.settings;
    let mut limits = store.device().limits;
    let value = |digits| typed.number(digits).ok_or(Refused::ByRule);
    match setting {
        Setting::AutoLock => {
            settings.auto_lock = match value(2)? {
                0 => None,
                minutes if AUTO_LOCK.contains(&minutes) => Some(minutes),
                _ => return Err(Refused::ByRule),
            }
        }
        Setting::UserPinPolicy => settings.policy = policy(value(3)?)?,
        Setting::Cloning => {
            settings.cloning = match value(1)? {
                0 => false,
                1 => true,
                _ => return Err(Refused::ByRule),
            }
        }
        Setting::EncryptionMode => {
            settings.mode =
                EncryptionMode::from_byte(value(1)?).map_err(|_digit| Refused::ByRule)?;
        }
        Setting::UserLimit => {
            limits.user = match value(2)? {
                limit @ 1..=USER_LIMIT => limit,
                _ => return Err(Refused::ByRule),
            }
        }
    }
    csps.settings = settings;
    // A new policy does not judge the PIN that stands: it takes it away.
    if setting == Setting::UserPinPolicy {
        csps.pins.delete(Slot::User);
    }
    let is_user_pin_set = csps.pins.record(Slot::User).is_some();
    store.update(platform, |image, platform| {
        image.device.limits = limits;
        if !is_user_pin_set {
            // A power cut may have kept the slot of a PIN whose attempts ran out: a higher limit must not open it again.
            image.fill_slot(platform, Slot::User)?;
        }
        if setting == Setting::UserLimit {
            // A lower limit does not take away a PIN that stands. Without one, the Self-Destruct PIN can be typed again.
            image.device.failures.user = 0;
        }
        image.seal_csps(platform, kek, csps)
    })?;
    Ok(Some(Pattern::Stored))
}

/// Tells a setting in blinks.
pub(crate) fn read_out<B: Board>(module: &mut Module<B>, setting: Setting) -> Shown {
    let limits = module.store.device().limits;
    let settings = configuring(&mut module.state)?.csps.settings;
    let read_out = match setting {
        Setting::AutoLock => ReadOut::of(settings.auto_lock.unwrap_or(0), false),
        Setting::UserPinPolicy => settings
            .policy
            .map_or(ReadOut::of(NO_POLICY, false), |policy| {
                ReadOut::of(policy.min_length, policy.needs_shift)
            }),
        Setting::Cloning => ReadOut::of(0, settings.cloning),
        Setting::EncryptionMode => ReadOut::of(settings.mode.to_byte(), false),
        Setting::UserLimit => ReadOut::of(limits.user, false),
    };
    Ok(Some(Pattern::ReadOut(read_out)))
}

/// LLS: the least length, 07 to 15, and 1 where a SHIFT symbol is needed. 070 is no policy.
fn policy(typed: u8) -> Result<Option<UserPinPolicy>, Refused> {
    match (typed / 10, typed % 10) {
        (NO_POLICY, 0) => Ok(None),
        (min_length @ 7..=15, shift @ (0 | 1)) => Ok(Some(UserPinPolicy {
            min_length,
            needs_shift: shift == 1,
        })),
        _ => Err(Refused::ByRule),
    }
}

/// Minutes of unattended auto-lock that can be set, beside 0 for off.
pub const AUTO_LOCK: RangeInclusive<u8> = 5..=99;

/// The least length of every PIN: as a policy, it asks for nothing.
const NO_POLICY: u8 = 7;

/// The session of Admin mode: nothing else may configure.
fn configuring<C: crate::crypto::Provider>(state: &mut State<C>) -> Result<&mut Session, Refused> {
    match state {
        State::AdminMode(AdminMode { session, .. }) => Ok(session),
        State::Fault
        | State::Fresh(_)
        | State::Locked(_)
        | State::Recovering(_)
        | State::User(_)
        | State::Admin(_) => Err(Refused::ByRule),
    }
}
