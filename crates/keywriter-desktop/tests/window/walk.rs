//! From the first start to a saved report, as in the manual.

use super::{
    hands::{self, find, is_enabled, key, press, says, shows, type_text},
    scenes::{self, Commands, NUMBER},
};
use keywriter_desktop::model::{
    Command, CycleEvent, Event, Language, LicenseState, Part, Problem, Reason,
};
use slint::{
    ComponentHandle as _,
    platform::{Key, PointerEventButton, WindowEvent},
};

fn last(commands: &Commands) -> Command {
    commands.borrow_mut().pop().expect("a command")
}

#[test]
fn from_registration_to_a_saved_report_and_another_pin() {
    let home = tempfile::tempdir().unwrap();
    let (app, commands) = hands::open_at(home.path().into());
    app.hear(scenes::launched(LicenseState::Unregistered, None));

    assert!(!is_enabled(&app, "Next"));
    type_text(&app, &NUMBER.replace('-', "").to_lowercase());
    find(&app, "PIN number").mock_single_click(PointerEventButton::Left);
    type_text(&app, "12345678");
    press(&app, "Next");
    let Command::Register { portal, number, .. } = last(&commands) else {
        panic!("no registration")
    };
    assert_eq!(portal, "https://licenses.example.com");
    assert_eq!(number.to_string(), NUMBER);
    assert!(!is_enabled(&app, "Registering…"));
    app.hear(Event::Registered(Ok(scenes::license())));
    find(&app, "Registration successful");
    press(&app, "Continue");

    app.hear(scenes::connected(9));
    find(&app, "Set a master device to begin.");
    assert!(!is_enabled(&app, "Start"));
    press(&app, "User PIN Policy");
    press(&app, "Set as Master");
    assert!(commands.borrow().iter().any(
        |command| matches!(command, Command::SaveMaster(Some(it)) if it.options.user_pin_policy)
    ));
    find(&app, "9 devices ready to be cloned");
    press(&app, "Start");
    assert!(matches!(last(&commands), Command::Start(_)));
    let all: Vec<_> = (1..=9)
        .map(|place| scenes::serial(&scenes::name(place)))
        .collect();
    scenes::cycle(
        &app,
        CycleEvent::Preflight {
            secondaries: all.clone(),
        },
    );
    find(&app, "Cloning: 0 of 9 finished");
    assert!(!is_enabled(&app, "Import") && !is_enabled(&app, "Change master"));
    for (done, serial) in all.iter().enumerate() {
        for step in 1..=6 {
            scenes::cycle(&app, CycleEvent::Step(*serial, step));
        }
        scenes::cycle(
            &app,
            CycleEvent::Done {
                serial: *serial,
                already: false,
            },
        );
        find(
            &app,
            &format!("Place {}: {serial}, Device cloned", done + 1),
        );
    }
    scenes::cycle(&app, scenes::ended(9, 0));
    find(&app, "9 devices cloned");
    assert!(!shows(&app, "Retry failed ones"));

    press(&app, "Save report");
    key(&app, Key::Return);
    let Command::SaveReport { path, .. } = last(&commands) else {
        panic!("no report")
    };
    assert_eq!(path, home.path().join("keywriter-report.json"));
    app.hear(Event::ReportSaved(Ok(path.clone())));
    assert!(says(&app, "Report saved"));
    press(&app, "Show in folder");
    assert!(matches!(last(&commands), Command::ShowInFolder(file) if file == path));
    press(&app, "Close");
    assert!(!says(&app, "Report saved"));

    press(&app, "Change PIN");
    assert_eq!(
        find(&app, "License number").accessible_value().as_deref(),
        Some(NUMBER)
    );
    type_text(&app, "12345678");
    for field in ["New PIN", "Confirm new PIN"] {
        find(&app, field).mock_single_click(PointerEventButton::Left);
        type_text(&app, "87654321");
    }
    key(&app, Key::Return);
    assert!(matches!(last(&commands), Command::ChangePin { .. }));
    app.hear(Event::PinChanged(Ok(())));
    assert!(says(&app, "PIN changed"));
}

#[test]
fn a_pin_leaves_its_field_as_soon_as_it_is_sent() {
    let (app, commands) = hands::open();
    app.hear(scenes::launched(
        LicenseState::Registered(scenes::license()),
        None,
    ));
    type_text(&app, "1234x56789");
    press(&app, "Show PIN");
    assert_eq!(
        find(&app, "PIN number").accessible_value().as_deref(),
        Some("12345678")
    );
    press(&app, "Login");
    assert!(matches!(last(&commands), Command::LogIn { .. }));
    app.hear(Event::LoggedIn(Err(Problem::new(Reason::PinWrong))));
    press(&app, "Show PIN");
    assert_eq!(
        find(&app, "PIN number").accessible_value().as_deref(),
        Some("")
    );
}

#[test]
fn a_wrong_pin_is_counted_down() {
    let (app, commands) = hands::open();
    app.hear(scenes::launched(
        LicenseState::Registered(scenes::license()),
        None,
    ));
    let mut wait = Problem::new(Reason::PinWrong);
    wait.retry_after = Some(2);
    app.hear(Event::LoggedIn(Err(wait)));
    assert!(says(&app, "You can try again in 2 seconds."));
    type_text(&app, "12345678");
    key(&app, Key::Return);
    assert!(commands.borrow().is_empty(), "a PIN was sent too early");
    app.hear(Event::Second);
    assert!(says(&app, "You can try again in 1 second."));
    app.hear(Event::Second);
    assert!(says(&app, "You can try again now."));
    key(&app, Key::Return);
    assert!(matches!(last(&commands), Command::LogIn { .. }));
}

#[test]
fn new_pins_that_differ_are_corrected_and_nothing_else_is_typed_again() {
    let (app, commands) = hands::open();
    scenes::enter(&app, None);
    press(&app, "Change PIN");
    type_text(&app, "12345678");
    let fields = ["Current PIN", "New PIN", "Confirm new PIN"];
    for (field, digits) in [(fields[1], "87654321"), (fields[2], "87654320")] {
        find(&app, field).mock_single_click(PointerEventButton::Left);
        type_text(&app, digits);
    }
    key(&app, Key::Return);
    let before = commands.borrow().len();
    let said = find(&app, fields[2]).accessible_description();
    assert_eq!(
        said.as_deref(),
        Some("The new PINs do not match. Enter the same new PIN twice.")
    );
    // The focus is in the last field, at its end.
    key(&app, Key::Backspace);
    type_text(&app, "1");
    key(&app, Key::Return);
    assert_eq!(commands.borrow().len(), before + 1);
    assert!(matches!(last(&commands), Command::ChangePin { .. }));
}

#[test]
fn a_wrong_current_pin_is_counted_down() {
    let (app, _) = hands::open();
    scenes::enter(&app, None);
    press(&app, "Change PIN");
    app.hear(Event::PinChanged(Err(
        Problem::new(Reason::PinWrong).after(2)
    )));
    assert!(says(&app, "You can try again in 2 seconds."));
    app.hear(Event::Second);
    app.hear(Event::Second);
    assert!(says(&app, "You can try again now."));
}

#[test]
fn a_mistyped_number_is_said_at_its_field_and_stays_there() {
    let (app, commands) = hands::open();
    app.hear(scenes::launched(LicenseState::Unregistered, None));
    type_text(&app, "AAAABBBBCCCCDDDD");
    find(&app, "PIN number").mock_single_click(PointerEventButton::Left);
    type_text(&app, "12345678");
    press(&app, "Next");
    assert!(commands.borrow().is_empty());
    let field = find(&app, "License number");
    assert_eq!(
        field.accessible_value().as_deref(),
        Some("AAAA-BBBB-CCCC-DDDD")
    );
    assert!(
        field
            .accessible_description()
            .is_some_and(|text| text.ends_with("Compare it with the email."))
    );
}

#[test]
fn the_portals_refusal_is_said_below_the_fields() {
    let (app, commands) = hands::open();
    app.hear(scenes::launched(LicenseState::Unregistered, None));
    app.hear(Event::Registered(Err(Problem::new(Reason::PortalRefused))));
    assert!(says(
        &app,
        "The portal did not accept the license Compare the license number and PIN with the email"
    ));
    press(&app, "Don't have a license?");
    assert!(matches!(last(&commands), Command::OpenPurchasePage));
    assert!(!shows(&app, "Login"), "there is no PIN yet");
}

#[test]
fn failed_ones_are_tried_again_alone() {
    let (app, commands) = hands::open();
    scenes::clone_half(&app);
    let failed = scenes::serial(&scenes::name(4));
    scenes::cycle(
        &app,
        CycleEvent::Failed(failed, Problem::new(Reason::Unplugged)),
    );
    let locked = scenes::serial(&scenes::name(5));
    scenes::cycle(
        &app,
        CycleEvent::Refused(locked, Problem::new(Reason::SecondaryLocked)),
    );
    scenes::cycle(&app, scenes::ended(2, 1));
    find(&app, "1 not cloned, 2 devices cloned, 1 left out");
    let card = find(&app, &format!("Place 1: {failed}, Cloning failed"));
    assert_eq!(
        card.accessible_description().as_deref(),
        Some("Unplugged. Plug it in and start again: cloning is then completed.")
    );
    press(&app, "Retry failed ones");
    let Command::Start(request) = last(&commands) else {
        panic!("no cycle")
    };
    assert_eq!(request.to, [failed]);
}

#[test]
fn a_device_in_use_is_replaced_only_after_a_red_sheet_named_it() {
    let (app, commands) = hands::open();
    scenes::enter(&app, Some(&scenes::name(0)));
    let (kept, lost) = (scenes::name(1), scenes::name(2));
    app.hear(scenes::survey(vec![
        scenes::master(&scenes::name(0)),
        scenes::secondary(&kept, Part::Replace),
        scenes::secondary(&lost, Part::Replace),
    ]));
    press(&app, &format!("Clone to {kept}"));
    find(&app, &format!("Place 1: {kept}, Left out"));
    let is_start = |command: &Command| matches!(command, Command::Start(_));
    press(&app, "Start");
    find(&app, "Replace what is on 1 device?");
    assert!(shows(&app, &lost) && !shows(&app, &kept));
    // The focus is on the harmless button, and goes back to where it was.
    key(&app, Key::Return);
    assert!(!shows(&app, "Replace and clone"));
    assert!(!commands.borrow().iter().any(is_start));
    key(&app, Key::Return);
    press(&app, "Replace and clone");
    let Command::Start(request) = last(&commands) else {
        panic!("no cycle")
    };
    assert_eq!(request.except, [scenes::serial(&kept)]);
    find(&app, &format!("Place 1: {kept}, Left out"));
    assert!(!shows(&app, &format!("Clone to {kept}")), "it is too late");
}

#[test]
fn closing_the_window_asks_while_a_cycle_runs() {
    let (app, commands) = hands::open();
    scenes::clone_half(&app);
    let close = || {
        let window = app.window().window();
        window.dispatch_event(WindowEvent::CloseRequested);
        hands::pass(&app);
    };
    close();
    find(&app, "Quit while cloning?");
    key(&app, Key::Return);
    assert!(!shows(&app, "Quit while cloning?"), "the focus is on no");
    let is_end = |command: &Command| matches!(command, Command::Quit);
    assert!(!commands.borrow().iter().any(is_end));
    close();
    press(&app, "Quit anyway");
    assert!(is_end(&last(&commands)));
    let Command::SavePreferences(kept) = last(&commands) else {
        panic!("not kept")
    };
    let place = kept.window.expect("a place");
    assert_eq!((place.width, place.height), (1180, 2400));
}

#[test]
fn about_names_the_license_and_gives_support_what_it_asks_for() {
    let (app, commands) = hands::open();
    scenes::enter(&app, Some(&scenes::name(0)));
    app.hear(scenes::connected(1));
    press(&app, "About");
    for said in [
        "Company Example Ltd",
        "Holder Ada Example",
        "License number KW7Q-2MXD-9TRA-4H8C",
        "Valid through 2027-06-30",
    ] {
        find(&app, said);
    }
    let text = find(&app, "For support").accessible_value().unwrap();
    for part in ["KeyWriter 0.1.0 (dev", NUMBER, "\nKW-20455 1.4.2"] {
        assert!(text.contains(part), "{text}");
    }
    press(&app, "Copy");
    find(&app, "Copied");
    press(&app, "Renew");
    assert!(matches!(last(&commands), Command::RefreshLicense));
}

#[test]
fn a_notice_goes_by_itself_and_a_problem_does_not() {
    let (app, _) = hands::open();
    scenes::enter(&app, Some(&scenes::name(0)));
    app.hear(Event::Exported(Ok("/home/ada/s.json".into())));
    for _ in 0..5 {
        hands::wait();
    }
    // Another one has its own time.
    app.hear(Event::ReportSaved(Ok("/home/ada/r.json".into())));
    for _ in 0..5 {
        hands::wait();
    }
    assert!(says(&app, "Report saved"));
    for _ in 0..5 {
        hands::wait();
    }
    assert!(!says(&app, "Report saved"));
    app.hear(Event::Exported(Ok("/home/ada/s.json".into())));
    hands::wait();
    app.hear(Event::NotSaved(Problem::new(Reason::CannotWrite)));
    // A late success hides no problem.
    app.hear(Event::ReportSaved(Ok("/home/ada/r.json".into())));
    for _ in 0..20 {
        hands::wait();
    }
    assert!(says(&app, "The file cannot be written"));
    press(&app, "Close");
    assert!(!says(&app, "The file cannot be written"));
}

#[test]
fn a_saved_report_is_opened_as_a_page() {
    let (app, commands) = hands::open();
    scenes::enter(&app, Some(&scenes::name(0)));
    app.hear(Event::Exported(Ok("/home/ada/s.json".into())));
    hands::pass(&app);
    assert!(!shows(&app, "Open"), "settings are for the program");
    app.hear(Event::ReportSaved(Ok("/home/ada/r.json".into())));
    hands::pass(&app);
    press(&app, "Open");
    let page = std::path::Path::new("/home/ada/r.html");
    assert!(matches!(commands.borrow().last(), Some(Command::OpenFile(file)) if file == page));
}

#[test]
fn stop_finishes_the_clones_in_progress() {
    let (app, commands) = hands::open();
    scenes::clone_half(&app);
    press(&app, "Stop");
    assert!(matches!(last(&commands), Command::Stop));
    find(&app, "Stopping: finishing the clones in progress…");
    assert!(!is_enabled(&app, "Stopping…"));
}

#[test]
fn the_language_changes_at_once() {
    let (app, commands) = hands::open();
    scenes::enter(&app, Some(&scenes::name(0)));
    app.hear(scenes::connected(3));
    press(&app, "Deutsch");
    find(&app, "Master-Gerät wechseln");
    find(&app, "3 Geräte bereit zum Klonen");
    assert!(!shows(&app, "3 devices ready to be cloned"));
    assert!(
        matches!(last(&commands), Command::SavePreferences(it) if it.language == Some(Language::German))
    );
    press(&app, "Français");
    find(&app, "Démarrer");
    app.hear(scenes::connected(1));
    find(&app, "1 appareil prêt à être cloné");
    press(&app, "English");
    find(&app, "1 device ready to be cloned");
}
