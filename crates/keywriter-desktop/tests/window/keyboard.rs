//! Everything without a mouse.

use super::{
    hands::{self, back_tab, find, key, says, shows, type_text},
    scenes,
};
use i_slint_backend_testing::mock_elapsed_time;
use keywriter_desktop::{
    model::{Appearance, Command, Event, Intent, LicenseState, Page},
    screen::App,
};
use slint::{
    ComponentHandle as _,
    platform::{Key, WindowEvent},
};
use std::time::Duration;

#[test]
fn registration_takes_no_mouse() {
    let (app, commands) = hands::open();
    app.hear(scenes::launched(LicenseState::Unregistered, None));
    hands::pass(&app);
    type_text(&app, "KW7Q2MXD9TRA4H8C");
    key(&app, Key::Return);
    type_text(&app, "12345678");
    key(&app, Key::Return);
    assert!(matches!(
        commands.borrow().last(),
        Some(Command::Register { .. })
    ));
}

#[test]
fn tab_reaches_every_page_and_the_start_of_a_cycle() {
    let (app, commands) = hands::open();
    scenes::enter(&app, None);
    app.hear(scenes::survey(vec![
        scenes::master("KW-1"),
        scenes::secondary("KW-2", keywriter_desktop::model::Part::Clone),
    ]));
    // Five tabs, the languages, display; the choices, three check boxes; then "Set as Master".
    for _ in 0..12 {
        key(&app, Key::Tab);
    }
    type_text(&app, " ");
    assert!(says(&app, "Status: Active"), "{:#?}", hands::labels(&app));
    // The focus waits between what is before the button and the other button that is there now.
    hands::wait();
    type_text(&app, " ");
    assert!(says(&app, "Status: Active"), "no other action is done");
    back_tab(&app);
    type_text(&app, " ");
    assert!(
        app.model().cloning.options().disable_master,
        "the last check box"
    );
    assert!(!commands.borrow().is_empty());
}

fn with_control(app: &App, text: &str) {
    let control: slint::SharedString = Key::Control.into();
    let window = app.window().window();
    window.dispatch_event(WindowEvent::KeyPressed {
        text: control.clone(),
    });
    type_text(app, text);
    window.dispatch_event(WindowEvent::KeyReleased { text: control });
    hands::pass(app);
}

#[test]
fn the_usual_shortcuts_work_and_not_under_a_sheet() {
    let (app, commands) = hands::open();
    scenes::enter(&app, None);
    hands::pass(&app);
    commands.borrow_mut().clear();
    key(&app, Key::F5);
    assert!(matches!(commands.borrow().as_slice(), [Command::Look(_)]));
    key(&app, Key::F1);
    assert_eq!(app.model().page, Page::About);
    let tab: slint::SharedString = Key::Tab.into();
    with_control(&app, &tab);
    assert_eq!(app.model().page, Page::Clone);
    with_control(&app, &tab);
    assert_eq!(app.model().page, Page::Files);
    with_control(&app, &tab);
    assert_eq!(app.model().page, Page::Team);
    with_control(&app, &tab);
    assert_eq!(app.model().page, Page::ChangePin);
    hands::press(&app, "Display");
    with_control(&app, "q");
    with_control(&app, &tab);
    assert_eq!(app.model().page, Page::ChangePin);
    key(&app, Key::Escape);
    for letter in ["q", "w"] {
        commands.borrow_mut().clear();
        with_control(&app, letter);
        assert!(matches!(commands.borrow().last(), Some(Command::Quit)));
    }
}

#[test]
fn the_focus_is_not_lost_when_its_button_goes() {
    let (app, _) = hands::open();
    app.hear(scenes::launched(LicenseState::Unregistered, None));
    hands::pass(&app);
    hands::press(&app, "Try with virtual modules");
    hands::pass(&app);
    app.hear(scenes::survey(vec![scenes::master("KW-1")]));
    // From the page that opened, the first stop is its first button, not the header's.
    key(&app, Key::Tab);
    type_text(&app, " ");
    assert!(
        app.model().cloning.options().auto_lock,
        "the first check box"
    );
}

#[test]
fn what_is_disabled_says_why() {
    let (app, _) = hands::open();
    scenes::enter(&app, None);
    let why = |label| find(&app, label).accessible_description();
    assert_eq!(why("Set as Master").as_deref(), Some("Plug in a device."));
    assert_eq!(
        why("Start").as_deref(),
        Some("Set a master device to begin.")
    );
    scenes::refusals(&app);
    hands::pass(&app);
    assert!(why("Start").is_some_and(|text| text.contains("could also be the master")));
    scenes::clone_half(&app);
    assert_eq!(
        why("Import").as_deref(),
        Some("Not while devices are cloned.")
    );
    assert_eq!(why("Stop").as_deref(), Some(""));
}

#[test]
fn escape_closes_a_sheet_and_the_focus_goes_back() {
    let (app, commands) = hands::open();
    scenes::enter(&app, None);
    app.hear(scenes::connected(1));
    hands::press(&app, "Export");
    find(&app, "Export settings");
    key(&app, Key::Escape);
    assert!(!shows(&app, "Export settings"));
    let before = commands.borrow().len();
    key(&app, Key::Return);
    find(&app, "Export settings");
    assert_eq!(commands.borrow().len(), before);
}

#[test]
fn the_focus_stays_inside_a_sheet() {
    let home = tempfile::tempdir().unwrap();
    let (app, commands) = hands::open_at(home.path().into());
    scenes::enter(&app, None);
    app.hear(scenes::connected(1));
    hands::press(&app, "Export");
    // File, Cancel, Save, and round again; and the other way.
    for _ in 0..7 {
        key(&app, Key::Tab);
    }
    back_tab(&app);
    type_text(&app, "!");
    // A field that Tab reaches is selected whole.
    assert_eq!(find(&app, "File").accessible_value().as_deref(), Some("!"));
    key(&app, Key::Return);
    let Some(Command::ExportSettings(_, path)) = commands.borrow_mut().pop() else {
        panic!("nothing exported")
    };
    assert_eq!(path, home.path().join("!"));
}

#[test]
fn an_export_over_an_existing_file_says_so_and_an_import_of_none_is_not_begun() {
    let home = tempfile::tempdir().unwrap();
    let (app, commands) = hands::open_at(home.path().into());
    scenes::enter(&app, None);
    app.hear(scenes::connected(1));
    let before = commands.borrow().len();
    hands::press(&app, "Import");
    assert!(says(&app, "File not found"));
    assert!(!hands::is_enabled(&app, "Open"));
    key(&app, Key::Return);
    assert_eq!(commands.borrow().len(), before);
    key(&app, Key::Escape);
    std::fs::write(home.path().join("keywriter-settings.json"), "").unwrap();
    hands::press(&app, "Export");
    assert!(says(&app, "This file already exists It will be replaced."));
    hands::press(&app, "Save");
    assert!(matches!(
        commands.borrow().last(),
        Some(Command::ExportSettings(..))
    ));
}

#[test]
fn without_input_the_app_asks_for_its_pin_again_and_nothing_is_lost() {
    let (app, commands) = hands::open();
    app.hear(scenes::launched(
        LicenseState::Registered(scenes::license()),
        None,
    ));
    app.act(Intent::LogIn {
        pin: zeroize::Zeroizing::new("12345678".into()),
    });
    app.hear(Event::LoggedIn(Ok(scenes::license())));
    app.act(Intent::AddFiles(vec!["/a/file".into()]));
    hands::press(&app, "Change PIN");
    mock_elapsed_time(Duration::from_hours(1));
    assert_eq!(app.model().page, Page::ChangePin, "not unless it is wanted");
    hands::press(&app, "15 minutes");
    assert!(matches!(
        commands.borrow().last(),
        Some(Command::SavePreferences(it)) if it.lock_after == 15
    ));
    hands::press(&app, "Files");
    for _ in 0..3 {
        mock_elapsed_time(Duration::from_mins(14));
        app.act(Intent::LookAgain);
        assert_eq!(app.model().page, Page::Files, "there was input");
    }
    hands::press(&app, "Choose a folder");
    mock_elapsed_time(Duration::from_mins(16));
    assert_eq!(app.model().page, Page::Login);
    assert!(!shows(&app, "Files") && !shows(&app, "Folder for the results"));
    assert!(!app.model().may_evaluate());
    app.hear(Event::LoggedIn(Ok(scenes::license())));
    hands::pass(&app);
    assert_eq!(app.model().page, Page::Files);
    assert!(says(&app, "1 chosen"));
}

#[test]
fn the_display_is_set_by_keyboard() {
    let (app, _) = hands::open();
    scenes::enter(&app, None);
    hands::press(&app, "Display");
    // From "Done" round to the colors, of which light ones are chosen, and on to the next; then to the sizes.
    key(&app, Key::Tab);
    key(&app, Key::RightArrow);
    assert_eq!(app.model().preferences.appearance, Appearance::Dark);
    key(&app, Key::RightArrow);
    assert_eq!(app.model().preferences.appearance, Appearance::System);
    key(&app, Key::Tab);
    key(&app, Key::LeftArrow);
    assert_eq!(app.model().preferences.text, 4);
    hands::press(&app, "130");
    assert_eq!(app.model().preferences.text, 2);
    key(&app, Key::Escape);
    assert!(!shows(&app, "130"));
    assert_eq!(app.model().page, Page::Clone);
}
