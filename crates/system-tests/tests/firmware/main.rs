//! The firmware in an emulator: the whole of it but the chip's own parts, from the key matrix and the USB packets to
//! flash and fuses. Its other end is a virtual module in this process.

#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may panic")]

mod board;
mod cable;
mod hub;

use board::Board;
use cable::Cable;
use hsm_core::leds::Pattern;
use hsm_factory::Root;
use hsm_protocol::{
    Status,
    apdu::encode_extended,
    command::{CLA, ins},
    identity::SignedIdentity,
    limits,
};
use hsm_testbench::{Bench, files, files::Commands, letters, not_tested};
use hsm_virtual::aws_lc::AwsLc;
use hub::Hub;
use keywriter::transport::usb::ccid::Reader;
use std::{path::PathBuf, time::Duration};

fn built() -> Option<(PathBuf, PathBuf)> {
    let built = board::built();
    if built.is_none() {
        not_tested("the firmware: `cargo xtask firmware build` makes it and its emulator");
    }
    built
}

#[test]
fn a_new_board_is_set_up_on_its_keys_and_says_who_it_is() {
    let Some(built) = built() else { return };
    let root = Root::generate("Test root").unwrap();
    let mut board = Board::start(&built, "KW-Q001");
    assert_eq!(board.pattern(), "shipment");
    assert_eq!(board.lamps(), [255, 255, 0]);
    board.certify(&root);
    board.set_up();
    assert_eq!(board.lamps(), [255, 0, 0]);

    let identity = board.command(ins::IDENTITY, 0, &[7; 32]).unwrap();
    let signed = SignedIdentity::parse(&identity).unwrap();
    assert_eq!(signed.identity.serial.as_str(), "KW-Q001");
    assert!(signed.identity.certified);

    assert_eq!(board.press("KEY 11223344 KEY"), "standby");
    assert_eq!(board.command(ins::STATUS, 0, &[]), Err(Status::Locked));
    assert_eq!(board.press("SHIFT+KEY 13572468 KEY"), "unlocked");
    board.command(ins::STATUS, 0, &[]).unwrap();
    board.plug(false);
    assert_eq!(board.pattern(), "standby");
    board.plug(true);
    assert_eq!(board.press("KEY 24681357 KEY"), "unlocked");

    // What was set up is in its flash.
    board.power_up();
    assert_eq!(board.pattern(), "standby");
    assert_eq!(board.press("SHIFT+1 11223344 KEY 11223344 KEY"), "standby");
    assert_eq!(board.press("KEY 24681357 KEY"), "unlocked");
    let again = board.command(ins::IDENTITY, 0, &[7; 32]).unwrap();
    let again = SignedIdentity::parse(&again).unwrap().identity;
    assert_eq!(again.serial, signed.identity.serial);
}

#[test]
fn a_board_and_a_virtual_module_are_clones_of_each_other() {
    let Some(built) = built() else { return };
    let root = Root::generate("Test root").unwrap();
    let new = |serial: &str| {
        let mut module: Bench<AwsLc> = Bench::bare(serial);
        let profile = hsm_factory::Profile { is_virtual: false };
        module.certify(&root, profile).unwrap();
        module
    };
    let mut board = Board::start(&built, "KW-Q002");
    board.certify(&root);
    board.set_up();
    assert_eq!(board.press("KEY 24681357 KEY"), "unlocked");

    // The board is the master.
    let mut clone = new("KW-V001");
    board.command(ins::CYCLE_BEGIN, 0, &[0, 0, 1]).unwrap();
    let seal = clone_from(&mut board, &mut clone);
    assert!(!seal.is_empty());
    clone.pass(2000);
    assert_eq!(clone.press("SHIFT+KEY 13572468 KEY"), Pattern::Unlocked);
    open_what_the_other_sealed(&mut board, &mut clone);
    // It writes a letter, and makes the next epoch.
    let letterbox = clone.command(ins::LETTERBOX, 0, &[]).unwrap();
    board.command(ins::CYCLE_BEGIN, 0, &[0, 0, 1]).unwrap();
    board.command(ins::LETTER_WRITE, 0, &letterbox).unwrap();
    let rekey = board.command(ins::REKEY, 0, &[]);
    assert_eq!(rekey, Err(Status::NeedsPerson));
    assert_eq!(board.press("KEY+2:1s"), "confirmed");
    board.command(ins::REKEY, 0, &[]).unwrap();

    // The board is a clone of another team's master, in place of what it was.
    let mut master = new("KW-V002");
    master.set_up();
    master.pass(2000);
    master.unlock_admin();
    master.command(ins::CYCLE_BEGIN, 0, &[0, 0, 1]).unwrap();
    let offer = board.command(ins::OFFER, 0, &[]);
    assert_eq!(offer, Err(Status::NeedsPerson));
    assert_eq!(board.press("KEY+1:1s"), "confirmed");
    clone_from(&mut master, &mut board);
    assert_eq!(board.pattern(), "standby");
    assert_eq!(board.press("SHIFT+KEY 13572468 KEY"), "unlocked");
    open_what_the_other_sealed(&mut master, &mut board);
    // It takes a letter that makes it one, and one with the next epoch.
    let letterbox = board.command(ins::LETTERBOX, 0, &[]).unwrap();
    let letter = letters::join(&mut master, &letterbox).unwrap();
    board.plug(false);
    board.plug(true);
    assert_eq!(board.press("KEY 24681357 KEY"), "unlocked");
    let join = board.command(ins::LETTER_JOIN, 0, &letter);
    assert_eq!(join, Err(Status::NeedsPerson));
    assert_eq!(board.press("KEY+1:1s"), "confirmed");
    board.command(ins::LETTER_JOIN, 0, &letter).unwrap();
    let old = master.epoch();
    assert_eq!(master.command(ins::REKEY, 0, &[]), Err(Status::NeedsPerson));
    assert_eq!(master.press("KEY+2:1s"), Pattern::Confirmed);
    master.command(ins::REKEY, 0, &[]).unwrap();
    let letterbox = board.command(ins::LETTERBOX, 0, &[]).unwrap();
    let letter = letters::epochs(&mut master, old, &letterbox).unwrap();
    assert_eq!(board.press("SHIFT+KEY 13572468 KEY"), "unlocked");
    board.command(ins::LETTER_EPOCHS, 0, &letter).unwrap();
    open_what_the_other_sealed(&mut master, &mut board);

    let deepest = board.figures.values().map(|figure| figure.stack).max();
    assert!(deepest.unwrap() <= DEEPEST_STACK, "{deepest:?}");
    println!("{:>14} {:>9}", "instructions", "stack");
    for (what, figure) in &board.figures {
        println!("{:>14} {:>9}  {what}", figure.instructions, figure.stack);
    }
}

/// The deepest stack that any act may take, in bytes: beside it, the memory of a Pico 2 has room for variables and buffers.
const DEEPEST_STACK: u32 = 96 * 1024;

#[test]
fn keywriter_takes_a_board_for_any_module() {
    let Some(built) = built() else { return };
    let root = Root::generate("Test root").unwrap();
    let mut board = Board::start(&built, "KW-Q003");
    board.certify(&root);
    board.set_up();
    assert_eq!(board.press("SHIFT+KEY 13572468 KEY"), "unlocked");
    let hub = Hub::of(board, "KW-Q003");
    hub.trust(&root.certificate_pem().unwrap());

    let list = hub.keywriter(&["list"]);
    assert!(
        list.contains("KW-Q003") && !list.contains("virtual"),
        "{list}"
    );
    let plain: Vec<u8> = (0..=255).cycle().take(200_000).collect();
    hub.write("plain", &plain);
    for options in [&[][..], &["--in-module"]] {
        hub.keywriter(&[&["encrypt", "plain", "-o", "sealed"], options].concat());
        hub.keywriter(&["decrypt", "sealed", "-o", "opened"]);
        assert!(hub.read("opened") == plain && hub.read("sealed") != plain);
        hub.remove(&["sealed", "opened"]);
    }
}

#[test]
fn the_transport_over_usb_speaks_with_the_boards_reader() {
    let Some(built) = built() else { return };
    let mut board = Board::start(&built, "KW-Q006");
    board.set_up();
    assert_eq!(board.press("SHIFT+KEY 13572468 KEY"), "unlocked");
    let time = Duration::from_mins(1);
    let mut reader = Reader::open(Cable::of(board), time).unwrap();
    let command = |data: &[u8], header: [u8; 4]| {
        let mut apdu = vec![0; limits::COMMAND_APDU];
        let len = encode_extended(header, data, &mut apdu).unwrap();
        apdu.truncate(len);
        apdu
    };
    let status = reader.transmit(&command(&[], [CLA, ins::STATUS, 0, 0]), time);
    let status = status.unwrap();
    assert!(status.ends_with(&[0x90, 0]));
    // Lengths around a packet's, and the longest.
    for len in [0, 1, 42, 43, 44, 106, 107, 108, 60_000, 65_535] {
        let unknown = command(&vec![7; len], [CLA, 0xEE, 0, 0]);
        let answer = reader.transmit(&unknown, time).unwrap();
        assert_eq!(answer, [0x6D, 0], "{len}");
    }
    // Another program takes it over: it stays unlocked, because it keeps its power.
    let again = reader.transmit(&command(&[], [CLA, ins::STATUS, 0, 0]), time);
    assert_eq!(again.unwrap(), status);
}

#[test]
fn the_factory_certifies_a_board_once_and_keeps_its_key_sealed() {
    let Some(built) = built() else { return };
    let hub = Hub::of(Board::start(&built, "KW-Q004"), "KW-Q004");
    let program = system_tests::lab::program("factory");
    let factory = |arguments: &[&str]| hub.run(program.to_str().unwrap(), arguments);
    let recipient = |name: &str| {
        hub.run("age-keygen", &["-o", name]).unwrap();
        let key = hub.run("age-keygen", &["-y", name]).unwrap();
        key.trim().to_owned()
    };
    let ours = recipient("ours");
    recipient("others");
    let made = factory(&["root", "new", "Test maker", "-r", &ours]).unwrap();
    assert!(made.contains("Test maker") && made == factory(&["root", "show"]).unwrap());
    let again = factory(&["root", "new", "Test maker", "-r", &ours]).unwrap_err();
    assert!(again.contains("there is a root already"), "{again}");
    for file in ["factory/root.pem", "factory/root.age"] {
        let bytes = hub.read(file);
        assert!(!bytes.windows(11).any(|part| part == b"PRIVATE KEY"));
    }

    let certify = |serial: &str, identity: &str| {
        let socket = "hub/run/KW-Q004.sock";
        factory(&["certify", serial, "--socket", socket, "-i", identity])
    };
    let closed = certify("KW-Q004", "others").unwrap_err();
    assert!(closed.contains("age did not open it"), "{closed}");
    let other = certify("KW-Q005", "ours").unwrap_err();
    assert!(other.contains("is KW-Q004, not KW-Q005"), "{other}");
    assert_eq!(factory(&["list"]).unwrap(), "");
    certify("KW-Q004", "ours").unwrap();
    let list = factory(&["list"]).unwrap();
    assert!(list.starts_with("KW-Q004 20") && list.lines().count() == 1);
    let twice = certify("KW-Q004", "ours").unwrap_err();
    assert!(twice.contains("is certified already"), "{twice}");

    let root = String::from_utf8(hub.read("factory/root.pem")).unwrap();
    hub.trust(&root);
    let list = hub.keywriter(&["list"]);
    assert!(
        list.contains("KW-Q004") && !list.contains("virtual"),
        "{list}"
    );
    // Someone else's certificate in its place.
    let foreign = Root::generate("Foreign")
        .unwrap()
        .certificate_pem()
        .unwrap();
    hub.write("factory/root.pem", foreign.as_bytes());
    let swapped = certify("KW-Q004", "ours").unwrap_err();
    assert!(swapped.contains("another root's"), "{swapped}");
}

/// Relays one run.
fn clone_from(master: &mut impl Commands, secondary: &mut impl Commands) -> Vec<u8> {
    let offer = secondary.command(ins::OFFER, 0, &[]).unwrap();
    let grant = master.command(ins::GRANT, 0, &offer).unwrap();
    let consent = secondary.command(ins::CONSENT, 0, &grant).unwrap();
    let parcel = master.command(ins::PARCEL, 0, &consent).unwrap();
    let receipt = secondary.command(ins::COMMIT, 0, &parcel).unwrap();
    master.command(ins::COUNTERSIGN, 0, &receipt).unwrap()
}

/// A chunk that takes a thousand packets each way.
fn open_what_the_other_sealed(one: &mut impl Commands, other: &mut impl Commands) {
    let plain: Vec<u8> = (0..=255).cycle().take(60 * 1024).collect();
    let header = files::begin(one, 60 * 1024).unwrap();
    let chunk = files::seal(one, &header, (0, true), &plain).unwrap();
    assert!(files::open(other, &header, 0, &chunk) == Ok(plain));
}
