//! A hub for tests: real modules that are plugged in and pulled out, links that break where a test says.

use super::module::{TestModule, Unlocked, trusted_root};
use crate::{
    cycle::{
        self, CycleError, Event, How, Setup, StopRequest, Summary,
        plan::{Replace, Request},
    },
    discovery::{Connector, Watch},
    letter::members::Letterboxes,
    license::HardwarePermit,
    receipt::ProvedReceipt,
    transport::{Location, Transport, TransportError},
};
use hsm_core::{Link, leds::Pattern};
use hsm_protocol::cloning::Options;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    time::Duration,
};
use tempfile::TempDir;

/// What goes wrong, once, when an instruction reaches a module.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The command is lost with the connection, and the reader resets the module.
    CutBefore,
    /// The answer is lost.
    CutAfter,
    /// The module is pulled out before it sees the command.
    Pull,
    /// It is pulled out before its answer arrives.
    PullAfter,
    /// It is pulled out and plugged in again.
    Replug,
    /// Another module is plugged in meanwhile.
    PlugOther(&'static str),
    /// The cable changes a bit of this byte of the answer.
    Flip(usize),
    /// The cable gives this answer instead.
    Instead(&'static [u8]),
}

#[derive(Clone, Default)]
pub(crate) struct World(Arc<Mutex<Inside>>);

struct Inside {
    /// The folder of receipts.
    receipts: TempDir,
    letterboxes: TempDir,
    plugged: BTreeMap<Location, TestModule>,
    /// Modules that were pulled out.
    drawer: BTreeMap<Location, TestModule>,
    /// Rises when a connection to a location is lost.
    generations: BTreeMap<Location, u32>,
    /// Locations where the first connection fails.
    deaf: Vec<Location>,
    faults: Vec<(String, u8, Fault)>,
    watchers: Vec<Sender<()>>,
    /// What a person does at a keypad that asks.
    hand: &'static str,
}

impl Default for Inside {
    fn default() -> Self {
        Self {
            receipts: tempfile::tempdir().unwrap(),
            letterboxes: tempfile::tempdir().unwrap(),
            plugged: BTreeMap::new(),
            drawer: BTreeMap::new(),
            generations: BTreeMap::new(),
            deaf: Vec::new(),
            faults: Vec::new(),
            watchers: Vec::new(),
            hand: "",
        }
    }
}

impl World {
    /// A master M, and secondaries of these names and states.
    pub(crate) fn new(secondaries: &[(&str, Unlocked)]) -> Self {
        Self::with_master(Unlocked::Admin { cloning: true }, secondaries)
    }

    /// The same with a master in another state.
    pub(crate) fn with_master(master: Unlocked, secondaries: &[(&str, Unlocked)]) -> Self {
        let world = Self::default();
        world.plug(TestModule::new("M", master));
        for (name, state) in secondaries {
            world.plug(TestModule::new(name, *state));
        }
        world
    }

    pub(crate) fn plug(&self, module: TestModule) {
        let location = socket(module.bench.serial());
        self.plug_at(location, module);
    }

    pub(crate) fn plug_at(&self, location: Location, module: TestModule) {
        let mut inside = self.0.lock().unwrap();
        inside.plugged.insert(location, module);
        inside.watchers.retain(|watcher| watcher.send(()).is_ok());
    }

    pub(crate) fn unplug(&self, name: &str) {
        let mut inside = self.0.lock().unwrap();
        inside.pull(&socket(name));
    }

    /// Plugs a module in that was pulled out.
    pub(crate) fn plug_again(&self, name: &str) {
        let location = socket(name);
        let mut module = self.0.lock().unwrap().drawer.remove(&location).unwrap();
        module.bench.link(Link::Plugged);
        self.plug_at(location, module);
    }

    /// Makes the next connection to that module fail.
    pub(crate) fn refuse_once(&self, name: &str) {
        let location = socket(name);
        self.0.lock().unwrap().deaf.push(location);
    }

    pub(crate) fn break_at(&self, name: &str, ins: u8, fault: Fault) {
        let fault = (name.to_owned(), ins, fault);
        self.0.lock().unwrap().faults.push(fault);
    }

    /// From now on a person presses this on every keypad that asks.
    pub(crate) fn lend_hand(&self, keys: &'static str) {
        self.0.lock().unwrap().hand = keys;
    }

    pub(crate) fn with<T>(&self, name: &str, look: impl FnOnce(&mut TestModule) -> T) -> T {
        let mut inside = self.0.lock().unwrap();
        look(inside.plugged.get_mut(&socket(name)).unwrap())
    }

    /// Clones from M, and returns what was done and, in the order of serial numbers, the last word on each secondary.
    pub(crate) fn clone_to(
        &self,
        to: &[&str],
        options: Options,
    ) -> Result<(Summary, BTreeMap<String, String>), CycleError> {
        self.run(&self.setup(to, options))
    }

    /// Clones from M to one secondary; the finished receipt.
    pub(crate) fn receipt_of(&self, name: &str) -> Vec<u8> {
        self.proof_of(name).as_bytes().to_vec()
    }

    /// The same, as it was checked.
    pub(crate) fn proof_of(&self, name: &str) -> ProvedReceipt {
        let kept = Mutex::new(None);
        let setup = self.setup(&[name], Options::default());
        let summary = cycle::run(self, &setup, &|event| {
            if let Event::Done { receipt, .. } = event {
                *kept.lock().unwrap() = Some(receipt);
            }
        });
        assert_eq!(summary.unwrap().done, 1);
        kept.into_inner().unwrap().unwrap()
    }

    pub(crate) fn run(
        &self,
        setup: &Setup,
    ) -> Result<(Summary, BTreeMap<String, String>), CycleError> {
        let words = Mutex::new(BTreeMap::new());
        let emit = |event: Event| {
            let (serial, word) = match event {
                Event::Done { serial, how, .. } => {
                    let word = match how {
                        How::Cloned => "done",
                        How::Completed => "finished",
                        How::Already => "clone",
                    };
                    (serial, word.to_owned())
                }
                Event::Failed { serial, failure } => (serial, failure.to_string()),
                _ => return,
            };
            words.lock().unwrap().insert(serial.to_string(), word);
        };
        let summary = cycle::run(self, setup, &emit)?;
        Ok((summary, words.into_inner().unwrap()))
    }
}

impl World {
    /// A cycle from M, with receipts in a folder of this world.
    pub(crate) fn setup(&self, to: &[&str], options: Options) -> Setup {
        Setup {
            request: Request {
                master: "M".parse().unwrap(),
                options,
                to: to.iter().map(|name| name.parse().unwrap()).collect(),
                except: Vec::new(),
                replace: Replace::All,
            },
            jobs: None,
            root: trusted_root(0),
            receipts: self.receipts(),
            letterboxes: self.letterboxes(),
            hardware: Ok(HardwarePermit::for_tests()),
            stop: StopRequest::default(),
        }
    }

    pub(crate) fn receipts(&self) -> PathBuf {
        self.0.lock().unwrap().receipts.path().to_owned()
    }

    pub(crate) fn letterboxes(&self) -> Letterboxes {
        Letterboxes::new(self.0.lock().unwrap().letterboxes.path().to_owned())
    }
}

impl Inside {
    fn pull(&mut self, location: &Location) {
        *self.generations.entry(location.clone()).or_default() += 1;
        let mut module = self.plugged.remove(location).unwrap();
        module.bench.link(Link::Unplugged);
        self.drawer.insert(location.clone(), module);
        self.watchers.retain(|watcher| watcher.send(()).is_ok());
    }

    fn cut(&mut self, location: &Location) {
        *self.generations.entry(location.clone()).or_default() += 1;
        if let Some(module) = self.plugged.get_mut(location) {
            module.bench.link(Link::Reset);
        }
    }

    fn take_fault(&mut self, serial: &str, ins: u8) -> Option<Fault> {
        let index = self
            .faults
            .iter()
            .position(|(known, at, _)| known == serial && *at == ins)?;
        Some(self.faults.remove(index).2)
    }
}

fn socket(serial: &str) -> Location {
    Location::Socket(format!("/run/{serial}.sock").into())
}

impl Connector for World {
    fn locations(&self) -> BTreeSet<Location> {
        self.0.lock().unwrap().plugged.keys().cloned().collect()
    }

    fn open(&self, location: &Location) -> Result<Box<dyn Transport>, TransportError> {
        let mut inside = self.0.lock().unwrap();
        let before = inside.deaf.len();
        inside.deaf.retain(|deaf| deaf != location);
        if !inside.plugged.contains_key(location) || inside.deaf.len() < before {
            return Err(TransportError::Absent {
                location: location.clone(),
            });
        }
        Ok(Box::new(Line {
            generation: inside
                .generations
                .get(location)
                .copied()
                .unwrap_or_default(),
            world: self.clone(),
            location: location.clone(),
        }))
    }

    fn watch(&self) -> Box<dyn Watch> {
        let (sender, receiver) = channel();
        self.0.lock().unwrap().watchers.push(sender);
        Box::new(Bell(receiver))
    }

    /// Time passes for every module; a person who is there holds what a module asks for.
    fn pause(&self, time: Duration) {
        let mut inside = self.0.lock().unwrap();
        let hand = inside.hand;
        let milliseconds = u64::try_from(time.as_millis()).unwrap();
        for module in inside.plugged.values_mut() {
            module.bench.pass(milliseconds);
            if module.bench.leds() == Pattern::Asks && !hand.is_empty() {
                module.bench.press(hand);
            }
        }
    }
}

struct Bell(Receiver<()>);

impl Watch for Bell {
    fn wait_change(&mut self, timeout: Duration) -> bool {
        self.0.recv_timeout(timeout) != Err(RecvTimeoutError::Timeout)
    }
}

struct Line {
    world: World,
    location: Location,
    generation: u32,
}

impl Transport for Line {
    fn transmit(&mut self, command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let lost = || TransportError::PulledOut {
            location: self.location.clone(),
        };
        let mut inside = self.world.0.lock().unwrap();
        if inside
            .generations
            .get(&self.location)
            .copied()
            .unwrap_or_default()
            != self.generation
        {
            return Err(lost());
        }
        let Some(module) = inside.plugged.get(&self.location) else {
            return Err(lost());
        };
        let fault = {
            let serial = module.bench.serial().to_owned();
            inside.take_fault(&serial, command[1])
        };
        match fault {
            Some(Fault::CutBefore) => {
                inside.cut(&self.location);
                return Err(lost());
            }
            Some(Fault::Pull) => {
                inside.pull(&self.location);
                return Err(lost());
            }
            Some(Fault::Replug) => {
                inside.pull(&self.location);
                let mut module = inside.drawer.remove(&self.location).unwrap();
                module.bench.link(Link::Plugged);
                inside.plugged.insert(self.location.clone(), module);
                return Err(lost());
            }
            Some(Fault::PlugOther(name)) => {
                drop(inside);
                self.world.plug(TestModule::new(name, Unlocked::Fresh));
                inside = self.world.0.lock().unwrap();
            }
            Some(Fault::CutAfter | Fault::PullAfter | Fault::Flip(_) | Fault::Instead(_))
            | None => {}
        }
        let module = inside.plugged.get_mut(&self.location).unwrap();
        let answer = module.apdu(command);
        match fault {
            Some(Fault::CutAfter) => inside.cut(&self.location),
            Some(Fault::PullAfter) => inside.pull(&self.location),
            Some(Fault::Flip(at)) => {
                let mut changed = answer;
                if let Some(byte) = changed.get_mut(at) {
                    *byte ^= 1;
                }
                return Ok(changed);
            }
            Some(Fault::Instead(other)) => return Ok(other.to_vec()),
            _ => return Ok(answer),
        }
        Err(lost())
    }

    fn location(&self) -> &Location {
        &self.location
    }
}
