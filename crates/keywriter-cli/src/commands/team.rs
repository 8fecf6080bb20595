//! `keywriter team`

use super::{find, of_module, person, require_app_pin};
use crate::{
    args::{Args, RekeyChoices, TeamCommand},
    failure::Failure,
    output::{self, Event},
};
use keywriter::{Serial, module::ConnectedModule, protocol::Rekeyed, team::Rekey, text::listed};

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
    warn_of_unknown(&mut present.module, serial, &rekey)?;
    let keys = ("KEY+2", "to let it re-key its team");
    let next = person::allowed(args, serial, keys, || present.module.rekey(&rekey))?;
    if args.json {
        print_json(serial, &rekey, next)
    } else {
        print_text(&rekey, next)
    }
}

/// Names modules that are to be retired and that this master never cloned to: a serial number with a slip of the pen
/// would leave the lost module in the team.
fn warn_of_unknown(
    module: &mut ConnectedModule,
    serial: Serial,
    rekey: &Rekey,
) -> Result<(), Failure> {
    if rekey.without.is_empty() {
        return Ok(());
    }
    let journal = module.journal().map_err(of_module(serial))?;
    let is_unknown = |retired: &Serial| journal.table.iter().all(|row| row.serial != *retired);
    let unknown: Vec<_> = rekey.without.iter().copied().filter(is_unknown).collect();
    if !unknown.is_empty() {
        output::note(&format!(
            "not in the journal of {serial}: {}; check the serial number before you allow it\n",
            listed(&unknown)
        ));
    }
    Ok(())
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
