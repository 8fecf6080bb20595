//! Messages that are genuine, and come from another run, for another module, too often or at the wrong moment.

use super::notice::{self, Notice};
use crate::Crypto;
use hsm_core::{Link, leds::Pattern};
use hsm_protocol::{
    Status,
    certificate::Root,
    cloning::Options,
    command::ins,
    receipt::{FinishedReceipt, ReceiptRefusal},
};
use hsm_testbench::{
    ADMIN_PIN, Bench,
    pair::Pair,
    relay::{self, Message},
};

#[test]
fn a_message_of_an_earlier_run_of_the_same_pair_is_refused() {
    let mut pair = Pair::<Crypto>::new();
    let earlier = pair.abandoned();
    for (message, refused) in [
        (Message::Offer, (Message::Consent, Status::RunBroken)),
        (Message::Grant, (Message::Consent, Status::RunBroken)),
        (Message::Consent, (Message::Parcel, Status::RunBroken)),
        (Message::Parcel, (Message::Receipt, Status::RunBroken)),
    ] {
        let outcome = pair.run(|relayed, bytes| {
            if relayed == message {
                let place = Message::ALL.iter().position(|one| *one == message);
                bytes.clone_from(&earlier[place.unwrap()]);
            }
        });
        assert_eq!(outcome.refused, Some(refused), "{message:?}");
        pair.assert_nothing_committed();
    }
    pair.assert_clones();
}

#[test]
fn an_earlier_receipt_of_the_same_pair_is_sealed_as_what_it_is() {
    let mut pair = Pair::<Crypto>::new();
    let earlier = pair.run(|_, _| {});
    // The same secondary again, by its own Administrator, whose PIN is the master's now.
    pair.secondary.unlock_admin();
    let [_, _, _, parcel] = pair.abandoned();
    let receipt = pair.step(Message::Receipt, &parcel).unwrap();

    let countersignature = pair
        .step(Message::Countersignature, &earlier.messages[4])
        .unwrap();
    pair.verify(&[earlier.messages[4].as_slice(), &countersignature].concat());
    let root = pair.root.certificate_der();
    assert_eq!(
        notice::read::<Crypto>(root, &receipt, &countersignature),
        Some(Notice::Reader(ReceiptRefusal::MasterSignature))
    );
    let countersigned = |pair: &mut Pair<_>| {
        pair.journal()
            .1
            .iter()
            .map(|e| e.countersigned)
            .collect::<Vec<_>>()
    };
    assert_eq!(countersigned(&mut pair), [false, true]);
    pair.step(Message::Countersignature, &receipt).unwrap();
    assert_eq!(countersigned(&mut pair), [true, true]);
}

#[test]
fn messages_swapped_between_two_runs_are_refused() {
    let mut pair = Pair::<Crypto>::new();
    let mut other = Bench::<Crypto>::new("SECOND-2", &pair.root);
    let as_delivered = other.flash.blob();
    for swapped in [
        Message::Offer,
        Message::Grant,
        Message::Consent,
        Message::Parcel,
    ] {
        let mut carried = [Vec::new(), Vec::new()];
        for message in Message::ALL {
            let Pair {
                master, secondary, ..
            } = &mut pair;
            let first = relay::step(master, secondary, 0, message, &carried[0]);
            let second = relay::step(master, &mut other, 1, message, &carried[1]);
            if let (Ok(first), Ok(second)) = (&first, &second) {
                carried = [first.clone(), second.clone()];
                if message == swapped {
                    carried.swap(0, 1);
                }
            } else {
                assert_eq!(
                    (&first, &second),
                    (&Err(Status::RunBroken), &Err(Status::RunBroken))
                );
                // An Offer may arrive in any run: that its Grant goes to another module is what breaks it.
                let late = usize::from(swapped == Message::Offer);
                let place = Message::ALL.iter().position(|one| *one == swapped).unwrap();
                assert_eq!(message, Message::ALL[place + 1 + late]);
                break;
            }
        }
        pair.assert_nothing_committed();
        assert!(other.flash.blob() == as_delivered);
    }
    pair.assert_clones();
    let outcome = relay::run(&mut pair.master, &mut other, 1, |_, _| {});
    pair.verify(&outcome.receipt());
}

#[test]
fn swapped_seals_make_no_receipt_and_swapped_back_they_do() {
    let mut pair = Pair::<Crypto>::new();
    let mut other = Bench::<Crypto>::new("SECOND-2", &pair.root);
    let first = pair.run(|_, _| {});
    let second = relay::run(&mut pair.master, &mut other, 1, |_, _| {});
    let swapped = [first.messages[4].as_slice(), &second.messages[5]].concat();
    let root = Root::parse(pair.root.certificate_der()).unwrap();
    assert_eq!(
        FinishedReceipt::parse(&swapped)
            .unwrap()
            .verify::<Crypto>(&root)
            .err(),
        Some(ReceiptRefusal::MasterSignature)
    );
    pair.verify(&first.receipt());
    pair.verify(&second.receipt());
}

#[test]
fn an_offer_sent_twice_leaves_one_run_that_works() {
    let mut pair = Pair::<Crypto>::new();
    let offer = pair.step(Message::Offer, &[]).unwrap();
    let first = pair.step(Message::Grant, &offer).unwrap();
    let second = pair.step(Message::Grant, &offer).unwrap();
    let consent = pair.step(Message::Consent, &first).unwrap();
    assert_eq!(
        pair.step(Message::Parcel, &consent),
        Err(Status::RunBroken),
        "the first Grant's run is over"
    );
    assert_eq!(
        pair.step(Message::Consent, &second),
        Err(Status::OutOfOrder)
    );
    assert_eq!(pair.journal().0, 0, "nothing was paid for");
    pair.assert_nothing_committed();
    pair.assert_clones();
}

#[test]
fn a_grant_sent_twice_ends_the_run() {
    let mut pair = Pair::<Crypto>::new();
    let offer = pair.step(Message::Offer, &[]).unwrap();
    let grant = pair.step(Message::Grant, &offer).unwrap();
    let consent = pair.step(Message::Consent, &grant).unwrap();
    assert_eq!(pair.step(Message::Consent, &grant), Err(Status::OutOfOrder));
    let parcel = pair.step(Message::Parcel, &consent).unwrap();
    assert_eq!(
        pair.step(Message::Receipt, &parcel),
        Err(Status::OutOfOrder)
    );
    pair.assert_nothing_committed();
    pair.assert_clones();
}

#[test]
fn a_consent_sent_twice_gives_one_parcel() {
    let mut pair = Pair::<Crypto>::new();
    let [_, _, consent, parcel] = pair.abandoned();
    assert_eq!(
        pair.step(Message::Parcel, &consent),
        Err(Status::OutOfOrder)
    );
    assert_eq!(pair.journal().0, 1);
    let receipt = pair.step(Message::Receipt, &parcel).unwrap();
    let countersignature = pair.step(Message::Countersignature, &receipt).unwrap();
    pair.verify(&[receipt, countersignature].concat());
}

#[test]
fn a_parcel_sent_twice_is_committed_once() {
    let mut pair = Pair::<Crypto>::new();
    let [_, _, _, parcel] = pair.abandoned();
    let receipt = pair.step(Message::Receipt, &parcel).unwrap();
    let committed = pair.secondary.flash.blob();
    assert_eq!(pair.step(Message::Receipt, &parcel), Err(Status::Locked));
    assert!(pair.secondary.flash.blob() == committed);
    let countersignature = pair.step(Message::Countersignature, &receipt).unwrap();
    pair.verify(&[receipt, countersignature].concat());
    pair.assert_same();
}

#[test]
fn a_lost_receipt_or_seal_is_fetched_again_and_counts_once() {
    let mut pair = Pair::<Crypto>::new();
    let [_, _, _, parcel] = pair.abandoned();
    let lost = pair.step(Message::Receipt, &parcel).unwrap();
    let fetch = |pair: &mut Pair<_>| pair.secondary.command(ins::LAST_RECEIPT, 0, &[]);
    assert_eq!(fetch(&mut pair), Ok(lost), "locked, it tells all the same");
    pair.secondary.power_up();
    let receipt = fetch(&mut pair).unwrap();
    let countersignatures = [0; 3].map(|_| pair.step(Message::Countersignature, &receipt).unwrap());
    let journal = pair.journal();
    assert_eq!(journal.0, 1);
    let stored = pair.master.flash.blob();
    for countersignature in &countersignatures {
        pair.verify(&[receipt.as_slice(), countersignature].concat());
    }

    // In a later cycle, after the master lost its power.
    pair.master.power_up();
    pair.master.unlock_admin();
    relay::begin(&mut pair.master, Options::default(), 1).unwrap();
    assert!(
        pair.master.flash.blob() != stored,
        "the attempt at its PIN was counted"
    );
    let begun = pair.master.flash.blob();
    let countersignature = pair.step(Message::Countersignature, &receipt).unwrap();
    pair.verify(&[receipt, countersignature].concat());
    assert!(pair.master.flash.blob() == begun, "nothing is written");
    assert_eq!(pair.journal(), journal);
    pair.assert_same();
}

#[test]
fn a_lost_seal_is_given_again_after_the_cycle_has_disabled_its_master() {
    let mut pair = Pair::<Crypto>::new();
    let options = Options {
        disable_master: true,
        ..Options::default()
    };
    relay::begin(&mut pair.master, options, 1).unwrap();
    let [_, _, _, parcel] = pair.abandoned();
    let receipt = pair.step(Message::Receipt, &parcel).unwrap();
    let lost = pair.step(Message::Countersignature, &receipt).unwrap();
    pair.verify(&[receipt.as_slice(), &lost].concat());
    let journal = pair.journal();

    assert_eq!(
        relay::begin(&mut pair.master, options, 1),
        Err(Status::CloningDisabled)
    );
    let again = pair.step(Message::Countersignature, &receipt).unwrap();
    pair.verify(&[receipt.as_slice(), &again].concat());
    pair.master.link(Link::Unplugged);
    pair.master.link(Link::Plugged);
    pair.master.unlock_admin();
    let later = pair.step(Message::Countersignature, &receipt).unwrap();
    pair.verify(&[receipt, later].concat());
    assert_eq!(pair.journal(), journal);
}

/// Brings the secondary to a moment.
type Reach = fn(&mut Pair<Crypto>);

#[test]
fn a_secondary_takes_no_message_at_a_wrong_moment() {
    let mut pair = Pair::<Crypto>::new();
    let [_, grant, _, parcel] = pair.abandoned();
    let moments: [(&str, Reach); 3] = [
        ("idle", |pair| {
            pair.secondary.link(Link::Reset);
        }),
        ("offered", |pair| {
            pair.step(Message::Offer, &[]).unwrap();
        }),
        ("agreed", |pair| {
            let offer = pair.step(Message::Offer, &[]).unwrap();
            let grant = pair.step(Message::Grant, &offer).unwrap();
            pair.step(Message::Consent, &grant).unwrap();
        }),
    ];
    for (moment, reach) in moments {
        for (due, asked, message) in [
            ("offered", Message::Consent, &grant),
            ("agreed", Message::Receipt, &parcel),
        ] {
            if moment != due {
                reach(&mut pair);
                let refused = pair.step(asked, message);
                assert_eq!(refused, Err(Status::OutOfOrder), "{moment}, {asked:?}");
                assert_eq!(pair.secondary.leds(), Pattern::Shipment, "the run is over");
                pair.assert_nothing_committed();
            }
        }
    }
    pair.assert_clones();
    // Locked: its Administrator decides whose it is.
    pair.secondary.power_up();
    for (asked, message) in [
        (Message::Offer, &Vec::new()),
        (Message::Consent, &grant),
        (Message::Receipt, &parcel),
    ] {
        assert_eq!(pair.step(asked, message), Err(Status::Locked));
    }
}

#[test]
fn a_master_takes_no_message_at_a_wrong_moment() {
    let mut pair = Pair::<Crypto>::new();
    let [offer, _, consent, parcel] = pair.abandoned();
    let receipt = pair.step(Message::Receipt, &parcel).unwrap();
    assert_eq!(
        pair.step(Message::Parcel, &consent),
        Err(Status::OutOfOrder),
        "the run is over"
    );

    pair.master.command(ins::CYCLE_END, 0, &[]).unwrap();
    for (asked, message) in [(Message::Grant, &offer), (Message::Parcel, &consent)] {
        assert_eq!(
            pair.step(asked, message),
            Err(Status::OutOfOrder),
            "{asked:?}"
        );
    }
    let refused_by = |pair: &mut Pair<Crypto>, expected| {
        for (asked, message) in [
            (Message::Grant, &offer),
            (Message::Parcel, &consent),
            (Message::Countersignature, &receipt),
        ] {
            assert_eq!(pair.step(asked, message), Err(expected), "{asked:?}");
        }
    };
    pair.master.link(Link::Unplugged);
    pair.master.link(Link::Plugged);
    refused_by(&mut pair, Status::Locked);
    pair.master.unlock_user();
    refused_by(&mut pair, Status::NotAdministrator);
    pair.master.link(Link::Unplugged);
    pair.master.link(Link::Plugged);
    pair.master.press(&format!("KEY+1 {ADMIN_PIN} KEY"));
    refused_by(&mut pair, Status::Locked);
    pair.master.press("SHIFT:1s");
    pair.master.unlock_admin();
    pair.step(Message::Countersignature, &receipt)
        .expect("it needs no cycle");

    relay::begin(&mut pair.master, Options::default(), 1).unwrap();
    assert_eq!(
        pair.step(Message::Parcel, &consent),
        Err(Status::OutOfOrder),
        "no run is under way"
    );
    let countersignature = pair.step(Message::Countersignature, &receipt).unwrap();
    pair.verify(&[receipt, countersignature].concat());
    assert_eq!(pair.journal().0, 1);
}

#[test]
fn a_message_is_taken_only_as_what_it_is() {
    let mut pair = Pair::<Crypto>::new();
    let finished = Pair::<Crypto>::new().run(|_, _| {}).messages;
    let mut tried = 0;
    for (place, due) in Message::ALL.into_iter().enumerate().take(4) {
        for (other, message) in Message::ALL.into_iter().zip(&finished) {
            if other == due {
                continue;
            }
            let outcome = pair.run(|relayed, bytes| {
                if relayed == due {
                    bytes.clone_from(message);
                }
            });
            let (step, status) = outcome.refused.unwrap();
            assert_eq!(step, Message::ALL[place + 1], "{other:?} as {due:?}");
            assert!(is_about_shape(status), "{other:?} as {due:?}: {status:?}");
            pair.assert_nothing_committed();
            tried += 1;
        }
    }
    for message in finished.iter().take(4).chain(finished.last()) {
        let refused = pair.step(Message::Countersignature, message);
        assert_eq!(refused, Err(Status::Malformed));
        tried += 1;
    }
    println!("{tried} messages given as another: {tried} refused, 0 commits");
    pair.assert_clones();
}

fn is_about_shape(status: Status) -> bool {
    matches!(
        status,
        Status::Malformed | Status::VersionRefused | Status::RunBroken
    )
}
