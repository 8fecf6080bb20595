//! Where modules may be: the sockets of a hub's folder, and PC/SC readers.

use crate::transport::{self, Location, Transport, TransportError, pcsc};
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
    /// Both.
    #[default]
    All,
    /// Sockets of a hub.
    Sockets,
    /// PC/SC readers.
    Readers,
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
        if self.kinds != Kinds::Readers {
            locations.extend(sockets(&self.run));
        }
        if self.kinds != Kinds::Sockets {
            locations.extend(pcsc::occupied().into_iter().map(Location::Reader));
        }
        locations
    }

    fn obstacles(&self) -> Vec<TransportError> {
        let mut obstacles = Vec::new();
        if self.kinds != Kinds::Readers {
            let read = fs::read_dir(&self.run).err();
            obstacles.extend(
                read.filter(|error| error.kind() != io::ErrorKind::NotFound)
                    .map(|source| TransportError::Io {
                        location: Location::Socket(self.run.clone()),
                        source,
                    }),
            );
        }
        if self.kinds != Kinds::Sockets {
            obstacles.extend(pcsc::obstacle(self.kinds == Kinds::Readers));
        }
        obstacles
    }

    fn open(&self, location: &Location) -> Result<Box<dyn Transport>, TransportError> {
        transport::open(location)
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(LocationsWatch {
            sockets: (self.kinds != Kinds::Readers).then(|| {
                let seen = sockets(&self.run).collect();
                (self.run.clone(), seen)
            }),
            readers: (self.kinds != Kinds::Sockets).then(pcsc::Watch::default),
        })
    }
}

fn sockets(run: &Path) -> impl Iterator<Item = Location> + use<> {
    let entries = fs::read_dir(run).into_iter().flatten();
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| is_module_socket(path))
        .map(Location::Socket)
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

/// Looks at the folder of sockets some times a second, and waits for a change of the readers in between.
#[derive(Debug)]
struct LocationsWatch {
    sockets: Option<(PathBuf, BTreeSet<Location>)>,
    readers: Option<pcsc::Watch>,
}

impl Watch for LocationsWatch {
    fn wait_change(&mut self, timeout: Duration) -> bool {
        let end = Instant::now() + timeout;
        loop {
            if self.have_sockets_changed() {
                return true;
            }
            let mut left = end.saturating_duration_since(Instant::now());
            if self.sockets.is_some() || self.readers.is_none() {
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
                return self.have_sockets_changed();
            }
        }
    }
}

impl LocationsWatch {
    fn have_sockets_changed(&mut self) -> bool {
        let Some((run, seen)) = &mut self.sockets else {
            return false;
        };
        let now: BTreeSet<_> = sockets(run).collect();
        let changed = now != *seen;
        *seen = now;
        changed
    }
}

/// How often the folder of sockets is looked at.
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
