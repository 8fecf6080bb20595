//! A receipt that comes back late. The master signs what it sent then, whatever it holds now; what it did not send it
//! never signs.

use crate::Crypto;
use hsm_core::Link;
use hsm_protocol::{Status, cloning::Options, command::ins, limits};
use hsm_testbench::{
    ADMIN_PIN, Bench,
    pair::Pair,
    relay::{self, Message},
};

/// What happens to the master between COMMIT and COUNTERSIGN. Ends unlocked by its Administrator.
type Change = fn(&mut Pair<Crypto>);

/// Sets something in Admin mode.
fn set(pair: &mut Pair<Crypto>, keys: &str) {
    let master = &mut pair.master;
    master.link(Link::Unplugged);
    master.link(Link::Plugged);
    master.configure(keys);
    master.unlock_admin();
}

const CHANGES: [(&str, Change); 13] = [
    ("nothing", |_| {}),
    ("another Admin PIN", |pair| {
        let master = &mut pair.master;
        master.link(Link::Unplugged);
        master.link(Link::Plugged);
        master.press(&format!("KEY+1 {ADMIN_PIN} KEY"));
        master.press("KEY+2 86421357 KEY 86421357 KEY SHIFT:1s");
        master.press("KEY 86421357 KEY");
    }),
    ("another User PIN", |pair| {
        set(pair, "KEY+3 55667788 KEY 55667788 KEY");
    }),
    ("a Recovery PIN", |pair| {
        set(pair, "KEY+4 55667788 KEY 55667788 KEY");
    }),
    ("a Self-Destruct PIN", |pair| {
        set(pair, "KEY+6 55667788 KEY 55667788 KEY");
    }),
    ("auto-lock", |pair| set(pair, "KEY+5 15 SHIFT")),
    ("a policy, and no User PIN", |pair| {
        set(pair, "KEY+7 081 SHIFT");
    }),
    ("cloning disabled", |pair| set(pair, "KEY+8 0 SHIFT")),
    ("another mode", |pair| set(pair, "KEY+9 2 SHIFT")),
    ("another attempt limit", |pair| set(pair, "7+0 03 SHIFT")),
    ("no attempts left at the User PIN", |pair| {
        let master = &mut pair.master;
        master.link(Link::Unplugged);
        master.link(Link::Plugged);
        for _ in 0..10 {
            master.press("SHIFT+KEY 99999998 KEY");
        }
        master.unlock_admin();
    }),
    ("no power", |pair| {
        pair.master.power_up();
        pair.master.unlock_admin();
    }),
    ("a full journal of later Parcels", |pair| {
        let Pair { master, root, .. } = pair;
        let mut other = Bench::<Crypto>::new("SECOND-2", root);
        for _ in 0..limits::JOURNAL_ENTRIES {
            abandon(master, &mut other);
        }
    }),
];

/// A run up to the Parcel.
fn abandon(master: &mut Bench<Crypto>, secondary: &mut Bench<Crypto>) {
    let mut carried = Vec::new();
    for message in Message::ALL.into_iter().take(4) {
        carried = relay::step(master, secondary, 0, message, &carried).unwrap();
    }
}

/// A pair whose secondary has committed, and its Receipt.
fn committed() -> (Pair<Crypto>, Vec<u8>) {
    let mut pair = Pair::new();
    let [_, _, _, parcel] = pair.abandoned();
    let receipt = pair.step(Message::Receipt, &parcel).unwrap();
    (pair, receipt)
}

#[test]
fn a_receipt_is_countersigned_whatever_has_changed_on_the_master_since() {
    for (change, apply) in CHANGES {
        let (mut pair, receipt) = committed();
        apply(&mut pair);
        let countersignature = pair
            .step(Message::Countersignature, &receipt)
            .unwrap_or_else(|status| panic!("{change}: {status:?}"));
        pair.verify(&[receipt.as_slice(), &countersignature].concat());
        // Again: it is answered, and nothing is written.
        let stored = pair.master.flash.blob();
        pair.step(Message::Countersignature, &receipt).unwrap();
        assert!(pair.master.flash.blob() == stored, "{change}");
    }
}

#[test]
fn a_receipt_whose_entry_is_gone_counts_in_the_cycle_that_countersigns_it() {
    let (mut pair, receipt) = committed();
    let mut other = Bench::<Crypto>::new("SECOND-2", &pair.root);
    let options = Options {
        disable_master: true,
        ..Options::default()
    };
    relay::begin(&mut pair.master, options, 1).unwrap();
    for _ in 0..limits::JOURNAL_ENTRIES {
        abandon(&mut pair.master, &mut other);
    }
    let countersignature = pair.step(Message::Countersignature, &receipt).unwrap();
    pair.verify(&[receipt, countersignature].concat());
    let admin = pair.master.status().admin.unwrap();
    assert!(!admin.cloning, "it was the one that was announced");
}

#[test]
fn a_receipt_of_another_group_is_not_countersigned() {
    // Replaced by another master.
    let (mut pair, receipt) = committed();
    let mut foreign = Bench::<Crypto>::new("FOREIGN-1", &pair.root);
    foreign.set_up();
    foreign.unlock_admin();
    relay::begin(&mut foreign, Options::default(), 1).unwrap();
    relay::run(&mut foreign, &mut pair.master, 0, |_, _| {}).receipt();
    pair.master.unlock_admin();
    let refused = pair.step(Message::Countersignature, &receipt);
    assert_eq!(refused, Err(Status::NotProved));

    // Reset, and set up again.
    let (mut pair, receipt) = committed();
    pair.master.link(Link::Unplugged);
    pair.master.link(Link::Plugged);
    pair.master.press("0:1s 2+7");
    pair.master.set_up();
    pair.master.unlock_admin();
    let refused = pair.step(Message::Countersignature, &receipt);
    assert_eq!(refused, Err(Status::NotProved));
}

#[test]
fn nobody_but_the_master_itself_countersigns_its_receipt() {
    let (mut pair, receipt) = committed();
    // The clone holds the same keys, PINs and settings, and may clone.
    let clone = &mut pair.secondary;
    clone.configure("KEY+8 1 SHIFT");
    clone.unlock_admin();
    let refused = clone.command(ins::COUNTERSIGN, 0, &receipt);
    assert_eq!(refused, Err(Status::NotProved));
}

#[test]
fn the_token_of_another_run_is_not_good_for_this_one() {
    let (mut pair, earlier) = committed();
    pair.secondary.unlock_admin();
    let [_, _, _, parcel] = pair.abandoned();
    let later = pair.step(Message::Receipt, &parcel).unwrap();
    let end = |receipt: &[u8]| 2 + usize::from(u16::from_be_bytes([receipt[0], receipt[1]]));
    let mut mixed = later.clone();
    mixed[end(&later) - 48..end(&later)]
        .copy_from_slice(&earlier[end(&earlier) - 48..end(&earlier)]);
    let refused = pair.step(Message::Countersignature, &mixed);
    assert_eq!(refused, Err(Status::NotProved));
    pair.step(Message::Countersignature, &later).unwrap();
}
