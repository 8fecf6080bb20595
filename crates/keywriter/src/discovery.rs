//! Where modules may be: the sockets of a hub's folder, PC/SC readers, and USB.

use crate::transport::{self, Location, Transport, TransportError, pcsc, usb};
use hsm_protocol::{Serial, frame::SOCKET_ENDING};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

/// Which kinds of location are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kinds {
    /// All of them.
    #[default]
    All,
    /// Sockets of a hub.
    Sockets,
    /// PC/SC readers.
    Readers,
    /// USB, without the smart-card service.
    Usb,
}

impl Kinds {
    fn are(self, one: Self) -> bool {
        self == Self::All || self == one
    }
}

/// How a cycle reaches modules: on a computer through [`Discovery`], in tests through a script.
pub trait Connector: Send + Sync {
    /// Returns the locations in which something is plugged now.
    fn locations(&self) -> BTreeSet<Location>;

    /// Returns what keeps modules from being seen that may be there.
    fn obstacles(&self) -> Vec<TransportError> {
        Vec::new()
    }

    /// Connects to the module in `location`.
    fn open(&self, location: &Location) -> Result<Box<dyn Transport>, TransportError>;

    /// Returns a new watch for the locations.
    fn watch(&self) -> Box<dyn Watch>;

    /// Lets time pass before a module is asked again.
    fn pause(&self, time: Duration) {
        thread::sleep(time);
    }
}

/// Waits for something to be plugged in or pulled out.
pub trait Watch: Send {
    /// Returns whether the locations may have changed, after `timeout` at the latest.
    fn wait_change(&mut self, timeout: Duration) -> bool;
}

/// The locations of this computer.
#[derive(Clone, Debug)]
pub struct Discovery {
    run: PathBuf,
    kinds: Kinds,
}

impl Discovery {
    /// Looks in the hub's folder of sockets and in readers, as `kinds` says.
    pub fn new(run: PathBuf, kinds: Kinds) -> Self {
        Self { run, kinds }
    }
}

impl Connector for Discovery {
    fn locations(&self) -> BTreeSet<Location> {
        let mut locations = BTreeSet::new();
        if self.kinds.are(Kinds::Sockets) {
            locations.extend(sockets(&self.run));
        }
        let mut readers = Vec::new();
        if self.kinds.are(Kinds::Readers) {
            readers.extend(pcsc::occupied());
        }
        if self.kinds.are(Kinds::Usb) {
            let plugged = usb::plugged(&readers);
            locations.extend(plugged.into_iter().map(|module| Location::Usb(module.port)));
        }
        locations.extend(readers.into_iter().map(Location::Reader));
        locations
    }

    fn obstacles(&self) -> Vec<TransportError> {
        let mut obstacles = Vec::new();
        if self.kinds.are(Kinds::Sockets) {
            let read = fs::read_dir(&self.run).err();
            obstacles.extend(
                read.filter(|error| error.kind() != io::ErrorKind::NotFound)
                    .map(|source| TransportError::Io {
                        location: Location::Socket(self.run.clone()),
                        source,
                    }),
            );
        }
        if self.kinds.are(Kinds::Readers) {
            obstacles.extend(pcsc::obstacle(self.kinds == Kinds::Readers));
        }
        obstacles
    }

    fn open(&self, location: &Location) -> Result<Box<dyn Transport>, TransportError> {
        transport::open(location)
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(LocationsWatch {
            folders: Folders::of(self),
            readers: self.kinds.are(Kinds::Readers).then(pcsc::Watch::default),
        })
    }
}

fn sockets(run: &Path) -> impl Iterator<Item = Location> + use<> {
    files(run)
        .filter(|path| is_module_socket(path))
        .map(Location::Socket)
}

fn files(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path()))
}

/// Returns whether the name is `SERIAL.sock`. A hub may keep other sockets in the same folder.
fn is_module_socket(path: &Path) -> bool {
    let has_serial = path
        .file_stem()
        .is_some_and(|stem| Serial::parse(stem.as_encoded_bytes()).is_ok());
    has_serial
        && path
            .extension()
            .is_some_and(|ending| ending == SOCKET_ENDING)
}

/// Looks at folders some times a second, and waits for a change of the readers in between.
#[derive(Debug)]
struct LocationsWatch {
    folders: Folders,
    readers: Option<pcsc::Watch>,
}

/// The folders whose files come and go with what is plugged in, and the files that were seen last.
#[derive(Debug)]
struct Folders {
    /// The hub's folder of sockets.
    run: Option<PathBuf>,
    /// The system's folder of USB devices.
    usb: Option<&'static str>,
    seen: BTreeSet<PathBuf>,
}

impl Folders {
    fn of(discovery: &Discovery) -> Self {
        let Discovery { run, kinds } = discovery;
        let mut folders = Self {
            run: kinds.are(Kinds::Sockets).then(|| run.clone()),
            usb: kinds.are(Kinds::Usb).then_some(usb::DEVICES).flatten(),
            seen: BTreeSet::new(),
        };
        folders.have_changed();
        folders
    }

    const fn are_none(&self) -> bool {
        self.run.is_none() && self.usb.is_none()
    }

    fn have_changed(&mut self) -> bool {
        let sockets = self.run.iter().flat_map(|run| files(run));
        let sockets = sockets.filter(|path| is_module_socket(path));
        let devices = self.usb.iter().flat_map(|folder| files(Path::new(folder)));
        let now = sockets.chain(devices).collect();
        let has_changed = now != self.seen;
        self.seen = now;
        has_changed
    }
}

impl Watch for LocationsWatch {
    fn wait_change(&mut self, timeout: Duration) -> bool {
        let end = Instant::now() + timeout;
        loop {
            if self.folders.have_changed() {
                return true;
            }
            let mut left = end.saturating_duration_since(Instant::now());
            if !self.folders.are_none() || self.readers.is_none() {
                left = left.min(GLANCE);
            }
            let waited = self.readers.as_mut().map(|watch| watch.wait_change(left));
            match waited {
                Some(Some(true)) => return true,
                Some(Some(false)) => {}
                // No readers to wait for.
                Some(None) | None => thread::sleep(left),
            }
            if Instant::now() >= end {
                return self.folders.have_changed();
            }
        }
    }
}

/// How often the folders are looked at.
const GLANCE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sockets_are_taken_from_the_hubs_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "VM0001.sock",
            "root.pem",
            "VM0002.sock",
            "sock",
            "pcscd.sock",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let discovery = Discovery::new(folder.path().to_owned(), Kinds::Sockets);
        let names: Vec<_> = discovery
            .locations()
            .into_iter()
            .map(|location| location.name())
            .collect();
        assert_eq!(names.len(), 2);
        assert!(names[0].ends_with("VM0001.sock") && names[1].ends_with("VM0002.sock"));
    }

    #[test]
    fn no_hub_is_no_error() {
        let discovery = Discovery::new("/nonexistent/run".into(), Kinds::Sockets);
        assert!(discovery.locations().is_empty());
    }

    #[test]
    fn a_watch_sees_what_is_plugged_in_and_pulled_out() {
        let folder = tempfile::tempdir().unwrap();
        let discovery = Discovery::new(folder.path().to_owned(), Kinds::Sockets);
        let mut watch = discovery.watch();
        assert!(!watch.wait_change(Duration::ZERO));
        let socket = folder.path().join("A.sock");
        fs::write(&socket, "").unwrap();
        assert!(watch.wait_change(Duration::ZERO));
        assert!(!watch.wait_change(Duration::ZERO));
        fs::remove_file(&socket).unwrap();
        assert!(watch.wait_change(Duration::ZERO));
    }
}
