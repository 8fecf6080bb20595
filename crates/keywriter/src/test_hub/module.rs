//! A real module in a state that a test chooses, with a log of what the host sent to it.

use crate::genuine::TrustedRoot;
use hsm_core::crypto::rust_crypto::RustCrypto;
use hsm_factory::{Profile, Root};
use hsm_protocol::{
    command::ins,
    identity::LockState,
    journal::{JournalEntry, JournalPage},
};
use hsm_testbench::Bench;
use std::sync::LazyLock;

/// What was done on the keypad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unlocked {
    Fresh,
    Locked,
    User,
    Admin { cloning: bool },
}

pub(crate) struct TestModule {
    pub(crate) bench: Bench<RustCrypto>,
    /// Every instruction that arrived.
    pub(crate) log: Vec<u8>,
}

impl TestModule {
    /// Makes a hardware module.
    pub(crate) fn new(serial: &str, state: Unlocked) -> Self {
        Self::made(Bench::bare(serial), 0, false, state)
    }

    /// Makes a virtual module.
    pub(crate) fn new_virtual(serial: &str, state: Unlocked) -> Self {
        Self::made(Bench::bare(serial), 0, true, state)
    }

    /// Makes a module that is certified under the other root.
    pub(crate) fn foreign(serial: &str) -> Self {
        Self::made(Bench::bare(serial), 1, false, Unlocked::Fresh)
    }

    /// Makes a device without a certificate.
    pub(crate) fn uncertified(serial: &str) -> Self {
        Self {
            bench: Bench::bare(serial),
            log: Vec::new(),
        }
    }

    /// Makes a module with the serial number of another one, but another key.
    pub(crate) fn duplicate(serial: &str) -> Self {
        let mut bench = Bench::bare(serial);
        // Its generator is seeded by what it gave before.
        bench.power_up();
        Self::made(bench, 0, false, Unlocked::Fresh)
    }

    /// Makes a copy of this module, with its key.
    pub(crate) fn twin(&self) -> Self {
        Self {
            bench: self.bench.duplicate(),
            log: Vec::new(),
        }
    }

    fn made(mut bench: Bench<RustCrypto>, root: usize, is_virtual: bool, state: Unlocked) -> Self {
        bench.certify(&ROOTS[root], Profile { is_virtual }).unwrap();
        if state != Unlocked::Fresh {
            bench.set_up();
        }
        match state {
            Unlocked::Fresh | Unlocked::Locked => {}
            Unlocked::User => bench.unlock_user(),
            Unlocked::Admin { cloning } => {
                if !cloning {
                    bench.configure("KEY+8 0 SHIFT");
                }
                bench.unlock_admin();
            }
        }
        Self {
            bench,
            log: Vec::new(),
        }
    }

    pub(crate) fn apdu(&mut self, command: &[u8]) -> Vec<u8> {
        self.log.push(command[1]);
        self.bench.raw(command)
    }

    pub(crate) fn state(&mut self) -> Unlocked {
        match self.bench.lock_state() {
            LockState::Shipment => Unlocked::Fresh,
            LockState::Locked => Unlocked::Locked,
            LockState::Unlocked => match self.bench.status().admin {
                None => Unlocked::User,
                Some(admin) => Unlocked::Admin {
                    cloning: admin.cloning,
                },
            },
            LockState::Reset => panic!("reset"),
        }
    }

    /// Reads the newest entries of an unlocked master's journal.
    pub(crate) fn journal(&mut self) -> Vec<JournalEntry> {
        let page = self.bench.command(ins::JOURNAL, 0, &[]).unwrap();
        JournalPage::parse(&page).unwrap().listed().collect()
    }
}

/// Trusts one of the two roots.
pub(crate) fn trusted_root(number: usize) -> TrustedRoot {
    TrustedRoot::from_der(ROOTS[number].certificate_der().to_vec()).unwrap()
}

static ROOTS: [LazyLock<Root>; 2] = [
    LazyLock::new(|| Root::generate("Test root").unwrap()),
    LazyLock::new(|| Root::generate("Other root").unwrap()),
];
