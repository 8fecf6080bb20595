//! Files in the real window, with real modules: chosen in a dialog of the desktop, dropped on the window, or named at the
//! start.

use super::{
    App,
    dialogs::Dialogs,
    drag,
    notices::{self, Notices},
    picture,
};
use std::{
    fs,
    path::{Path, PathBuf},
};
use system_tests::{
    lab::{Lab, Over},
    screen::Screen,
};

/// Shows the app with a hub's modules, without a license, and with those files.
pub(crate) fn open(lab: &Lab, screen: &Screen, files: &[&Path]) -> App {
    let mut program = lab.program("keywriter-desktop");
    program.env("HOME", lab.folder.path()).args(files);
    let app = App(screen.show(&mut program));
    screen.focus("KeyWriter");
    screen.click("Try with virtual modules");
    app
}

/// Two clones, the first one unlocked by its User, and a module of another group.
fn two_clones() -> Lab {
    let lab = Lab::start(Over::Socket, 3).with_master(&[]);
    lab.keywriter(&["clone", "--to", "VM0002"]).expect(0);
    replug(&lab, "VM0001");
    lab.unlock_user("VM0001");
    lab.set_up("VM0003");
    lab
}

/// Locks a module.
fn replug(lab: &Lab, serial: &str) {
    lab.hub(&["unplug", serial]);
    lab.hub(&["plug", serial]);
}

fn written(path: PathBuf, text: &[u8]) -> PathBuf {
    fs::create_dir_all(path.parent().expect("a folder")).expect("folders");
    fs::write(&path, text).expect("a file");
    path
}

#[test]
fn a_folder_that_one_clone_encrypts_another_one_decrypts() {
    let lab = two_clones();
    let folder = lab.path("work");
    let files = ["plans/site.txt", "list.txt"].map(|name| folder.join(name));
    for file in &files {
        written(file.clone(), b"the plan");
    }
    let screen = Screen::start();
    let dialogs = Dialogs::start(&screen);
    let _app = open(&lab, &screen, &[]);
    screen.click_until("Files", "Nothing chosen yet");
    screen.wait("VM0001, Unlocked");
    screen.click("Show");
    let told = lab.keywriter(&["recipient", "--json"]).expect(0);
    let group = told.events("recipient")[0]["group"].clone();
    let group = group.as_str().expect("text");
    screen.wait(&format!("Recipient of group {group}, as told by VM0001."));
    dialogs.choose(&[&folder]);
    screen.click("Add folders");
    screen.wait("1 chosen");
    screen.click("Encrypt");
    screen.wait("2 files encrypted");
    let encrypted = files.clone().map(|file| file.with_added_extension("kw"));
    for (file, encrypted) in files.iter().zip(&encrypted) {
        assert!(fs::read(encrypted).expect("a file").starts_with(b"KWFILE"));
        fs::remove_file(file).expect("a file");
    }

    replug(&lab, "VM0001");
    screen.wait("No device is unlocked: VM0001, VM0002, VM0003 Unlock one on its keypad, as User (SHIFT+KEY, User PIN, KEY) or as Administrator (KEY, Admin PIN, KEY).");
    lab.unlock_user("VM0002");
    screen.wait("VM0002, Unlocked");
    dialogs.choose(&encrypted.each_ref().map(PathBuf::as_path));
    screen.click("Add files");
    screen.wait("2 chosen");
    screen.click("Decrypt");
    screen.wait("2 files decrypted");
    screen.picture("KeyWriter", &picture("decrypted"));
    for file in &files {
        assert_eq!(fs::read(file).expect("a file"), b"the plan");
    }

    // The files are there now: none is replaced without a question.
    written(files[0].clone(), b"changed");
    screen.click("New list");
    dialogs.choose(&encrypted.each_ref().map(PathBuf::as_path));
    screen.click("Add files");
    screen.wait("2 chosen");
    screen.click("Decrypt");
    screen.wait("Replace 2 files?");
    screen.click("Keep them");
    screen.wait("0 files decrypted, 2 left out");
    assert_eq!(fs::read(&files[0]).expect("a file"), b"changed");
}

#[test]
fn files_that_are_dropped_or_named_are_those_of_another_group() {
    let lab = two_clones();
    let plain = written(lab.path("note.txt"), b"a note");
    let path = plain.to_str().expect("text");
    lab.keywriter(&["encrypt", path]).expect(0);
    let encrypted = plain.with_added_extension("kw");
    fs::remove_file(&plain).expect("a file");
    replug(&lab, "VM0001");
    lab.unlock_user("VM0003");
    let screen = Screen::start();
    let _app = open(&lab, &screen, &[&encrypted]);
    screen.wait("1 chosen");
    screen.wait("VM0003, Unlocked");
    let other = written(lab.path("not one.kw"), b"no encrypted file");
    drag::drop_files(&screen, "KeyWriter", &[&other, &encrypted]);
    screen.wait("2 chosen");
    screen.click("Decrypt");
    screen.wait("2 failed, 0 files decrypted");
    screen.wait_for(2, ", Failed");
    assert!(!plain.exists() && !lab.path("not one").exists());
}

#[test]
fn results_go_into_the_folder_that_was_chosen() {
    let lab = two_clones();
    let folder = lab.path("work");
    written(folder.join("plans/site.txt"), b"the plan");
    let out = lab.path("out");
    fs::create_dir(&out).expect("a folder");
    let screen = Screen::start();
    let dialogs = Dialogs::start(&screen);
    let _app = open(&lab, &screen, &[&folder]);
    screen.wait("1 chosen");
    dialogs.choose(&[&out]);
    screen.click("Choose a folder");
    screen.wait(&format!("Results: in {}", out.display()));
    screen.wait("VM0001, Unlocked");
    screen.click("Encrypt");
    screen.wait("1 file encrypted");
    assert!(out.join("work/plans/site.txt.kw").exists());
    assert!(!folder.join("plans/site.txt.kw").exists());
    fs::remove_dir_all(&out).expect("a folder");
    screen.click("New list");
    dialogs.choose(&[&folder]);
    screen.click("Add folders");
    screen.wait("1 chosen");
    screen.click("Encrypt");
    screen.wait_for(1, &format!("The output is not a folder: {}", out.display()));
    assert!(!out.exists());
}

#[test]
fn a_second_start_passes_its_files_to_the_window_that_is_open_and_ends() {
    let lab = two_clones();
    let first = written(lab.path("first"), b"a note");
    let screen = Screen::start();
    let _app = open(&lab, &screen, &[&first]);
    screen.wait("1 chosen");
    written(lab.path("näht 2%"), b"a note");
    for (files, chosen) in [(&["näht 2%"][..], "2 chosen"), (&[], "2 chosen")] {
        let mut program = lab.program("keywriter-desktop");
        program.args(files).current_dir(lab.folder.path());
        let ended = screen.show(&mut program).wait().expect("it ends");
        assert!(ended.success());
        screen.wait(chosen);
    }
    screen.wait("näht 2%");
    // One with folders of its own is another app.
    let mut program = lab.program("keywriter-desktop");
    program.arg("--state").arg(lab.path("other"));
    let _other = App(screen.show(&mut program));
    screen.wait("Try with virtual modules");
}

#[test]
fn who_looks_elsewhere_is_told_when_the_files_are_done() {
    let lab = two_clones();
    let file = written(lab.path("note"), b"a note");
    let screen = Screen::start();
    let notices = Notices::start(&screen);
    let _app = open(&lab, &screen, &[&file]);
    screen.wait("1 chosen");
    screen.wait("VM0001, Unlocked");
    screen.click("Encrypt");
    screen.wait("1 file encrypted");
    screen.click("New list");
    let other = written(lab.path("other"), b"a note");
    drag::drop_files(&screen, "KeyWriter", &[&other]);
    screen.wait("1 chosen");
    notices::look_away(&screen);
    screen.click("Encrypt");
    assert_eq!(notices.next(), "1 file encrypted");
    assert_eq!(
        notices.count(),
        0,
        "nothing was told in front of the window"
    );
}

#[test]
fn nothing_is_left_of_a_file_that_was_stopped() {
    let lab = two_clones();
    // The module keeps its keys, so that a file takes its time.
    replug(&lab, "VM0001");
    lab.press("VM0001", &format!("KEY+1 {} KEY", hsm_testbench::ADMIN_PIN));
    assert_eq!(lab.press("VM0001", "9+0 0 SHIFT"), "stored");
    lab.press("VM0001", "SHIFT:1s");
    lab.unlock_admin("VM0001");
    let file = lab.path("large");
    let large = fs::File::create(&file).expect("a file");
    large.set_len(4 << 30).expect("room");
    let screen = Screen::start();
    let _app = open(&lab, &screen, &[&file]);
    screen.wait("1 chosen");
    screen.wait("VM0001, Unlocked");
    screen.click("Encrypt");
    screen.click("Stop");
    screen.wait("0 files encrypted, 1 not done");
    screen.wait("large, Not done");
    let left: Vec<_> = fs::read_dir(lab.folder.path())
        .expect("a folder")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.contains(".kw"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
