//! What the Administrator sets on the keypad, and the User PIN that the User chooses.

use super::{
    act::{EntryError, EntryOutcome},
    leds::{Pattern, ReadOut},
    unlock::open,
    waiting::{Opens, Setting},
};
use crate::{
    crypto::Rng,
    machine::Machine,
    platform::{Board, Fault, Platform},
    state::Session,
    time::Millis,
    vault::{
        csp::{
            contents::Csps,
            kek::Kek,
            pin::{MIN_COST, Pin, Stretched},
            slot::Slot,
        },
        device::{Device, Failures, Lifecycle, USER_LIMIT},
        journal::Journal,
        store::{NotStored, Store},
    },
};
use core::ops::RangeInclusive;
use hsm_protocol::settings::{EncryptionMode, UserPinPolicy};

/// Sets the first Admin PIN, which makes a group of the module's own: KEK, keyring and slots, in one write.
/// The module is in Admin mode afterwards.
pub(crate) fn set_first_admin_pin<B: Board>(
    machine: &mut Machine<B>,
    pin: &Pin,
    now: Millis,
) -> EntryOutcome {
    pin.check()?;
    let Machine {
        platform, store, ..
    } = machine;
    // What could not be erased beyond recovery is not stored.
    if !store.can_be_erased(platform) {
        return Err(EntryError::Rejected);
    }
    let mut kek = Kek::default();
    let mut csps = Csps::default();
    let mut salt = [0; 32];
    let cost = platform.pin_cost.max(MIN_COST);
    platform.rng.fill(&mut salt).map_err(|_error| Fault)?;
    let certificate = store.device().certificate::<B::Crypto>();
    csps.keyring
        .generate::<B::Crypto>(&mut platform.rng, certificate)
        .map_err(|_error| Fault)?;
    let mut stretched = Stretched::default();
    pin.stretch::<B::Crypto>(&salt, cost, &mut stretched)
        .map_err(|_error| Fault)?;
    csps.pins.set(Slot::Admin, &stretched);

    store.update(platform, |image, platform| {
        image.device.lifecycle = Lifecycle::Configured;
        image.device.failures = Failures::NONE;
        image.device.salt = salt;
        image.device.cost = cost;
        let mut journal = Journal::default();
        journal
            .ledger
            .begin(&mut platform.rng)
            .map_err(|_error| Fault)?;
        image.seal_anew(platform, &mut kek, &csps, &journal)
    })?;
    open(machine, Opens::AdminMode, &kek, now)?;
    Ok(Some(Pattern::AdminPinStored))
}

/// The session of a person who may change what the store holds, with the store.
pub(crate) struct Configuring<'a, B: Board> {
    pub(crate) platform: &'a mut Platform<B>,
    pub(crate) store: &'a mut Store,
    pub(crate) session: &'a mut Session,
}

impl<B: Board> Configuring<'_, B> {
    /// Sets a PIN as Administrator. It must differ from every other PIN.
    pub(crate) fn set_pin(&mut self, slot: Slot, pin: &Pin) -> EntryOutcome {
        self.store.check_wear(self.platform)?;
        let csps = &mut self.session.csps;
        pin.check()?;
        if slot == Slot::User {
            pin.check_policy(csps.settings.policy)?;
        }
        let device = self.store.device();
        let mut stretched = Stretched::default();
        pin.stretch::<B::Crypto>(&device.salt, device.cost, &mut stretched)
            .map_err(|_error| Fault)?;
        if csps.pins.is_taken(&stretched, slot) {
            return Err(EntryError::Rejected);
        }
        csps.pins.set(slot, &stretched);
        self.store(|device| device.failures.forget(slot))?;
        Ok(Some(match slot {
            Slot::Admin => Pattern::AdminPinStored,
            Slot::User | Slot::Recovery | Slot::SelfDestruct => Pattern::Stored,
        }))
    }

    /// Sets the User PIN as User.
    pub(crate) fn set_own_pin(&mut self, pin: &Pin) -> EntryOutcome {
        self.replace_user_pin(pin, false)
    }

    /// Sets the User PIN after a recovery. The same write uses up the Recovery PIN.
    pub(crate) fn recover_own_pin(&mut self, pin: &Pin) -> EntryOutcome {
        self.replace_user_pin(pin, true)
    }

    /// Sets the User PIN. It is compared with the Self-Destruct PIN only: any other comparison would be a guess at a
    /// PIN that no counter records.
    fn replace_user_pin(&mut self, pin: &Pin, recovers: bool) -> EntryOutcome {
        self.store.check_wear(self.platform)?;
        let csps = &mut self.session.csps;
        let device = self.store.device();
        let mut stretched = Stretched::default();
        pin.stretch::<B::Crypto>(&device.salt, device.cost, &mut stretched)
            .map_err(|_error| Fault)?;
        let is_allowed = pin
            .check()
            .and_then(|()| pin.check_policy(csps.settings.policy))
            .is_ok()
            && !csps.pins.is(Slot::SelfDestruct, &stretched);
        if !is_allowed {
            return Err(EntryError::Rejected);
        }
        csps.pins.set(Slot::User, &stretched);
        if recovers {
            csps.pins.delete(Slot::Recovery);
        }
        self.store(|device| device.failures.forget(Slot::User))?;
        Ok(Some(Pattern::Stored))
    }

    /// Deletes a PIN as Administrator. Its slot then holds random bytes and looks like any other.
    pub(crate) fn delete_pin(&mut self, slot: Slot) -> EntryOutcome {
        self.store.check_wear(self.platform)?;
        self.session.csps.pins.delete(slot);
        self.store(|_| ())?;
        Ok(Some(Pattern::Stored))
    }

    /// Changes a setting as Administrator.
    pub(crate) fn set(&mut self, setting: Setting, typed: &Pin) -> EntryOutcome {
        self.store.check_wear(self.platform)?;
        let csps = &mut self.session.csps;
        let mut settings = csps.settings;
        let mut limits = self.store.device().limits;
        let value = |digits| typed.number(digits).ok_or(EntryError::Rejected);
        match setting {
            Setting::AutoLock => {
                settings.auto_lock = match value(2)? {
                    0 => None,
                    minutes if AUTO_LOCK.contains(&minutes) => Some(minutes),
                    _ => return Err(EntryError::Rejected),
                }
            }
            Setting::UserPinPolicy => settings.policy = policy(value(3)?)?,
            Setting::Cloning => settings.cloning = on_or_off(value(1)?)?,
            Setting::FileKeys => settings.releases_keys = on_or_off(value(1)?)?,
            Setting::EncryptionMode => {
                settings.mode =
                    EncryptionMode::from_byte(value(1)?).map_err(|_digit| EntryError::Rejected)?;
            }
            Setting::UserLimit => {
                limits.user = match value(2)? {
                    limit @ 1..=USER_LIMIT => limit,
                    _ => return Err(EntryError::Rejected),
                }
            }
        }
        csps.settings = settings;
        // A new policy does not check the present User PIN: it deletes it.
        if setting == Setting::UserPinPolicy {
            csps.pins.delete(Slot::User);
        }
        self.store(|device| {
            device.limits = limits;
            if setting == Setting::UserLimit {
                // A lower limit does not delete the present PIN. If there is none, the Self-Destruct PIN can be typed
                // again.
                device.failures.user = 0;
            }
        })?;
        Ok(Some(Pattern::Stored))
    }

    /// Stores the session's CSPs together with a change of the device part, under a new KEK: a PIN that was replaced,
    /// and a former blob, open nothing from now on. All slots are made from the session's PINs. So a slot that was
    /// still filled after the last attempt, because power was cut, is not: a higher limit cannot make it usable again.
    fn store(&mut self, change: impl FnOnce(&mut Device)) -> Result<(), NotStored> {
        let Session { kek, csps, .. } = &mut *self.session;
        let mut new_kek = Kek::default();
        self.store.update(self.platform, |image, platform| {
            change(&mut image.device);
            let mut journal = Journal::default();
            image.open_journal::<B::Crypto>(kek, &mut journal)?;
            image.seal_anew(platform, &mut new_kek, csps, &journal)
        })?;
        kek.copy_from(&new_kek);
        Ok(())
    }

    /// Returns the blinks that show a setting's value.
    pub(crate) fn read_out(&self, setting: Setting) -> Pattern {
        let limits = self.store.device().limits;
        let settings = self.session.csps.settings;
        Pattern::ReadOut(match setting {
            Setting::AutoLock => ReadOut::of(settings.auto_lock.unwrap_or(0), false),
            Setting::UserPinPolicy => settings
                .policy
                .map_or(ReadOut::of(NO_POLICY, false), |policy| {
                    ReadOut::of(policy.min_length, policy.needs_shift)
                }),
            Setting::Cloning => ReadOut::of(0, settings.cloning),
            Setting::FileKeys => ReadOut::of(0, settings.releases_keys),
            Setting::EncryptionMode => ReadOut::of(settings.mode.to_byte(), false),
            Setting::UserLimit => ReadOut::of(limits.user, false),
        })
    }
}

const fn on_or_off(typed: u8) -> Result<bool, EntryError> {
    match typed {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(EntryError::Rejected),
    }
}

/// Parses LLS: the minimum length, 07 to 15, and 1 if a symbol with SHIFT is required. 070 is no policy.
fn policy(typed: u8) -> Result<Option<UserPinPolicy>, EntryError> {
    match (typed / 10, typed % 10) {
        (NO_POLICY, 0) => Ok(None),
        (min_length @ 7..=15, shift @ (0 | 1)) => Ok(Some(UserPinPolicy {
            min_length,
            needs_shift: shift == 1,
        })),
        _ => Err(EntryError::Rejected),
    }
}

/// Minutes of unattended auto-lock that can be set; 0 turns it off.
pub const AUTO_LOCK: RangeInclusive<u8> = 5..=99;

/// The minimum length of every PIN: as a policy it requires nothing more.
const NO_POLICY: u8 = 7;
