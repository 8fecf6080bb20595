//! `keywriter pin change`

use super::now;
use crate::{
    args::{Args, PinCommand},
    failure::Failure,
    output::{self, Event},
    pin::PinSource,
};
use keywriter::{license::LicenseError, problem::Reason};

pub(crate) fn run(args: &Args, command: &PinCommand) -> Result<(), Failure> {
    let PinCommand::Change = command;
    let store = args.license_store()?;
    let registration = store.registration()?.ok_or(LicenseError::NotRegistered)?;
    if !args.json {
        let claims = registration.claims()?;
        output::line(&format!("license {}", claims.number))?;
    }
    let mut source = PinSource::open(args)?;
    let current = source.ask("Current PIN: ")?;
    let session = store.launch(&current, now())?;
    let new = source.ask("New PIN: ")?;
    if source.ask("Confirm new PIN: ")?.expose() != new.expose() {
        return Err(Failure::Problem(Reason::PinsDiffer.into()));
    }
    store.change_pin(&session, (&current, &new), now())?;
    if args.json {
        return Event::new("pin-changed").print();
    }
    output::line("PIN changed: the new one takes effect at the next launch")
}
