//! A host that wants the journal to forget, or the flash to wear out.

use crate::Crypto;
use hsm_core::Link;
use hsm_protocol::{Status, cloning::Options, command::ins, journal::JournalRow, limits};
use hsm_testbench::{
    Bench,
    pair::Pair,
    relay::{self, Message},
};

type Module = Bench<Crypto>;

/// A run up to the Parcel, which goes nowhere.
fn abandon(master: &mut Module, secondary: &mut Module) -> Result<(), Status> {
    let mut carried = Vec::new();
    for message in Message::ALL.into_iter().take(4) {
        carried = relay::step(master, secondary, 0, message, &carried)?;
    }
    Ok(())
}

fn relock(master: &mut Module) {
    master.link(Link::Unplugged);
    master.link(Link::Plugged);
    master.unlock_admin();
}

#[test]
fn no_number_of_parcels_removes_a_module_from_the_table() {
    let mut pair = Pair::<Crypto>::new();
    let mut rogue = Module::new("ROGUE-1", &pair.root);
    relay::run(&mut pair.master, &mut rogue, 0, |_, _| {}).receipt();
    for _ in 0..=limits::JOURNAL_ENTRIES {
        abandon(&mut pair.master, &mut pair.secondary).unwrap();
    }
    let (total, entries) = pair.journal();
    assert_eq!(total, 66);
    assert!(
        entries
            .iter()
            .all(|entry| entry.serial != rogue.serial().parse().unwrap())
    );
    let row = |serial: &str, parcels, last| JournalRow {
        serial: serial.parse().unwrap(),
        parcels,
        last,
    };
    let expected = [row("ROGUE-1", 1, 1), row("SECOND-1", 65, 66)];
    assert_eq!(pair.table(), expected);
    pair.master.power_up();
    pair.master.unlock_admin();
    assert_eq!(pair.table(), expected);
}

#[test]
fn a_full_table_refuses_a_new_module_and_no_known_one() {
    let mut pair = Pair::<Crypto>::new();
    for number in 1..=limits::JOURNAL_TABLE {
        let mut other = Module::new(&format!("OTHER-{number}"), &pair.root);
        abandon(&mut pair.master, &mut other).unwrap();
    }
    let stored = pair.master.flash.blob();
    assert_eq!(
        abandon(&mut pair.master, &mut pair.secondary),
        Err(Status::JournalFull)
    );
    assert!(pair.master.flash.blob() == stored);
    let mut known = Module::new("OTHER-1", &pair.root);
    relay::run(&mut pair.master, &mut known, 0, |_, _| {}).receipt();
    assert_eq!(pair.journal().0, 257);
}

#[test]
fn only_a_person_clears_the_table_and_the_list_stays() {
    let mut pair = Pair::<Crypto>::new();
    abandon(&mut pair.master, &mut pair.secondary).unwrap();
    let (table, list, stored) = (pair.table(), pair.journal(), pair.master.flash.blob());
    let clear = |master: &mut Module| master.command(ins::CLEAR_TABLE, 0, &[]);
    for keys in ["", "KEY+1:1s", "KEY+4", "4:1s"] {
        assert_eq!(clear(&mut pair.master), Err(Status::NeedsPerson), "{keys}");
        pair.master.press(keys);
        assert_eq!(clear(&mut pair.master), Err(Status::NeedsPerson), "{keys}");
    }
    // The chord of another act, or for another command, allows nothing.
    pair.master.press("KEY+4:1s");
    let offer = pair.master.command(ins::OFFER, 0, &[]);
    assert_eq!(offer, Err(Status::NeedsPerson));
    assert_eq!(clear(&mut pair.master), Err(Status::NeedsPerson));
    assert_eq!(pair.table(), table);
    assert!(pair.master.flash.blob() == stored, "nothing is written");

    pair.master.press("KEY+4:1s");
    assert_eq!(clear(&mut pair.master), Ok(vec![]));
    assert!(pair.table().is_empty());
    assert_eq!(pair.journal(), list);
    relock(&mut pair.master);
    assert!(pair.table().is_empty());
}

#[test]
fn a_host_causes_so_many_writes_and_no_more() {
    let mut pair = Pair::<Crypto>::new();
    let [_, _, _, parcel] = pair.abandoned();
    let receipt = pair.step(Message::Receipt, &parcel).unwrap();
    let mut other = Module::new("SECOND-2", &pair.root);
    for _ in 1..limits::HOST_WRITES {
        abandon(&mut pair.master, &mut other).unwrap();
    }
    let stored = pair.master.flash.blob();
    for _ in 0..3 {
        let parcel = abandon(&mut pair.master, &mut other);
        assert_eq!(parcel, Err(Status::TooManyWrites));
        relay::begin(&mut pair.master, Options::default(), 1).unwrap();
    }
    assert!(pair.master.flash.blob() == stored);
    // Its entry is gone from the journal: nothing is to be written.
    let countersignature = pair.step(Message::Countersignature, &receipt).unwrap();
    pair.verify(&[receipt, countersignature].concat());
    assert!(pair.master.flash.blob() == stored);

    relock(&mut pair.master);
    relay::begin(&mut pair.master, Options::default(), 1).unwrap();
    abandon(&mut pair.master, &mut other).unwrap();
}

#[test]
fn a_countersignature_is_one_of_these_writes() {
    let mut pair = Pair::<Crypto>::new();
    for _ in 1..limits::HOST_WRITES {
        abandon(&mut pair.master, &mut pair.secondary).unwrap();
    }
    let [_, _, _, parcel] = pair.abandoned();
    let receipt = pair.step(Message::Receipt, &parcel).unwrap();
    let refused = pair.step(Message::Countersignature, &receipt);
    assert_eq!(refused, Err(Status::TooManyWrites));
    relock(&mut pair.master);
    for _ in 0..2 {
        pair.step(Message::Countersignature, &receipt).unwrap();
    }
    assert!(pair.journal().1[0].countersigned);
}

#[test]
fn a_cycle_takes_its_number_with_its_first_parcel_and_no_number_twice() {
    let mut pair = Pair::<Crypto>::new();
    let stored = pair.master.flash.blob();
    for _ in 0..100 {
        relay::begin(&mut pair.master, Options::default(), 1).unwrap();
        pair.master.command(ins::CYCLE_END, 0, &[]).unwrap();
    }
    assert!(pair.master.flash.blob() == stored, "nothing is written");
    for cycle in 1..=3 {
        relay::begin(&mut pair.master, Options::default(), 1).unwrap();
        for _ in 0..2 {
            abandon(&mut pair.master, &mut pair.secondary).unwrap();
            assert_eq!(pair.journal().1[0].cycle.number, cycle);
        }
        pair.master.power_up();
        pair.master.unlock_admin();
    }
}
