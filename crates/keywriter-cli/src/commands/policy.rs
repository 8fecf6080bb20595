//! `keywriter team policy|show`

use super::{
    find, of_module, require_app_pin, root_for_work, survey_all, take, teamwork, told::Printer,
};
use crate::{
    args::{Args, PolicyChoices},
    failure::Failure,
    output::{self, Event},
    table,
};
use keywriter::{
    Serial,
    problem::Reason,
    survey::{Present, Survey},
    team::Policy,
    teamwork::{
        Teamwork,
        policy::Custodians,
        tickets::{self, Names},
    },
    text::{counted, hex},
};
use std::path::{Path, PathBuf};

/// Gives the team a policy.
pub(super) fn set(args: &Args, choices: &PolicyChoices, files: &[PathBuf]) -> Result<(), Failure> {
    require_app_pin(args)?;
    let serial = choices.serial;
    let root = root_for_work(args)?;
    let given = tickets::load(files, &root).map_err(Failure::Problem)?;
    let mut found = survey_all(args)?;
    let mut master = take(&mut found, serial)?;
    let printer = Printer::new(args);
    let tell = |told| printer.tell(told);
    let work = teamwork(args, &root, choices.receipts.as_deref(), &tell)?;
    let policy = wanted(&work, choices, &master, &found)?;
    let set = work.set_policy(&mut master, &policy, &given);
    printer.finish(set)?;
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

/// Returns the policy with its custodians, and warns of one that the loss of a module would make lasting.
pub(super) fn wanted(
    work: &Teamwork<'_>,
    choices: &PolicyChoices,
    master: &Present,
    found: &Survey,
) -> Result<Policy, Failure> {
    let custodians = Custodians {
        quorum: choices.quorum,
        serials: choices.custodian.iter().copied().collect(),
    };
    let policy = work.policy(&custodians, master, found);
    let policy = policy.map_err(Failure::Problem)?;
    if policy.is_tight() {
        output::note(
            "as many custodians must agree as there are: if one of their modules is lost, nobody can clone, re-key or \
             change the policy any more; name one more\n",
        );
    }
    Ok(policy)
}

/// Shows what a module tells of its team.
pub(super) fn show(args: &Args, serial: Serial, receipts: Option<&Path>) -> Result<(), Failure> {
    require_app_pin(args)?;
    let root = root_for_work(args)?;
    let mut present = find(args, serial)?;
    let status = present.facts.status;
    let status = status.ok_or_else(|| Failure::about(Reason::NoUnlockedModule, serial))?;
    let team = present.module.team().map_err(of_module(serial))?;
    let folder = args.folders()?.receipts();
    let mut names = Names::read(receipts.unwrap_or(&folder), &root);
    names.add(&present);
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
