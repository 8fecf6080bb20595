//! What modules answer to well-formed commands, each step before one taken as far as the state allows.

use super::{Answer, Module, Subject, master, send, table::Row};
use hsm_factory::{Profile, Root};
use hsm_protocol::{
    EpochName,
    command::{AID, CLA, DataUnits, ins, write_install},
    limits,
    policy::Policy,
    ticket::{Act, Presentation, Ticket},
    writer::Writer,
};
use hsm_testbench::{
    Forgetful, files, hybrid, letters,
    relay::{self, Message},
    tickets,
};

/// What a module answers to a well-formed command, each step before it taken as far as the state allows.
pub(super) fn answer(subject: &mut Subject, root: &Root, row: &Row, p1: u8) -> Answer {
    let Subject { module, master } = subject;
    match row.ins {
        ins::SELECT => send(module, [row.cla, row.ins, 4, 0], &AID),
        ins::GET_RESPONSE => {
            // All but the first byte of an identity is left to fetch.
            module.raw(&[&[CLA, ins::IDENTITY, 0, 0, 32][..], &[7; 32], &[1]].concat());
            send(module, [row.cla, row.ins, 0, 0], &[])
        }
        ins::IDENTITY | ins::FILE_RECIPIENT | ins::TEAM => module.command(row.ins, p1, &[7; 32]),
        ins::INSTALL => {
            let data = installation(module, root);
            module.command(row.ins, p1, &data)
        }
        ins::READ_CSR => {
            drop(module.command(ins::GENERATE_KEY, 0, &[]));
            module.command(row.ins, p1, &[])
        }
        ins::CIPHER => {
            let units = units(module.epoch());
            module.command(row.ins, p1, &units)
        }
        ins::FILE_BEGIN if p1 == 1 => module.command(row.ins, p1, &files::BEGIN_ONE),
        ins::FILE_BEGIN => module.command(row.ins, p1, &files::CHUNK_SIZE),
        ins::FILE_SEAL => {
            let data = files::seal_command(module);
            module.command(row.ins, p1, &data)
        }
        ins::FILE_OPEN => {
            let data = files::open_command(module);
            module.command(row.ins, p1, &data)
        }
        ins::FILE_IDENTIFY => {
            let data = files::identify_command(module, p1);
            module.command(row.ins, p1, &data)
        }
        ins::FILE_UNWRAP => {
            let data = if p1 == 0 {
                files::unwrap_command(module)
            } else {
                hybrid::unwrap_command(module)
            };
            module.command(row.ins, p1, &data)
        }
        ins::CYCLE_BEGIN => module.command(row.ins, p1, &[0, 0, 1]),
        ins::CYCLE_END => {
            drop(module.command(ins::CYCLE_BEGIN, 0, &[0, 0, 1]));
            module.command(row.ins, p1, &[])
        }
        ins::CONSENT => as_secondary(module, root, Message::Consent),
        ins::COMMIT => as_secondary(module, root, Message::Receipt),
        ins::LETTER_JOIN => {
            let letter = letter(module, root, |letterbox| {
                letters::join(&mut super::master("MASTER-2", root), letterbox)
            });
            module.command(row.ins, p1, &letter)
        }
        ins::LETTER_EPOCHS => {
            let shared = master.epoch();
            let letter = letter(module, root, |letterbox| {
                letters::epochs(master, shared, letterbox)
            });
            module.command(row.ins, p1, &letter)
        }
        ins::LETTER_WRITE => {
            let letterbox = letters::letterbox(&mut Module::new("SECOND-2", root)).unwrap();
            letters::join(module, &letterbox)
        }
        ins::POLICY => module.command(row.ins, p1, &[0]),
        ins::TICKET_APPROVE => module.command(row.ins, p1, &some_ticket()),
        ins::TICKET_WITHDRAW => module.command(row.ins, p1, &[7; 16]),
        ins::TICKET_PRESENT => presented(module, root),
        ins::GRANT => as_master(module, root, Message::Grant),
        ins::PARCEL => as_master(module, root, Message::Parcel),
        ins::COUNTERSIGN => as_master(module, root, Message::Countersignature),
        _ => module.command(row.ins, p1, &[]),
    }
}

/// A ticket for no master in particular.
fn some_ticket() -> Vec<u8> {
    tickets::wire(&Ticket {
        number: [1; 16],
        group: [2; 16],
        epoch: EpochName {
            number: 1,
            check: [5; 8],
        },
        master: [3; 48],
        ledger: [4; 16],
        act: Act::Policy(Policy::default()),
    })
}

/// The ticket, with an approval by a custodian of another group.
fn presented(module: &mut Module, root: &Root) -> Answer {
    let mut custodian = super::master("MASTER-2", root);
    let certificate = tickets::certificate(&mut custodian);
    tickets::set_policy(&mut custodian, &tickets::policy(1, &[certificate])).unwrap();
    let ticket = tickets::ticket(&mut custodian, 1, Act::Policy(Policy::default()));
    let approval = tickets::approve(&mut custodian, &ticket).unwrap();
    let mut data = vec![0; 2 + ticket.len() + approval.len()];
    let presentation = Presentation {
        ticket: &ticket,
        approval: &approval,
    };
    presentation.write(&mut Writer::new(&mut data)).unwrap();
    module.command(ins::TICKET_PRESENT, 0, &data)
}

/// A letter for the module's letterbox or, where it has none, another's.
fn letter(module: &mut Module, root: &Root, write: impl FnOnce(&[u8]) -> Answer) -> Vec<u8> {
    let letterbox = letters::letterbox(module)
        .or_else(|_refused| letters::letterbox(&mut Module::new("SECOND-2", root)));
    write(&letterbox.unwrap()).unwrap()
}

/// Real messages up to `last`; where the module refuses its part, a module in Shipment plays it.
fn as_secondary(module: &mut Module, root: &Root, last: Message) -> Answer {
    let mut master = master("MASTER-2", root);
    let mut stand_in = Module::new("SECOND-2", root);
    let mut carried = Vec::new();
    for message in Message::ALL {
        let answer = relay::step(&mut master, module, 0, message, &carried);
        if message == last {
            return answer;
        }
        carried = answer
            .or_else(|_refused| relay::step(&mut master, &mut stand_in, 0, message, &carried))
            .unwrap();
    }
    unreachable!("no such message")
}

/// Real messages up to `last`; where the module refuses its part, another master plays it.
pub(super) fn as_master(module: &mut Module, root: &Root, last: Message) -> Answer {
    let mut stand_in = master("MASTER-2", root);
    let mut secondary = Module::new("SECOND-2", root);
    drop(module.command(ins::CYCLE_BEGIN, 0, &[0, 0, 1]));
    let mut carried = Vec::new();
    for message in Message::ALL {
        let answer = relay::step(module, &mut secondary, 0, message, &carried);
        if message == last {
            return answer;
        }
        carried = answer
            .or_else(|_refused| relay::step(&mut stand_in, &mut secondary, 0, message, &carried))
            .unwrap();
    }
    unreachable!("no such message")
}

/// Root and chain for this module's own key or, where it makes none, another's.
fn installation(module: &mut Module, root: &Root) -> Vec<u8> {
    drop(module.command(ins::GENERATE_KEY, 0, &[]));
    let chain = match module.command(ins::READ_CSR, 0, &[]) {
        Ok(request) => root
            .certify(&request, Profile { is_virtual: true }, &mut Forgetful)
            .unwrap(),
        Err(_) => Module::new("SECOND-2", root)
            .command(ins::CERTIFICATE, 0, &[])
            .unwrap(),
    };
    let mut data = vec![0; 2 + limits::CERTIFICATE + limits::CHAIN];
    let mut writer = Writer::new(&mut data);
    write_install(&mut writer, root.certificate_der(), &chain).unwrap();
    writer.written().to_vec()
}

fn units(epoch: EpochName) -> Vec<u8> {
    let mut data = [0; DataUnits::HEADER + 32];
    let mut writer = Writer::new(&mut data);
    DataUnits {
        epoch,
        unit_size: 32,
        first: 0,
        data: &[5; 32],
    }
    .write(&mut writer)
    .unwrap();
    writer.written().to_vec()
}
