//! The team in the real window, with real modules: letters are chosen in dialogs, or dropped on the window.

use super::{App, dialogs::Dialogs, drag, files::open, picture};
use std::fs;
use system_tests::{
    lab::{Lab, Over},
    screen::Screen,
};

fn open_team(lab: &Lab, screen: &Screen) -> App {
    let app = open(lab, screen, &[]);
    screen.click_until("Team", "Letters");
    app
}

#[test]
fn three_files_make_a_clone_of_a_device_elsewhere() {
    let lab = Lab::start(Over::Socket, 2).with_master(&[]);
    let [request, letters, reply] =
        ["request.pem", "letters.pem", "letters-reply.pem"].map(|name| lab.path(name));
    let screen = Screen::start();
    let dialogs = Dialogs::start(&screen);
    let _app = open_team(&lab, &screen);
    screen.wait("No member known yet");
    screen.click("VM0002");
    dialogs.choose(&[&request]);
    screen.click("Ask for a letter");
    screen.wait("VM0002, Its letterbox is saved");

    screen.click("VM0001");
    dialogs.choose(&[&request]);
    dialogs.choose(&[&letters]);
    screen.click("Write letters");
    screen.wait("VM0002, Gets a letter that makes it a clone");

    drag::drop_files(&screen, "KeyWriter", &[&letters]);
    screen.wait("VM0002, Is a clone now, and locked");
    assert!(reply.exists());
    dialogs.choose(&[&reply]);
    screen.click("Check replies");
    screen.wait("VM0002, Proved: its receipt is kept");
    screen.wait("VM0002, Epoch 1, letterbox known, plugged in");
    screen.picture("KeyWriter", &picture("team"));

    // The clone is in the history, with a report that others verify.
    let (report, root) = (lab.path("report.json"), lab.path("hub/run/root.pem"));
    screen.wait_for(1, "1 device cloned, cycle 1 of VM0001");
    dialogs.choose(&[&report]);
    screen.click("Save the report of cycle 1 of VM0001");
    screen.wait_for(1, "Report saved");
    let [report, root] = [&report, &root].map(|path| path.to_str().expect("text"));
    lab.keywriter(&["receipt", "verify", report, "--root", root])
        .expect(0)
        .says(&["VM0002"]);

    // A file of letters is no request.
    dialogs.choose(&[&reply]);
    screen.click("Take a letter");
    screen.wait_for(1, "The file has nothing for these devices");
    let listed = lab.keywriter(&["team", "list", "--json"]).expect(0);
    assert_eq!(listed.events("member")[0]["serial"], "VM0002");
}

#[test]
fn a_re_key_reaches_a_member_by_a_letter_that_is_dropped_on_the_window() {
    let lab = Lab::start(Over::Socket, 3).with_master(&[]);
    lab.keywriter(&["clone"]).expect(0);
    lab.hub(&["unplug", "VM0003"]);
    let letters = lab.path("letters.pem");
    let screen = Screen::start();
    let dialogs = Dialogs::start(&screen);
    let _app = open_team(&lab, &screen);
    screen.wait("VM0003, Epoch 1, letterbox known");
    screen.click("Re-key the team");
    screen.click("VM0003");
    screen.wait_for(1, "What a lost device could read, it can still read");
    dialogs.choose(&[&letters]);
    screen.click("Re-key and write letters");
    screen.wait_for(1, "On the keypad of VM0001: hold KEY+2 for a second");
    assert!(lab.asks("VM0001"));
    lab.press("VM0001", "KEY+2:1s");
    screen.wait("VM0001, Its team has epoch 2 now");
    screen.wait("VM0003, Left out of the team");
    screen.wait("VM0002, Gets a letter with the team's new keys");

    let plain = lab.path("new");
    fs::write(&plain, b"the plan").expect("a file");
    lab.keywriter(&["encrypt", plain.to_str().expect("text")])
        .expect(0);
    drag::drop_files(&screen, "KeyWriter", &[&letters]);
    screen.wait("VM0002, No device is unlocked");
    lab.unlock_user("VM0002");
    drag::drop_files(&screen, "KeyWriter", &[&letters]);
    screen.wait("VM0002, Has its team's epoch 2");
    dialogs.choose(&[&lab.path("letters-reply.pem")]);
    screen.click("Check replies");
    screen.wait("VM0002, Epoch 2, letterbox known, plugged in");
    screen.wait_for(1, "VM0003, Epoch 1, behind its team");

    lab.hub(&["unplug", "VM0001"]);
    fs::remove_file(&plain).expect("a file");
    let encrypted = plain.with_added_extension("kw");
    lab.keywriter(&["decrypt", encrypted.to_str().expect("text")])
        .expect(0);
    assert_eq!(fs::read(&plain).expect("a file"), b"the plan");
}
