//! What the host believes of receipts: nothing that a cable or a disk may have changed.

use crate::{
    cycle::{Summary, plan::Request},
    file::tests::names,
    license::GateRefusal,
    receipt,
    test_hub::{
        module::{TestModule, Unlocked, trusted_root},
        world::{Fault, World},
    },
};
use hsm_protocol::{cloning::Options, command::ins, receipt::FinishedReceipt};
use pem_rfc7468::LineEnding;
use std::{collections::BTreeMap, fs, path::PathBuf};

const FRESH: Unlocked = Unlocked::Fresh;

/// More than encodings of one kind of certificate differ in length, in bytes.
const SLACK: usize = 24;

fn clone(world: &World) -> (Summary, BTreeMap<String, String>) {
    world.clone_to(&[], Options::default()).unwrap()
}

fn word_of_a(world: &World) -> String {
    clone(world).1["A"].clone()
}

/// The only receipt that is kept.
fn kept(world: &World) -> PathBuf {
    let folder = world.receipts();
    let [name] = names(&folder).try_into().unwrap();
    folder.join(name)
}

fn armor(receipt: &[u8]) -> String {
    pem_rfc7468::encode_string(receipt::LABEL, LineEnding::LF, receipt).unwrap()
}

#[test]
fn no_changed_byte_of_the_countersignature_is_done_or_kept() {
    let receipt = World::new(&[("A", FRESH)]).receipt_of("A");
    let finished = FinishedReceipt::parse(&receipt).unwrap();
    let seal = finished.countersignature.chain.as_wire().len() + 96;
    // Certificates of another module differ in length by some bytes.
    for at in (0..seal - SLACK).step_by(5) {
        let world = World::new(&[("A", FRESH)]);
        world.break_at("M", ins::COUNTERSIGN, Fault::Flip(at));
        let said = word_of_a(&world);
        assert!(said.starts_with("the receipt that arrived"), "{at}: {said}");
        assert_eq!(names(&world.receipts()), [""; 0], "{at}");
        // The module holds the clone, and the next cycle fetches what proves it.
        assert_eq!(word_of_a(&world), "finished", "{at}");
        assert!(receipt::verify(&kept(&world), &trusted_root(0)).is_ok());
    }
}

#[test]
fn no_changed_byte_of_the_receipt_is_done_or_kept() {
    let receipt = World::new(&[("A", FRESH)]).receipt_of("A");
    let finished = FinishedReceipt::parse(&receipt).unwrap();
    let seal = finished.countersignature.chain.as_wire().len() + 96;
    for at in (0..receipt.len() - seal - SLACK).step_by(29) {
        let world = World::new(&[("A", FRESH)]);
        world.break_at("A", ins::COMMIT, Fault::Flip(at));
        let said = word_of_a(&world);
        assert!(!["done", "finished", "clone"].contains(&&*said), "{at}");
        assert_eq!(names(&world.receipts()), [""; 0], "{at}");
        assert_eq!(word_of_a(&world), "finished", "{at}");
    }
}

#[test]
fn no_changed_byte_of_a_file_is_believed_and_the_receipt_is_fetched_again() {
    let world = World::new(&[("A", FRESH)]);
    let receipt = world.receipt_of("A");
    let path = kept(&world);
    let aside = PathBuf::from(format!("{}.invalid", path.to_str().unwrap()));
    for at in (0..receipt.len()).step_by(31) {
        let mut changed = receipt.clone();
        changed[at] ^= 1;
        fs::write(&path, armor(&changed)).unwrap();
        assert!(receipt::verify(&path, &trusted_root(0)).is_err(), "{at}");
        assert_eq!(word_of_a(&world), "finished", "byte {at}");
        assert!(receipt::verify(&path, &trusted_root(0)).is_ok());
        assert_eq!(fs::read_to_string(&aside).unwrap(), armor(&changed));
        fs::remove_file(&aside).unwrap();
    }
    for text in ["", "-----BEGIN KEYWRITER RECEIPT-----\n", "\0"] {
        fs::write(&path, text).unwrap();
        assert_eq!(word_of_a(&world), "finished", "{text:?}");
    }
    assert_eq!(names(&world.receipts()).len(), 4, "all three are set aside");
    assert_eq!(word_of_a(&world), "clone");
}

#[test]
fn a_receipt_that_this_computer_lost_is_fetched_again() {
    let world = World::new(&[("A", FRESH)]);
    clone(&world);
    fs::remove_file(kept(&world)).unwrap();
    let mut setup = world.setup(&[], Options::default());
    setup.hardware = Err(GateRefusal::Unregistered);
    assert_eq!(world.run(&setup).unwrap().1["A"], "finished");
    assert_eq!(world.run(&setup).unwrap().1["A"], "clone");
    assert_eq!(world.with("M", |master| master.journal().len()), 1);
}

#[test]
fn the_receipt_of_an_earlier_run_does_not_prove_a_later_one() {
    let world = World::new(&[("A", FRESH)]);
    world.lend_hand("KEY+1:1s");
    let earlier = world.receipt_of("A");
    world.with("A", |secondary| secondary.bench.unlock_admin());
    // The cable gives the earlier countersignature, which verifies.
    let finished = FinishedReceipt::parse(&earlier).unwrap();
    let split = earlier.len() - finished.countersignature.chain.as_wire().len() - 96;
    let (receipt, seal) = earlier.split_at(split);
    let answer = |part: &[u8]| -> &'static [u8] { [part, &[0x90, 0]].concat().leak() };
    world.break_at("A", ins::COMMIT, Fault::Instead(answer(receipt)));
    world.break_at("M", ins::COUNTERSIGN, Fault::Instead(answer(seal)));
    let said = word_of_a(&world);
    assert!(said.ends_with("it is the receipt of another run"), "{said}");
}

#[test]
fn a_kept_receipt_verifies_under_its_root_and_no_other() {
    let world = World::new(&[("A", FRESH)]);
    clone(&world);
    let path = kept(&world);
    let verified = receipt::verify(&path, &trusted_root(0)).unwrap();
    assert_eq!(verified.statement().secondary.serial.as_str(), "A");
    let foreign = receipt::verify(&path, &trusted_root(1)).unwrap_err();
    assert!(
        foreign
            .to_string()
            .ends_with("the secondary is certified under another root")
    );
}

/// M clones to A; then M itself becomes a clone of N, of another group, and keeps its journal.
fn replaced_master() -> World {
    let world = World::new(&[("A", FRESH)]);
    world.lend_hand("KEY+1:1s");
    clone(&world);
    world.plug(TestModule::new("N", Unlocked::Admin { cloning: true }));
    let mut setup = world.setup(&["M"], Options::default());
    setup.request = Request {
        master: "N".parse().unwrap(),
        ..setup.request
    };
    assert_eq!(world.run(&setup).unwrap().0.done, 1);
    world.unplug("N");
    world.with("M", |master| {
        master.bench.configure("KEY+8 1 SHIFT");
        master.bench.unlock_admin();
    });
    world
}

#[test]
fn a_clone_of_another_group_is_no_clone_of_this_master() {
    let world = replaced_master();
    assert_eq!(word_of_a(&world), "it is a clone of another team");
    // Unlocked by its Administrator, it is replaced.
    world.with("A", |secondary| secondary.bench.unlock_admin());
    assert_eq!(word_of_a(&world), "done");
    assert_eq!(word_of_a(&world), "clone");
}
