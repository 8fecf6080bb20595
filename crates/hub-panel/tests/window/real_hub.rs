//! The window on a real hub, with a manual clock: nothing sleeps to make the modules' time pass.

use crate::hands::{all, button, click, down, mouse, one, screen, type_keys, up};
use hsm_virtual::{
    clock::Clock,
    hub::{Hub, HubOptions},
    port::Delays,
    server::Server,
};
use hub_panel::{link::Link, screen::Screen, ui};
use slint::{ComponentHandle, platform::Key};
use std::{
    path::Path,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

struct Running {
    server: Arc<Server>,
    thread: JoinHandle<()>,
}

impl Running {
    fn start(folder: &Path) -> Self {
        let options = HubOptions {
            modules: 2,
            pin_cost: 1_000,
            delays: Delays::default(),
            clock: Clock::manual(),
            pose_as_hardware: false,
        };
        let hub = Arc::new(Hub::open(folder, options).unwrap());
        let server = Server::bind(Arc::clone(&hub)).unwrap();
        for port in hub.ports() {
            server.plug(port.serial).unwrap();
        }
        let runs = Arc::clone(&server);
        let thread = thread::Builder::new()
            .stack_size(1 << 20)
            .spawn(move || runs.run().unwrap())
            .unwrap();
        Self { server, thread }
    }

    fn stop(self) {
        self.server.stop();
        self.thread.join().unwrap();
    }
}

fn connected(folder: &Path) -> Screen {
    let screen = screen();
    screen.connect(Link::start(folder, || {}).unwrap());
    screen
}

/// Receives reports until the window shows this text.
fn until_it_says(screen: &Screen, meaning: &str) {
    until(screen, meaning, || !all(screen, meaning).is_empty());
}

fn until(screen: &Screen, what: &str, is_so: impl Fn() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < give_up, "never: {what}");
        thread::sleep(Duration::from_millis(5));
        screen.receive();
    }
}

/// SHIFT for a second, by keyboard.
fn hold_shift(screen: &Screen) {
    down(screen, 's');
    type_keys(screen, "w");
    up(screen, 's');
}

#[test]
fn a_fresh_module_is_set_up_and_unlocked_by_keyboard() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Running::start(folder.path());
    let screen = connected(folder.path());
    until_it_says(&screen, "No Admin PIN was ever set.");

    down(&screen, 's');
    down(&screen, '1');
    up(&screen, '1');
    up(&screen, 's');
    until_it_says(&screen, "Waiting for a new PIN or a setting's value.");
    type_keys(&screen, "24681357k24681357");
    down(&screen, Key::Return);
    up(&screen, Key::Return);
    until_it_says(&screen, "Stored: the new Admin PIN.");
    type_keys(&screen, "ww");
    until_it_says(&screen, "Admin mode: change settings on the keypad.");

    hold_shift(&screen);
    until_it_says(&screen, "Awake and locked.");
    type_keys(&screen, "k24681357k");
    until_it_says(&screen, "Unlocked: the computer can use it.");
    one(&screen, "GREEN: on");

    let plug = button(&screen, "Unplug");
    click(&plug);
    until(&screen, "unplugged", || !all(&screen, "Plug in").is_empty());
    until_it_says(&screen, "Awake and locked.");
    type_keys(&screen, "p");
    until(&screen, "plugged in", || !all(&screen, "Unplug").is_empty());
    hub.stop();
}

#[test]
fn a_fresh_module_is_set_up_and_cloning_enabled_by_mouse() {
    let folder = tempfile::tempdir().unwrap();
    let hub = Running::start(folder.path());
    let screen = connected(folder.path());
    until_it_says(&screen, "No Admin PIN was ever set.");
    let pin = |screen: &Screen| {
        for digit in ["2", "4", "6", "8", "1", "3", "5"] {
            click(&one(screen, digit));
        }
    };

    click(&button(&screen, "Press SHIFT+1"));
    for _ in 0..2 {
        pin(&screen);
        click(&one(&screen, "KEY"));
    }
    until_it_says(&screen, "Stored: the new Admin PIN.");
    click(&button(&screen, "Advance clock by 1 s"));
    click(&button(&screen, "Advance clock by 1 s"));
    until_it_says(&screen, "Admin mode: change settings on the keypad.");

    one(&screen, "KEY").mock_single_click(slint::platform::PointerEventButton::Right);
    click(&one(&screen, "8"));
    until_it_says(&screen, "Waiting for a new PIN or a setting's value.");
    click(&one(&screen, "1"));
    click(&one(&screen, "SHIFT"));
    until_it_says(&screen, "Stored: a new PIN, a deletion or a setting.");

    // A real hold of the mouse: the key is down while a second passes.
    let shift = one(&screen, "SHIFT");
    mouse(&screen, &shift, true);
    type_keys(&screen, "ww");
    until_it_says(&screen, "Awake and locked.");
    mouse(&screen, &shift, false);
    until_it_says(&screen, "Awake and locked.");
    hub.stop();
}

#[test]
fn the_window_outlives_its_hub_and_finds_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let screen = connected(folder.path());
    until_it_says(&screen, "No hub is running in this folder");
    for _ in 0..2 {
        let hub = Running::start(folder.path());
        until_it_says(&screen, "No Admin PIN was ever set.");
        hub.stop();
        until_it_says(&screen, "No hub is running in this folder");
        // Typed while there is no hub: none of it reaches the next one.
        type_keys(&screen, "k1234k");
    }
    let hub = Running::start(folder.path());
    until_it_says(&screen, "No Admin PIN was ever set.");
    assert_eq!(screen.window().global::<ui::Hub>().get_plugged(), 2);
    hub.stop();
}
