//! What the manual says to type is typed on a module.

use crate::sequences::{Place, SEQUENCES, word};
use hsm_core::{attempt::ADMIN_STEPS, pin::UNBLOCK_CODE, time::STANDBY};
use hsm_protocol::{
    Serial, Status,
    command::{CLA, ins},
    frame::{FrameHeader, FrameKind},
};
use hsm_virtual::{
    clock::{Clock, STEP},
    hub::{Hub, HubOptions},
    keys,
    port::Delays,
};
use std::{
    collections::BTreeSet,
    io::{Read, Write},
    sync::Arc,
    thread,
};

/// A module in a hub of its own, plugged out.
pub(crate) struct Bench {
    pub(crate) hub: Arc<Hub>,
    /// A computer that asked something.
    computer: Option<local_socket::Stream>,
    serial: Serial,
    _folder: tempfile::TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let options = HubOptions {
            modules: 1,
            pin_cost: 1_000,
            delays: Delays::default(),
            clock: Clock::manual(),
            pose_as_hardware: false,
        };
        let hub = Arc::new(Hub::open(folder.path(), options).expect("a hub"));
        let serial = hub.ports().next().expect("a module").serial;
        Self {
            hub,
            computer: None,
            serial,
            _folder: folder,
        }
    }

    /// Types; the name of what the LEDs show then.
    pub(crate) fn press(&self, text: &str) -> &'static str {
        let strokes = keys::parse(text).expect("keys");
        let (pattern, _) = self.hub.press(self.serial, &strokes).expect("pressed");
        pattern.name()
    }

    /// Plugs the module into a computer, which wants to clone to it.
    fn ask(&mut self, ins: u8, data: &[u8]) {
        let (hub, serial) = (Arc::clone(&self.hub), self.serial);
        let (computer, module) = local_socket::pair().expect("a link");
        hub.port(serial).expect("a port").plug(&hub.clock);
        thread::spawn(move || {
            let port = hub.port(serial).expect("a port");
            port.serve(module, &hub.clock).expect("served");
        });
        let len = u8::try_from(data.len()).expect("short");
        let mut command = vec![CLA, ins, 0, 0];
        if len > 0 {
            command.push(len);
            command.extend_from_slice(data);
        }
        let header = FrameHeader::encode(FrameKind::Transmit, &command).expect("short");
        (&computer).write_all(&header).expect("sent");
        (&computer).write_all(&command).expect("sent");
        let mut answer = [0; FrameHeader::SIZE + 2];
        (&computer).read_exact(&mut answer).expect("answered");
        let word = Status::NeedsPerson.to_word().to_be_bytes();
        assert!(answer.ends_with(&word), "{answer:02X?}");
        self.computer = Some(computer);
    }

    /// A module with an Admin, a User and a Recovery PIN, brought to a place.
    fn at(place: Place) -> Self {
        let mut bench = Self::new();
        let pin = |name| word(name).expect("a PIN").1;
        let (admin, user, recovery) = (pin("ADMIN"), pin("USER"), pin("RECOVERY"));
        if place == Place::Fresh {
            return bench;
        }
        bench.press(&format!("SHIFT+1 {admin} KEY {admin} KEY"));
        bench.press(&format!("KEY+3 {user} KEY {user} KEY"));
        bench.press(&format!("KEY+4 {recovery} KEY {recovery} KEY SHIFT:1s"));
        match place {
            Place::Fresh | Place::Standby => {}
            Place::Idle => bench.hub.pass(STANDBY + 2 * STEP),
            Place::Blocked => {
                for _ in 0..ADMIN_STEPS[0] {
                    bench.press("KEY 999 KEY");
                }
            }
            Place::AdminMode => {
                bench.press(&format!("KEY+1 {admin} KEY"));
            }
            Place::User => {
                bench.press(&format!("SHIFT+KEY {user} KEY"));
            }
            Place::Asks => {
                bench.press(&format!("KEY {admin} KEY"));
                bench.ask(ins::OFFER, &[]);
            }
            Place::AsksToClear => {
                bench.press(&format!("KEY {admin} KEY"));
                bench.ask(ins::CLEAR_TABLE, &[]);
            }
            Place::AsksToRekey => {
                let enabled = format!("KEY+1 {admin} KEY KEY+8 1 SHIFT SHIFT:1s");
                bench.press(&format!("{enabled} KEY {admin} KEY"));
                bench.ask(ins::REKEY, &[]);
            }
            Place::AsksForPolicy => {
                let enabled = format!("KEY+1 {admin} KEY KEY+8 1 SHIFT SHIFT:1s");
                bench.press(&format!("{enabled} KEY {admin} KEY"));
                bench.ask(ins::POLICY, &[0]);
            }
            Place::AsksToWithdraw => {
                bench.press(&format!("KEY {admin} KEY"));
                bench.ask(ins::TICKET_WITHDRAW, &[7; 16]);
            }
        }
        bench
    }
}

#[test]
fn every_sequence_does_on_a_module_what_the_manual_says() {
    for sequence in &SEQUENCES {
        let shows = Bench::at(sequence.place).press(&sequence.typed());
        assert_eq!(
            shows, sequence.shows,
            "{:?} {}",
            sequence.place, sequence.keys
        );
    }
}

#[test]
fn the_sequences_are_those_of_the_keypad_document() {
    const KEYPAD: &str = include_str!("../../../../docs/KEYPAD.md");
    let is_key = |text: &str| keys::parse(text).is_ok();
    let documented: BTreeSet<&str> = KEYPAD
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split(" | ").next())
        .flat_map(|cell| cell.split('`'))
        .filter(|text| is_key(text) && !text.trim().is_empty())
        .collect();
    let manual: BTreeSet<&str> = SEQUENCES
        .iter()
        .flat_map(|sequence| sequence.keys.split(' '))
        .filter(|text| word(text).is_none())
        .collect();
    assert_eq!(documented, manual);
}

#[test]
fn the_unblock_code_of_the_manual_is_the_module_s() {
    let code = std::str::from_utf8(&UNBLOCK_CODE).expect("digits");
    assert!(
        SEQUENCES
            .iter()
            .any(|sequence| sequence.keys.starts_with(code))
    );
}
