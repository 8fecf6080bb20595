//! The page for files, used by the names that a screen reader says.

use super::{
    hands::{self, find, is_enabled, key, press, says, shows, type_text},
    scenes::{self, files},
};
use keywriter::share::paths::Act;
use keywriter_desktop::{
    model::{
        Command, Existing, FilesEvent, FilesOrder, FilesOutcome, Intent, Page, Problem, Reason,
    },
    screen::{App, ui},
};
use slint::{ComponentHandle as _, platform::Key};
use std::path::PathBuf;

fn opened() -> (std::rc::Rc<App>, scenes::Commands) {
    let (app, commands) = hands::open_at(env!("CARGO_MANIFEST_DIR").into());
    scenes::enter(&app, None);
    app.hear(scenes::survey(vec![scenes::master("KW-1")]));
    press(&app, "Files");
    (app, commands)
}

fn last_order(commands: &scenes::Commands) -> FilesOrder {
    match commands.borrow_mut().pop() {
        Some(Command::ShareFiles(order)) => order,
        _ => panic!("no files are shared"),
    }
}

#[test]
fn a_typed_file_is_encrypted_and_stopped_without_a_mouse() {
    let (app, commands) = opened();
    assert!(!is_enabled(&app, "Encrypt"));
    press(&app, "Add files");
    // The field has the home folder.
    type_text(&app, "none");
    key(&app, Key::Return);
    assert!(app.model().files.inputs().is_empty(), "it is not there");
    assert!(shows(&app, "File not found"));
    for _ in "none".chars() {
        key(&app, Key::Backspace);
    }
    type_text(&app, "src");
    key(&app, Key::Return);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    assert_eq!(app.model().files.inputs(), [folder]);
    press(&app, "Encrypt");
    assert_eq!(last_order(&commands).act, Act::Encrypt);
    press(&app, "Stop");
    assert!(matches!(commands.borrow().last(), Some(Command::StopFiles)));
    assert!(says(&app, "Stopping…"));
}

#[test]
fn the_folder_of_the_results_is_chosen_and_given_up_without_a_mouse() {
    let (app, commands) = opened();
    app.act(Intent::AddFiles(vec!["/a/file".into()]));
    hands::pass(&app);
    assert!(says(&app, "Results: beside the originals"));
    press(&app, "Choose a folder");
    type_text(&app, "Cargo.toml");
    assert!(shows(&app, "Folder not found"));
    for _ in "Cargo.toml".chars() {
        key(&app, Key::Backspace);
    }
    type_text(&app, "src");
    key(&app, Key::Return);
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    assert!(says(&app, &format!("Results: in {}", folder.display())));
    press(&app, "Encrypt");
    assert_eq!(last_order(&commands).output, Some(folder));
    files(&app, FilesEvent::Existing(Vec::new()));
    hands::pass(&app);
    press(&app, "Beside the originals");
    // Its button is gone, and the focus on the one beside it.
    key(&app, Key::Return);
    find(&app, "Folder for the results");
    key(&app, Key::Escape);
    press(&app, "Encrypt");
    assert_eq!(last_order(&commands).output, None);
}

#[test]
fn the_user_decides_about_files_that_are_there() {
    let (app, commands) = opened();
    let there = PathBuf::from("/a/there.kw");
    for (answer, existing) in [
        ("Cancel", None),
        ("Keep them", Some(Existing::Keep)),
        ("Replace", Some(Existing::Replace([there.clone()].into()))),
    ] {
        app.act(Intent::ClearFiles);
        app.act(Intent::AddFiles(vec!["/a/there".into()]));
        hands::pass(&app);
        press(&app, "Encrypt");
        assert_eq!(last_order(&commands).existing, Existing::Ask);
        files(&app, FilesEvent::Existing(vec![there.clone()]));
        assert!(says(&app, "Replace 1 file?") && says(&app, "/a/there.kw"));
        press(&app, answer);
        assert!(!shows(&app, "Replace 1 file?"));
        if let Some(existing) = existing {
            assert_eq!(last_order(&commands).existing, existing);
        }
        files(&app, FilesEvent::Ended(FilesOutcome::default()));
    }
}

#[test]
fn failures_come_first_each_with_what_to_do() {
    let (app, _) = opened();
    files(&app, FilesEvent::Ended(scenes::some_failed()));
    hands::pass(&app);
    find(&app, "2 failed, 4 files encrypted, 1 left out");
    let failed = find(&app, "private.key, Failed");
    let why = failed.accessible_description().unwrap();
    assert!(
        why.contains("cannot be read") && why.ends_with("Permission denied."),
        "{why}"
    );
    let done = find(&app, "Contract.pdf, Encrypted: /home/ada/Contract.pdf.kw");
    assert!(failed.absolute_position().y < done.absolute_position().y);
    find(
        &app,
        "Encrypted with AES-256-ECB The device is set so: equal parts of a file can be seen. Set it to AES-256-XTS on its keypad.",
    );
}

#[test]
fn what_was_not_done_is_listed_and_files_are_not_dropped_meanwhile() {
    let (app, _) = opened();
    let page = app.window().global::<ui::Files>();
    page.set_is_hovered(true);
    assert!(says(&app, "Drop the files here to add them"));
    app.act(Intent::AddFiles(vec!["/a/large".into()]));
    app.act(Intent::StartFiles);
    hands::pass(&app);
    assert!(says(&app, "Not while files are worked on."));
    page.set_is_hovered(false);
    let outcome = FilesOutcome {
        not_done: vec!["/a/large".into()],
        is_stopped: true,
        ..FilesOutcome::default()
    };
    files(&app, FilesEvent::Ended(outcome));
    hands::pass(&app);
    assert!(says(&app, "large, Not done") && says(&app, "0 files encrypted, 1 not done"));
    assert!(!shows(&app, "Nothing chosen yet"));
}

#[test]
fn of_very_many_files_the_list_shows_the_failed_ones_and_how_many_more_there_are() {
    let (app, _) = opened();
    let mut outcome = scenes::some_failed();
    let file = outcome.done[0].clone();
    outcome.done = vec![file; 9_999];
    files(&app, FilesEvent::Ended(outcome));
    hands::pass(&app);
    assert!(says(&app, "private.key, Failed") && says(&app, "2 failed, 9999 files encrypted"));
    assert_eq!(app.window().global::<ui::Files>().get_more(), 9_802);
}

#[test]
fn what_keeps_files_from_being_encrypted_is_said() {
    let (app, _) = opened();
    app.act(Intent::AddFiles(vec!["/a".into()]));
    hands::pass(&app);
    assert!(is_enabled(&app, "Encrypt"));
    app.hear(scenes::survey(vec![scenes::secondary(
        "KW-2",
        keywriter_desktop::model::Part::None,
    )]));
    hands::pass(&app);
    assert!(says(
        &app,
        "No device is unlocked: KW-2 Unlock one on its keypad"
    ));
    let why = find(&app, "Encrypt").accessible_description().unwrap();
    assert!(why.starts_with("No device is unlocked"), "{why}");
    assert!(!is_enabled(&app, "Show"), "no recipient either");
}

#[test]
fn a_recipient_that_cannot_be_told_is_a_problem_over_the_page() {
    let (app, commands) = opened();
    press(&app, "Show");
    assert!(matches!(
        commands.borrow().last(),
        Some(Command::AskRecipient(None))
    ));
    let problem = Problem::new(Reason::NotInReceipts).about("KW-1");
    files(&app, FilesEvent::Recipient(Err(problem)));
    hands::pass(&app);
    assert!(says(&app, "In no receipt of its team: KW-1"));
    assert_eq!(app.model().page, Page::Files);
}
