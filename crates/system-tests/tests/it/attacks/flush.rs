//! The host clones to a module of its own, then has the master send Parcels until the entry of that clone has left the
//! journal. The table still names it.

use hsm_core::crypto::rust_crypto::RustCrypto;
use hsm_protocol::{limits, receipt::FinishedReceipt};
use hsm_testbench::{
    Bench,
    pair::Pair,
    relay::{self, Message},
};

#[test]
fn a_rogue_clone_stays_in_the_journal_whatever_follows() {
    let mut pair = Pair::<RustCrypto>::new();
    let mut rogue = Bench::<RustCrypto>::new("ROGUE-1", &pair.root);
    let receipt = relay::run(&mut pair.master, &mut rogue, 0, |_, _| {}).receipt();
    let finished = FinishedReceipt::parse(&receipt).unwrap();
    let serial = finished.receipt.statement().unwrap().secondary.serial;
    for _ in 0..limits::JOURNAL_ENTRIES {
        let [_, _, consent, _] = pair.abandoned();
        assert!(pair.step(Message::Parcel, &consent).is_err(), "used up");
    }
    let row = pair.table().into_iter().find(|row| row.serial == serial);
    assert_eq!(row.map(|row| (row.parcels, row.last)), Some((1, 1)));
}
