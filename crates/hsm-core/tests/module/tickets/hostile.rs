//! Tickets that are forged, foreign, changed, cut down or shown again, and people who type what they should not.

use super::{agreed, any, fresh, guarded};
use crate::{
    Crypto,
    team::{Team, clone_to, rekey, wire},
};
use hsm_core::{crypto::rust_crypto::RustCrypto, leds::Pattern};
use hsm_protocol::{
    Status,
    cloning::Options,
    command::ins,
    rekey::Rekey,
    ticket::{Act, Copies, Ticket},
};
use hsm_testbench::{
    Bench,
    letters::{epochs, letterbox, take_epochs, take_join},
    relay::Message,
    tickets::{self, agree, approve, certificate, code, policy, present, set_policy, ticket},
};

#[test]
fn a_ticket_is_for_one_master_and_for_its_list_of_uses() {
    let mut group = guarded::<Crypto>();
    let one = agreed(&mut group, 1, Act::Clone(any(3)));
    // A clone that may clone, and is shown the master's ticket.
    let mut clone = group.clones.remove(2);
    clone.power_up();
    clone.configure("KEY+8 1 SHIFT");
    clone.unlock_admin();
    let [first, second] = group.clones.as_mut_slice() else {
        panic!()
    };
    agree(&mut clone, &mut [&mut *first, &mut *second], &one);
    let mut new = Bench::new("NEW-1", &group.root);
    let other = Err((Message::Grant, Status::NeedsTicket));
    let refused = clone_to(&mut clone, &mut new);
    assert!(refused == other || refused == Err((Message::Grant, Status::OtherTicket)));

    // The master is erased and made a clone again: what it used before is not forgotten, since no ticket is for both lists.
    let mut master = group.master;
    clone_to(&mut master, &mut new).unwrap();
    let far = tickets::ticket(&mut clone, 2, Act::Clone(any(1)));
    agree(&mut clone, &mut [&mut *first, &mut *second], &far);
    master.power_up();
    master.press("0:1s 2+7");
    clone_to(&mut clone, &mut master).unwrap();
    master.power_up();
    master.configure("KEY+8 1 SHIFT");
    master.unlock_admin();
    agree(&mut master, &mut [first, second], &one);
    let mut more = Bench::new("NEW-2", &group.root);
    let refused = Err((Message::Grant, Status::OtherTicket));
    assert_eq!(clone_to(&mut master, &mut more), refused);
}

#[test]
fn no_changed_ticket_or_approval_counts() {
    let mut group = guarded::<Crypto>();
    let ticket = ticket(&mut group.master, 1, Act::Clone(any(1)));
    let approval = approve(&mut group.clones[0], &ticket).unwrap();
    let mut tried = 0;
    let step = if hsm_testbench::is_thorough() { 1 } else { 7 };
    for at in (0..ticket.len()).step_by(step).chain([ticket.len() - 1]) {
        let mut changed = ticket.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(
            present(&mut group.master, &changed, &approval).is_err(),
            "{at}"
        );
        tried += 1;
    }
    for at in (0..approval.len()).step_by(step) {
        let mut changed = approval.clone();
        changed[at] ^= 1 << (at % 8);
        assert!(
            present(&mut group.master, &ticket, &changed).is_err(),
            "{at}"
        );
        tried += 1;
    }
    for len in (0..ticket.len()).step_by(step) {
        assert!(present(&mut group.master, &ticket[..len], &approval).is_err());
    }
    for len in (0..approval.len()).step_by(step) {
        assert!(present(&mut group.master, &ticket, &approval[..len]).is_err());
    }
    let agreed = present(&mut group.master, &ticket, &approval).unwrap();
    assert_eq!(agreed.approvals, 1, "the true one");
    println!("changed tickets and approvals: {tried} tried, 0 counted");
}

#[test]
fn who_is_no_custodian_of_this_group_agrees_to_nothing() {
    let mut group = guarded::<Crypto>();
    let one = ticket(&mut group.master, 1, Act::Clone(any(1)));
    // The master is none, nor a member of another group that made it one.
    assert_eq!(approve(&mut group.master, &one), Err(Status::NotCustodian));
    let mut foreign = Bench::<Crypto>::new("FOREIGN-1", &group.root);
    foreign.set_up();
    foreign.unlock_admin();
    let own = certificate(&mut foreign);
    set_policy(&mut foreign, &policy(1, &[own])).unwrap();
    assert_eq!(approve(&mut foreign, &one), Err(Status::OtherTicket));
    let theirs = ticket(&mut foreign, 1, Act::Clone(any(1)));
    let approval = approve(&mut foreign, &theirs).unwrap();
    assert_eq!(
        present(&mut group.master, &theirs, &approval),
        Err(Status::NotCustodian)
    );
    assert_eq!(
        present(&mut group.master, &one, &approval),
        Err(Status::OtherTicket)
    );
    // Neither a User nor an Administrator whose module is locked.
    let custodian = &mut group.clones[0];
    custodian.power_up();
    assert_eq!(approve(custodian, &one), Err(Status::Locked));
    custodian.unlock_user();
    assert_eq!(approve(custodian, &one), Err(Status::NotAdministrator));
}

#[test]
fn a_retired_custodian_does_not_count() {
    let mut group = guarded::<Crypto>();
    let lost = wire(&["CLONE-2"]);
    let act = Act::Rekey(Rekey::parse(false, &lost).unwrap());
    let before = group.master.epoch();
    let one = agreed(&mut group, 1, act);
    let mut approvals = Vec::new();
    for custodian in &mut group.clones[..2] {
        approvals.push(approve(custodian, &one).unwrap());
    }
    rekey(&mut group.master, 0, &["CLONE-2"]).unwrap();
    let mut retired = group.clones.remove(1);
    for member in &mut group.clones {
        let letter = epochs(&mut group.master, before, &letterbox(member).unwrap()).unwrap();
        for approval in &approvals {
            present(member, &one, approval).unwrap();
        }
        take_epochs(member, &letter).unwrap();
    }
    let copy = ticket(&mut group.master, 2, Act::Clone(any(1)));
    assert_eq!(approve(&mut retired, &copy), Err(Status::OtherTicket));
    let refused = present(&mut group.master, &one, &approvals[1]);
    assert_eq!(refused, Err(Status::NotCustodian));
}

#[test]
fn only_the_code_of_this_very_ticket_is_an_agreement() {
    let mut group = guarded::<Crypto>();
    let shown = ticket(&mut group.master, 1, Act::Clone(any(1)));
    let sent = ticket(&mut group.master, 2, Act::Clone(any(250)));
    let custodian = &mut group.clones[0];
    let ask = |custodian: &mut Bench<Crypto>, ticket: &[u8]| {
        custodian.command(ins::TICKET_APPROVE, 0, ticket)
    };
    // The PC shows one ticket and sends another; and it may not change its mind while the person types.
    assert_eq!(ask(custodian, &sent), Err(Status::NeedsPerson));
    custodian.press("31415926");
    assert_eq!(ask(custodian, &shown), Err(Status::OutOfOrder));
    assert_eq!(
        custodian.command(ins::CLEAR_TABLE, 0, &[]),
        Err(Status::OutOfOrder)
    );
    let typed = code(&shown);
    assert_eq!(custodian.press(&typed[8..]), Pattern::Refused);
    assert_eq!(ask(custodian, &sent), Err(Status::NeedsPerson));

    // Three wrong codes end the attempt; a right one afterwards is none.
    for wrong in ["KEY", "3141592600000000 KEY"] {
        custodian.press(wrong);
    }
    assert!(custodian.leds() != Pattern::Asks, "ended");
    custodian.press(&code(&sent));
    assert_eq!(ask(custodian, &sent), Err(Status::NeedsPerson));

    // A digit too few, or too many, or a chord.
    let right = code(&sent);
    for wrong in [&right[1..], &format!("1{right}"), "KEY+1:1s", "KEY+3:1s"] {
        custodian.press(wrong);
        let answer = ask(custodian, &sent);
        assert_eq!(answer, Err(Status::NeedsPerson), "{wrong}");
    }
    // Whoever goes on typing takes it back.
    assert_eq!(custodian.press(&right), Pattern::Confirmed);
    assert_eq!(custodian.press("1"), Pattern::Refused);
    assert_eq!(ask(custodian, &sent), Err(Status::NeedsPerson));
    assert_eq!(custodian.press(&right), Pattern::Confirmed);
    assert!(ask(custodian, &sent).is_ok());
    assert_eq!(ask(custodian, &sent), Err(Status::NeedsPerson), "once");
}

#[test]
fn slow_fingers_have_time_and_a_person_who_walks_away_has_not_agreed() {
    let mut group = guarded::<Crypto>();
    let one = ticket(&mut group.master, 1, Act::Clone(any(1)));
    let custodian = &mut group.clones[0];
    let ask = |custodian: &mut Bench<Crypto>| custodian.command(ins::TICKET_APPROVE, 0, &one);
    assert_eq!(ask(custodian), Err(Status::NeedsPerson));
    let digits = code(&one);
    for digit in digits.chars().take(16) {
        custodian.press(&digit.to_string());
        custodian.pass(25_000);
    }
    assert_eq!(custodian.press("KEY"), Pattern::Confirmed);
    assert!(ask(custodian).is_ok());
    assert_eq!(ask(custodian), Err(Status::NeedsPerson));
    custodian.press(&digits[..16]);
    custodian.pass(31_000);
    custodian.press("KEY");
    assert_eq!(ask(custodian), Err(Status::NeedsPerson));
}

#[test]
fn choices_of_the_cycle_are_part_of_what_was_agreed() {
    let mut group = guarded::<Crypto>();
    let copies = Copies {
        options: Options {
            disable_master: true,
            ..Options::default()
        },
        ..any(1)
    };
    agreed(&mut group, 1, Act::Clone(copies));
    let mut data = vec![Options::default().to_byte()];
    data.extend([0, 1]);
    let begun = group.master.command(ins::CYCLE_BEGIN, 0, &data);
    assert_eq!(begun, Err(Status::OtherTicket));
    data[0] = copies.options.to_byte();
    group.master.command(ins::CYCLE_BEGIN, 0, &data).unwrap();
}

#[test]
fn a_ticket_of_before_an_approval_and_one_presented_after_the_cycle_began_open_nothing() {
    let mut group = guarded::<Crypto>();
    hsm_testbench::relay::begin(&mut group.master, Options::default(), 1).unwrap();
    agreed(&mut group, 1, Act::Clone(any(1)));
    let mut new = fresh(&group, "NEW-1");
    let outcome = hsm_testbench::relay::run(&mut group.master, &mut new, 0, |_, _| {});
    assert_eq!(outcome.refused, Some((Message::Grant, Status::OtherTicket)));
    clone_to(&mut group.master, &mut new).unwrap();
}

#[test]
fn a_master_that_does_not_know_of_the_quorum_brings_its_members_nothing() {
    // The group is copied to a second master before it has a policy. That one is the maker, too: the same chips.
    let mut group = Team::<Crypto>::new(3);
    let mut stale = group.master.duplicate();
    stale.unlock_admin();
    let custodians: Vec<_> = group.clones.iter_mut().map(certificate).collect();
    set_policy(&mut group.master, &policy(2, &custodians)).unwrap();
    let before = group.master.epoch();
    let member = &mut group.clones[0];
    let letter = epochs(&mut group.master, before, &letterbox(member).unwrap()).unwrap();
    take_epochs(member, &letter).unwrap();
    // It re-keys alone, and mails first.
    rekey(&mut stale, 0, &[]).unwrap();
    let letter = epochs(&mut stale, before, &letterbox(member).unwrap()).unwrap();
    assert_eq!(take_epochs(member, &letter), Err(Status::NeedsTicket));
    // With a ticket for something else neither.
    let copy = ticket(&mut group.master, 1, Act::Clone(any(1)));
    let mut approvals = Vec::new();
    for custodian in &mut group.clones {
        let letterbox = letterbox(custodian).unwrap();
        if let Ok(letter) = epochs(&mut group.master, before, &letterbox) {
            drop(take_epochs(custodian, &letter));
        }
        approvals.push(approve(custodian, &copy).unwrap());
    }
    let member = &mut group.clones[0];
    for approval in &approvals {
        present(member, &copy, approval).unwrap();
    }
    let letter = epochs(&mut stale, before, &letterbox(member).unwrap()).unwrap();
    assert_eq!(take_epochs(member, &letter), Err(Status::OtherTicket));
    let join = hsm_testbench::letters::join(&mut stale, &letterbox(member).unwrap()).unwrap();
    let hash = Ticket::hash::<RustCrypto>(&copy);
    assert_ne!(hash, [0; 48]);
    // Being replaced is the choice of the person at the member's own keypad.
    take_join(member, &join).unwrap();
}
