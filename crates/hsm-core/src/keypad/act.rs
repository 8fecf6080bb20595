//! What a completed entry or a confirmed gesture does, and what the LEDs say of it. Refused values leave everything as it was.

use crate::{
    keypad::configure,
    keypad::entry::{Purpose, Setting},
    keypad::leds::Pattern,
    keypad::operator::show,
    keypad::unlock,
    module::Module,
    platform::{Board, Fault},
    time::Millis,
    vault::attempt::Unpaid,
    vault::csp::pin::{Pin, RuleBroken, Slot},
    vault::store::Image,
};

/// Why nothing was changed.
pub(crate) enum Refused {
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

impl From<Unpaid> for Refused {
    fn from(unpaid: Unpaid) -> Self {
        match unpaid {
            Unpaid::Blocked => Self::ByRule,
            Unpaid::Fault => Self::Fault,
        }
    }
}

/// What to show of a success, if anything.
pub(crate) type Shown = Result<Option<Pattern>, Refused>;

/// Acts on a completed entry.
pub(crate) fn complete<B: Board>(module: &mut Module<B>, purpose: Purpose, pin: &Pin, now: Millis) {
    let outcome = match purpose {
        Purpose::UnlockAdmin | Purpose::EnterAdminMode => {
            unlock::as_admin(module, purpose, pin, now)
        }
        Purpose::UnlockUser => unlock::as_user(module, pin, now),
        Purpose::Recover => unlock::recover(module, pin, now),
        Purpose::UnblockAdmin => unlock::unblock(module, pin),
        Purpose::FirstAdminPin => configure::set_first_admin_pin(module, pin, now),
        Purpose::NewPin(slot) => configure::set_pin(module, slot, pin),
        Purpose::OwnPin => configure::set_own_pin(module, pin, now),
        Purpose::Setting(setting) => configure::set(module, setting, pin),
    };
    settle(module, &outcome, now);
}

/// Erases everything but what a module is: no PIN is asked for.
pub(crate) fn reset<B: Board>(module: &mut Module<B>, now: Millis) {
    let erased = module.store.update(&mut module.platform, Image::erase);
    module.lock(now);
    settle(module, &erased.map(|()| None).map_err(Refused::from), now);
}

/// Deletes a PIN, in Admin mode.
pub(crate) fn delete<B: Board>(module: &mut Module<B>, slot: Slot, now: Millis) {
    let outcome = configure::delete_pin(module, slot);
    settle(module, &outcome, now);
}

/// Tells a setting in blinks, in Admin mode.
pub(crate) fn read_out<B: Board>(module: &mut Module<B>, setting: Setting, now: Millis) {
    let outcome = configure::read_out(module, setting);
    settle(module, &outcome, now);
}

fn settle<B: Board>(module: &mut Module<B>, outcome: &Shown, now: Millis) {
    match outcome {
        Ok(Some(pattern)) => show(module, *pattern, now),
        Ok(None) => {}
        Err(Refused::ByRule) => show(module, Pattern::Refused, now),
        Err(Refused::Fault) => module.fail(),
    }
}
