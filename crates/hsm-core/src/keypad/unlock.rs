//! PINs that open something, and the code that gives more attempts at a blocked Admin PIN.

use super::{
    act::{EntryError, EntryOutcome},
    waiting::Opens,
};
use crate::{
    machine::Machine,
    platform::{Board, Fault},
    state::State,
    time::Millis,
    vault::{
        attempt::{Attempt, Path, Verdict, unblock_admin},
        csp::{
            kek::Kek,
            pin::{Pin, UNBLOCK_CODE},
        },
    },
};

/// Tries a PIN. On the User's path, the Self-Destruct PIN takes the same steps as the User PIN and looks the same.
pub(crate) fn unlock<B: Board>(
    machine: &mut Machine<B>,
    opens: Opens,
    pin: &Pin,
    now: Millis,
) -> EntryOutcome {
    let Machine {
        platform, store, ..
    } = machine;
    let path = match opens {
        Opens::Admin | Opens::AdminMode => Path::Admin,
        Opens::User => Path::User,
        Opens::Recovery => Path::Recovery,
    };
    let mut kek = Kek::default();
    match Attempt::spend(store, platform, path)?.compare(store, platform, pin, &mut kek)? {
        Verdict::Matched => open(machine, opens, &kek, now).map(|()| None),
        Verdict::Wrong => Err(EntryError::Rejected),
        Verdict::Exhausted => {
            store.erase(platform)?;
            machine.lock(now);
            Err(EntryError::Rejected)
        }
    }
}

/// Takes the code that gives more attempts at the Admin PIN.
pub(crate) fn unblock<B: Board>(machine: &mut Machine<B>, pin: &Pin) -> EntryOutcome {
    // The code is printed in the manual: the comparison has nothing to hide.
    if pin.symbols() == UNBLOCK_CODE && unblock_admin(&mut machine.store, &mut machine.platform)? {
        Ok(None)
    } else {
        Err(EntryError::Rejected)
    }
}

/// Makes the session that was asked for, and opens the CSPs in place inside it.
pub(crate) fn open<B: Board>(
    machine: &mut Machine<B>,
    opens: Opens,
    kek: &Kek,
    now: Millis,
) -> Result<(), EntryError> {
    machine.state = match opens {
        Opens::Admin => State::admin(now),
        Opens::AdminMode => State::admin_mode(now),
        Opens::User => State::user(now),
        Opens::Recovery => State::recovering(now),
    };
    let session = machine.state.session_mut().ok_or(Fault)?;
    Ok(session.open::<B::Crypto>(&machine.store, kek)?)
}
