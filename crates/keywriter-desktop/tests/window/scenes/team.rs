//! A team, and letters to its members.

use super::{enter, master, name, secondary, serial, survey};
use keywriter::{asking::Asked, teamwork::Mail};
use keywriter_desktop::{
    model::{
        Event, Intent, Member, Page, Part, PastCycle, Problem, Reason, Sharing, Team, TeamDone,
        TeamEvent, TeamOutcome,
    },
    screen::App,
};

pub(crate) fn team(app: &App, event: TeamEvent) {
    app.hear(Event::Team(event));
}

pub(crate) fn nothing_done() -> TeamEvent {
    TeamEvent::Ended(Ok(TeamOutcome::default()))
}

/// The page of the team, with the master and a locked member plugged in.
pub(crate) fn open_team(app: &App) {
    enter(app, Some(&name(0)));
    let mut locked = secondary(&name(2), Part::None);
    locked.sharing = Sharing::Locked;
    app.hear(survey(vec![master(&name(0)), locked]));
    app.act(Intent::OpenPage(Page::Team));
    let member = |(place, epoch, has_letterbox)| Member {
        serial: serial(&name(place)),
        epoch,
        master: serial(&name(0)),
        has_letterbox,
    };
    let members = [(1, 3, true), (2, 3, true), (3, 2, true), (4, 3, false)];
    let teams = vec![Team {
        group: [1; 16],
        members: members.map(member).into(),
    }];
    team(app, TeamEvent::Listed(teams));
    let cycle = |(day, number, clones)| PastCycle {
        day: String::from(day),
        master: serial(&name(0)),
        number,
        options: keywriter::Options::default(),
        receipts: vec!["/home/ada/KW-1.receipt.pem".into(); clones],
    };
    let cycles = [("2026-11-27", 2, 1), ("2026-11-03", 1, 3)].map(cycle);
    team(app, TeamEvent::Past(cycles.into()));
}

pub(super) fn asks(app: &App) {
    open_team(app);
    app.act(Intent::TakeLetters(
        "/home/ada/keywriter-letters.pem".into(),
    ));
    let device = serial(&name(2));
    team(app, TeamEvent::Asks(device, Asked::Replace));
}

/// The question before a re-key, with one member left out.
pub(super) fn rekeying(app: &App) {
    open_team(app);
    app.act(Intent::AskRekey);
    app.act(Intent::KeepMember(serial(&name(3)), false));
}

pub(crate) fn rekeyed(app: &App) {
    rekeying(app);
    let file = "/home/ada/keywriter-letters.pem";
    app.act(Intent::Rekey(file.into()));
    let line = |(place, done)| (Some(serial(&name(place))), done);
    let lines = [
        (0, Ok(TeamDone::Rekeyed(4))),
        (3, Ok(TeamDone::LeftOut)),
        (4, Ok(TeamDone::NoLetterbox)),
        (1, Ok(TeamDone::EpochWritten)),
        (2, Err(Problem::new(Reason::OtherLetterbox))),
    ];
    let mut lines = Vec::from(lines.map(line));
    let harmed = Problem::new(Reason::PostNotVerified).about("/home/ada/reply.pem");
    lines.push((None, Err(harmed)));
    let outcome = TeamOutcome {
        lines,
        mail: Some((Mail::Letters, file.into())),
    };
    team(app, TeamEvent::Ended(Ok(outcome)));
}

pub(super) fn taken(app: &App) {
    open_team(app);
    app.act(Intent::TakeLetters(
        "/home/ada/keywriter-letters.pem".into(),
    ));
    let outcome = TeamOutcome {
        lines: vec![(Some(serial(&name(2))), Ok(TeamDone::HasEpoch(4)))],
        mail: Some((Mail::Reply, "/home/ada/keywriter-letters-reply.pem".into())),
    };
    team(app, TeamEvent::Ended(Ok(outcome)));
}
