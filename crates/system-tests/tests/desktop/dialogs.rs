//! A desktop portal whose user chooses files at once.

#![expect(
    clippy::needless_pass_by_value,
    clippy::unused_self,
    clippy::used_underscore_binding,
    reason = "the interface's methods have this shape"
)]

use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};
use system_tests::screen::Screen;
use zbus::{
    Connection, fdo, interface,
    message::Header,
    zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value},
};

type Answers = Arc<Mutex<VecDeque<Vec<PathBuf>>>>;

/// The portal on the screen's session bus.
pub(crate) struct Dialogs {
    answers: Answers,
    _bus: zbus::blocking::Connection,
}

impl Dialogs {
    pub(crate) fn start(screen: &Screen) -> Self {
        let answers = Answers::default();
        let portal = Portal(Arc::clone(&answers));
        let bus = zbus::blocking::connection::Builder::address(screen.session())
            .and_then(|bus| bus.name("org.freedesktop.portal.Desktop"))
            .and_then(|bus| bus.serve_at("/org/freedesktop/portal/desktop", portal))
            .and_then(zbus::blocking::connection::Builder::build)
            .expect("a portal");
        Self { answers, _bus: bus }
    }

    /// Chooses these in the next dialog; the user cancels any other.
    pub(crate) fn choose(&self, paths: &[&Path]) {
        let paths = paths.iter().map(|path| (*path).to_owned()).collect();
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers.push_back(paths);
    }
}

struct Portal(Answers);

/// The user canceled a dialog.
const CANCELED: u32 = 1;

#[interface(name = "org.freedesktop.portal.FileChooser")]
impl Portal {
    #[zbus(property, name = "version")]
    fn version(&self) -> u32 {
        3
    }

    fn open_file(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
        _parent: &str,
        _title: &str,
        options: HashMap<String, OwnedValue>,
    ) -> fdo::Result<OwnedObjectPath> {
        self.answer(&header, bus, &options)
    }

    fn save_file(
        &self,
        #[zbus(header)] header: Header<'_>,
        #[zbus(connection)] bus: &Connection,
        _parent: &str,
        _title: &str,
        options: HashMap<String, OwnedValue>,
    ) -> fdo::Result<OwnedObjectPath> {
        self.answer(&header, bus, &options)
    }
}

impl Portal {
    fn answer(
        &self,
        header: &Header<'_>,
        bus: &Connection,
        options: &HashMap<String, OwnedValue>,
    ) -> fdo::Result<OwnedObjectPath> {
        let chosen = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop_front();
        let sender = header.sender().map(ToString::to_string);
        let sender = sender.unwrap_or_default();
        let token = options.get("handle_token");
        let token: String = token
            .and_then(|token| token.downcast_ref().ok())
            .unwrap_or_default();
        let sender = sender.trim_start_matches(':').replace('.', "_");
        let path = format!("/org/freedesktop/portal/desktop/request/{sender}/{token}");
        let path = ObjectPath::try_from(path).map_err(zbus::Error::from)?;
        let code = if chosen.is_some() { 0 } else { CANCELED };
        let uris = chosen.unwrap_or_default().into_iter();
        let uris: Vec<_> = uris.map(|path| uri(&path)).collect();
        let results = HashMap::from([("uris", Value::from(uris))]);
        let (bus, request) = (bus.clone(), path.to_owned());
        // A portal answers the call first, and the user later.
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(100));
            let sent = zbus::blocking::Connection::from(bus).emit_signal(
                None::<&str>,
                &request,
                "org.freedesktop.portal.Request",
                "Response",
                &(code, results),
            );
            sent.expect("the bus takes signals");
        });
        Ok(path.into())
    }
}
/// Returns a file as a URI.
pub(crate) fn uri(path: &Path) -> String {
    format!("file://{}", path.display()).replace(' ', "%20")
}
