//! Modules in the state that a target needs. Each is made from a copy of the same chips, so that no input depends on
//! another one, and a finding can be reproduced.

use crate::cheap::Cheap;
use hsm_core::{crypto::Provider, leds::Pattern};
use hsm_protocol::{
    Status, apdu::CommandApdu, cloning::Options, command::ins, limits, reader::Reader,
};
use hsm_testbench::{
    Bench,
    board::{Flash, Recorded},
    relay::{self, Message},
};
use std::cell::OnceCell;

/// A module with cheap primitives.
pub type CheapBench = Bench<Cheap>;

/// Returns a certified module in Shipment State. Key and certificate are those of the vectors, the same in every
/// process, so that a finding can be reproduced.
pub fn certified<C: Provider>(serial: &str) -> Bench<C> {
    let mut module = Bench::bare(serial);
    for apdu in sent_to(serial).filter(|apdu| [ins::GENERATE_KEY, ins::INSTALL].contains(&apdu[1]))
    {
        let answer = module.raw(&apdu);
        assert_eq!(answer, [0x90, 0]);
    }
    module
}

/// Returns the APDUs that the vector of a whole run sends to a module.
fn sent_to(serial: &str) -> impl Iterator<Item = Vec<u8>> {
    let vector = include_str!("../../vectors/v1/clone-from-shipment.txt");
    let prefix = format!("{serial} > ");
    let sent = vector
        .lines()
        .filter_map(move |line| line.strip_prefix(&prefix));
    sent.map(|apdu| hex::decode(apdu).expect("hex"))
}

/// Returns the certificate of the vectors' root, DER.
pub fn root() -> Vec<u8> {
    let install = sent_to("MASTER-1").find(|apdu| apdu[1] == ins::INSTALL);
    let install = install.expect("a vector that makes a module");
    let data = CommandApdu::parse(&install).expect("a command").data;
    Reader::new(data)
        .prefixed(limits::CERTIFICATE)
        .expect("a root")
        .to_vec()
}

/// Returns a module as delivered.
pub fn delivered() -> CheapBench {
    thread_local! {
        static CHIPS: OnceCell<Chips> = const { OnceCell::new() };
    }
    CHIPS.with(|chips| {
        chips
            .get_or_init(|| Chips::of(&certified::<Cheap>("SECOND-1")))
            .module("SECOND-1")
    })
}

/// Returns a module with every PIN set and cloning enabled, locked.
pub fn locked() -> CheapBench {
    thread_local! {
        static CHIPS: OnceCell<Chips> = const { OnceCell::new() };
    }
    CHIPS.with(|chips| {
        chips
            .get_or_init(|| Chips::of(&configured::<Cheap>()))
            .module("MASTER-1")
    })
}

/// Returns a module with every PIN and auto-lock set, and cloning enabled.
pub fn configured<C: Provider>() -> Bench<C> {
    let mut module = certified("MASTER-1");
    module.set_all_pins();
    module.configure("KEY+5 15 SHIFT");
    module
}

/// Returns a master, unlocked by its Administrator, in a cycle that copies everything.
pub fn master() -> CheapBench {
    let mut master = locked();
    master.unlock_admin();
    let options = Options {
        auto_lock: true,
        user_pin_policy: true,
        disable_master: true,
    };
    relay::begin(&mut master, options, 1).expect("cloning is enabled");
    master
}

/// A run in progress: both modules, and the last message.
pub struct Run {
    /// The master, in a cycle.
    pub master: CheapBench,
    /// The secondary, as delivered before the run.
    pub secondary: CheapBench,
    /// The last message.
    pub message: Vec<u8>,
}

impl Run {
    /// Runs up to `last`, which has been produced but not delivered.
    pub fn up_to(last: Message) -> Self {
        let mut run = Self {
            master: master(),
            secondary: delivered(),
            message: Vec::new(),
        };
        for message in Message::ALL {
            let before = std::mem::take(&mut run.message);
            run.message = run.step(message, &before).expect("a run without errors");
            if message == last {
                break;
            }
        }
        run
    }

    /// Delivers the message `before`, and asks for `message`.
    pub fn step(&mut self, message: Message, before: &[u8]) -> Result<Vec<u8>, Status> {
        relay::step(&mut self.master, &mut self.secondary, 0, message, before)
    }
}

/// What remains of a module without power. It is copied for each input.
pub struct Chips {
    flash: Flash,
    recorded: Recorded,
}

impl Chips {
    /// Copies a module's chips.
    pub fn of<C: Provider>(module: &Bench<C>) -> Self {
        Self {
            flash: module.flash.copy(),
            recorded: module.recorded.copy(),
        }
    }

    /// Returns a module with a copy of these chips.
    pub fn module<C: Provider>(&self, serial: &str) -> Bench<C> {
        Bench::over(serial, self.flash.copy(), self.recorded.copy())
    }
}

/// Whether a module refuses its store: it shows a fault, and answers commands that need the store with a failure.
pub fn has_failed<C: Provider>(module: &mut Bench<C>) -> bool {
    let has_failed = module.leds() == Pattern::Fault;
    if has_failed {
        assert_eq!(
            module.command(ins::OFFER, 0, &[]),
            Err(Status::MemoryFailure)
        );
    }
    has_failed
}
