//! Entries that open: as Administrator, as User, with the Recovery PIN; and the Self-Destruct PIN, which looks like the User's.

use crate::{
    card::file::Files,
    cloning::secondary::SecondaryRun,
    keypad::act::{Refused, Shown},
    keypad::entry::{Entry, Purpose},
    module::Module,
    platform::Board,
    state::{AdminMode, AdminSession, Presence, Recovering, Session, State, UserSession, Waiting},
    time::Millis,
    vault::attempt::{Attempt, Outcome, Path, unblock_admin},
    vault::csp::Kek,
    vault::csp::pin::{Pin, UNBLOCK_CODE},
    vault::store::Image,
};

/// Unlocks as Administrator, or enters Admin mode.
pub(crate) fn as_admin<B: Board>(
    module: &mut Module<B>,
    purpose: Purpose,
    pin: &Pin,
    now: Millis,
) -> Shown {
    let Module {
        platform, store, ..
    } = module;
    let mut kek = Kek::default();
    match Attempt::spend(store, platform, Path::Admin)?.compare(store, platform, pin, &mut kek)? {
        Outcome::Matched => open(module, purpose, &kek, now).map(|()| None),
        Outcome::Wrong => Err(Refused::ByRule),
        Outcome::Exhausted => {
            store.update(platform, Image::erase)?;
            module.lock(now);
            Err(Refused::ByRule)
        }
    }
}

/// Unlocks as User. Whether the PIN was the User's or the Self-Destruct one, the same is done, and the same is seen.
pub(crate) fn as_user<B: Board>(module: &mut Module<B>, pin: &Pin, now: Millis) -> Shown {
    let Module {
        platform, store, ..
    } = module;
    let mut kek = Kek::default();
    let attempt = Attempt::spend(store, platform, Path::User)?;
    match attempt.compare_both(store, platform, pin, &mut kek)? {
        Outcome::Matched => open(module, Purpose::UnlockUser, &kek, now).map(|()| None),
        Outcome::Wrong | Outcome::Exhausted => Err(Refused::ByRule),
    }
}

/// Takes the Recovery PIN; a new User PIN must follow before it is used up.
pub(crate) fn recover<B: Board>(module: &mut Module<B>, pin: &Pin, now: Millis) -> Shown {
    let Module {
        platform, store, ..
    } = module;
    let mut kek = Kek::default();
    match Attempt::spend(store, platform, Path::Recovery)?
        .compare(store, platform, pin, &mut kek)?
    {
        Outcome::Matched => open(module, Purpose::Recover, &kek, now).map(|()| None),
        Outcome::Wrong | Outcome::Exhausted => Err(Refused::ByRule),
    }
}

/// Takes the code that gives more attempts at the Admin PIN.
pub(crate) fn unblock<B: Board>(module: &mut Module<B>, pin: &Pin) -> Shown {
    // The code is printed in the manual: nothing to hide in the comparison.
    if pin.symbols() == UNBLOCK_CODE && unblock_admin(&mut module.store, &mut module.platform)? {
        Ok(None)
    } else {
        Err(Refused::ByRule)
    }
}

/// Makes the session that was asked for, and opens the CSPs where they will lie.
pub(crate) fn open<B: Board>(
    module: &mut Module<B>,
    purpose: Purpose,
    kek: &Kek,
    now: Millis,
) -> Result<(), Refused> {
    let session = Session::default();
    let waiting = Waiting::Nothing;
    let presence = Presence {
        unplugged_since: module.unplugged_since(now),
        last_use: now,
    };
    module.state = match purpose {
        Purpose::UnlockAdmin => State::Admin(AdminSession {
            session,
            files: Files::default(),
            presence,
            run: SecondaryRun::Idle,
            cycle: None,
        }),
        Purpose::UnlockUser => State::User(UserSession {
            session,
            files: Files::default(),
            waiting,
            presence,
        }),
        Purpose::EnterAdminMode | Purpose::FirstAdminPin => State::AdminMode(AdminMode {
            session,
            waiting,
            last_key: now,
        }),
        Purpose::Recover => State::Recovering(Recovering {
            session,
            entry: Entry::new(Purpose::OwnPin, now),
        }),
        Purpose::UnblockAdmin | Purpose::NewPin(_) | Purpose::OwnPin | Purpose::Setting(_) => {
            return Err(Refused::ByRule);
        }
    };
    let Module { state, store, .. } = module;
    match state {
        State::User(UserSession { session, .. })
        | State::Recovering(Recovering { session, .. })
        | State::AdminMode(AdminMode { session, .. })
        | State::Admin(AdminSession { session, .. }) => Ok(session.open::<B::Crypto>(store, kek)?),
        State::Fault | State::Fresh(_) | State::Locked(_) => Err(Refused::Fault),
    }
}
