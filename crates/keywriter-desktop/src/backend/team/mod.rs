//! Serves a team: carries letters, and re-keys. What needs a module is done on the modules' thread.

mod list;
mod tickets;

pub(super) use list::{history, list};
pub(super) use tickets::open as open_ticket;

use super::{Emit, files};
use crate::model::{Event, Problem, Reason, TeamDone, TeamEvent, TeamOrder, TeamOutcome};
use keywriter::{
    Serial,
    folders::Folders,
    license::{GateRefusal, HardwarePermit},
    protocol::LetterKind,
    survey::{Present, Survey},
    team::{Rekey, TeamFacts},
    teamwork::{
        self, Done, Output, Teamwork, Told,
        letters::{Replies, Requests, Retired},
        taking::{Letters, reply_beside},
        tickets as given,
    },
    text::shown_path,
    ticket::ApprovedTicket,
};
use std::{
    cell::RefCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
};
use tickets::NewPolicy;

/// Asks the modules that are unlocked what they know of their team.
pub(super) fn ask(survey: &mut Survey) -> BTreeMap<Serial, TeamFacts> {
    let unlocked = survey.modules.iter_mut().filter(|present| {
        let facts = &present.facts;
        facts.is_genuine() && facts.status.is_some()
    });
    let told = unlocked.filter_map(|present| {
        let told = present.module.team();
        Some((present.facts.serial, told.ok()?))
    });
    told.collect()
}

/// An order with what it needs beside the modules.
pub(super) struct Service {
    pub(super) order: TeamOrder,
    pub(super) folders: Folders,
    pub(super) root: Option<PathBuf>,
    /// The license that a letter needs that makes a hardware module a clone.
    pub(super) hardware: Result<HardwarePermit, GateRefusal>,
    pub(super) emit: Emit,
}

impl Service {
    /// Does what was ordered with the modules that are there, and reports its end.
    pub(super) fn run(self, survey: Survey) {
        let ended = self.serve(survey);
        (self.emit)(Event::Team(TeamEvent::Ended(ended)));
    }

    fn serve(&self, survey: Survey) -> Result<TeamOutcome, Problem> {
        let root = files::root(self.root.as_deref(), &self.folders)?;
        let root = root.ok_or(Reason::NoRoot)?;
        let outcome = Outcome::default();
        let tell = |told| self.hear(told, &outcome);
        let work = Teamwork::new(&self.folders, &root, &tell);
        self.work(&work, survey, &outcome)?;
        Ok(outcome.0.into_inner())
    }

    fn work(
        &self,
        work: &Teamwork<'_>,
        mut survey: Survey,
        outcome: &Outcome,
    ) -> Result<(), Problem> {
        match &self.order {
            TeamOrder::Request { serial, output } => {
                let mut present = teamwork::take(&mut survey, *serial)?;
                work.request(&mut present, chosen(output))?;
                outcome.add(*serial, TeamDone::Requested);
            }
            TeamOrder::Write {
                master,
                requests,
                tickets,
                output,
            } => {
                let requests = Requests::load(requests, work.root)?;
                let given = given::load(tickets, work.root)?;
                let mut master = teamwork::take(&mut survey, *master)?;
                let wanted = work.to_requests(&master, requests, false);
                work.check_wanted(&wanted, &self.hardware)?;
                let output = chosen(output);
                work.write(&mut master, (&wanted, &given), Retired::Fails, output)?;
            }
            TeamOrder::Take(file) => {
                let letters = Letters::load(file, work.root)?;
                let reply = reply_beside(file);
                let output = Output {
                    path: &reply,
                    replace: false,
                };
                work.take_all(survey, &letters, &[], output)?;
            }
            TeamOrder::Close { master, replies } => {
                let replies = Replies::load(replies)?;
                let mut master = teamwork::take(&mut survey, *master)?;
                work.close(&mut master, replies)?;
            }
            TeamOrder::Rekey {
                master,
                rekey: wanted,
                tickets,
                output,
            } => {
                let given = given::load(tickets, work.root)?;
                let master = teamwork::take(&mut survey, *master)?;
                rekey(work, (master, survey), (wanted, &given), (output, outcome))?;
            }
            TeamOrder::MakeTicket {
                master,
                wish,
                output,
            } => tickets::make(work, survey, (*master, wish), (output, outcome))?,
            TeamOrder::Approve { serial, file } => {
                tickets::approve(work, survey, (*serial, file), outcome)?;
            }
            TeamOrder::Withdraw { serial, files } => {
                tickets::withdraw(work, survey, (*serial, files), outcome)?;
            }
            TeamOrder::SetPolicy { master, custodians } => {
                let new = NewPolicy::Of(custodians);
                tickets::set_policy(work, survey, (*master, &new), outcome)?;
            }
            TeamOrder::UsePolicy {
                master,
                policy,
                files,
            } => {
                let new = NewPolicy::Allowed(policy, files);
                tickets::set_policy(work, survey, (*master, &new), outcome)?;
            }
        }
        Ok(())
    }

    fn hear(&self, told: Told, outcome: &Outcome) {
        match told {
            Told::Asks(serial, what) => {
                (self.emit)(Event::Team(TeamEvent::Asks(serial, what)));
            }
            Told::Done(serial, done) => outcome.add(serial, word(&done)),
            Told::Failed(serial, problem) => outcome.fail(serial, problem),
            Told::Saved(mail, file, _) => outcome.0.borrow_mut().mail = Some((mail, file)),
            Told::NoLetterbox(serials) => {
                for serial in serials {
                    outcome.add(serial, TeamDone::NoLetterbox);
                }
            }
            Told::ReceiptSetAside(file) => {
                tracing::warn!("set aside: {}", shown_path(&file));
            }
            Told::LetterboxNotKept(why) => tracing::warn!("a letterbox is not kept: {why}"),
            // The user picked them from the list of members.
            Told::NeverCloned(..) | Told::NothingToWrite | Told::Approvals { .. } => {}
        }
    }
}

/// What became of the order so far.
#[derive(Default)]
struct Outcome(RefCell<TeamOutcome>);

impl Outcome {
    fn add(&self, serial: Serial, done: TeamDone) {
        self.0.borrow_mut().lines.push((Some(serial), Ok(done)));
    }

    fn fail(&self, serial: Option<Serial>, problem: Problem) {
        self.0.borrow_mut().lines.push((serial, Err(problem)));
    }
}

/// Makes the next epoch, and brings it to the members. What was re-keyed stays so if this fails.
fn rekey(
    work: &Teamwork<'_>,
    (mut master, others): (Present, Survey),
    (rekey, given): (&Rekey, &[ApprovedTicket]),
    (output, outcome): (&Path, &Outcome),
) -> Result<(), Problem> {
    let next = work.rekey(&mut master, rekey, given)?;
    outcome.add(master.facts.serial, TeamDone::Rekeyed(next.epoch.number));
    let without = &rekey.without;
    for serial in without {
        outcome.add(*serial, TeamDone::LeftOut);
    }
    let letters = Some(chosen(output));
    if let Err(problem) = work.spread(&mut master, others, (without, given), letters) {
        outcome.fail(None, problem);
    }
    Ok(())
}

/// A file that the user chose: the dialog has asked whether it may be replaced.
const fn chosen(path: &Path) -> Output<'_> {
    Output {
        path,
        replace: true,
    }
}

const fn word(done: &Done) -> TeamDone {
    match done {
        Done::JoinWritten => TeamDone::JoinWritten,
        Done::EpochWritten => TeamDone::EpochWritten,
        Done::LeftOut => TeamDone::LeftOut,
        Done::Taken(taken) => match taken.kind {
            LetterKind::Join => TeamDone::Joined,
            LetterKind::Epoch => TeamDone::HasEpoch(taken.epoch),
        },
        Done::Closed(_) => TeamDone::Closed,
    }
}
