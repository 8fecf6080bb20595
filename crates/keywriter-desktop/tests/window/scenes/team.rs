//! A team, and letters to its members.

use super::{enter, master, name, secondary, serial, survey};
use keywriter::{
    asking::Asked,
    team::{Policy, TeamFacts},
    teamwork::{Mail, tickets::Names},
    ticket::TicketFacts,
};
use keywriter_desktop::{
    model::{
        Event, Intent, Member, Page, Part, PastCycle, Problem, Reason, Sharing, Team, TeamDone,
        TeamEvent, TeamOutcome, TicketForm, TicketKind, TicketView,
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
    let member = |(place, epoch, has_letterbox): (u8, u32, bool)| Member {
        serial: serial(&name(place.into())),
        epoch,
        master: serial(&name(0)),
        has_letterbox,
        since: "2026-11-27".into(),
        is_outstanding: place == 3,
        certificate: [place; 48],
        cycle: 2,
        is_by_ticket: place == 4,
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

/// A ticket for a clone of one device, as it is on the wire (docs/PROTOCOL.md § 6.2).
fn ticket_facts() -> TicketFacts {
    let mut bytes = vec![1, 9, 1];
    bytes.extend([[0x5A; 16], [1; 16]].as_flattened());
    bytes.extend([0, 0, 0, 3, 8, 8, 8, 8, 8, 8, 8, 8]);
    bytes.extend([9; 48]);
    bytes.extend([2; 16]);
    bytes.extend([1, 0b010, 0, 0]);
    let mut receiver = name(9).into_bytes();
    receiver.resize(16, 0);
    bytes.extend(receiver);
    TicketFacts::read(bytes).unwrap()
}

fn view() -> TicketView {
    let facts = ticket_facts();
    TicketView {
        files: vec!["/home/ada/keywriter-ticket.pem".into()],
        names: Names::from_iter([([9; 48], serial(&name(0)))]),
        approvals: vec![serial(&name(1))],
        code: "3141 5926 7739 8910".into(),
        page: "https://licenses.example.com/ticket".into(),
        qr: facts.qr("https://licenses.example.com").unwrap(),
        facts,
    }
}

/// The policy of the master's team: two of three custodians.
fn tell_policy(app: &App) {
    let told = TeamFacts {
        ledger: [2; 16],
        rekeying: vec![[9; 48]],
        policy: Policy {
            quorum: 2,
            custodians: [[1; 48], [2; 48], [4; 48]].into(),
        },
        retired: vec![serial(&name(3))],
        used: Vec::new(),
    };
    let told = [(serial(&name(0)), told)];
    team(app, TeamEvent::Told(told.into()));
}

/// A ticket that one custodian has approved.
pub(crate) fn ticket(app: &App) {
    open_team(app);
    tell_policy(app);
    let files = vec!["/home/ada/keywriter-ticket.pem".into()];
    app.act(Intent::OpenTicket(files));
    team(app, TeamEvent::Opened(Ok(Box::new(view()))));
}

pub(super) fn code(app: &App) {
    ticket(app);
    app.act(Intent::ShowCode(true));
}

pub(super) fn approving(app: &App) {
    ticket(app);
    app.act(Intent::ApproveTicket);
    team(app, TeamEvent::Asks(serial(&name(0)), Asked::Code));
}

pub(super) fn form(app: &App) {
    open_team(app);
    tell_policy(app);
    app.act(Intent::AskTicket { is_now: false });
    app.act(Intent::EditTicket(TicketForm {
        kind: TicketKind::Clone,
        serials: name(9),
        count: "1".into(),
        is_now: false,
    }));
}

pub(super) fn custodians(app: &App) {
    open_team(app);
    app.act(Intent::AskTicket { is_now: true });
    app.act(Intent::EditTicket(TicketForm {
        kind: TicketKind::Policy,
        serials: [1, 2, 4].map(name).join(", "),
        count: "2".into(),
        is_now: true,
    }));
}

pub(super) fn clone_with_ticket(app: &App) {
    ticket(app);
    app.act(Intent::UseTicket);
}
