//! Letters (docs/PROTOCOL.md § 5): what they bring to whom, what of them is refused, and what a power cut leaves.

mod hostile;

use crate::{
    Crypto,
    team::{MISSING, OPENS, Team, assert_opened, clone_to, rekey, sealed},
};
use hsm_core::{
    crypto::{Provider, rust_crypto::RustCrypto},
    leds::Pattern,
};
use hsm_factory::Root;
use hsm_protocol::{
    EpochName, Status, Verifier, certificate,
    cloning::{Condition, Options},
    command::ins,
    identity::LockState,
    letter::{Letter, Letterbox},
    receipt::{FinishedReceipt, Item, Receipt, Statement},
};
use hsm_testbench::{
    ADMIN_PIN, Bench,
    board::Cut,
    letters::{epochs, join, letterbox, take_epochs, take_join},
    relay,
};

/// Has the master countersign a Receipt, and verifies both halves.
fn seal<C: Provider>(team: &mut Team<C>, receipt: &[u8]) -> Statement {
    let countersignature = team.master.command(ins::COUNTERSIGN, 0, receipt).unwrap();
    let finished = [receipt, &countersignature].concat();
    let root = certificate::Root::parse(team.root.certificate_der()).unwrap();
    let finished = FinishedReceipt::parse(&finished).unwrap();
    *finished.verify::<C>(&root).unwrap().statement()
}

/// A team whose second clone was lost and is retired; the epoch before.
fn rekeyed<C: Provider>(clones: usize) -> (Team<C>, EpochName) {
    let mut team = Team::<C>::new(clones);
    let before = team.master.epoch();
    rekey(&mut team.master, 0, &["LOST-1"]).unwrap();
    (team, before)
}

#[test]
fn a_letterbox_waits_for_its_letter_and_each_has_a_number_of_its_own() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<Crypto>::new("MODULE-1", &root);
    let fields = |module: &mut Bench<Crypto>| {
        let bytes = letterbox(module).unwrap();
        let read = Letterbox::parse(&bytes).unwrap();
        let chain = certificate::Root::parse(root.certificate_der());
        let genuine = chain.unwrap().verify::<Crypto>(&read.chain).unwrap();
        let message = Letterbox::signed::<Crypto>(read.fields);
        assert!(Crypto::verify(genuine.public(), &message, read.signature).is_ok());
        (read.number, read.condition, read.fields.to_vec())
    };
    let first = fields(&mut module);
    assert_eq!((first.0, first.1), (1, Condition::Shipment));
    assert_eq!(fields(&mut module), first);
    module.power_up();
    assert_eq!(fields(&mut module), first);
    module.set_up();
    let in_use = fields(&mut module);
    assert_eq!((in_use.0, in_use.1), (1, Condition::Replaced));
    assert_eq!(in_use.2[12..], first.2[12..], "the same keys");
    for _ in 0..10 {
        module.press("KEY 97531864 KEY 47867243 KEY");
    }
    module.pass(hsm_core::time::FLASH);
    let next = fields(&mut module);
    assert_eq!((next.0, next.1), (2, Condition::Reset));
    assert_ne!(next.2[12..], first.2[12..]);
}

#[test]
fn a_letter_makes_a_clone_far_away_and_its_receipt_is_countersigned_later() {
    join_from_afar::<Crypto>();
    join_from_afar::<RustCrypto>();
}

fn join_from_afar<C: Provider>() {
    let mut team = Team::<C>::new(0);
    let mut far = Bench::<C>::new("FAR-1", &team.root);
    let request = letterbox(&mut far).unwrap();
    let letter = join(&mut team.master, &request).unwrap();
    far.power_up();
    let receipt = take_join(&mut far, &letter).unwrap();
    assert_eq!(far.lock_state(), LockState::Locked);
    assert_eq!(far.command(ins::LAST_RECEIPT, 0, &[]).unwrap(), receipt);
    far.unlock_admin();
    let old = sealed(&mut team.master);
    assert_opened(&mut far, &old, OPENS);
    let status = far.status();
    assert_eq!(status.admin.map(|admin| admin.cloning), Some(false));

    // What the master is when the receipt comes back plays no part.
    rekey(&mut team.master, 0, &[]).unwrap();
    team.master.power_up();
    team.master.configure("KEY+3 55667788 KEY 55667788 KEY");
    team.master.unlock_admin();
    let statement = seal(&mut team, &receipt);
    assert_eq!(statement.condition, Condition::Shipment);
    assert_eq!(statement.secondary.serial.to_string(), "FAR-1");
    assert_eq!(take_join(&mut far, &letter), Err(Status::OtherLetterbox));
}

#[test]
fn a_letter_brings_a_member_the_next_epoch_and_leaves_its_pins() {
    updated::<Crypto>();
    updated::<RustCrypto>();
}

fn updated<C: Provider>() {
    let (mut team, before) = rekeyed::<C>(1);
    let mut member = team.clones.remove(0);
    member.power_up();
    member.configure("KEY+3 99887766 KEY 99887766 KEY");
    let request = letterbox(&mut member).unwrap();
    let letter = epochs(&mut team.master, before, &request).unwrap();
    assert_eq!(take_epochs(&mut member, &letter), Err(Status::Locked));
    assert_eq!(member.press("SHIFT+KEY 99887766 KEY"), Pattern::Unlocked);
    let old = sealed(&mut member);
    let new = sealed(&mut team.master);
    assert_opened(&mut member, &new, MISSING);
    let receipt = take_epochs(&mut member, &letter).unwrap();
    assert_opened(&mut member, &new, OPENS);
    assert_opened(&mut member, &old, OPENS);
    assert_eq!(member.epoch(), team.master.epoch());
    let statement = seal(&mut team, &receipt);
    assert_eq!(statement.condition, Condition::Member);
    assert_eq!(statement.epoch, team.master.epoch());
    let items: Vec<Item> = statement.commitments.iter().map(|(item, _)| item).collect();
    assert_eq!(items, [Item::Keyring]);

    // It is stored, under the PINs of before.
    member.power_up();
    assert_eq!(member.press("SHIFT+KEY 99887766 KEY"), Pattern::Unlocked);
    assert_opened(&mut member, &new, OPENS);
    member.power_up();
    member.unlock_admin();
    assert_opened(&mut member, &old, OPENS);
    assert_eq!(
        take_epochs(&mut member, &letter),
        Err(Status::OtherLetterbox)
    );
    let mut lost = Bench::<C>::new("LOST-1", &team.root);
    let refused = clone_to(&mut member_as_master(member), &mut lost);
    assert_eq!(refused.map_err(|(_, status)| status), Err(Status::Retired));
}

/// Enables cloning on a member.
fn member_as_master<C: Provider>(mut member: Bench<C>) -> Bench<C> {
    member.power_up();
    member.configure("KEY+8 1 SHIFT");
    member.unlock_admin();
    member
}

#[test]
fn a_module_in_use_joins_only_if_a_person_allows_it() {
    let mut team = Team::<Crypto>::new(0);
    let mut far = Bench::<Crypto>::new("FAR-1", &team.root);
    far.set_up();
    let request = letterbox(&mut far).unwrap();
    let letter = join(&mut team.master, &request).unwrap();
    assert_eq!(
        far.command(ins::LETTER_JOIN, 0, &letter),
        Err(Status::Locked)
    );
    far.unlock_user();
    let refused = far.command(ins::LETTER_JOIN, 0, &letter);
    assert_eq!(refused, Err(Status::NotAdministrator));
    far.power_up();
    far.unlock_admin();
    let old = far.status().group;
    let asks = far.command(ins::LETTER_JOIN, 0, &letter);
    assert_eq!(asks, Err(Status::NeedsPerson));
    assert_eq!(far.leds(), Pattern::Asks);
    assert_eq!(far.status().group, old);
    take_join(&mut far, &letter).unwrap();
    far.unlock_admin();
    assert_eq!(far.status().group, team.master.status().group);
}

#[test]
fn the_first_of_two_letters_for_one_letterbox_counts() {
    let (mut team, before) = rekeyed::<Crypto>(2);
    let [first, second] = team.clones.as_mut_slice() else {
        panic!("two clones")
    };
    let requests = [letterbox(first).unwrap(), letterbox(second).unwrap()];
    let master = &mut team.master;
    let one = epochs(master, before, &requests[0]).unwrap();
    let again = epochs(master, before, &requests[0]).unwrap();
    let others = epochs(master, before, &requests[1]).unwrap();
    assert_eq!(take_epochs(first, &others), Err(Status::OtherLetterbox));
    take_epochs(first, &again).unwrap();
    assert_eq!(take_epochs(first, &one), Err(Status::OtherLetterbox));
    take_epochs(second, &others).unwrap();
}

#[test]
fn letters_out_of_order_bring_the_newest_and_nothing_older() {
    let (mut team, first) = rekeyed::<Crypto>(1);
    let mut member = team.clones.remove(0);
    let older = epochs(&mut team.master, first, &letterbox(&mut member).unwrap()).unwrap();
    rekey(&mut team.master, 0, &[]).unwrap();
    let newer = epochs(&mut team.master, first, &letterbox(&mut member).unwrap()).unwrap();
    take_epochs(&mut member, &newer).unwrap();
    assert_eq!(
        take_epochs(&mut member, &older),
        Err(Status::OtherLetterbox)
    );
    // The same, with a letterbox that is right: an epoch behind the member's.
    let mut behind = team.master_again();
    rekey(&mut team.master, 0, &[]).unwrap();
    let third = epochs(&mut team.master, first, &letterbox(&mut member).unwrap()).unwrap();
    take_epochs(&mut member, &third).unwrap();
    let request = letterbox(&mut member).unwrap();
    let old = epochs(&mut behind, first, &request).unwrap();
    assert_eq!(take_epochs(&mut member, &old), Err(Status::OlderLetter));
    // It cost nothing: the letterbox still waits.
    rekey(&mut team.master, 0, &[]).unwrap();
    let fourth = epochs(&mut team.master, first, &request).unwrap();
    take_epochs(&mut member, &fourth).unwrap();
}

#[test]
fn two_masters_that_rekey_apart_are_told() {
    let mut team = Team::<Crypto>::new(1);
    let first = team.master.epoch();
    let mut member = team.clones.remove(0);
    let mut apart = team.master_again();
    rekey(&mut team.master, 0, &[]).unwrap();
    rekey(&mut apart, 0, &[]).unwrap();
    let letter = epochs(&mut team.master, first, &letterbox(&mut member).unwrap()).unwrap();
    take_epochs(&mut member, &letter).unwrap();
    let new = sealed(&mut member);
    let letter = epochs(&mut apart, first, &letterbox(&mut member).unwrap()).unwrap();
    assert_eq!(take_epochs(&mut member, &letter), Err(Status::Forked));
    // Also when it re-keys once more: its epochs are the higher ones then.
    rekey(&mut apart, 0, &[]).unwrap();
    let letter = epochs(&mut apart, first, &letterbox(&mut member).unwrap()).unwrap();
    assert_eq!(take_epochs(&mut member, &letter), Err(Status::Forked));
    assert_opened(&mut member, &new, OPENS);
}

impl Team<Crypto> {
    /// The master once more, from its chips: what a copy of them, or a second re-keying master, does by itself.
    fn master_again(&self) -> Bench<Crypto> {
        let mut again = self.master.duplicate();
        again.unlock_admin();
        again
    }
}

#[test]
fn a_module_that_became_another_since_does_not_take_the_letter() {
    let mut team = Team::<Crypto>::new(0);
    let mut far = Bench::<Crypto>::new("FAR-1", &team.root);
    let letter = join(&mut team.master, &letterbox(&mut far).unwrap()).unwrap();
    far.set_up();
    far.unlock_admin();
    assert_eq!(take_join(&mut far, &letter), Err(Status::OtherLetterbox));
    let again = join(&mut team.master, &letterbox(&mut far).unwrap()).unwrap();
    take_join(&mut far, &again).unwrap();
}

#[test]
fn a_letter_is_journaled_before_it_leaves() {
    let mut team = Team::<Crypto>::new(0);
    let mut far = Bench::<Crypto>::new("FAR-1", &team.root);
    let request = letterbox(&mut far).unwrap();
    relay::begin(&mut team.master, Options::default(), 1).unwrap();
    let operations = {
        let mut uncut = team.master.duplicate();
        uncut.unlock_admin();
        uncut.flash.cut(Cut::Before(u32::MAX));
        join(&mut uncut, &request).unwrap();
        uncut.flash.operations()
    };
    let mut found = 0;
    for cut in Cut::every(operations) {
        let mut master = team.master_again();
        master.flash.cut(cut);
        assert_eq!(join(&mut master, &request), Err(Status::MemoryFailure));
        master.power_up();
        master.unlock_admin();
        let letter = join(&mut master, &request).unwrap();
        let mut taker = far.duplicate();
        let receipt = take_join(&mut taker, &letter).unwrap();
        let number = Receipt::parse(&receipt)
            .unwrap()
            .statement()
            .unwrap()
            .number;
        assert!((1..=2).contains(&number), "{cut:?}");
        found += number - 1;
    }
    assert!(found > 0, "an entry whose letter never left");
}

#[test]
fn a_power_cut_while_a_letter_is_taken_leaves_old_or_new_and_a_repetition_finishes() {
    let (mut team, before) = rekeyed::<Crypto>(1);
    let new = sealed(&mut team.master);
    let mut member = team.clones.remove(0);
    let request = letterbox(&mut member).unwrap();
    let letter = epochs(&mut team.master, before, &request).unwrap();
    member.power_up();
    let unlocked = |cut| {
        let mut member = member.duplicate();
        member.unlock_user();
        member.flash.cut(cut);
        member
    };
    let mut uncut = unlocked(Cut::Before(u32::MAX));
    take_epochs(&mut uncut, &letter).unwrap();
    let (mut tried, mut found_new) = (0, 0);
    for cut in Cut::every(uncut.flash.operations()) {
        let mut cut_off = unlocked(cut);
        assert_eq!(
            take_epochs(&mut cut_off, &letter),
            Err(Status::MemoryFailure)
        );
        cut_off.power_up();
        cut_off.unlock_user();
        let is_new = cut_off.epoch() == team.master.epoch();
        assert_opened(&mut cut_off, &new, if is_new { OPENS } else { MISSING });
        let receipt = if is_new {
            assert_eq!(
                take_epochs(&mut cut_off, &letter),
                Err(Status::OtherLetterbox)
            );
            cut_off.command(ins::LAST_RECEIPT, 0, &[]).unwrap()
        } else {
            take_epochs(&mut cut_off, &letter).unwrap()
        };
        let statement = Receipt::parse(&receipt).unwrap().statement().unwrap();
        let letter = Letter::parse(&letter).unwrap();
        let transcript = Letter::transcript::<Crypto>(letter.open);
        assert_eq!(
            statement.transcript, transcript,
            "the receipt of this letter"
        );
        team.master.command(ins::COUNTERSIGN, 0, &receipt).unwrap();
        tried += 1;
        found_new += u32::from(is_new);
    }
    println!("power cuts while a letter is taken: {tried} tried, {found_new} new, all finished");
    assert!(found_new > 0 && found_new < tried);
    member.power_up();
    assert_eq!(
        member.press(&format!("KEY+1 {ADMIN_PIN} KEY")),
        Pattern::AdminMode
    );
}
