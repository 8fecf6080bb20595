//! The page of the team, used by the names that a screen reader says.

use super::{
    hands::{self, find, is_enabled, key, press, says, shows, type_text},
    scenes::{self, open_team, rekeyed},
};
use keywriter::{asking::Asked, teamwork::Mail};
use keywriter_desktop::{
    model::{
        Command, CycleEvent, Intent, Language, Page, Part, Reason, Sharing, TeamDone, TeamEvent,
        TeamOrder, TeamOutcome,
    },
    screen::App,
};
use slint::platform::Key;
use std::{path::PathBuf, rc::Rc};

fn last_order(commands: &scenes::Commands) -> TeamOrder {
    match commands.borrow_mut().pop() {
        Some(Command::ServeTeam(order)) => order,
        _ => panic!("nothing is ordered"),
    }
}

fn opened() -> (Rc<App>, scenes::Commands) {
    let (app, commands) = hands::open_at(env!("CARGO_MANIFEST_DIR").into());
    open_team(&app);
    hands::pass(&app);
    (app, commands)
}

#[test]
fn members_are_listed_with_what_is_known_of_each() {
    let (app, _) = opened();
    let member = |place, word: &str| {
        let name = scenes::name(place);
        let line = find(&app, &format!("{name}, {word}"));
        let by_ticket = if place == 4 {
            ", by a ticket of the custodians"
        } else {
            ""
        };
        let proof = format!(
            "Its receipt proves: cloned by {} in its cycle 2{by_ticket}, here since 2026-11-27",
            scenes::name(0)
        );
        assert_eq!(line.accessible_description().as_deref(), Some(&*proof));
    };
    member(1, "Epoch 3, letterbox known");
    member(2, "Epoch 3, letterbox known, plugged in");
    member(3, "Epoch 2, behind its team, a letter is under way");
    member(4, "Epoch 3, letterbox not known");
    assert!(says(&app, "4 members, epoch 3"));
    // An unlocked device of the team says more of them.
    scenes::ticket(&app);
    hands::pass(&app);
    member(1, "Epoch 3, custodian, letterbox known");
    member(
        3,
        "Epoch 2, behind its team, retired, a letter is under way",
    );
}

#[test]
fn a_name_is_on_the_card_of_its_device() {
    let (app, _) = hands::open();
    scenes::enter(&app, Some(&scenes::name(0)));
    app.hear(scenes::connected(2));
    app.act(Intent::Rename(
        scenes::serial(&scenes::name(1)),
        "Ada".into(),
    ));
    hands::pass(&app);
    find(
        &app,
        &format!("Place 1: {}, Ada, Will be cloned", scenes::name(1)),
    );
    find(
        &app,
        &format!("Place 2: {}, Will be cloned", scenes::name(2)),
    );
}

#[test]
fn manual_and_support_open_in_a_browser() {
    let (app, commands) = opened();
    press(&app, "About");
    press(&app, "Manual");
    assert!(matches!(
        commands.borrow().last(),
        Some(Command::OpenManual(Language::English))
    ));
    press(&app, "Contact support");
    assert!(matches!(
        commands.borrow().last(),
        Some(Command::OpenSupport)
    ));
}

#[test]
fn the_report_of_a_past_cycle_is_saved_without_a_mouse() {
    let (app, commands) = opened();
    let master = scenes::name(0);
    find(
        &app,
        &format!("2026-11-03, 3 devices cloned, cycle 1 of {master}"),
    );
    press(&app, &format!("Save the report of cycle 1 of {master}"));
    key(&app, Key::Escape);
    // The focus is back on the button.
    key(&app, Key::Return);
    key(&app, Key::Return);
    let Some(Command::SaveReport { cycle, .. }) = commands.borrow_mut().pop() else {
        panic!("no report")
    };
    assert_eq!(cycle.map(|cycle| cycle.number), Some(1));
}

#[test]
fn a_member_gets_a_name_without_a_mouse() {
    let (app, commands) = opened();
    let asks = format!("Give {} a name", scenes::name(4));
    press(&app, &asks);
    find(&app, "Name");
    type_text(&app, "Lina");
    key(&app, Key::Return);
    assert!(!shows(&app, "Name"));
    find(
        &app,
        &format!("{}, Lina, Epoch 3, letterbox not known", scenes::name(4)),
    );
    assert!(matches!(
        commands.borrow().last(),
        Some(Command::SaveNicknames(_))
    ));
    // The focus is back on the button, and the name in the field.
    key(&app, Key::Return);
    type_text(&app, " B.");
    key(&app, Key::Return);
    assert!(says(&app, "Lina B., Epoch 3"));
    press(&app, "Re-key the team");
    let hint = find(&app, &scenes::name(4)).accessible_description();
    assert_eq!(
        hint.as_deref(),
        Some("Lina B., Gets the new keys by letter")
    );
}

#[test]
fn a_letter_is_asked_for_taken_and_written_without_a_mouse() {
    let (app, commands) = opened();
    let home = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    press(&app, "Ask for a letter");
    key(&app, Key::Return);
    let request = home.join("keywriter-request.pem");
    let serial = scenes::serial(&scenes::name(0));
    let asked = TeamOrder::Request {
        serial,
        output: request,
    };
    assert_eq!(last_order(&commands), asked);
    assert!(says(&app, "The device is at work…"));
    assert!(!is_enabled(&app, "Take a letter"));
    scenes::team(&app, scenes::nothing_done());
    hands::pass(&app);

    press(&app, "Take a letter");
    type_text(&app, "Cargo.toml");
    key(&app, Key::Return);
    let letters = TeamOrder::Take(home.join("Cargo.toml"));
    assert_eq!(last_order(&commands), letters);
    scenes::team(&app, scenes::nothing_done());
    hands::pass(&app);

    // First the request, then the file of the letters.
    press(&app, "Write letters");
    type_text(&app, "Cargo.toml");
    key(&app, Key::Return);
    find(&app, "Save letters");
    key(&app, Key::Return);
    let written = TeamOrder::Write {
        master: serial,
        requests: vec![home.join("Cargo.toml")],
        tickets: Vec::new(),
        output: home.join("keywriter-letters.pem"),
    };
    assert_eq!(last_order(&commands), written);
}

#[test]
fn a_re_key_says_what_it_does_not_undo_and_is_given_up_with_escape() {
    let (app, commands) = opened();
    press(&app, "Re-key the team");
    find(
        &app,
        "This cannot be undone Nobody reads what is encrypted from now on until each member has taken a letter. Senders of age files need the team's new recipient.",
    );
    key(&app, Key::Escape);
    assert!(!shows(&app, "Re-key and write letters"));
    // The focus is back on the button.
    key(&app, Key::Return);
    press(&app, &scenes::name(3));
    assert!(says(
        &app,
        "What a lost device could read, it can still read"
    ));
    press(&app, "Re-key and write letters");
    // The file of the letters may be given up, and the question is still there.
    key(&app, Key::Escape);
    press(&app, "Re-key and write letters");
    key(&app, Key::Return);
    let TeamOrder::Rekey { rekey, .. } = last_order(&commands) else {
        panic!("no re-key")
    };
    assert_eq!(rekey.without, [scenes::serial(&scenes::name(3))].into());
    assert!(!shows(&app, "Re-key and write letters"));
}

#[test]
fn what_became_of_each_device_is_said_with_what_to_do() {
    let (app, commands) = opened();
    rekeyed(&app);
    hands::pass(&app);
    let says_of = |place, word: &str| find(&app, &format!("{}, {word}", scenes::name(place)));
    says_of(0, "Its team has epoch 4 now");
    says_of(3, "Left out of the team");
    says_of(1, "Gets a letter with the team's new keys");
    let failed = says_of(2, "The letter does not fit the device's letterbox");
    let why = failed.accessible_description();
    assert!(why.is_some_and(|why| why.contains("Ask for a new letter")));
    find(
        &app,
        "Changed on its way, or not from a genuine device: /home/ada/reply.pem",
    );
    press(&app, "Show in folder");
    assert!(matches!(
        commands.borrow().last(),
        Some(Command::ShowInFolder(_))
    ));
}

#[test]
fn what_a_locked_device_cannot_do_says_why() {
    let (app, _) = hands::open();
    scenes::enter(&app, None);
    let mut locked = scenes::secondary("KW-1", Part::None);
    locked.sharing = Sharing::Locked;
    app.hear(scenes::survey(vec![locked]));
    press(&app, "Team");
    assert_eq!(app.model().page, Page::Team);
    assert!(says(&app, "No member known yet"));
    assert!(is_enabled(&app, "Take a letter") && !is_enabled(&app, "Re-key the team"));
    let why = find(&app, "Write letters").accessible_description();
    assert!(why.is_some_and(|why| why.starts_with("Locked")));
}

#[test]
fn a_ticket_says_what_it_allows_and_is_approved_without_a_mouse() {
    let (app, commands) = opened();
    scenes::ticket(&app);
    hands::pass(&app);
    find(
        &app,
        &format!("Allows: Clone to {}, each once", scenes::name(9)),
    );
    find(&app, "Choices: With these choices: User PIN Policy");
    find(&app, &format!("Master Device: {}", scenes::name(0)));
    let approved = format!(
        "Approvals: Approved by {}; 2 custodians must agree",
        scenes::name(1)
    );
    find(&app, &approved);
    find(&app, "QR code of this ticket's page");
    // The code is for a device at another computer, and is shown when it is asked for.
    assert!(!says(&app, "3141 5926 7739 8910"));
    press(&app, "Show the code");
    find(&app, "Code: 3141 5926 7739 8910");
    assert!(says(&app, "Only for a device at another computer"));
    press(&app, "Hide the code");
    assert!(!says(&app, "3141 5926 7739 8910"));
    press(&app, &format!("Approve with {}", scenes::name(0)));
    let file = PathBuf::from("/home/ada/keywriter-ticket.pem");
    let serial = scenes::serial(&scenes::name(0));
    assert_eq!(
        last_order(&commands),
        TeamOrder::Approve {
            serial,
            file: file.clone()
        }
    );
    scenes::team(&app, TeamEvent::Asks(serial, Asked::Code));
    assert!(says(&app, "type its 16 digits on the keypad of"));
    let outcome = TeamOutcome {
        lines: vec![(Some(serial), Ok(TeamDone::Approved))],
        mail: Some((Mail::Ticket, file.clone())),
    };
    scenes::team(&app, TeamEvent::Ended(Ok(outcome)));
    // It is shown as it is now.
    let reopened = |command: &Command| matches!(command, Command::OpenTicket(files) if *files == [file.clone()]);
    assert!(commands.borrow().last().is_some_and(reopened));
    find(
        &app,
        &format!("{}, Has approved the ticket", scenes::name(0)),
    );
    press(&app, "Withdraw");
    assert!(matches!(last_order(&commands), TeamOrder::Withdraw { .. }));
    scenes::team(&app, scenes::nothing_done());
    press(&app, "Close the ticket");
    assert!(!says(&app, "Allows: "));
}

#[test]
fn a_ticket_is_shown_to_the_next_cycle_until_it_is_closed() {
    let (app, commands) = opened();
    scenes::ticket(&app);
    hands::pass(&app);
    press(&app, "Clone with it");
    assert_eq!(app.model().page, Page::Clone);
    assert!(says(
        &app,
        &format!("With a ticket: Clone to {}, each once", scenes::name(9))
    ));
    app.hear(scenes::connected(2));
    hands::pass(&app);
    press(&app, "Start");
    let started =
        |command: &Command| matches!(command, Command::StartWith(_, files) if files.len() == 1);
    assert!(commands.borrow().last().is_some_and(started));
    scenes::cycle(&app, CycleEvent::Ended(Err(Reason::TicketUsed.into())));
    press(&app, "Without it");
    assert!(!says(&app, "With a ticket: "));
}

#[test]
fn a_ticket_is_asked_for_without_a_mouse_and_a_slip_is_named() {
    let (app, commands) = opened();
    press(&app, "Ask for a ticket");
    type_text(&app, "kw-20999; kw 1");
    assert!(is_enabled(&app, "Save the ticket"), "spaces part them, too");
    type_text(&app, "!");
    assert!(says(&app, "Not a serial number: 1!"));
    assert!(!is_enabled(&app, "Save the ticket"));
    key(&app, Key::Escape);
    assert!(!shows(&app, "Save the ticket"));
    // The focus is back on the button.
    key(&app, Key::Return);
    type_text(&app, "KW-1");
    press(&app, "Save the ticket");
    key(&app, Key::Return);
    let TeamOrder::MakeTicket { wish, output, .. } = last_order(&commands) else {
        panic!("no ticket")
    };
    assert_eq!(wish.serials, [scenes::serial("KW-1")].into());
    assert!(output.ends_with("keywriter-ticket.pem"));
}

#[test]
fn custodians_are_named_once_and_afterwards_by_ticket() {
    let (app, commands) = opened();
    assert!(says(
        &app,
        "An unlocked device says who decides in its team."
    ));
    press(&app, "Name custodians");
    type_text(&app, "KW-1, KW-2");
    assert!(says(&app, "Name one more than must agree"));
    press(&app, "Change the policy");
    let TeamOrder::SetPolicy { custodians, .. } = last_order(&commands) else {
        panic!("no policy")
    };
    assert_eq!((custodians.quorum, custodians.serials.len()), (2, 2));
    scenes::team(&app, scenes::nothing_done());
    scenes::ticket(&app);
    hands::pass(&app);
    assert!(says(&app, "2 of 3 custodians must agree."));
    assert!(!is_enabled(&app, "Name custodians"));
}
