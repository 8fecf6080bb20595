//! The desktop app as its user has it: a real window, a real portal, real modules behind a real pcscd.

#![expect(clippy::expect_used, reason = "a test that fails says so")]

mod dialogs;
mod drag;
mod files;
mod notices;
mod portal;
mod team;

use portal::Portal;
use std::{
    path::{Path, PathBuf},
    process::Child,
};
use system_tests::{
    lab::{Lab, Over},
    screen::Screen,
};

/// The program, ended with the test.
struct App(Child);

impl App {
    fn launch(lab: &Lab, screen: &Screen, portal: &Portal) -> Self {
        let mut program = lab.program("keywriter-desktop");
        let app = Self(screen.show(program.arg("--portal").arg(&portal.url)));
        screen.focus("KeyWriter");
        app
    }
}

impl Drop for App {
    fn drop(&mut self) {
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            eprintln!("the app did not end: {error}");
        }
    }
}

/// Returns the file for a picture of a real run. `docs/images/app.png` is a copy of `cloned`.
fn picture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/manual-pictures");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder.join(format!("real-{name}.png"))
}

#[test]
fn from_registration_to_nine_check_marks_and_a_changed_pin() {
    let screen = Screen::start();
    let portal = Portal::start();
    let (number, pin) = portal.sell();
    let lab = Lab::start(Over::Pcsc, 10);
    lab.set_up("VM0001");

    let app = App::launch(&lab, &screen, &portal);
    screen.type_into("License number", &number);
    screen.type_into("PIN number", &pin);
    screen.click("Next");
    screen.wait("Registration successful");
    screen.click("Continue");

    lab.unlock_admin("VM0001");
    screen.click_until("Set as Master", "Status: Active");
    screen.picture("KeyWriter", &picture("active"));
    screen.click_until("Start", "9 devices cloned");
    screen.wait_for(9, "Device cloned");
    screen.picture("KeyWriter", &picture("cloned"));

    screen.click("Change PIN");
    screen.type_into("Current PIN", &pin);
    screen.type_into("New PIN", "86420975");
    screen.type_into("Confirm new PIN", "86420975");
    screen.key("Return");
    screen.wait_for(1, "PIN changed");
    drop(app);

    let _app = App::launch(&lab, &screen, &portal);
    screen.type_into("PIN number", &pin);
    screen.key("Return");
    screen.wait_for(1, "The PIN is wrong");
    screen.type_into("PIN number", "86420975");
    screen.key("Return");
    screen.wait("Status: Active");
}
