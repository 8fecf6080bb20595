//! Everything without a mouse.

use super::{
    hands::{self, back_tab, find, key, says, shows, type_text},
    scenes,
};
use keywriter_desktop::model::{Appearance, Command, LicenseState, Page};
use slint::platform::Key;

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
    // Three tabs, three languages, display; two choices, three check boxes; then "Set as Master".
    for _ in 0..13 {
        key(&app, Key::Tab);
    }
    type_text(&app, " ");
    assert!(says(&app, "Status: Active"), "{:#?}", hands::labels(&app));
    back_tab(&app);
    type_text(&app, " ");
    assert!(
        app.model().cloning.options().disable_master,
        "the last check box"
    );
    assert!(!commands.borrow().is_empty());
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
fn the_display_is_set_by_keyboard() {
    let (app, _) = hands::open();
    scenes::enter(&app, None);
    hands::press(&app, "Display");
    // From "Done" round to the first of the three colors, and on to the third.
    for _ in 0..4 {
        key(&app, Key::Tab);
    }
    type_text(&app, " ");
    assert_eq!(app.model().preferences.appearance, Appearance::Dark);
    hands::press(&app, "Very large");
    assert_eq!(app.model().preferences.text, 2);
    key(&app, Key::Escape);
    assert!(!shows(&app, "Very large"));
    assert_eq!(app.model().page, Page::Clone);
}
