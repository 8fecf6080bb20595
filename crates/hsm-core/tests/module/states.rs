//! State × command: the table in the document, sent to modules in every state.

mod answers;
mod keys;
mod table;

use crate::Crypto;
use answers::{answer, as_master};
use hsm_core::{Link, leds::Pattern};
use hsm_factory::Root;
use hsm_protocol::{
    Status,
    apdu::{CHAINING, encode_extended},
    cloning::Options,
    command::{CLA, CLA_INTERINDUSTRY, ins},
};
use hsm_testbench::{
    ADMIN_PIN, Bench, letters,
    relay::{self, Message},
};
use table::Table;

type Module = Bench<Crypto>;
type Answer = Result<Vec<u8>, Status>;

#[test]
fn the_table_has_every_state_and_every_instruction_once() {
    let table = Table::read();
    assert_eq!(table.states, State::ALL.map(State::column));
    let mut rows: Vec<_> = table.rows.iter().map(|row| (row.cla, row.ins)).collect();
    let mut known: Vec<_> = ins::ALL.into_iter().map(|ins| (CLA, ins)).collect();
    known.push((CLA_INTERINDUSTRY, ins::SELECT));
    known.push((CLA_INTERINDUSTRY, ins::GET_RESPONSE));
    rows.sort_unstable();
    known.sort_unstable();
    assert_eq!(rows, known);
}

#[test]
fn every_cell_of_the_table_is_what_a_module_answers() {
    let root = Root::generate("Test root").unwrap();
    let mut differing = Vec::new();
    for row in &Table::read().rows {
        for (state, documented) in State::ALL.into_iter().zip(&row.cells) {
            for p1 in row.parameters() {
                let mut subject = state.subject(&root);
                let word = word_of(&answer(&mut subject, &root, row, *p1));
                if word != *documented {
                    differing.push(format!(
                        "{} (P1 = {p1}) in {state:?}: {word:04X}, documented {documented:04X}",
                        row.name
                    ));
                }
            }
        }
    }
    assert!(differing.is_empty(), "{differing:#?}");
}

#[test]
fn every_other_instruction_and_class_is_unknown_in_every_state() {
    let root = Root::generate("Test root").unwrap();
    for state in State::ALL {
        let mut module = state.module(&root);
        for cla in 0..=255 {
            for ins in 0..=255 {
                let word = word_of(&send(&mut module, [cla, ins, 0, 1], &[]));
                let expected = match (cla & !CHAINING, ins) {
                    (CLA_INTERINDUSTRY, ins::GET_RESPONSE) => Status::WrongParameters,
                    // A link that has more to follow is looked at with the last one.
                    _ if cla & CHAINING != 0 => Status::Success,
                    (CLA_INTERINDUSTRY, ins::SELECT) => Status::WrongParameters,
                    (CLA, ins) if ins::ALL.contains(&ins) => Status::WrongParameters,
                    (CLA | CLA_INTERINDUSTRY, _) => Status::UnknownInstruction,
                    _ => Status::UnknownClass,
                };
                assert_eq!(
                    word,
                    expected.to_word(),
                    "{cla:02X} {ins:02X} in {state:?}: {word:04X}"
                );
                if cla & CHAINING != 0 {
                    module.link(Link::Reset);
                }
            }
        }
    }
}

#[test]
fn shape_parameters_length_and_fields_are_checked_before_the_state() {
    let root = Root::generate("Test root").unwrap();
    for state in State::ALL {
        let mut module = state.module(&root);
        for row in &Table::read().rows {
            assert_eq!(
                send(&mut module, [row.cla, row.ins, 0xFF, 0], &[]),
                Err(Status::WrongParameters),
                "{} in {state:?}",
                row.name
            );
            assert_eq!(
                module.raw(&[row.cla, row.ins, 0, 0, 9, 1]),
                [0x67, 0x00],
                "{} in {state:?}",
                row.name
            );
        }
        for (command, refusal) in [
            (ins::IDENTITY, Status::WrongLength),
            (ins::CIPHER, Status::Malformed),
            (ins::CYCLE_BEGIN, Status::Malformed),
            (ins::INSTALL, Status::Malformed),
            (ins::STATUS, Status::WrongLength),
            (ins::OFFER, Status::WrongLength),
        ] {
            assert_eq!(
                module.command(command, 0, &[0xFF]),
                Err(refusal),
                "{command:02X} in {state:?}"
            );
        }
    }
}

/// The commands that write, from a state in which they may, and how often they do when they are repeated.
const WRITERS: [(u8, Repeated); 9] = [
    (ins::LETTERBOX, Repeated::Once),
    (ins::GENERATE_KEY, Repeated::Once),
    (ins::INSTALL, Repeated::Once),
    (ins::COMMIT, Repeated::Once),
    (ins::LETTER_JOIN, Repeated::Once),
    (ins::LETTER_EPOCHS, Repeated::WithLetter),
    (ins::LETTER_WRITE, Repeated::Counted),
    (ins::PARCEL, Repeated::Counted),
    (ins::COUNTERSIGN, Repeated::Counted),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Repeated {
    /// Never again in this state.
    Once,
    /// Each of them is one of the writes that an unlock allows (`hostile/flush.rs`).
    Counted,
    /// Once for each letter that a re-keying master writes.
    WithLetter,
}

#[test]
fn a_command_writes_only_if_the_document_of_the_store_says_so() {
    let root = Root::generate("Test root").unwrap();
    for row in &Table::read().rows {
        let writer = WRITERS.iter().find(|(ins, _)| *ins == row.ins);
        let mut has_written = false;
        for state in State::ALL {
            for p1 in row.parameters() {
                let mut subject = state.subject(&root);
                let Subject { module, .. } = &mut subject;
                // What precedes the command may write.
                if matches!(row.ins, ins::READ_CSR | ins::INSTALL) {
                    drop(module.command(ins::GENERATE_KEY, 0, &[]));
                }
                if row.ins == ins::COUNTERSIGN {
                    drop(as_master(module, &root, Message::Parcel));
                }
                if matches!(row.ins, ins::LETTER_JOIN | ins::LETTER_EPOCHS) {
                    drop(letters::letterbox(module));
                }
                let before = module.flash.blob();
                drop(answer(&mut subject, &root, row, *p1));
                let after = subject.module.flash.blob();
                has_written |= after != before;
                let name = &row.name;
                assert!(writer.is_some() || after == before, "{name} in {state:?}");
                if writer.is_none_or(|(_, repeated)| *repeated == Repeated::Once) {
                    drop(answer(&mut subject, &root, row, *p1));
                    assert!(
                        subject.module.flash.blob() == after,
                        "{name} in {state:?}, again"
                    );
                }
            }
        }
        assert_eq!(has_written, writer.is_some(), "{}", row.name);
    }
}

/// The columns.
#[derive(Clone, Copy, Debug)]
enum State {
    Uncertified,
    Shipment,
    Reset,
    Locked,
    AdminMode,
    User,
    Administrator,
    Fault,
}

impl State {
    const ALL: [Self; 8] = [
        Self::Uncertified,
        Self::Shipment,
        Self::Reset,
        Self::Locked,
        Self::AdminMode,
        Self::User,
        Self::Administrator,
        Self::Fault,
    ];

    const fn column(self) -> &'static str {
        match self {
            Self::Uncertified => "Uncertified",
            Self::Shipment => "Shipment",
            Self::Reset => "Reset",
            Self::Locked => "Locked",
            Self::AdminMode => "Admin mode",
            Self::User => "User",
            Self::Administrator => "Administrator",
            Self::Fault => "Fault",
        }
    }

    /// A module in that state.
    fn module(self, root: &Root) -> Module {
        self.subject(root).module
    }

    /// A module in that state, with the master of its group. Every one that has an Admin PIN is a clone, so that it has
    /// a last receipt.
    fn subject(self, root: &Root) -> Subject {
        let mut master = master("MASTER-1", root);
        let module = self.module_of(root, &mut master);
        Subject { module, master }
    }

    fn module_of(self, root: &Root, master: &mut Module) -> Module {
        match self {
            Self::Uncertified => Bench::bare("MODULE-1"),
            Self::Shipment => Bench::new("MODULE-1", root),
            Self::Reset => {
                let mut module = clone(root, master);
                for _ in 0..10 {
                    module.press("KEY 97531864 KEY 47867243 KEY");
                }
                module.pass(hsm_core::time::FLASH);
                assert_eq!(module.leds(), Pattern::Reset);
                module
            }
            Self::Locked => clone(root, master),
            Self::AdminMode => {
                let mut module = clone(root, master);
                let leds = module.press(&format!("KEY+1 {ADMIN_PIN} KEY"));
                assert_eq!(leds, Pattern::AdminMode);
                module
            }
            Self::User => {
                let mut module = clone(root, master);
                module.unlock_user();
                module
            }
            Self::Administrator => {
                let mut module = clone(root, master);
                module.unlock_admin();
                module
            }
            Self::Fault => {
                let mut module = clone(root, master);
                let mut blob = module.flash.blob();
                blob[100] ^= 1;
                module.flash.set_blob(blob);
                module.power_up();
                assert_eq!(module.leds(), Pattern::Fault);
                module
            }
        }
    }
}

/// What commands are sent to.
struct Subject {
    module: Module,
    /// The master of its group, with a cycle begun.
    master: Module,
}

/// A locked clone with cloning enabled.
fn clone(root: &Root, master: &mut Module) -> Module {
    let mut module = Bench::new("MODULE-1", root);
    relay::run(master, &mut module, 0, |_, _| {}).receipt();
    module.press(&format!("KEY+1 {ADMIN_PIN} KEY KEY+8 1 SHIFT"));
    assert_eq!(module.press("SHIFT:1s"), Pattern::Standby);
    module
}

/// A master with its cycle begun.
fn master(serial: &str, root: &Root) -> Module {
    let mut master = Bench::new(serial, root);
    master.set_up();
    master.unlock_admin();
    relay::begin(&mut master, Options::default(), 1).unwrap();
    master
}

fn send(module: &mut Module, header: [u8; 4], data: &[u8]) -> Answer {
    let mut apdu = [0; 64];
    let len = encode_extended(header, data, &mut apdu).unwrap();
    let response = module.raw(&apdu[..len]);
    let (data, word) = response.split_last_chunk::<2>().unwrap();
    match Status::from_word(u16::from_be_bytes(*word)).unwrap() {
        Status::Success => Ok(data.to_vec()),
        refused => {
            assert!(data.is_empty(), "a refusal carries no data");
            Err(refused)
        }
    }
}

fn word_of(answer: &Answer) -> u16 {
    answer
        .as_ref()
        .map_or_else(|status| status.to_word(), |_| Status::Success.to_word())
}
