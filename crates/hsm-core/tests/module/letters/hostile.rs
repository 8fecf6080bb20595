//! Letters and letterboxes that were changed, or that come from whom they may not come from.

use super::{member_as_master, rekeyed};
use crate::{
    Crypto,
    team::{MISSING, OPENS, Team, assert_opened, rekey, sealed},
};
use hsm_factory::Root;
use hsm_protocol::{Status, command::ins};
use hsm_testbench::{
    Bench, is_thorough,
    letters::{self, epochs, join, letterbox, take_epochs, take_join},
};

#[test]
fn who_may_not_write_a_letter_writes_none_that_is_taken() {
    let (mut team, before) = rekeyed::<Crypto>(2);
    let mut member = team.clones.remove(0);
    let request = letterbox(&mut member).unwrap();

    // A clone may clone, and so make clones by letter; it may not bring epochs.
    let mut clone = member_as_master(team.clones.remove(0));
    let refused = epochs(&mut clone, before, &request);
    assert_eq!(refused, Err(Status::NotRekeyingMaster));
    let mut fresh = Bench::<Crypto>::new("FRESH-1", &team.root);
    let letter = join(&mut clone, &letterbox(&mut fresh).unwrap()).unwrap();
    take_join(&mut fresh, &letter).unwrap();

    // A group of its own: the member has no epoch of it, and its maker is not the member's.
    let mut foreign = Bench::<Crypto>::new("FOREIGN-1", &team.root);
    foreign.set_up();
    foreign.unlock_admin();
    let own = foreign.epoch();
    let letter = epochs(&mut foreign, own, &request).unwrap();
    let refused = take_epochs(&mut member, &letter);
    assert_eq!(refused, Err(Status::NotRekeyingMaster));
    assert_eq!(
        epochs(&mut foreign, before, &request),
        Err(Status::NotFound)
    );

    // Another root.
    let other = Root::generate("Other root").unwrap();
    let mut stranger = Bench::<Crypto>::new("STRANGER-1", &other);
    let request = letterbox(&mut stranger).unwrap();
    assert_eq!(join(&mut team.master, &request), Err(Status::ForeignRoot));

    // Itself, a retired module, a master that is locked or has no cycle or may not clone.
    let own = letterbox(&mut team.master).unwrap();
    assert_eq!(join(&mut team.master, &own), Err(Status::SameModule));
    let mut lost = Bench::<Crypto>::new("LOST-1", &team.root);
    let retired = letterbox(&mut lost).unwrap();
    assert_eq!(join(&mut team.master, &retired), Err(Status::Retired));
    let request = letterbox(&mut member).unwrap();
    team.master.command(ins::CYCLE_END, 0, &[]).unwrap();
    let refused = team.master.command(ins::LETTER_WRITE, 0, &request);
    assert_eq!(refused, Err(Status::OutOfOrder));
    assert_eq!(join(&mut member, &own), Err(Status::CloningDisabled));
}

#[test]
fn a_removed_member_with_every_letter_of_the_others_opens_nothing_and_brings_nothing() {
    let mut team = Team::<Crypto>::new(2);
    let before = team.master.epoch();
    rekey(&mut team.master, 0, &["CLONE-2"]).unwrap();
    let mut removed = member_as_master(team.clones.remove(1));
    let mut member = team.clones.remove(0);
    let request = letterbox(&mut member).unwrap();
    let letter = epochs(&mut team.master, before, &request).unwrap();
    assert_eq!(
        take_epochs(&mut removed, &letter),
        Err(Status::OtherLetterbox)
    );
    let own = letterbox(&mut removed).unwrap();
    assert_eq!(epochs(&mut team.master, before, &own), Err(Status::Retired));
    assert_eq!(join(&mut team.master, &own), Err(Status::Retired));
    let new = sealed(&mut team.master);
    assert_opened(&mut removed, &new, MISSING);

    // It re-keys and mails first: neither is for it to do.
    assert_eq!(
        rekey(&mut removed, 0, &[]).unwrap_err(),
        Status::NotRekeyingMaster
    );
    let refused = epochs(&mut removed, before, &request);
    assert_eq!(refused, Err(Status::NotRekeyingMaster));
    // It may clone. To who knows that it was removed it may not, although a person allowed it.
    let join = join(&mut removed, &request).unwrap();
    take_epochs(&mut member, &letter).unwrap();
    let request = letterbox(&mut member).unwrap();
    assert_eq!(take_join(&mut member, &join), Err(Status::Retired));
    let again = letters::join(&mut removed, &request).unwrap();
    assert_eq!(take_join(&mut member, &again), Err(Status::Retired));
    assert_opened(&mut member, &new, OPENS);
}

/// The places of a message where a bit is changed: all of them, or some for each kind of byte.
fn places(len: usize) -> Vec<usize> {
    let step = if is_thorough() { 1 } else { 37 };
    let (head, tail) = (0..300.min(len), len.saturating_sub(130)..len);
    let mut places: Vec<usize> = head.chain((0..len).step_by(step)).chain(tail).collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[test]
fn no_changed_letterbox_gets_a_letter() {
    let (mut team, before) = rekeyed::<Crypto>(1);
    let request = letterbox(&mut team.clones[0]).unwrap();
    let journal = team.master.command(ins::JOURNAL, 0, &[]).unwrap();
    let mut tried = 0;
    for at in places(request.len()) {
        let mut changed = request.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(join(&mut team.master, &changed).is_err(), "byte {at}");
        assert!(
            epochs(&mut team.master, before, &changed).is_err(),
            "byte {at}"
        );
        tried += 1;
    }
    for len in (0..request.len()).step_by(if is_thorough() { 1 } else { 97 }) {
        assert!(join(&mut team.master, &request[..len]).is_err(), "{len}");
    }
    let longer = [&request[..], &[0]].concat();
    assert_eq!(join(&mut team.master, &longer), Err(Status::Malformed));
    assert_eq!(team.master.command(ins::JOURNAL, 0, &[]).unwrap(), journal);
    println!("changed letterboxes: {tried} tried, 0 answered");
}

#[test]
fn no_changed_letter_is_taken_and_the_true_one_is_afterwards() {
    let (mut team, before) = rekeyed::<Crypto>(1);
    let mut member = team.clones.remove(0);
    let mut fresh = Bench::<Crypto>::new("FRESH-1", &team.root);
    let join = join(&mut team.master, &letterbox(&mut fresh).unwrap()).unwrap();
    let epochs = epochs(&mut team.master, before, &letterbox(&mut member).unwrap()).unwrap();
    let mut tried = 0;
    for (letter, module, ins) in [
        (&join, &mut fresh, ins::LETTER_JOIN),
        (&epochs, &mut member, ins::LETTER_EPOCHS),
    ] {
        let blob = module.flash.blob();
        for at in places(letter.len()) {
            let mut changed = letter.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(module.command(ins, 0, &changed).is_err(), "byte {at}");
            tried += 1;
        }
        for len in (0..letter.len()).step_by(if is_thorough() { 1 } else { 97 }) {
            assert!(module.command(ins, 0, &letter[..len]).is_err(), "{len}");
        }
        let longer = [&letter[..], &[0]].concat();
        assert_eq!(module.command(ins, 0, &longer), Err(Status::Malformed));
        assert!(module.flash.blob() == blob, "nothing was written");
    }
    assert_eq!(
        fresh.command(ins::LETTER_EPOCHS, 0, &join),
        Err(Status::Locked)
    );
    assert_eq!(take_epochs(&mut member, &join), Err(Status::Malformed));
    take_join(&mut fresh, &join).unwrap();
    take_epochs(&mut member, &epochs).unwrap();
    println!("changed letters: {tried} tried, 0 taken");
}
