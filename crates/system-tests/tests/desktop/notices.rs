//! A desktop that shows notifications, and one whose user looks elsewhere.

#![expect(
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    clippy::unused_self,
    reason = "the interface's methods have this shape"
)]

use std::{
    collections::HashMap,
    sync::mpsc::{Receiver, Sender, channel},
    time::Duration,
};
use system_tests::screen::Screen;
use x11rb::{
    CURRENT_TIME, NONE,
    connection::Connection as _,
    protocol::xproto::{ConnectionExt as _, InputFocus},
};
use zbus::{interface, zvariant::OwnedValue};

/// The notifications on the screen's session bus.
pub(crate) struct Notices {
    told: Receiver<String>,
    _bus: zbus::blocking::Connection,
}

impl Notices {
    pub(crate) fn start(screen: &Screen) -> Self {
        let (sender, told) = channel();
        let bus = zbus::blocking::connection::Builder::address(screen.session())
            .and_then(|bus| bus.name("org.freedesktop.Notifications"))
            .and_then(|bus| bus.serve_at("/org/freedesktop/Notifications", Desktop(sender)))
            .and_then(zbus::blocking::connection::Builder::build)
            .expect("notifications");
        Self { told, _bus: bus }
    }

    /// Returns the text of the next one.
    #[track_caller]
    pub(crate) fn next(&self) -> String {
        let next = self.told.recv_timeout(Duration::from_secs(20));
        next.expect("a notification")
    }

    /// Returns how many more there are.
    pub(crate) fn count(&self) -> usize {
        self.told.try_iter().count()
    }
}

/// Takes the keyboard from every window.
pub(crate) fn look_away(screen: &Screen) {
    let (connection, _) = x11rb::connect(Some(screen.display())).expect("a display");
    connection
        .set_input_focus(InputFocus::NONE, NONE, CURRENT_TIME)
        .expect("the keyboard is taken");
    connection.flush().expect("a display");
    connection
        .get_input_focus()
        .expect("a display")
        .reply()
        .expect("an answer");
}

struct Desktop(Sender<String>);

#[interface(name = "org.freedesktop.Notifications")]
impl Desktop {
    fn notify(
        &self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: &str,
        body: &str,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expire_timeout: i32,
    ) -> u32 {
        assert_eq!((app_name, summary), ("KeyWriter", "KeyWriter"));
        assert!(hints.contains_key("desktop-entry") && actions.is_empty());
        let _ = (replaces_id, app_icon, expire_timeout);
        self.0.send(body.to_owned()).expect("the test listens");
        1
    }

    fn get_capabilities(&self) -> Vec<String> {
        vec!["body".to_owned()]
    }

    fn get_server_information(&self) -> (&str, &str, &str, &str) {
        ("desktop", "test", "1", "1.2")
    }
}
