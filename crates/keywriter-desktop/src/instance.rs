//! One window for a session: a second start passes its files to the window that is open, and ends.
//!
//! They go over the session bus, by the interface that desktops open files with (`org.freedesktop.Application`, Desktop Entry
//! Specification). The bus belongs to one user.

use std::{collections::HashMap, path::PathBuf, time::Duration};
use url::Url;
use zbus::{
    blocking::{Connection, Proxy, connection::Builder},
    fdo::{self, RequestNameFlags},
    interface,
    zvariant::{OwnedValue, Value},
};

/// The app on the session bus.
const NAME: &str = "example.keywriter.KeyWriter";
const PATH: &str = "/example/keywriter/KeyWriter";
const INTERFACE: &str = "org.freedesktop.Application";

/// How long an open window may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Shows files in the window, or only the window; returns whether there is one.
pub type Show = Box<dyn Fn(Vec<PathBuf>) -> bool + Send + Sync>;

/// Whose window shows what the program was started with.
#[derive(Debug)]
pub enum Window {
    /// Its own. As long as this lives, later starts pass their files to it; without a session bus, they cannot.
    Own(Option<Connection>),
    /// The one that is open.
    Open,
}

impl Window {
    /// Passes files to the window that is open. If there is none, `show` gets the files of later starts.
    pub fn find(files: &[PathBuf], show: Show) -> Self {
        match claim(files, show) {
            Ok(window) => window,
            Err(error) => {
                tracing::info!(%error, "a window of its own");
                Self::Own(None)
            }
        }
    }
}

fn claim(files: &[PathBuf], show: Show) -> zbus::Result<Window> {
    let bus = Builder::session()?
        .method_timeout(PATIENCE)
        .serve_at(PATH, Application(show))?
        .build()?;
    match bus.request_name_with_flags(NAME, RequestNameFlags::DoNotQueue.into()) {
        Ok(_) => Ok(Window::Own(Some(bus))),
        Err(zbus::Error::NameTaken) => pass(&bus, files).map(|()| Window::Open),
        Err(error) => Err(error),
    }
}

fn pass(bus: &Connection, files: &[PathBuf]) -> zbus::Result<()> {
    let app = Proxy::new(bus, NAME, PATH, INTERFACE)?;
    let platform = HashMap::<&str, Value<'_>>::new();
    if files.is_empty() {
        return app.call("Activate", &(platform,));
    }
    let uris = files.iter().map(|file| {
        let uri = Url::from_file_path(file).map(String::from);
        uri.map_err(|()| zbus::Error::Failure("a relative path".to_owned()))
    });
    let uris = uris.collect::<zbus::Result<Vec<_>>>()?;
    app.call("Open", &(uris, platform))
}

struct Application(Show);

impl Application {
    fn show(&self, files: Vec<PathBuf>) -> fdo::Result<()> {
        if (self.0)(files) {
            Ok(())
        } else {
            Err(fdo::Error::Failed("the window is not open yet".to_owned()))
        }
    }
}

#[interface(name = "org.freedesktop.Application")]
impl Application {
    fn activate(&self, platform_data: HashMap<String, OwnedValue>) -> fdo::Result<()> {
        drop(platform_data);
        self.show(Vec::new())
    }

    fn open(
        &self,
        uris: Vec<String>,
        platform_data: HashMap<String, OwnedValue>,
    ) -> fdo::Result<()> {
        drop(platform_data);
        let file = |uri: String| Url::parse(&uri).ok()?.to_file_path().ok();
        let files: Option<Vec<_>> = uris.into_iter().map(file).collect();
        self.show(files.ok_or_else(|| fdo::Error::InvalidArgs("not a file".to_owned()))?)
    }
}
