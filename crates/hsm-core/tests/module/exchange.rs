//! Command and response chaining, shapes, and bytes that mean nothing.

use crate::Crypto;
use hsm_core::{Link, leds::Pattern};
use hsm_factory::{P384Verifier, Root};
use hsm_protocol::{
    EpochName, Status,
    apdu::CHAINING,
    certificate,
    cloning::Options,
    command::{CLA, DataUnits, SELECTED, ins},
    limits,
    receipt::FinishedReceipt,
    settings::ModuleStatus,
    writer::Writer,
};
use hsm_testbench::{
    Bench, files, hybrid,
    relay::{self, Message},
};
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use std::cell::RefCell;

type Module = Bench<Crypto>;
type Answer = Result<Vec<u8>, Status>;

/// The longest data of a link in a short APDU.
const LINK: usize = 255;

#[test]
fn a_run_in_short_apdus_ends_like_one_in_extended_ones() {
    let root = Root::generate("Test root").unwrap();
    let (mut master, mut secondary) = pair(&root);
    let mut carried = Vec::new();
    let mut messages = Vec::new();
    for message in Message::ALL {
        carried = match message {
            Message::Offer => chained(&mut secondary, ins::OFFER, 0, &carried),
            Message::Grant => chained(&mut master, ins::GRANT, 3, &carried),
            Message::Consent => chained(&mut secondary, ins::CONSENT, 0, &carried),
            Message::Parcel => chained(&mut master, ins::PARCEL, 3, &carried),
            Message::Receipt => chained(&mut secondary, ins::COMMIT, 0, &carried),
            Message::Countersignature => chained(&mut master, ins::COUNTERSIGN, 0, &carried),
        }
        .unwrap();
        messages.push(carried.clone());
    }
    let bytes = [messages[4].clone(), messages[5].clone()].concat();
    let receipt = FinishedReceipt::parse(&bytes).unwrap();
    let trusted = certificate::Root::parse(root.certificate_der()).unwrap();
    receipt.verify::<P384Verifier>(&trusted).unwrap();

    // What is fetched again and whole is the same as what came in parts.
    let again = secondary.command(ins::LAST_RECEIPT, 0, &[]).unwrap();
    assert_eq!(again, messages[4]);
    assert_eq!(
        chained(&mut secondary, ins::LAST_RECEIPT, 0, &[]).unwrap(),
        messages[4]
    );
    secondary.unlock_admin();
    assert_eq!(secondary.status().group, master.status().group);
}

#[test]
fn chained_and_extended_commands_answer_the_same_bytes() {
    let root = Root::generate("Test root").unwrap();
    let mut module = administrator(&root);
    let epoch = module.epoch();
    for (ins, p1, data) in [
        (ins::CERTIFICATE, 0, vec![]),
        (ins::CERTIFICATE, 1, vec![]),
        (ins::JOURNAL, 0, vec![]),
        (ins::STATUS, 0, vec![]),
        (ins::CIPHER, 0, units(epoch, 16)),
        (ins::CIPHER, 1, units(epoch, 256)),
    ] {
        let whole = module.command(ins, p1, &data).unwrap();
        assert_eq!(chained(&mut module, ins, p1, &data).unwrap(), whole);
    }
}

#[test]
fn a_response_is_told_to_the_byte_and_fetched_in_any_parts() {
    let root = Root::generate("Test root").unwrap();
    let mut module = administrator(&root);
    let whole = module.command(ins::CERTIFICATE, 0, &[]).unwrap();
    let command = short(CLA, ins::STATUS, 0, &[], Some(10));
    assert_eq!(module.raw(&command)[10..], [0x61, 32]);

    let mut fetched = Vec::new();
    assert_eq!(module.raw(&without_le()), [0x61, 0]);
    // From 256 bytes on, how many are left is not told.
    let many = whole.len() - 256 - 200;
    let many = u8::try_from(many.saturating_sub(2)).unwrap();
    for (le, left) in [(200, 0), (1, 0), (many, 0), (1, 0), (100, 156), (156, 0)] {
        let answer = module.raw(&[0, ins::GET_RESPONSE, 0, 0, le]);
        let (data, word) = answer.split_at(answer.len() - 2);
        assert_eq!(data.len(), usize::from(le));
        fetched.extend_from_slice(data);
        let expected = if fetched.len() == whole.len() {
            [0x90, 0]
        } else {
            [0x61, left]
        };
        assert_eq!(word, expected, "{le}");
    }
    assert_eq!(fetched, whole);
    assert_eq!(get_response(&mut module), [0x69, 0x85], "nothing is left");
}

#[test]
fn a_response_that_was_not_fetched_is_gone_with_the_next_command() {
    let root = Root::generate("Test root").unwrap();
    let mut module = administrator(&root);
    for next in [&[0x80, ins::STATUS, 0, 0, 0][..], &[0x80, 0xEE, 0, 0]] {
        assert_eq!(module.raw(&without_le()), [0x61, 0]);
        module.raw(next);
        assert_eq!(get_response(&mut module), [0x69, 0x85]);
    }
    assert_eq!(module.raw(&without_le()), [0x61, 0]);
    module.link(Link::Reset);
    assert_eq!(get_response(&mut module), [0x69, 0x85]);
}

#[test]
fn what_an_unlocked_module_answered_is_gone_when_it_locks() {
    let root = Root::generate("Test root").unwrap();
    let locks: [fn(&mut Module); 2] = [
        |module| {
            module.link(Link::Unplugged);
            module.link(Link::Plugged);
        },
        |module| module.pass(5 * hsm_core::time::MINUTE + 50),
    ];
    for lock in locks {
        let mut module = Bench::new("MODULE-1", &root);
        module.set_up();
        module.configure("KEY+5 05 SHIFT");
        module.unlock_user();
        let status = [CLA, ins::STATUS, 0, 0, 1];
        assert_eq!(module.raw(&status)[1], 0x61);
        lock(&mut module);
        assert_eq!(module.leds(), Pattern::Standby);
        assert_eq!(get_response(&mut module), [0x69, 0x85]);
    }
    // What a locked module answers stays until it is fetched.
    let mut module = locked(&root);
    assert_eq!(module.raw(&without_le()), [0x61, 0]);
    module.pass(60_000);
    assert_eq!(get_response(&mut module).len(), 256 + 2);
}

/// Ciphered data, chunks and file keys are given whole or not at all: nothing of them waits in the module, and a chunk
/// whose answer is refused is not used up.
#[test]
fn an_le_that_is_too_short_for_ciphered_data_is_refused_before_anything_is_done() {
    let root = Root::generate("Test root").unwrap();
    let mut module = administrator(&root);
    let unwrap = files::unwrap_command(&mut module);
    let hybrid = hybrid::unwrap_command(&mut module);
    let open = files::open_command(&mut module);
    let seal = files::seal_command(&mut module);
    let epoch = module.epoch();
    for (ins, p1, data, size) in [
        (ins::CIPHER, 0, units(epoch, 64), 64),
        (ins::CIPHER, 1, units(epoch, 64), 64),
        (ins::FILE_UNWRAP, 0, unwrap, 16),
        (ins::FILE_UNWRAP, 1, hybrid, 16),
        (ins::FILE_OPEN, 0, open, 9),
        (ins::FILE_SEAL, 0, seal, 4 + 16 + 16),
    ] {
        for le in [None, Some(1), Some(size - 1)] {
            let answer = module.raw(&extended(ins, p1, &data, le));
            assert_eq!(answer, [0x67, 0x00], "{ins:02X} {le:?}");
            assert_eq!(get_response(&mut module), [0x69, 0x85]);
        }
        let answer = module.raw(&extended(ins, p1, &data, Some(size)));
        assert_eq!(answer.len(), usize::from(size) + 2, "{ins:02X}");
        assert!(answer.ends_with(&[0x90, 0x00]));
    }
}

#[test]
fn a_chain_that_overflows_is_refused_whole_and_nothing_is_stored() {
    let root = Root::generate("Test root").unwrap();
    let (mut master, mut secondary) = pair(&root);
    let offer = secondary.command(ins::OFFER, 0, &[]).unwrap();
    let grant = master.command(ins::GRANT, 0, &offer).unwrap();
    let consent = secondary.command(ins::CONSENT, 0, &grant).unwrap();
    let mut parcel = master.command(ins::PARCEL, 0, &consent).unwrap();
    let blob = secondary.flash.blob();

    let good = parcel.clone();
    parcel.resize(limits::CHAINED_COMMAND + 1, 0);
    let refusal = chained(&mut secondary, ins::COMMIT, 0, &parcel);
    assert_eq!(refusal, Err(Status::TooLarge));
    assert_eq!(secondary.flash.blob(), blob);
    assert_eq!(secondary.leds(), Pattern::Cloning, "the run never saw it");

    // The longest chain that fits is a command, if not a good one here.
    parcel.truncate(limits::CHAINED_COMMAND);
    let refusal = chained(&mut secondary, ins::CONSENT, 0, &parcel);
    assert_eq!(refusal, Err(Status::OutOfOrder));
    assert_eq!(secondary.flash.blob(), blob);
    let refusal = chained(&mut secondary, ins::COMMIT, 0, &good);
    assert_eq!(refusal, Err(Status::OutOfOrder), "an error ended the run");
}

#[test]
fn one_link_that_is_too_long_is_refused_like_many() {
    let root = Root::generate("Test root").unwrap();
    let mut module = administrator(&root);
    let mut apdu = vec![CLA | CHAINING, ins::COUNTERSIGN, 0, 0, 0];
    apdu.extend_from_slice(&u16::to_be_bytes(8193));
    apdu.resize(apdu.len() + 8193, 7);
    assert_eq!(module.raw(&apdu), [0x6A, 0x84]);
    assert_eq!(
        module.raw(&status()).len(),
        ModuleStatus::MAX + 2,
        "no chain is open"
    );
}

#[test]
fn another_header_inside_a_chain_is_not_run_and_closes_it() {
    let root = Root::generate("Test root").unwrap();
    let mut module = administrator(&root);
    let epoch = module.epoch();
    let data = units(epoch, 512);
    for foreign in [
        status(),
        short(CLA, ins::CIPHER, 1, &data[..16], None),
        short(0x81, ins::CIPHER, 0, &data[..16], None),
        short(CLA | CHAINING, ins::COUNTERSIGN, 0, &data[..16], None),
        short(0x00, ins::SELECT, 4, b"\xF0KeyWriter\x01", None),
        short(0x00, ins::GET_RESPONSE, 0, &[], Some(0)),
    ] {
        let link = short(CLA | CHAINING, ins::CIPHER, 0, &data[..LINK], None);
        assert_eq!(module.raw(&link), [0x90, 0x00]);
        assert_eq!(module.raw(&foreign), [0x68, 0x83], "{foreign:02X?}");
        // The rest of the chain is now a separate command, and a malformed one.
        let rest = short(CLA, ins::CIPHER, 0, &data[LINK..2 * LINK], Some(0));
        assert_eq!(module.raw(&rest), [0x6A, 0x80]);
        // What begins with 0 is a message of no version.
        let whole = chained(&mut module, ins::COUNTERSIGN, 0, &data);
        assert_eq!(whole, Err(Status::VersionRefused));
    }
}

#[test]
fn a_reset_closes_a_chain() {
    let root = Root::generate("Test root").unwrap();
    let mut module = administrator(&root);
    let link = short(CLA | CHAINING, ins::CIPHER, 0, &[0; LINK], None);
    assert_eq!(module.raw(&link), [0x90, 0x00]);
    module.link(Link::Reset);
    assert_eq!(module.raw(&status()).len(), ModuleStatus::MAX + 2);
}

#[test]
fn a_malformed_shape_inside_a_chain_leaves_it_open() {
    let root = Root::generate("Test root").unwrap();
    let mut module = administrator(&root);
    let epoch = module.epoch();
    let data = units(epoch, 256);
    let link = short(CLA | CHAINING, ins::CIPHER, 0, &data[..LINK], None);
    assert_eq!(module.raw(&link), [0x90, 0x00]);
    assert_eq!(module.raw(&[CLA, ins::CIPHER, 0]), [0x67, 0x00]);
    let last = short(CLA, ins::CIPHER, 0, &data[LINK..], Some(0));
    assert_eq!(module.raw(&last).len(), 256 + 2);
}

#[test]
fn every_malformed_shape_is_refused_whoever_unlocked() {
    let root = Root::generate("Test root").unwrap();
    let states: [fn(&Root) -> Module; 3] = [locked, user, administrator];
    for state in states {
        let mut module = state(&root);
        let blob = module.flash.blob();
        for body in [
            &[1][..0],
            &[0x80],
            &[0x80, 0x30],
            &[0x80, 0x30, 0],
            &[0x80, 0x30, 0, 0, 2, 1],
            &[0x80, 0x30, 0, 0, 1, 1, 0, 0],
            &[0x80, 0x30, 0, 0, 0, 0],
            &[0x80, 0x30, 0, 0, 0, 0, 2, 1],
            &[0x80, 0x30, 0, 0, 0, 0, 0, 0],
            &[0x80, 0x30, 0, 0, 0, 0, 0, 0, 0],
            &[0x80, 0x30, 0, 0, 0, 0, 1, 7, 0],
            &[0x80, 0x30, 0, 0, 0, 0, 1, 7, 0, 0, 0],
            &[0x80, 0x30, 0, 0, 0, 0xFF, 0xFF, 7],
        ] {
            assert_eq!(module.raw(body), [0x67, 0x00], "{body:02X?}");
        }
        assert_eq!(module.flash.blob(), blob);
    }
}

#[test]
fn select_answers_the_version_and_knows_one_application() {
    let root = Root::generate("Test root").unwrap();
    let mut module = administrator(&root);
    let select = |p2, aid: &[u8]| [&[0, ins::SELECT, 4, p2, 11][..], aid, &[0]].concat();
    for p2 in 0..=255 {
        let answer = module.raw(&select(p2, b"\xF0KeyWriter\x01"));
        if p2 & !0x0C == 0 {
            assert_eq!(answer, [&SELECTED[..], &[0x90, 0x00]].concat());
        } else {
            assert_eq!(answer, [0x6A, 0x86]);
        }
    }
    assert_eq!(module.raw(&select(0, b"\xF0KeyWriter\x02")), [0x6A, 0x88]);
    assert_eq!(
        module.leds(),
        Pattern::Unlocked,
        "a selection locks nothing"
    );
}

#[test]
fn no_bytes_panic_a_module_or_get_an_answer_without_a_known_status() {
    let root = Root::generate("Test root").unwrap();
    let modules = RefCell::new(vec![
        locked(&root),
        administrator(&root),
        Bench::new("MODULE-1", &root),
    ]);
    let cases = Config {
        failure_persistence: None,
        ..Config::with_cases(500)
    };
    let apdus = proptest::collection::vec(apdu(), 1..8);
    TestRunner::new(cases)
        .run(&apdus, |apdus| {
            for module in modules.borrow_mut().iter_mut() {
                for apdu in &apdus {
                    let answer = module.raw(apdu);
                    let (_, word) = answer.split_last_chunk::<2>().unwrap();
                    let status = Status::from_word(u16::from_be_bytes(*word));
                    prop_assert!(status.is_some_and(|s| s != Status::MemoryFailure));
                }
            }
            Ok(())
        })
        .unwrap();
    let after = [Pattern::Standby, Pattern::Unlocked, Pattern::Shipment];
    for (mut module, pattern) in modules.into_inner().into_iter().zip(after) {
        module.link(Link::Reset);
        assert_eq!(module.leds(), pattern);
    }
}

/// Noise, and noise after known headers.
fn apdu() -> impl Strategy<Value = Vec<u8>> {
    let noise = proptest::collection::vec(any::<u8>(), 0..300);
    let known = (
        prop_oneof![Just(CLA), Just(CLA | CHAINING), Just(0), Just(CHAINING)],
        proptest::sample::select([&ins::ALL[..], &[ins::SELECT, ins::GET_RESPONSE]].concat()),
        0..9_u8,
        proptest::collection::vec(any::<u8>(), 1..=LINK),
    )
        .prop_map(|(cla, ins, p1, data)| short(cla, ins, p1, &data, Some(0)));
    prop_oneof![1 => noise, 3 => known]
}

/// A master with its cycle begun, and a module in Shipment.
fn pair(root: &Root) -> (Module, Module) {
    let mut master = Bench::new("MASTER-1", root);
    master.set_up();
    master.unlock_admin();
    relay::begin(&mut master, Options::default(), 1).unwrap();
    (master, Bench::new("SECOND-1", root))
}

fn administrator(root: &Root) -> Module {
    let mut module = Bench::new("MODULE-1", root);
    module.set_up();
    module.unlock_admin();
    module
}

fn user(root: &Root) -> Module {
    let mut module = Bench::new("MODULE-1", root);
    module.set_up();
    module.unlock_user();
    module
}

fn locked(root: &Root) -> Module {
    let mut module = Bench::new("MODULE-1", root);
    module.set_up();
    module
}

/// Sends a command as a chain of short APDUs, and fetches the response 256 bytes at a time.
fn chained(module: &mut Module, ins: u8, p1: u8, data: &[u8]) -> Answer {
    let mut links: Vec<&[u8]> = data.chunks(LINK).collect();
    let last = links.pop().unwrap_or_default();
    for link in links {
        let answer = module.raw(&short(CLA | CHAINING, ins, p1, link, None));
        match status_of(&answer) {
            Status::Success => {}
            refused => return Err(refused),
        }
    }
    let mut answer = module.raw(&short(CLA, ins, p1, last, Some(0)));
    let mut whole = Vec::new();
    loop {
        let status = status_of(&answer);
        whole.extend_from_slice(&answer[..answer.len() - 2]);
        match status {
            Status::Success => return Ok(whole),
            Status::More(_) => answer = get_response(module),
            refused => return Err(refused),
        }
    }
}

fn status_of(answer: &[u8]) -> Status {
    let (_, word) = answer.split_last_chunk::<2>().unwrap();
    Status::from_word(u16::from_be_bytes(*word)).unwrap()
}

/// A short APDU; an Le of 0 takes 256 bytes.
fn short(cla: u8, ins: u8, p1: u8, data: &[u8], le: Option<u8>) -> Vec<u8> {
    let mut apdu = vec![cla, ins, p1, 0];
    if !data.is_empty() {
        apdu.push(u8::try_from(data.len()).unwrap());
        apdu.extend_from_slice(data);
    }
    apdu.extend(le);
    apdu
}

fn status() -> Vec<u8> {
    short(CLA, ins::STATUS, 0, &[], Some(0))
}

fn get_response(module: &mut Module) -> Vec<u8> {
    module.raw(&[0, ins::GET_RESPONSE, 0, 0, 0])
}

/// Asks for the certificates and takes no response: all of it waits to be fetched.
fn without_le() -> Vec<u8> {
    short(CLA, ins::CERTIFICATE, 0, &[], None)
}

/// A command of extended length.
fn extended(ins: u8, p1: u8, data: &[u8], le: Option<u16>) -> Vec<u8> {
    let len = u16::try_from(data.len()).unwrap();
    let mut apdu = [&[CLA, ins, p1, 0, 0], &len.to_be_bytes()[..], data].concat();
    apdu.extend(le.map(u16::to_be_bytes).into_iter().flatten());
    apdu
}

/// So many bytes of data units.
fn units(epoch: EpochName, len: usize) -> Vec<u8> {
    let data: Vec<u8> = (0..=255).cycle().take(len).collect();
    let mut out = vec![0; DataUnits::HEADER + len];
    let mut writer = Writer::new(&mut out);
    DataUnits {
        epoch,
        unit_size: 512,
        first: 0,
        data: &data,
    }
    .write(&mut writer)
    .unwrap();
    out
}
