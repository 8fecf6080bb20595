//! Opens tickets, and does what is done with them.

use super::{Outcome, chosen};
use crate::{
    backend::files,
    model::{Problem, Reason, TeamDone, TicketKind, TicketView, TicketWish},
};
use keywriter::{
    Serial,
    folders::Folders,
    survey::{Present, Survey},
    team::{Policy, Rekey},
    teamwork::{
        self, Teamwork,
        policy::Custodians,
        tickets::{self, Names},
    },
    text::shown_path,
    ticket::{Allows, To, screen::grouped},
};
use std::path::{Path, PathBuf};

/// Reads the one ticket of files, with its approvals. No module is needed.
pub(in crate::backend) fn open(
    root: Option<&Path>,
    folders: &Folders,
    portal: &str,
    paths: Vec<PathBuf>,
) -> Result<Box<TicketView>, Problem> {
    let root = files::root(root, folders)?.ok_or(Reason::NoRoot)?;
    let found = tickets::load(&paths, &root)?;
    let Ok([approved]) = <[_; 1]>::try_from(found) else {
        let names = paths.iter().map(|path| shown_path(path));
        let names = names.collect::<Vec<_>>().join(", ");
        return Err(Problem::new(Reason::NoTicket).about(names));
    };
    let facts = approved.ticket;
    let code = facts.code().map_err(|error| Problem::from(&error))?;
    let qr = facts.qr(portal).map_err(|error| Problem::from(&error))?;
    Ok(Box::new(TicketView {
        files: paths,
        names: Names::read(&folders.receipts(), &root),
        approvals: approved.approvals.into_keys().collect(),
        code: grouped(&code),
        page: format!("{}/ticket", portal.trim_end_matches('/')),
        qr,
        facts,
    }))
}

pub(super) fn make(
    work: &Teamwork<'_>,
    mut survey: Survey,
    (master, wish): (Serial, &TicketWish),
    (output, outcome): (&Path, &Outcome),
) -> Result<(), Problem> {
    let mut present = teamwork::take(&mut survey, master)?;
    let allows = allows(work, &present, &survey, wish)?;
    work.make_ticket(&mut present, &allows, chosen(output))?;
    outcome.add(master, TeamDone::TicketMade);
    Ok(())
}

fn allows(
    work: &Teamwork<'_>,
    master: &Present,
    others: &Survey,
    wish: &TicketWish,
) -> Result<Allows, Problem> {
    let serial = master.facts.serial;
    let to = || {
        if wish.serials.is_empty() {
            To::Any(wish.count)
        } else {
            To::Named(wish.serials.clone())
        }
    };
    Ok(match wish.kind {
        TicketKind::Clone => work.may_clone(serial, to()),
        TicketKind::Letter => work.may_write(serial, to()),
        TicketKind::Rekey => Allows::Rekey(Rekey {
            without: wish.serials.clone(),
            may_drop: false,
        }),
        TicketKind::Policy => Allows::Policy(work.policy(&wish.custodians(), master, others)?),
    })
}

pub(super) fn approve(
    work: &Teamwork<'_>,
    mut survey: Survey,
    (serial, file): (Serial, &Path),
    outcome: &Outcome,
) -> Result<(), Problem> {
    tickets::load_one(file, work.root)?;
    let mut present = teamwork::take(&mut survey, serial)?;
    work.approve(&mut present, file)?;
    outcome.add(serial, TeamDone::Approved);
    Ok(())
}

pub(super) fn withdraw(
    work: &Teamwork<'_>,
    mut survey: Survey,
    (serial, files): (Serial, &[PathBuf]),
    outcome: &Outcome,
) -> Result<(), Problem> {
    let found = tickets::load(files, work.root)?;
    let mut present = teamwork::take(&mut survey, serial)?;
    for approved in &found {
        work.withdraw(&mut present, approved)?;
    }
    outcome.add(serial, TeamDone::Withdrawn);
    Ok(())
}

/// What the policy of a team is to be.
pub(super) enum NewPolicy<'a> {
    /// That custodians decide.
    Of(&'a Custodians),
    /// What tickets allow.
    Allowed(&'a Policy, &'a [PathBuf]),
}

pub(super) fn set_policy(
    work: &Teamwork<'_>,
    mut survey: Survey,
    (serial, new): (Serial, &NewPolicy<'_>),
    outcome: &Outcome,
) -> Result<(), Problem> {
    let mut master = teamwork::take(&mut survey, serial)?;
    match new {
        NewPolicy::Of(custodians) => {
            let policy = work.policy(custodians, &master, &survey)?;
            work.set_policy(&mut master, &policy, &[])?;
        }
        NewPolicy::Allowed(policy, files) => {
            let given = tickets::load(files, work.root)?;
            work.set_policy(&mut master, policy, &given)?;
        }
    }
    outcome.add(serial, TeamDone::PolicySet);
    Ok(())
}
