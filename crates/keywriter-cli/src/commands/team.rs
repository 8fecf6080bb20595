//! `keywriter team`

use super::{find, of_module, require_app_pin};
use crate::{
    args::{Args, RekeyChoices, TeamCommand},
    failure::Failure,
    output::{self, Event},
};
use keywriter::{
    Serial,
    asking::{self, ASKS},
    module::{ConnectedModule, ModuleError},
    protocol::{Rekeyed, Status},
    team::Rekey,
    text::listed,
};
use std::thread;

pub(crate) fn run(args: &Args, command: &TeamCommand) -> Result<(), Failure> {
    match command {
        TeamCommand::Rekey(choices) => rekey(args, choices),
    }
}

fn rekey(args: &Args, choices: &RekeyChoices) -> Result<(), Failure> {
    require_app_pin(args)?;
    let serial = choices.serial;
    let rekey = Rekey {
        without: choices.without.iter().copied().collect(),
        may_drop: choices.drop_oldest,
    };
    let mut present = find(args, serial)?;
    let next = allowed(args, serial, &mut present.module, &rekey)?;
    if args.json {
        print_json(serial, &rekey, next)
    } else {
        print_text(&rekey, next)
    }
}

/// Re-keys. The module asks, and the command is repeated until a person has allowed it.
fn allowed(
    args: &Args,
    serial: Serial,
    module: &mut ConnectedModule,
    rekey: &Rekey,
) -> Result<Rekeyed, Failure> {
    let needs_person =
        |error: &ModuleError| matches!(error, ModuleError::Refused(Status::NeedsPerson));
    let rekeyed = match module.rekey(rekey) {
        Err(refused) if needs_person(&refused) => {
            tell(args, serial)?;
            asking::repeat(refused, thread::sleep, || module.rekey(rekey), needs_person)
        }
        outcome => outcome,
    };
    rekeyed.map_err(of_module(serial))
}

/// Says what a person is to do, and what it means.
fn tell(args: &Args, serial: Serial) -> Result<(), Failure> {
    let seconds = ASKS.as_secs();
    if args.json {
        Event::new("asks")
            .text("serial", serial)
            .with("keys", "KEY+2")
            .with("seconds", seconds)
            .print()
    } else {
        output::line(&format!(
            "on the keypad of {serial} hold KEY+2 for one second to let it re-key its team ({seconds} s)"
        ))
    }
}

/// What was done, what is to be done now, and what no re-key does.
fn print_text(rekey: &Rekey, rekeyed: Rekeyed) -> Result<(), Failure> {
    output::line(&format!(
        "the team has epoch {}: it encrypts from now on, older ones only decrypt",
        rekeyed.epoch
    ))?;
    if let Some(dropped) = rekeyed.dropped {
        output::line(&format!(
            "epoch {dropped} was dropped: no module that gets this keyring reads its files any more"
        ))?;
    }
    if !rekey.without.is_empty() {
        let without: Vec<_> = rekey.without.iter().copied().collect();
        output::line(&format!(
            "retired: {}; what it could read, it can still read, and nothing that is encrypted from now on",
            listed(&without)
        ))?;
    }
    output::line(
        "now unlock each of the other modules as its Administrator and run `keywriter clone`: until then they cannot \
         read what is encrypted from now on\n\
         senders of age files need the new recipient: `keywriter recipient`",
    )
}

fn print_json(serial: Serial, rekey: &Rekey, rekeyed: Rekeyed) -> Result<(), Failure> {
    let without: Vec<_> = rekey.without.iter().map(Serial::to_string).collect();
    Event::new("rekeyed")
        .text("serial", serial)
        .epoch(rekeyed.epoch)
        .with("without", without)
        .with("dropped", rekeyed.dropped.map(|epoch| epoch.number))
        .print()
}
