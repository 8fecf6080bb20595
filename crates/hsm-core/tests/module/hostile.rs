//! A host that alters what it relays. Who must notice is in a table (PROTOCOL § 4.8), which the test follows.

mod flush;
mod later;
mod notice;
mod order;
mod other_form;

use crate::Crypto;
use hsm_protocol::{cloning::Options, journal::JournalEntry};
use hsm_testbench::{
    is_thorough,
    pair::Pair,
    relay::{self, Message},
};
use notice::{Notice, TABLE};
use std::collections::BTreeMap;

#[test]
fn no_flipped_bit_of_an_offer_leads_to_a_commit() {
    flip_and_cut(Message::Offer);
}

#[test]
fn no_flipped_bit_of_a_grant_leads_to_a_commit() {
    flip_and_cut(Message::Grant);
}

#[test]
fn no_flipped_bit_of_a_consent_leads_to_a_parcel() {
    flip_and_cut(Message::Consent);
}

#[test]
fn no_flipped_bit_of_a_parcel_leads_to_a_commit() {
    flip_and_cut(Message::Parcel);
}

#[test]
fn no_flipped_bit_of_a_receipt_leads_to_a_countersignature() {
    flip_and_cut_the_rest(Message::Receipt);
}

#[test]
fn no_flipped_bit_of_a_countersignature_makes_a_receipt_that_holds() {
    flip_and_cut_the_rest(Message::Countersignature);
}

/// Every alteration of a message before the commit; then a clean run of the same two modules.
fn flip_and_cut(message: Message) {
    let mut pair = Pair::<Crypto>::new();
    let mut sample = Vec::new();
    pair.run(|relayed, bytes| {
        if relayed == message {
            sample.clone_from(bytes);
            bytes.clear();
        }
    });
    let (before, _) = pair.journal();
    let mut tally = Tally::new(message, &sample);
    for alteration in tally.alterations() {
        // One unlock allows no more writes than this.
        if tally.tried % 1000 == 999 {
            pair.master.power_up();
            pair.master.unlock_admin();
            relay::begin(&mut pair.master, Options::default(), 1).expect("enabled");
        }
        let outcome = pair.run(|relayed, bytes| {
            if relayed == message {
                alteration.apply(bytes);
            }
        });
        let (step, status) = outcome.refused.expect("someone notices");
        let notice = match step {
            Message::Grant | Message::Parcel | Message::Countersignature => Notice::Master(status),
            Message::Offer | Message::Consent | Message::Receipt => Notice::Secondary(status),
        };
        tally.note(alteration, notice);
        pair.assert_nothing_committed();
    }
    tally.conclude();

    let (after, _) = pair.journal();
    let parcels = match message {
        Message::Parcel => tally.tried,
        _ => 0,
    };
    assert_eq!(after - before, parcels, "each Parcel was paid for, once");
    pair.assert_clones();
}

/// Every alteration of a Receipt or a Countersignature: it is neither countersigned nor believed, and the true one is as
/// good as before.
fn flip_and_cut_the_rest(message: Message) {
    let mut pair = Pair::<Crypto>::new();
    let [_, _, _, parcel] = pair.abandoned();
    let receipt = pair.step(Message::Receipt, &parcel).expect("committed");
    let entries = pair.journal();
    let root = pair.root.certificate_der().to_vec();

    if message == Message::Receipt {
        let stored = pair.master.flash.blob();
        let mut tally = Tally::new(message, &receipt);
        for alteration in tally.alterations() {
            let mut bytes = receipt.clone();
            alteration.apply(&mut bytes);
            let status = pair
                .step(Message::Countersignature, &bytes)
                .expect_err("noticed");
            tally.note(alteration, Notice::Master(status));
            assert!(pair.master.flash.blob() == stored);
        }
        tally.conclude();
    }
    assert_eq!(pair.journal(), entries);
    let countersignature = pair
        .step(Message::Countersignature, &receipt)
        .expect("countersigned");
    if message == Message::Countersignature {
        let mut tally = Tally::new(message, &countersignature);
        for alteration in tally.alterations() {
            let mut bytes = countersignature.clone();
            alteration.apply(&mut bytes);
            let notice = notice::read::<Crypto>(&root, &receipt, &bytes).expect("noticed");
            tally.note(alteration, notice);
        }
        tally.conclude();
    }
    pair.verify(&[receipt, countersignature].concat());
    let (_, entries) = pair.journal();
    assert!(matches!(
        entries.as_slice(),
        [JournalEntry {
            countersigned: true,
            ..
        }]
    ));
    pair.assert_same();
}

/// So many bytes at either end of a field are its edge.
const EDGE: usize = 4;

#[derive(Clone, Copy)]
enum Alteration {
    Flip(usize),
    Shorten(usize),
    Lengthen,
}

impl Alteration {
    fn apply(self, bytes: &mut Vec<u8>) {
        match self {
            Self::Flip(bit) => bytes[bit / 8] ^= 1 << (bit % 8),
            Self::Shorten(len) => bytes.truncate(len),
            Self::Lengthen => bytes.push(0),
        }
    }
}

/// Who noticed what.
struct Tally {
    message: Message,
    fields: Vec<(&'static str, usize)>,
    tried: u64,
    flips: u64,
    seen: BTreeMap<&'static str, Vec<Notice>>,
}

impl Tally {
    fn new(message: Message, sample: &[u8]) -> Self {
        Self {
            message,
            fields: notice::fields(message, sample),
            tried: 0,
            flips: 0,
            seen: BTreeMap::new(),
        }
    }

    /// Each bit flipped, each shorter length, one byte more. Unless everything is asked for, one bit of each byte inside
    /// of a field and every eighth length there stand for the others: they are of the same kind.
    fn alterations(&self) -> Vec<Alteration> {
        let mut places = Vec::new();
        for (_, size) in &self.fields {
            let start = places.len();
            let is_edge = |place| place < start + EDGE || place + EDGE >= start + size;
            places.extend((start..start + size).map(|place| is_thorough() || is_edge(place)));
        }
        let bits = (0..places.len() * 8).filter(|bit| places[bit / 8] || bit % 8 == bit / 8 % 8);
        let lengths = (0..places.len()).filter(|len| places[*len] || len % 8 == 0);
        bits.map(Alteration::Flip)
            .chain(lengths.map(Alteration::Shorten))
            .chain([Alteration::Lengthen])
            .collect()
    }

    fn note(&mut self, alteration: Alteration, notice: Notice) {
        self.tried += 1;
        let field = match alteration {
            Alteration::Flip(bit) => {
                self.flips += 1;
                notice::field_at(&self.fields, bit / 8)
            }
            Alteration::Shorten(_) | Alteration::Lengthen => "length",
        };
        let seen = self.seen.entry(field).or_default();
        if !seen.contains(&notice) {
            seen.push(notice);
        }
    }

    /// What was seen is what the table says: no more and no less.
    fn conclude(&self) {
        let Self {
            message,
            tried,
            flips,
            seen,
            ..
        } = self;
        let rows = TABLE.iter().filter(|row| row.message == *message);
        assert_eq!(rows.clone().count(), seen.len());
        for row in rows {
            let seen = &seen[row.field];
            let same = seen.len() == row.noticed.len()
                && seen.iter().all(|notice| row.noticed.contains(notice));
            assert!(same, "{message:?}, {}: {seen:?}", row.field);
        }
        println!(
            "{message:?}: {flips} bits flipped, {} other lengths: {tried} noticed, 0 commits",
            tried - flips
        );
    }
}
