//! Who is in a team, and the letters to its members.

use super::*;
use keywriter::{asking::Asked, team::Rekey};
use std::collections::BTreeSet;

fn device(name: &str, sharing: Sharing) -> ModuleView {
    ModuleView {
        sharing,
        ..secondary(name, Part::None)
    }
}

fn unlocked() -> Sharing {
    Sharing::Unlocked { group: [1; 16] }
}

/// On the page of the team, with these devices.
fn with(devices: &[(&str, Sharing)]) -> Model {
    let mut model = evaluating();
    let listed = model.act(Intent::OpenPage(Page::Team));
    assert!(matches!(
        listed[..],
        [Command::ListTeams, Command::AskTeams]
    ));
    let devices = devices.iter().cloned();
    let devices = devices.map(|(name, sharing)| device(name, sharing));
    model.hear(surveyed(devices.collect()));
    let member = |name, epoch| Member {
        serial: serial(name),
        epoch,
        master: serial("A"),
        has_letterbox: true,
        since: "2026-11-27".into(),
        is_outstanding: false,
        certificate: [1; 48],
        cycle: 2,
        is_by_ticket: false,
    };
    let team = Team {
        group: [1; 16],
        members: vec![member("A", 2), member("B", 2), member("C", 1)],
    };
    model.hear(Event::Team(TeamEvent::Listed(vec![team])));
    model
}

fn order(model: &mut Model, intent: Intent) -> Option<TeamOrder> {
    match model.act(intent).pop() {
        Some(Command::ServeTeam(order)) => Some(order),
        _ => None,
    }
}

fn ended(model: &mut Model) -> Vec<Command> {
    model.hear(Event::Team(TeamEvent::Ended(Ok(TeamOutcome::default()))))
}

#[test]
fn an_unlocked_device_is_worked_with_unless_another_is_chosen() {
    let mut model = with(&[("A", Sharing::Locked), ("B", unlocked())]);
    assert_eq!(model.team.device(), Some(serial("B")));
    assert_eq!(model.team.master_lack(), None);
    model.act(Intent::ChooseDevice(serial("A")));
    let asked = order(&mut model, Intent::RequestLetter("/r.pem".into()));
    let request = TeamOrder::Request {
        serial: serial("A"),
        output: "/r.pem".into(),
    };
    assert_eq!(asked, Some(request), "one that is locked asks, too");
    let lack = model.team.master_lack().map(|problem| problem.reason);
    assert_eq!(lack, Some(Reason::Locked));
}

#[test]
fn letters_are_written_for_the_requests_that_were_chosen_last() {
    let mut model = with(&[("A", unlocked())]);
    let write = |model: &mut Model| order(model, Intent::WriteLetters("/l.pem".into()));
    assert_eq!(write(&mut model), None, "no request");
    model.act(Intent::ChooseRequests(vec!["/r.pem".into()]));
    let written = TeamOrder::Write {
        master: serial("A"),
        requests: vec!["/r.pem".into()],
        tickets: Vec::new(),
        output: "/l.pem".into(),
    };
    assert_eq!(write(&mut model), Some(written));
    ended(&mut model);
    assert_eq!(write(&mut model), None, "once");
}

#[test]
fn a_re_key_leaves_out_whom_the_user_names_and_nobody_otherwise() {
    let mut model = with(&[("A", unlocked())]);
    for (leaves, without) in [(None, BTreeSet::new()), (Some("C"), [serial("C")].into())] {
        model.act(Intent::AskRekey);
        let asked = model.team.rekey().unwrap();
        let names: Vec<_> = asked.members.iter().map(|(serial, _)| *serial).collect();
        assert_eq!(names, [serial("B"), serial("C")], "not the device itself");
        if let Some(name) = leaves {
            model.act(Intent::KeepMember(serial(name), false));
        }
        let rekey = order(&mut model, Intent::Rekey("/l.pem".into()));
        let wanted = TeamOrder::Rekey {
            master: serial("A"),
            rekey: Rekey {
                without,
                may_drop: false,
            },
            tickets: Vec::new(),
            output: "/l.pem".into(),
        };
        assert_eq!(rekey, Some(wanted));
        assert_eq!(model.team.rekey(), None);
        ended(&mut model);
    }
    model.act(Intent::AskRekey);
    model.act(Intent::CancelRekey);
    assert_eq!(order(&mut model, Intent::Rekey("/l.pem".into())), None);
}

#[test]
fn a_letter_waits_for_cycle_files_and_login() {
    let take = || Intent::TakeLetters("/l.pem".into());
    let mut model = Model::default();
    model.hear(launched(LicenseState::Registered(license()), None));
    assert_eq!(order(&mut model, take()), None, "before the login");

    let mut model = with(&[("A", unlocked())]);
    model.act(Intent::AddFiles(vec!["/a".into()]));
    model.act(Intent::StartFiles);
    model.act(Intent::OpenPage(Page::Team));
    assert_eq!(order(&mut model, take()), None, "files are worked on");
    model.hear(Event::Files(FilesEvent::Ended(FilesOutcome::default())));
    assert!(order(&mut model, take()).is_some());
    assert_eq!(order(&mut model, take()), None, "once");
    model.act(Intent::ClearFiles);
    model.act(Intent::AddFiles(vec!["/a".into()]));
    assert!(model.act(Intent::StartFiles).is_empty(), "the device works");

    let mut model = ready();
    model.act(Intent::Start);
    model.act(Intent::OpenPage(Page::Team));
    assert_eq!(order(&mut model, take()), None, "a cycle runs");
}

#[test]
fn the_report_of_a_past_cycle_is_saved_once() {
    let mut model = with(&[]);
    let cycle = PastCycle {
        day: "2026-11-28".into(),
        master: serial("A"),
        number: 4,
        options: keywriter::Options::default(),
        receipts: vec!["/r.pem".into()],
    };
    model.hear(Event::Team(TeamEvent::Past(vec![cycle.clone()])));
    let save = || Intent::SavePastReport("/r.json".into());
    assert!(model.act(save()).is_empty(), "none is chosen");
    model.act(Intent::ChooseCycle(0));
    let commands = model.act(save());
    let [Command::SaveReport { cycle: saved, .. }] = &commands[..] else {
        panic!("not saved")
    };
    assert_eq!(*saved, Some(cycle));
    assert!(model.act(save()).is_empty());
}

#[test]
fn a_device_has_the_name_that_it_was_given_last() {
    let mut model = with(&[]);
    let mut rename = |name: &str| {
        let commands = model.act(Intent::Rename(serial("A"), name.into()));
        let [Command::SaveNicknames(saved)] = &commands[..] else {
            panic!("not saved")
        };
        assert_eq!(*saved, model.nicknames);
        model.nicknames.of(serial("A")).to_owned()
    };
    assert_eq!(rename("  Ada\u{7} at home "), "Ada at home");
    assert_eq!(rename(&"x".repeat(99)).len(), 40);
    assert_eq!(rename(" "), "");
}

#[test]
fn after_a_letter_members_and_recipient_are_read_anew() {
    let mut model = with(&[("A", unlocked())]);
    let told = Recipient {
        serial: serial("A"),
        group: [1; 16],
        text: "age1keywriter1".into(),
    };
    model.hear(Event::Files(FilesEvent::Recipient(Ok(told))));
    order(&mut model, Intent::TakeLetters("/l.pem".into())).unwrap();
    model.hear(Event::Team(TeamEvent::Asks(serial("A"), Asked::Replace)));
    let asks = Some((serial("A"), Asked::Replace));
    assert_eq!(*model.team.course(), TeamCourse::Running { asks });
    let commands = ended(&mut model);
    assert!(matches!(
        commands[..],
        [Command::ListTeams, Command::Look(_), Command::AskTeams]
    ));
    assert_eq!(*model.files.recipient(), RecipientView::None);
    order(&mut model, Intent::TakeLetters("/l.pem".into())).unwrap();
    let refused = Problem::new(Reason::NoLetter);
    model.hear(Event::Team(TeamEvent::Ended(Err(refused.clone()))));
    assert_eq!(*model.team.course(), TeamCourse::Idle);
    assert_eq!(model.notice, Some(Notice::Problem(refused)));
}

#[test]
fn what_is_typed_for_a_ticket_is_understood_or_named() {
    let form = |kind, serials: &str, count: &str| TicketForm {
        kind,
        serials: serials.into(),
        count: count.into(),
        is_now: false,
    };
    let parsed = |kind, serials, count| form(kind, serials, count).parse();
    let wish = parsed(TicketKind::Clone, " a, b;c\na", "x").unwrap();
    assert_eq!(wish.serials, ["A", "B", "C"].map(serial).into());
    assert_eq!(parsed(TicketKind::Letter, "", " 250 ").unwrap().count, 250);
    for count in ["0", "251", "", "-1", "many"] {
        assert_eq!(
            parsed(TicketKind::Clone, "", count),
            Err(FormError::Count),
            "{count}"
        );
    }
    let slip = parsed(TicketKind::Rekey, "A, b_c", "");
    assert_eq!(slip, Err(FormError::Serial("b_c".into())));
    assert!(
        parsed(TicketKind::Rekey, "", "").is_ok(),
        "nobody is left out"
    );
    assert!(
        parsed(TicketKind::Policy, "", "0").is_ok(),
        "nobody is asked"
    );
    assert_eq!(
        parsed(TicketKind::Policy, "", "1"),
        Err(FormError::NoCustodian)
    );
    let two = parsed(TicketKind::Policy, "A,B", "2").unwrap().custodians();
    assert_eq!((two.quorum, two.serials.len()), (2, 2));
    for count in ["0", "3"] {
        assert_eq!(
            parsed(TicketKind::Policy, "A,B", count),
            Err(FormError::Count),
            "{count}"
        );
    }
}

#[test]
fn devices_are_asked_about_their_team_when_others_are_unlocked() {
    let mut model = with(&[("A", Sharing::Locked)]);
    let survey = |model: &mut Model, sharing| {
        let commands = model.hear(surveyed(vec![device("A", sharing)]));
        matches!(commands[..], [Command::AskTeams])
    };
    assert!(survey(&mut model, unlocked()));
    assert!(!survey(&mut model, unlocked()), "once");
    assert!(survey(&mut model, Sharing::Locked), "what it told is over");
    model.act(Intent::OpenPage(Page::Clone));
    assert!(!survey(&mut model, unlocked()), "not on another page");
}
