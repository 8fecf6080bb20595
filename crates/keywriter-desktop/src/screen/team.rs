//! Copies the state of the page of the team to Slint's globals.

use super::{
    mirror::{count, problem},
    sync::update,
    ui,
};
use crate::model::{Model, Problem, Sharing, Team, TeamCourse, TeamDone, TeamOutcome, TeamPage};
use keywriter::{Serial, asking::Asked, team::TeamFacts, teamwork::Mail, text::shown_path};
use slint::{ComponentHandle as _, ModelRc, VecModel};
use std::rc::Rc;

/// The lists of the page.
#[derive(Default)]
pub(super) struct TeamLists {
    rows: Rc<VecModel<ui::TeamRow>>,
    lines: Rc<VecModel<ui::TeamLine>>,
    choices: Rc<VecModel<ui::ChoiceView>>,
    kept: Rc<VecModel<ui::KeptMember>>,
}

impl TeamLists {
    pub(super) fn connect(&self, window: &ui::AppWindow) {
        let page = window.global::<ui::Team>();
        page.set_rows(ModelRc::from(Rc::clone(&self.rows)));
        page.set_lines(ModelRc::from(Rc::clone(&self.lines)));
        page.set_choices(ModelRc::from(Rc::clone(&self.choices)));
        let question = window.global::<ui::RekeyQuestion>();
        question.set_members(ModelRc::from(Rc::clone(&self.kept)));
    }

    pub(super) fn show(&self, window: &ui::AppWindow, model: &Model) {
        let team = &model.team;
        let page = window.global::<ui::Team>();
        page.set_is_cloning(model.cloning.is_running());
        page.set_has_files_under_way(model.files.is_running());
        page.set_lack(problem(team.lack().as_ref()));
        page.set_master_lack(problem(team.master_lack().as_ref()));
        let rows = team.teams().iter().flat_map(|shown| rows(model, shown));
        update(&self.rows, rows.chain(history(team)).collect());
        self.show_devices(&page, model);
        self.show_course(&page, team.course());
        let question = window.global::<ui::RekeyQuestion>();
        if let Some(rekey) = team.rekey() {
            let kept = |(serial, stays): &(Serial, bool)| ui::KeptMember {
                serial: serial.as_str().into(),
                nickname: model.nicknames.of(*serial).into(),
                stays: *stays,
            };
            update(&self.kept, rekey.members.iter().map(kept).collect());
            question.set_left_out(count(rekey.rekey().without.len()));
            question.set_is_fixed(rekey.allowed.is_some());
        }
        question.set_is_open(team.rekey().is_some());
    }

    fn show_devices(&self, page: &ui::Team<'_>, model: &Model) {
        let team = &model.team;
        let choice = |(serial, sharing): &(Serial, Sharing)| ui::ChoiceView {
            serial: serial.as_str().into(),
            nickname: model.nicknames.of(*serial).into(),
            unfit: problem(TeamPage::unfit(sharing).as_ref()),
        };
        update(&self.choices, team.devices().iter().map(choice).collect());
        let device = team.device();
        let mut devices = team.devices().iter();
        let at = devices.position(|(serial, _)| Some(*serial) == device);
        page.set_choice(at.map_or(-1, count));
        let device = device.as_ref().map(Serial::as_str);
        page.set_device(device.unwrap_or_default().into());
        let told = team.device().and_then(|serial| team.tickets().told(serial));
        page.set_is_told(told.is_some());
        page.set_quorum(told.map_or(0, |told| count(told.policy.quorum)));
        page.set_custodians(told.map_or(0, |told| count(told.policy.custodians.len())));
    }

    fn show_course(&self, page: &ui::Team<'_>, course: &TeamCourse) {
        page.set_is_running(matches!(course, TeamCourse::Running { .. }));
        page.set_is_over(matches!(course, TeamCourse::Ended(_)));
        match course {
            TeamCourse::Idle => {}
            TeamCourse::Running { asks } => {
                let what = asks.as_ref().map(|(_, what)| *what);
                page.set_asks(match what {
                    // The app clears no table.
                    None | Some(Asked::ClearTable) => ui::Allowance::None,
                    Some(Asked::Replace) => ui::Allowance::Replace,
                    Some(Asked::Rekey) => ui::Allowance::Rekey,
                    Some(Asked::Policy) => ui::Allowance::Policy,
                    Some(Asked::Withdraw) => ui::Allowance::Withdraw,
                    Some(Asked::Code) => ui::Allowance::Code,
                });
                let serial = asks.as_ref().map(|(serial, _)| serial.as_str());
                page.set_asks_serial(serial.unwrap_or_default().into());
            }
            TeamCourse::Ended(outcome) => self.show_outcome(page, outcome),
        }
    }

    fn show_outcome(&self, page: &ui::Team<'_>, outcome: &TeamOutcome) {
        let line = |(serial, done): &(Option<Serial>, Result<TeamDone, Problem>)| {
            let (word, epoch) = done
                .as_ref()
                .map_or((ui::TeamWord::Failed, 0), |it| word(*it));
            ui::TeamLine {
                serial: serial
                    .as_ref()
                    .map(Serial::as_str)
                    .unwrap_or_default()
                    .into(),
                word,
                epoch: count(epoch),
                problem: problem(done.as_ref().err()),
            }
        };
        update(&self.lines, outcome.lines.iter().map(line).collect());
        let (kind, file) = match &outcome.mail {
            None => (ui::MailKind::None, None),
            Some((Mail::Request, file)) => (ui::MailKind::Request, Some(file)),
            Some((Mail::Letters, file)) => (ui::MailKind::Letters, Some(file)),
            Some((Mail::Reply, file)) => (ui::MailKind::Reply, Some(file)),
            Some((Mail::Ticket, file)) => (ui::MailKind::Ticket, Some(file)),
        };
        page.set_mail(kind);
        let file = file.map(|file| shown_path(file));
        page.set_mail_file(file.unwrap_or_default().into());
    }
}

/// Returns the lines of a team: itself, then its members.
fn rows(model: &Model, team: &Team) -> Vec<ui::TeamRow> {
    let newest = team.newest();
    let heading = ui::TeamRow {
        kind: ui::TeamRowKind::Team,
        group: team.group_text().into(),
        members: count(team.members.len()),
        epoch: count(newest),
        ..ui::TeamRow::default()
    };
    let members = team.members.iter().map(|member| ui::TeamRow {
        kind: ui::TeamRowKind::Member,
        serial: member.serial.as_str().into(),
        nickname: model.nicknames.of(member.serial).into(),
        epoch: count(member.epoch),
        is_behind: member.epoch < newest,
        has_letterbox: member.has_letterbox,
        is_present: model
            .team
            .devices()
            .iter()
            .any(|(serial, _)| *serial == member.serial),
        master: member.master.as_str().into(),
        since: member.since.as_str().into(),
        is_outstanding: member.is_outstanding,
        is_custodian: tells(model, team, &|told| {
            told.policy.custodians.contains(&member.certificate)
        }),
        is_retired: tells(model, team, &|told| told.retired.contains(&member.serial)),
        cycle: count(member.cycle),
        is_by_ticket: member.is_by_ticket,
        ..ui::TeamRow::default()
    });
    std::iter::once(heading).chain(members).collect()
}

/// Returns whether an unlocked device of a team tells that.
fn tells(model: &Model, team: &Team, that: &dyn Fn(&TeamFacts) -> bool) -> bool {
    let mut devices = model.team.devices().iter();
    devices.any(|(serial, sharing)| {
        let is_of_team = matches!(sharing, Sharing::Unlocked { group } if *group == team.group);
        is_of_team && model.team.tickets().told(*serial).is_some_and(that)
    })
}

/// Returns the lines of the past cycles, below a heading.
fn history(team: &TeamPage) -> Vec<ui::TeamRow> {
    let cycles = team.cycles().iter().enumerate();
    let cycles = cycles.map(|(place, cycle)| ui::TeamRow {
        kind: ui::TeamRowKind::Cycle,
        place: count(place),
        day: cycle.day.as_str().into(),
        members: count(cycle.receipts.len()),
        epoch: count(cycle.number),
        master: cycle.master.as_str().into(),
        ..ui::TeamRow::default()
    });
    let heading = ui::TeamRow {
        kind: ui::TeamRowKind::History,
        ..ui::TeamRow::default()
    };
    let heading = (!team.cycles().is_empty()).then_some(heading);
    heading.into_iter().chain(cycles).collect()
}

/// Returns the word for what was done, and its epoch.
const fn word(done: TeamDone) -> (ui::TeamWord, u32) {
    match done {
        TeamDone::Requested => (ui::TeamWord::Requested, 0),
        TeamDone::JoinWritten => (ui::TeamWord::JoinWritten, 0),
        TeamDone::EpochWritten => (ui::TeamWord::EpochWritten, 0),
        TeamDone::Joined => (ui::TeamWord::Joined, 0),
        TeamDone::HasEpoch(epoch) => (ui::TeamWord::HasEpoch, epoch),
        TeamDone::Closed => (ui::TeamWord::Closed, 0),
        TeamDone::Rekeyed(epoch) => (ui::TeamWord::Rekeyed, epoch),
        TeamDone::NoLetterbox => (ui::TeamWord::NoLetterbox, 0),
        TeamDone::LeftOut => (ui::TeamWord::LeftOut, 0),
        TeamDone::TicketMade => (ui::TeamWord::TicketMade, 0),
        TeamDone::Approved => (ui::TeamWord::Approved, 0),
        TeamDone::Withdrawn => (ui::TeamWord::Withdrawn, 0),
        TeamDone::PolicySet => (ui::TeamWord::PolicySet, 0),
    }
}
