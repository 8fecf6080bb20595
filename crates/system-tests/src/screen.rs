//! A display without a monitor, and what a screen reader sees on it. Clicks and keys are real: names say where to.

use std::{
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use zbus::{
    blocking::{Connection, connection::Builder},
    zvariant::{OwnedObjectPath, OwnedValue, Value},
};

/// An X server, a session bus, and the accessibility bus on it. Debian's `xvfb`, `dbus`, `at-spi2-core`, `xdotool` and `imagemagick`.
#[derive(Debug)]
pub struct Screen {
    server: Child,
    bus: Child,
    display: String,
    session: String,
    accessibility: Connection,
}

/// Something that a screen reader could name.
#[derive(Clone, Debug)]
pub struct Element {
    place: Place,
    /// What a screen reader says.
    pub name: String,
}

type Place = (String, OwnedObjectPath);

impl Screen {
    /// Starts all three.
    pub fn start() -> Self {
        let mut server = Command::new("Xvfb")
            .args(["-displayfd", "1", "-screen", "0", "1280x860x24"])
            .args(["-nolisten", "tcp", "-noreset"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb starts");
        let display = format!(":{}", first_line(server.stdout.as_mut().expect("piped")));
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            // What the bus starts by itself draws on this display too.
            .env("DISPLAY", &display)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("dbus-daemon starts");
        let session = first_line(bus.stdout.as_mut().expect("piped"));
        let accessibility = accessibility(&session);
        Self {
            server,
            bus,
            display,
            session,
            accessibility,
        }
    }

    /// The X server's name: `:1`.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The session bus's address.
    pub fn session(&self) -> &str {
        &self.session
    }

    /// The number of the window with that title.
    #[track_caller]
    pub fn window(&self, title: &str) -> u32 {
        let found = Command::new("xdotool")
            .args(["search", "--sync", "--name", title])
            .env("DISPLAY", &self.display)
            .output()
            .expect("xdotool starts");
        let found = String::from_utf8_lossy(&found.stdout);
        let first = found.lines().next().and_then(|line| line.parse().ok());
        first.unwrap_or_else(|| panic!("no window is named \"{title}\""))
    }

    /// Makes a program draw here.
    pub fn show(&self, program: &mut Command) -> Child {
        program
            .env("DISPLAY", &self.display)
            .env("DBUS_SESSION_BUS_ADDRESS", &self.session)
            .env_remove("WAYLAND_DISPLAY")
            .env("LANG", "C.UTF-8")
            .stdin(Stdio::null())
            .spawn()
            .expect("the program starts")
    }

    /// Waits until something of that name is there.
    #[track_caller]
    pub fn wait(&self, name: &str) -> Element {
        let found = self.until(|all| all.iter().find(|element| element.name == name).cloned());
        found.unwrap_or_else(|| panic!("nothing is named \"{name}\"; there is {:#?}", self.names()))
    }

    /// Waits until so many have a name with these words in it.
    #[track_caller]
    pub fn wait_for(&self, count: usize, words: &str) {
        let found = self.until(|all| {
            let named = all.iter().filter(|element| element.name.contains(words));
            (named.count() == count).then_some(())
        });
        assert!(
            found.is_some(),
            "not {count} are named \"{words}\"; there is {:#?}",
            self.names()
        );
    }

    /// Clicks on what has that name, once it can be clicked.
    #[track_caller]
    pub fn click(&self, name: &str) {
        let element = self.wait(name);
        let (x, y, width, height) = self.extents(&element);
        let at = [x + width / 2, y + height / 2].map(|position| position.to_string());
        self.xdotool(&["mousemove", &at[0], &at[1], "click", "1"]);
    }

    /// Clicks on what has that name, and again, until something of another name is there: a button may not be ready yet.
    #[track_caller]
    pub fn click_until(&self, name: &str, then: &str) {
        let shown = self.until(|all| {
            if all.iter().any(|element| element.name == then) {
                return Some(());
            }
            self.click(name);
            thread::sleep(BETWEEN);
            None
        });
        assert!(
            shown.is_some(),
            "{name}: no {then}, but {:#?}",
            self.names()
        );
    }

    /// Clicks into a field and types.
    #[track_caller]
    pub fn type_into(&self, name: &str, text: &str) {
        self.click(name);
        self.xdotool(&["type", "--delay", "8", text]);
    }

    /// Presses a key.
    pub fn key(&self, key: &str) {
        self.xdotool(&["key", key]);
    }

    /// Gives the keyboard to a window; there is no window manager that would.
    #[track_caller]
    pub fn focus(&self, title: &str) {
        self.xdotool(&["search", "--sync", "--name", title, "windowfocus", "--sync"]);
    }

    /// Saves a picture of the window with that title, in true color.
    pub fn picture(&self, title: &str, path: &Path) {
        let taken = Command::new("/usr/bin/import")
            .args(["-window", title])
            .arg(format!("png24:{}", path.display()))
            .env("DISPLAY", &self.display)
            .status();
        assert!(taken.is_ok_and(|status| status.success()), "no picture");
    }

    fn until<T>(&self, look: impl Fn(&[Element]) -> Option<T>) -> Option<T> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = look(&self.all()) {
                return Some(found);
            }
            if Instant::now() > end {
                return None;
            }
            thread::sleep(Duration::from_millis(100));
        }
    }

    fn names(&self) -> Vec<String> {
        let names = self.all().into_iter().map(|element| element.name);
        names.filter(|name| !name.is_empty()).collect()
    }

    /// Everything that any program shows.
    fn all(&self) -> Vec<Element> {
        let mut found = Vec::new();
        let mut left = vec![(
            "org.a11y.atspi.Registry".to_owned(),
            OwnedObjectPath::try_from("/org/a11y/atspi/accessible/root").expect("a path"),
        )];
        while let Some(place) = left.pop() {
            // What goes away while it is looked at is not there.
            let Some(element) = self.element(&place) else {
                continue;
            };
            found.push(element);
            let children = self.call(&place, "org.a11y.atspi.Accessible", "GetChildren", &());
            let children: Option<Vec<Place>> =
                children.and_then(|answer| answer.body().deserialize().ok());
            left.extend(children.unwrap_or_default());
        }
        found
    }

    fn element(&self, place: &Place) -> Option<Element> {
        let properties = "org.freedesktop.DBus.Properties";
        let name = self
            .call(
                place,
                properties,
                "Get",
                &("org.a11y.atspi.Accessible", "Name"),
            )
            .and_then(|answer| answer.body().deserialize::<OwnedValue>().ok())?;
        Some(Element {
            place: place.clone(),
            name: String::try_from(name).unwrap_or_default(),
        })
    }

    #[track_caller]
    fn extents(&self, element: &Element) -> (i32, i32, i32, i32) {
        const SCREEN: u32 = 0;
        self.call(
            &element.place,
            "org.a11y.atspi.Component",
            "GetExtents",
            &SCREEN,
        )
        .and_then(|answer| answer.body().deserialize().ok())
        .unwrap_or_else(|| panic!("{element:?} has no place on the screen"))
    }

    fn call<B: serde::Serialize + zbus::zvariant::DynamicType>(
        &self,
        (name, path): &Place,
        interface: &str,
        method: &str,
        body: &B,
    ) -> Option<zbus::Message> {
        self.accessibility
            .call_method(Some(name.as_str()), path, Some(interface), method, body)
            .ok()
    }

    #[track_caller]
    fn xdotool(&self, arguments: &[&str]) {
        let done = Command::new("xdotool")
            .args(arguments)
            .env("DISPLAY", &self.display)
            .status();
        assert!(
            done.is_ok_and(|status| status.success()),
            "xdotool {arguments:?}"
        );
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        for child in [&mut self.bus, &mut self.server] {
            if let Err(error) = child.kill().and_then(|()| child.wait().map(drop)) {
                eprintln!("it did not end: {error}");
            }
        }
    }
}

/// The bus that screen readers use, with one said to be running: programs describe themselves only then.
fn accessibility(session: &str) -> Connection {
    let connect = |address: &str| {
        Builder::address(address)
            .and_then(Builder::build)
            .expect("the bus takes connections")
    };
    let bus = connect(session);
    let ask = |path: &str, interface: &str, method: &str, body: &(&str, &str, Value<'_>)| {
        bus.call_method(Some("org.a11y.Bus"), path, Some(interface), method, body)
            .expect("at-spi2-core answers")
    };
    for property in ["IsEnabled", "ScreenReaderEnabled"] {
        ask(
            "/org/a11y/bus",
            "org.freedesktop.DBus.Properties",
            "Set",
            &("org.a11y.Status", property, Value::from(true)),
        );
    }
    let address: String = bus
        .call_method(
            Some("org.a11y.Bus"),
            "/org/a11y/bus",
            Some("org.a11y.Bus"),
            "GetAddress",
            &(),
        )
        .and_then(|answer| answer.body().deserialize())
        .expect("an address");
    connect(&address)
}

fn first_line(from: &mut impl Read) -> String {
    let mut line = String::new();
    BufReader::new(from).read_line(&mut line).expect("a line");
    line.trim().to_owned()
}

/// Between two clicks.
const BETWEEN: Duration = Duration::from_millis(400);

/// How long something may take to appear, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_mins(1);
