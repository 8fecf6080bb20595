//! `keywriter team policy|show`

use super::{
    find, of_module, person, require_app_pin, root_for_work, survey_all, take,
    ticket::{self, Names},
};
use crate::{
    args::{Args, PolicyChoices},
    failure::Failure,
    output::{self, Event},
    table,
};
use keywriter::{
    Serial,
    genuine::TrustedRoot,
    letter::members::{self, Members},
    problem::Reason,
    survey::{Present, Survey},
    team::Policy,
    text::{counted, hex},
};
use std::path::{Path, PathBuf};

/// Gives the team a policy.
pub(super) fn set(
    args: &Args,
    choices: &PolicyChoices,
    tickets: &[PathBuf],
) -> Result<(), Failure> {
    require_app_pin(args)?;
    let serial = choices.serial;
    let mut found = survey_all(args)?;
    let mut master = take(&mut found, serial)?;
    let policy = wanted(args, choices, &master, &found)?;
    ticket::present(
        &ticket::load(tickets, &root_for_work(args)?)?,
        &mut master.module,
        serial,
    )?;
    let keys = ("KEY+3", "to let it change its team's policy");
    person::allowed(args, serial, keys, || master.module.set_policy(&policy))?;
    if args.json {
        return Event::new("policy")
            .text("serial", serial)
            .with("quorum", policy.quorum)
            .with("custodians", policy.custodians.len())
            .print();
    }
    let count = counted(policy.custodians.len(), "custodian", "custodians");
    output::line(&match policy.quorum {
        0 => "nobody is asked any more before keys go to another module".to_owned(),
        quorum => format!("{quorum} of {count} must agree before keys go to another module"),
    })?;
    output::line(
        "each member learns it by letter (`keywriter letter write`); a clone that has not, and may clone, still clones \
         alone: re-key (`keywriter team rekey`), and what it gives away ends with the old epoch",
    )
}

/// Returns the policy with its custodians, who are plugged in or known by their receipts.
pub(super) fn wanted(
    args: &Args,
    choices: &PolicyChoices,
    master: &Present,
    found: &Survey,
) -> Result<Policy, Failure> {
    let root = root_for_work(args)?;
    let members = match master.facts.status {
        Some(status) => members_of(args, choices.receipts.as_deref(), &status.group, &root)?,
        None => Members::new(),
    };
    let known = |serial: &Serial| {
        let here = [master].into_iter().chain(&found.modules);
        let mut here = here.filter(|present| present.facts.serial == *serial);
        let here = here.find_map(|present| present.facts.party());
        let party = here.or_else(|| members.get(serial).map(|member| member.statement.secondary));
        party
            .map(|party| party.certificate)
            .ok_or_else(|| Failure::about(Reason::CustodianUnknown, serial))
    };
    let custodians = choices.custodian.iter().map(known);
    let policy = Policy {
        quorum: choices.quorum,
        custodians: custodians.collect::<Result<_, _>>()?,
    };
    let count = policy.custodians.len();
    let quorum = usize::from(policy.quorum);
    if quorum > 0 && count == quorum {
        output::note(
            "as many custodians must agree as there are: if one of their modules is lost, nobody can clone, re-key or \
             change the policy any more; name one more\n",
        );
    }
    Ok(policy)
}

fn members_of(
    args: &Args,
    receipts: Option<&Path>,
    group: &[u8; 16],
    root: &TrustedRoot,
) -> Result<Members, Failure> {
    let folders = args.folders()?;
    let receipts = receipts.map_or_else(|| folders.receipts(), Path::to_path_buf);
    Ok(members::of_group(&receipts, group, root))
}

/// Shows what a module tells of its team.
pub(super) fn show(args: &Args, serial: Serial, receipts: Option<&Path>) -> Result<(), Failure> {
    require_app_pin(args)?;
    let root = root_for_work(args)?;
    let mut present = find(args, serial)?;
    let status = present.facts.status;
    let status = status.ok_or_else(|| Failure::about(Reason::NoUnlockedModule, serial))?;
    let team = present.module.team().map_err(of_module(serial))?;
    let mut names = Names::read(args, receipts, &root)?;
    if let Some(party) = present.facts.party() {
        names.0.insert(party.certificate, serial);
    }
    let all = |certificates: &mut dyn Iterator<Item = &[u8; 48]>| {
        let mut all: Vec<_> = certificates
            .map(|certificate| names.of(certificate))
            .collect();
        all.sort_unstable();
        all
    };
    let custodians = all(&mut team.policy.custodians.iter());
    let rekeying = all(&mut team.rekeying.iter());
    let retired: Vec<_> = team.retired.iter().map(Serial::to_string).collect();
    if args.json {
        return Event::new("team")
            .text("serial", serial)
            .with("group", hex(&status.group))
            .epoch(status.epoch)
            .with("quorum", team.policy.quorum)
            .with("custodians", custodians)
            .with("rekeying", rekeying)
            .with("retired", retired)
            .with("tickets_used", team.used.len())
            .print();
    }
    let or_none = |list: Vec<String>| {
        if list.is_empty() {
            "none".to_owned()
        } else {
            list.join(", ")
        }
    };
    let rows = [
        ("team", hex(&status.group)),
        ("epoch", status.epoch.to_string()),
        ("re-keyed by", or_none(rekeying)),
        (
            "quorum",
            match team.policy.quorum {
                0 => "none: nobody is asked".to_owned(),
                quorum => format!("{quorum} of {}", team.policy.custodians.len()),
            },
        ),
        ("custodians", or_none(custodians)),
        ("retired", or_none(retired)),
        ("tickets used", team.used.len().to_string()),
    ];
    output::line(table::pairs(rows).trim_end())
}
