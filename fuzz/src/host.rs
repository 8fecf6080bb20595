//! A hostile module against the host: whatever it answers, `keywriter` neither panics nor waits forever.

use crate::stage;
use hsm_protocol::{cloning::Options, receipt::Party};
use keywriter::{
    cipher::{self, Direction, Units},
    cycle::run::{DirectMaster, Run},
    discovery::{Connector, Watch},
    genuine::TrustedRoot,
    module::ConnectedModule,
    receipt::Parties,
    survey::{self, Depth},
    transport::{Location, Transport, TransportError},
};
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The first byte is the module's location, then come its answers, each after a 16-bit length. After the last one the
/// module is unplugged.
pub fn run(data: &[u8]) {
    let Some((&choice, mut rest)) = data.split_first() else {
        return;
    };
    let mut answers = VecDeque::new();
    while let Some((len, tail)) = rest.split_first_chunk() {
        let len = usize::from(u16::from_be_bytes(*len)).min(tail.len());
        let (answer, tail) = tail.split_at(len);
        answers.push_back(answer.to_vec());
        rest = tail;
    }
    let hostile = Hostile {
        location: if choice & 1 == 0 {
            Location::Socket("/run/H.sock".into())
        } else {
            Location::Reader("H".into())
        },
        answers: Arc::new(Mutex::new(answers)),
    };
    let root = ROOT.with(Clone::clone);
    let asked = survey::ask(&hostile, &hostile.location, Some(&root), Depth::Receipts);
    if let Ok(Some(present)) = asked {
        let mut module = present.module;
        every_command(&mut module);
    }
    every_command(&mut ConnectedModule::new(Box::new(hostile.clone())));
    whole_run(&hostile, &root);
}

thread_local! {
    static ROOT: TrustedRoot =
        TrustedRoot::from_der(stage::root()).expect("a root");
}

fn every_command(module: &mut ConnectedModule) {
    drop(module.select());
    if let Ok(der) = module.trusted_root() {
        drop(TrustedRoot::from_der(der));
    }
    drop(module.last_receipt());
    drop(module.status());
    if let Ok(journal) = module.journal() {
        assert!(journal.entries.len() <= hsm_protocol::limits::JOURNAL_ENTRIES);
        assert!(journal.table.len() <= hsm_protocol::limits::JOURNAL_TABLE);
    }
    let units = Units {
        size: 16,
        first: 0,
        epoch: hsm_protocol::EpochName {
            number: 1,
            check: [0; 8],
        },
    };
    let mut out = Vec::new();
    let ciphered = cipher::stream(
        module,
        Direction::Decipher,
        units,
        &mut &[0; 48][..],
        &mut out,
    );
    assert!(ciphered.is_err() || out.len() == 48);
    drop(module.cycle_begin(Options::default(), 1));
}

fn whole_run(hostile: &Hostile, root: &TrustedRoot) {
    let party = |name: &str| Party {
        serial: name
            .parse()
            .unwrap_or_else(|_never| unreachable!("a serial number")),
        certificate: [0; 48],
    };
    let parties = Parties {
        master: party("M"),
        secondary: party("S"),
        group: [0; 16],
    };
    let mut master = ConnectedModule::new(Box::new(hostile.clone()));
    let mut secondary = ConnectedModule::new(Box::new(hostile.clone()));
    let mut run = || {
        Run::offer(&mut secondary)?
            .grant(&mut DirectMaster::new(&mut master))?
            .consent(&mut secondary)?
            .parcel(&mut DirectMaster::new(&mut master))?
            .commit(&mut secondary)?
            .countersign(&mut DirectMaster::new(&mut master))?
            .prove(&parties, root)
    };
    assert!(
        run().is_err(),
        "no answer proves a clone without a signature"
    );
}

/// A module that sends arbitrary answers.
#[derive(Clone)]
struct Hostile {
    location: Location,
    answers: Arc<Mutex<VecDeque<Vec<u8>>>>,
}

impl Transport for Hostile {
    fn transmit(&mut self, _command: &[u8]) -> Result<Vec<u8>, TransportError> {
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        answers
            .pop_front()
            .ok_or_else(|| TransportError::PulledOut {
                location: self.location.clone(),
            })
    }

    fn location(&self) -> &Location {
        &self.location
    }
}

impl Connector for Hostile {
    fn locations(&self) -> BTreeSet<Location> {
        BTreeSet::from([self.location.clone()])
    }

    fn open(&self, _place: &Location) -> Result<Box<dyn Transport>, TransportError> {
        Ok(Box::new(self.clone()))
    }

    fn watch(&self) -> Box<dyn Watch> {
        Box::new(Never)
    }
}

struct Never;

impl Watch for Never {
    fn wait_change(&mut self, _timeout: Duration) -> bool {
        false
    }
}
