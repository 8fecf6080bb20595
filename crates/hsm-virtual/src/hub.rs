//! A hub: a folder with the state of its modules, a root of trust, and a clock.

use crate::{
    board,
    clock::{Clock, STEP},
    files::{self, Readers},
    keys::Stroke,
    manufacture::{self, ManufactureError},
    port::{Delays, Port},
};
use hsm_core::{Module, keypad::KeyEvent, leds::Pattern};
use hsm_factory::{FactoryError, Profile, RegisterFile, Root};
use hsm_protocol::{
    Serial,
    frame::{HUB_VARIABLE, ROOT_FILE, RUN_FOLDER, SOCKET_ENDING},
};
use plain_text::shown_path;
use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};
use zeroize::Zeroizing;

/// Why the hub cannot do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HubError {
    /// A file of the hub cannot be used.
    #[error("cannot use {}", shown_path(.0))]
    File(PathBuf, #[source] io::Error),
    /// The root's file does not hold a root.
    #[error("{} does not hold a root of trust: move the hub's folder away to start with a new one", shown_path(.0))]
    Root(PathBuf, #[source] FactoryError),
    /// A new root cannot be made.
    #[error("cannot make a root of trust")]
    NewRoot(#[source] FactoryError),
    /// A module cannot be made.
    #[error("cannot make module {0}")]
    Manufacture(Serial, #[source] ManufactureError),
    /// The hub has no such module.
    #[error("the hub has no module {0}: `virtual-hub list` shows its modules")]
    NoModule(Serial),
    /// Neither an option nor the environment names the hub's folder.
    #[error("the hub has no folder: name one with --state DIR or {HUB_VARIABLE}")]
    NoFolder,
}

/// How to run a hub.
#[derive(Debug)]
pub struct HubOptions {
    /// How many modules; those that do not exist yet are made.
    pub modules: u16,
    /// PBKDF2 iterations for PINs that are set on these modules.
    pub pin_cost: u32,
    /// Time added to look like hardware.
    pub delays: Delays,
    /// The modules' clock.
    pub clock: Clock,
    /// Certify new modules as hardware, to test what only hardware may do.
    pub pose_as_hardware: bool,
}

/// Modules and their ports.
#[derive(Debug)]
pub struct Hub {
    /// The hub's folder.
    pub folder: PathBuf,
    /// The modules' clock.
    pub clock: Clock,
    ports: BTreeMap<Serial, Arc<Port>>,
}

impl Hub {
    /// Opens a hub's folder; makes its root and modules if they do not exist. All modules are powered up, none is
    /// plugged in.
    pub fn open(folder: &Path, options: HubOptions) -> Result<Self, HubError> {
        make_folder(&folder.join(RUN_FOLDER), Readers::All)?;
        make_folder(&folder.join(STATE_FOLDER), Readers::Owner)?;
        let root = open_root(folder)?;
        let mut ports = BTreeMap::new();
        for number in 1..=options.modules {
            let serial = serial(number);
            let module = open_module(folder, serial, &root, &options)?;
            ports.insert(serial, Arc::new(Port::new(module, options.delays)));
        }
        Ok(Self {
            folder: folder.into(),
            clock: options.clock,
            ports,
        })
    }

    /// Returns every port, ordered by serial number.
    pub fn ports(&self) -> impl Iterator<Item = &Arc<Port>> {
        self.ports.values()
    }

    /// Returns the port of a module.
    pub fn port(&self, serial: Serial) -> Result<&Arc<Port>, HubError> {
        self.ports.get(&serial).ok_or(HubError::NoModule(serial))
    }

    /// Returns the path of a module's socket, which exists while the module is plugged in.
    pub fn socket(&self, serial: Serial) -> PathBuf {
        socket(&self.folder, serial)
    }

    /// Types on a module's keypad. Returns what the LEDs show then, and for how many milliseconds they have shown it.
    pub fn press(&self, serial: Serial, strokes: &[Stroke]) -> Result<(Pattern, u64), HubError> {
        let port = self.port(serial)?;
        let down = |key| port.key(KeyEvent::Down(key), &self.clock);
        let up = |key| port.key(KeyEvent::Up(key), &self.clock);
        for stroke in strokes {
            match *stroke {
                Stroke::Press(key) => {
                    down(key);
                    up(key);
                }
                Stroke::Chord(first, second) => {
                    down(first);
                    down(second);
                    up(second);
                    up(first);
                }
                Stroke::Hold(key, milliseconds) => {
                    down(key);
                    self.pass(milliseconds);
                    up(key);
                }
                Stroke::HoldChord(first, second, milliseconds) => {
                    down(first);
                    down(second);
                    self.pass(milliseconds);
                    up(second);
                    up(first);
                }
            }
        }
        Ok(port.leds(&self.clock))
    }

    /// Presses or releases one key of a module's keypad. Returns the same as [`Self::press`].
    pub fn key(&self, serial: Serial, event: KeyEvent) -> Result<(Pattern, u64), HubError> {
        let port = self.port(serial)?;
        port.key(event, &self.clock);
        Ok(port.leds(&self.clock))
    }

    /// Lets time pass for every module.
    pub fn pass(&self, milliseconds: u64) {
        self.clock.pass(milliseconds, || self.tick());
    }

    /// Ticks every module until `is_stopped` returns true; for a separate thread, under a real clock.
    pub fn keep_ticking(&self, is_stopped: impl Fn() -> bool) {
        while !is_stopped() {
            std::thread::sleep(std::time::Duration::from_millis(STEP));
            self.tick();
        }
    }

    fn tick(&self) {
        self.ports().for_each(|port| port.tick(&self.clock));
    }
}

/// In the hub's folder: the modules' state, and the control socket.
pub const STATE_FOLDER: &str = "state";

/// In [`STATE_FOLDER`]: the key and certificate of the development root.
const ROOT_KEY_FILE: &str = "root-key.pem";

/// The register of the modules that the root certified.
const REGISTER_FILE: &str = "certified.txt";

/// Returns the hub's folder: `named`, else the one in the environment, else the user's default, which hosts use too.
pub fn folder(named: Option<PathBuf>) -> Result<PathBuf, HubError> {
    local_socket::hub_folder(named, |name| std::env::var_os(name)).ok_or(HubError::NoFolder)
}

fn serial(number: u16) -> Serial {
    let text = format!("VM{number:04}");
    text.parse()
        .unwrap_or_else(|_malformed| unreachable!("a short serial number of capitals and digits"))
}

fn socket(folder: &Path, serial: Serial) -> PathBuf {
    folder
        .join(RUN_FOLDER)
        .join(format!("{serial}.{SOCKET_ENDING}"))
}

fn make_folder(path: &Path, readers: Readers) -> Result<(), HubError> {
    files::make_folder(path, readers).map_err(|error| HubError::File(path.into(), error))
}

fn open_root(folder: &Path) -> Result<Root, HubError> {
    let path = folder.join(STATE_FOLDER).join(ROOT_KEY_FILE);
    let file = |error| HubError::File(path.clone(), error);
    let root = if let Some(pem) = files::read(&path).map_err(file)? {
        let pem = Zeroizing::new(pem);
        Root::from_pem(&String::from_utf8_lossy(&pem))
            .map_err(|error| HubError::Root(path.clone(), error))?
    } else {
        let root = Root::generate("KeyWriter development root").map_err(HubError::NewRoot)?;
        let pem = root.to_pem().map_err(HubError::NewRoot)?;
        files::replace(&path, pem.as_bytes()).map_err(file)?;
        root
    };
    let public = folder.join(RUN_FOLDER).join(ROOT_FILE);
    let pem = root.certificate_pem().map_err(HubError::NewRoot)?;
    files::write_public(&public, pem.as_bytes()).map_err(|error| HubError::File(public, error))?;
    Ok(root)
}

fn open_module(
    folder: &Path,
    serial: Serial,
    root: &Root,
    options: &HubOptions,
) -> Result<Module<board::VirtualBoard>, HubError> {
    let own = folder.join(STATE_FOLDER).join(serial.as_str());
    let platform = board::open(&own, serial, options.pin_cost)
        .map_err(|error| HubError::File(own.clone(), error))?;
    let mut module = Module::power_up(platform);
    let profile = Profile {
        is_virtual: !options.pose_as_hardware,
    };
    // A module that stopped shows a fault on its LEDs; the other modules still work.
    let mut register = RegisterFile::new(folder.join(STATE_FOLDER).join(REGISTER_FILE));
    match manufacture::certify(&mut module, root, profile, &mut register) {
        Err(ManufactureError::Refused(word, _))
            if word == hsm_protocol::Status::MemoryFailure.to_word() =>
        {
            tracing::error!(%serial, "the module stopped: damaged store or failed self-test; keywriter says which");
            Ok(module)
        }
        other => other
            .map(|()| module)
            .map_err(|error| HubError::Manufacture(serial, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys;
    use std::{error::Error, fs};

    #[test]
    fn a_serial_number_is_given_once_until_its_line_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let options = || HubOptions {
            modules: 1,
            pin_cost: 1_000,
            delays: Delays::default(),
            clock: Clock::manual(),
            pose_as_hardware: false,
        };
        let open = || Hub::open(folder.path(), options());
        open().unwrap();
        open().unwrap();
        let state = folder.path().join(STATE_FOLDER);
        fs::remove_dir_all(state.join("VM0001")).unwrap();
        for _ in 0..2 {
            let refused = open().unwrap_err();
            let mut causes = String::new();
            let mut cause: Option<&dyn Error> = Some(&refused);
            while let Some(error) = cause {
                causes += &error.to_string();
                cause = error.source();
            }
            assert!(causes.contains("VM0001 was certified on 2"), "{causes}");
            assert!(causes.contains(REGISTER_FILE), "{causes}");
        }
        fs::remove_file(state.join(REGISTER_FILE)).unwrap();
        open().unwrap();
    }

    #[test]
    fn how_long_a_pattern_has_been_shown_is_counted_in_the_modules_time() {
        let folder = tempfile::tempdir().unwrap();
        let options = HubOptions {
            modules: 1,
            pin_cost: 1_000,
            delays: Delays::default(),
            clock: Clock::manual(),
            pose_as_hardware: false,
        };
        let hub = Hub::open(folder.path(), options).unwrap();
        let serial = serial(1);
        let press = |text| hub.press(serial, &keys::parse(text).unwrap()).unwrap();
        hub.pass(700);
        assert_eq!(press("SHIFT:1s"), (Pattern::Shipment, 1_700));
        assert_eq!(press("5"), (Pattern::Refused, 0));
        hub.pass(450);
        let shown = || hub.port(serial).unwrap().leds(&hub.clock);
        assert_eq!(shown(), (Pattern::Refused, 450));
        hub.pass(1_100);
        assert_eq!(shown(), (Pattern::Shipment, 50));
    }
}
