//! The page of the team, used by the names that a screen reader says.

use super::{
    hands::{self, find, is_enabled, key, press, says, shows, type_text},
    scenes::{self, open_team, rekeyed},
};
use keywriter_desktop::{
    model::{Command, Page, Part, Sharing, TeamOrder},
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
        let master = format!("Cloned by {}", scenes::name(0));
        assert_eq!(line.accessible_description().as_deref(), Some(&*master));
    };
    member(1, "Epoch 3, letterbox known");
    member(2, "Epoch 3, letterbox known, plugged in");
    member(3, "Epoch 2, behind its team, letterbox known");
    member(4, "Epoch 3, letterbox not known");
    assert!(says(&app, "4 members, epoch 3"));
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
    let TeamOrder::Rekey { without, .. } = last_order(&commands) else {
        panic!("no re-key")
    };
    assert_eq!(without, [scenes::serial(&scenes::name(3))].into());
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
