//! Two people must agree (docs/PROTOCOL.md § 6): what a group with a quorum lets nobody do alone, and what a ticket that its
//! custodians approved allows: exactly that, as often as it says, to one master.

mod hostile;

use crate::{
    Crypto,
    team::{OPENS, Team, assert_opened, clone_to, rekey, sealed, wire},
};
use hsm_core::crypto::{Provider, rust_crypto::RustCrypto};
use hsm_protocol::{
    Status,
    cloning::{Options, Permission},
    command::ins,
    policy::Policy,
    receipt::Receipt,
    rekey::Rekey,
    team::{TeamAnswer, UsedTicket},
    ticket::{Act, Copies, Receivers, Serials, Ticket},
};
use hsm_testbench::{
    Bench,
    board::Cut,
    letters::{self, epochs, letterbox, take_epochs, take_join},
    relay::{self, Message},
    tickets::{agree, approve, certificate, policy, present, set_policy, team, ticket},
};

/// A group of a master and three custodians, two of which must agree.
pub(crate) fn guarded<C: Provider>() -> Team<C> {
    let mut group = Team::<C>::new(3);
    let custodians: Vec<_> = group.clones.iter_mut().map(certificate).collect();
    set_policy(&mut group.master, &policy(2, &custodians)).unwrap();
    let epoch = group.master.epoch();
    for custodian in &mut group.clones {
        let letter = epochs(&mut group.master, epoch, &letterbox(custodian).unwrap()).unwrap();
        take_epochs(custodian, &letter).unwrap();
    }
    group
}

/// A number of clones.
pub(crate) const fn any(count: u16) -> Copies<'static> {
    Copies {
        options: Options {
            auto_lock: false,
            user_pin_policy: false,
            disable_master: false,
        },
        to: Receivers::Any(count),
    }
}

/// Has the first two custodians agree to an act of the master, which is shown their approvals.
pub(crate) fn agreed<C: Provider>(group: &mut Team<C>, number: u8, act: Act<'_>) -> Vec<u8> {
    let ticket = ticket(&mut group.master, number, act);
    let [first, second, _] = group.clones.as_mut_slice() else {
        panic!("three custodians")
    };
    let agreed = agree(&mut group.master, &mut [first, second], &ticket);
    assert_eq!((agreed.approvals, agreed.quorum), (2, 2));
    ticket
}

fn fresh<C: Provider>(group: &Team<C>, serial: &str) -> Bench<C> {
    Bench::new(serial, &group.root)
}

#[test]
fn nobody_clones_alone_and_two_custodians_allow_it() {
    alone::<Crypto>();
    alone::<RustCrypto>();
}

fn alone<C: Provider>() {
    let mut group = guarded::<C>();
    let file = sealed(&mut group.master);
    let mut new = fresh(&group, "NEW-1");
    let refused = Err((Message::Grant, Status::NeedsTicket));
    assert_eq!(clone_to(&mut group.master, &mut new), refused);
    let request = letterbox(&mut new).unwrap();
    let refused = letters::join(&mut group.master, &request);
    assert_eq!(refused, Err(Status::NeedsTicket));

    // One of them is not enough.
    let ticket = ticket(&mut group.master, 1, Act::Clone(any(1)));
    let approval = approve(&mut group.clones[0], &ticket).unwrap();
    let agreed = present(&mut group.master, &ticket, &approval).unwrap();
    assert_eq!(agreed.approvals, 1);
    let again = present(&mut group.master, &ticket, &approval).unwrap();
    assert_eq!(again.approvals, 1, "the same one counts once");
    let refused = Err((Message::Grant, Status::NeedsTicket));
    assert_eq!(clone_to(&mut group.master, &mut new), refused);

    let approval = approve(&mut group.clones[1], &ticket).unwrap();
    present(&mut group.master, &ticket, &approval).unwrap();
    clone_to(&mut group.master, &mut new).unwrap();
    assert_opened(&mut new, &file, OPENS);
    // The receipt names the ticket, and the clone is no way around the policy.
    let receipt = new.command(ins::LAST_RECEIPT, 0, &[]).unwrap();
    let statement = Receipt::parse(&receipt).unwrap().statement().unwrap();
    let hash = Ticket::hash::<RustCrypto>(&ticket);
    assert_eq!(statement.permission, Permission::Ticket(hash));
    new.power_up();
    new.configure("KEY+8 1 SHIFT");
    new.unlock_admin();
    let mut other = fresh(&group, "NEW-2");
    let refused = Err((Message::Grant, Status::NeedsTicket));
    assert_eq!(clone_to(&mut new, &mut other), refused);
}

#[test]
fn a_count_is_used_up_and_a_name_too_whatever_is_presented_again() {
    let mut group = guarded::<Crypto>();
    let two = agreed(&mut group, 1, Act::Clone(any(2)));
    for (serial, expected) in [
        ("A-1", Ok(())),
        ("A-2", Ok(())),
        ("A-3", Err((Message::Grant, Status::TicketUsed))),
    ] {
        let mut new = fresh(&group, serial);
        assert_eq!(clone_to(&mut group.master, &mut new), expected, "{serial}");
    }
    // Stored: neither a power-up nor the same approvals once more give anything.
    group.master.power_up();
    group.master.unlock_admin();
    let [first, second, _] = group.clones.as_mut_slice() else {
        panic!()
    };
    agree(&mut group.master, &mut [first, second], &two);
    let mut new = fresh(&group, "A-4");
    let refused = Err((Message::Grant, Status::TicketUsed));
    assert_eq!(clone_to(&mut group.master, &mut new), refused);

    let serials = wire(&["B-1", "B-2"]);
    let (serials, _) = serials.as_chunks();
    let copies = Copies {
        to: Receivers::Named(Serials::new(serials).unwrap()),
        ..any(1)
    };
    agreed(&mut group, 2, Act::Clone(copies));
    let used = Err((Message::Grant, Status::TicketUsed));
    let other = Err((Message::Grant, Status::OtherTicket));
    for (serial, expected) in [
        ("B-2", Ok(())),
        ("B-2", used),
        ("B-3", other),
        ("B-1", Ok(())),
    ] {
        let mut new = fresh(&group, serial);
        assert_eq!(clone_to(&mut group.master, &mut new), expected, "{serial}");
    }
    let fields = team(&mut group.master);
    let used: Vec<_> = TeamAnswer::parse(&fields).unwrap().used().collect();
    let expected = [(1, 2), (2, 0b11)].map(|(number, used)| UsedTicket {
        number: [number; 16],
        used,
    });
    assert_eq!(used, expected);
}

#[test]
fn a_letter_to_a_module_elsewhere_and_a_run_have_tickets_of_their_own() {
    let mut group = guarded::<Crypto>();
    let mut far = fresh(&group, "FAR-1");
    let request = letterbox(&mut far).unwrap();
    agreed(&mut group, 1, Act::Clone(any(1)));
    let refused = letters::join(&mut group.master, &request);
    assert_eq!(refused, Err(Status::OtherTicket));
    agreed(&mut group, 2, Act::Letter(any(1)));
    let mut near = fresh(&group, "NEAR-1");
    let refused = Err((Message::Grant, Status::OtherTicket));
    assert_eq!(clone_to(&mut group.master, &mut near), refused);
    let letter = letters::join(&mut group.master, &request).unwrap();
    take_join(&mut far, &letter).unwrap();
    let mut second = fresh(&group, "FAR-2");
    let refused = letters::join(&mut group.master, &letterbox(&mut second).unwrap());
    assert_eq!(refused, Err(Status::TicketUsed));
}

#[test]
fn a_rekey_needs_its_ticket_and_the_members_want_to_see_it() {
    let mut group = guarded::<Crypto>();
    let before = group.master.epoch();
    assert_eq!(
        rekey(&mut group.master, 0, &["LOST-1"]).unwrap_err(),
        Status::NeedsTicket
    );
    let lost = wire(&["LOST-1"]);
    let act = Act::Rekey(Rekey::parse(false, &lost).unwrap());
    let ticket = agreed(&mut group, 1, act);
    for (p1, retired) in [(0, &["LOST-2"][..]), (0, &[]), (1, &["LOST-1"])] {
        let refused = rekey(&mut group.master, p1, retired);
        assert_eq!(refused.unwrap_err(), Status::OtherTicket, "{retired:?}");
    }
    rekey(&mut group.master, 0, &["LOST-1"]).unwrap();
    let new = sealed(&mut group.master);

    let mut approvals = Vec::new();
    for custodian in &mut group.clones[..2] {
        approvals.push(approve(custodian, &ticket).unwrap());
    }
    // On a later day the master writes the letters without the ticket: it was used.
    group.master.power_up();
    group.master.unlock_admin();
    for member in &mut group.clones {
        let letter = epochs(&mut group.master, before, &letterbox(member).unwrap()).unwrap();
        member.power_up();
        member.unlock_admin();
        let refused = take_epochs(member, &letter);
        assert_eq!(refused, Err(Status::NeedsTicket));
        present(member, &ticket, &approvals[0]).unwrap();
        let refused = take_epochs(member, &letter);
        assert_eq!(refused, Err(Status::NeedsTicket));
        present(member, &ticket, &approvals[1]).unwrap();
        let receipt = take_epochs(member, &letter).unwrap();
        assert_opened(member, &new, OPENS);
        let countersigned = group.master.command(ins::COUNTERSIGN, 0, &receipt);
        assert!(countersigned.is_ok());
    }
    // With the epoch its tickets end.
    let refused = approve(&mut group.clones[0], &ticket);
    assert_eq!(refused, Err(Status::OtherTicket));
}

#[test]
fn another_policy_is_for_the_present_custodians_to_allow() {
    let mut group = guarded::<Crypto>();
    let none = policy(0, &[]);
    assert_eq!(
        set_policy(&mut group.master, &none),
        Err(Status::NeedsTicket)
    );
    let one = certificate(&mut group.clones[2]);
    let next = [one];
    let act = Act::Policy(Policy::new(1, &next).unwrap());
    let ticket = agreed(&mut group, 1, act);
    assert_eq!(
        set_policy(&mut group.master, &none),
        Err(Status::OtherTicket)
    );
    set_policy(&mut group.master, &policy(1, &next)).unwrap();

    // The members take it with the agreement of the custodians that they know.
    let epoch = group.master.epoch();
    let mut approvals = Vec::new();
    for custodian in &mut group.clones[..2] {
        approvals.push(approve(custodian, &ticket).unwrap());
    }
    for member in &mut group.clones {
        let letter = epochs(&mut group.master, epoch, &letterbox(member).unwrap()).unwrap();
        assert_eq!(take_epochs(member, &letter), Err(Status::NeedsTicket));
        for approval in &approvals {
            present(member, &ticket, approval).unwrap();
        }
        take_epochs(member, &letter).unwrap();
    }
    // From now on one is enough, and it must be that one.
    let copy = hsm_testbench::tickets::ticket(&mut group.master, 2, Act::Clone(any(1)));
    let refused = approve(&mut group.clones[0], &copy);
    assert_eq!(refused, Err(Status::NotCustodian));
    let approval = approve(&mut group.clones[2], &copy).unwrap();
    present(&mut group.master, &copy, &approval).unwrap();
    let mut new = fresh(&group, "NEW-1");
    clone_to(&mut group.master, &mut new).unwrap();

    // No quorum any more: as before there was one.
    let act = Act::Policy(Policy::default());
    let last = hsm_testbench::tickets::ticket(&mut group.master, 3, act);
    let approval = approve(&mut group.clones[2], &last).unwrap();
    present(&mut group.master, &last, &approval).unwrap();
    set_policy(&mut group.master, &none).unwrap();
    let mut free = fresh(&group, "NEW-2");
    clone_to(&mut group.master, &mut free).unwrap();
}

#[test]
fn a_ticket_that_was_withdrawn_allows_nothing_more() {
    let mut group = guarded::<Crypto>();
    agreed(&mut group, 1, Act::Clone(any(5)));
    let mut new = fresh(&group, "NEW-1");
    clone_to(&mut group.master, &mut new).unwrap();
    let asked = group.master.command(ins::TICKET_WITHDRAW, 0, &[1; 16]);
    assert_eq!(asked, Err(Status::NeedsPerson));
    group.master.press("KEY+5:1s");
    group
        .master
        .command(ins::TICKET_WITHDRAW, 0, &[1; 16])
        .unwrap();
    let mut other = fresh(&group, "NEW-2");
    let refused = Err((Message::Grant, Status::TicketUsed));
    assert_eq!(clone_to(&mut group.master, &mut other), refused);
}

#[test]
fn a_parcel_uses_the_ticket_and_a_grant_does_not() {
    let mut group = guarded::<Crypto>();
    agreed(&mut group, 1, Act::Clone(any(1)));
    relay::begin(&mut group.master, Options::default(), 2).unwrap();
    let mut modules = vec![fresh(&group, "NEW-1"), fresh(&group, "NEW-2")];
    let mut carried = [Vec::new(), Vec::new()];
    for message in [Message::Offer, Message::Grant, Message::Consent] {
        for (run, module) in (0..).zip(&mut modules) {
            let carried = &mut carried[usize::from(run)];
            *carried = relay::step(&mut group.master, module, run, message, carried).unwrap();
        }
    }
    let master = &mut group.master;
    let parcel = relay::step(master, &mut modules[1], 1, Message::Parcel, &carried[1]);
    assert!(parcel.is_ok());
    let refused = relay::step(master, &mut modules[0], 0, Message::Parcel, &carried[0]);
    assert_eq!(refused, Err(Status::TicketUsed));
}

#[test]
fn a_cut_at_any_write_of_a_parcel_never_gives_more_than_the_ticket() {
    let mut group = guarded::<Crypto>();
    let ticket = agreed(&mut group, 1, Act::Clone(any(1)));
    let mut approvals = Vec::new();
    for custodian in &mut group.clones[..2] {
        approvals.push(approve(custodian, &ticket).unwrap());
    }
    let root = &group.root;
    let shown = |master: &mut Bench<Crypto>| {
        for approval in &approvals {
            present(master, &ticket, approval).unwrap();
        }
    };
    let mut uncut = group.master.duplicate();
    uncut.unlock_admin();
    shown(&mut uncut);
    let mut new = Bench::new("NEW-1", root);
    uncut.flash.cut(Cut::Before(u32::MAX));
    clone_to(&mut uncut, &mut new).unwrap();
    let operations = uncut.flash.operations();
    for cut in Cut::every(operations) {
        let mut master = group.master.duplicate();
        master.unlock_admin();
        shown(&mut master);
        master.flash.cut(cut);
        let mut clones = 0;
        for serial in ["NEW-1", "NEW-2"] {
            let mut new = Bench::new(serial, root);
            clones += u8::from(clone_to(&mut master, &mut new).is_ok());
            master.power_up();
            master.unlock_admin();
            shown(&mut master);
        }
        assert!(clones <= 1, "{cut:?}");
        let mut third = Bench::new("NEW-3", root);
        clones += u8::from(clone_to(&mut master, &mut third).is_ok());
        assert!(clones <= 1, "{cut:?}");
    }
    println!("{operations} operations, each cut: never two clones");
}

#[test]
fn a_cut_at_any_write_of_a_policy_or_a_withdrawal_leaves_old_or_new_and_a_repetition_finishes() {
    let mut group = Team::<Crypto>::new(2);
    let custodians: Vec<_> = group.clones.iter_mut().map(certificate).collect();
    let policy = policy(2, &custodians);
    let acts = [
        (ins::POLICY, policy.as_slice(), "KEY+3:1s"),
        (ins::TICKET_WITHDRAW, &[7; 16], "KEY+5:1s"),
    ];
    for (act, data, keys) in acts {
        let confirmed = |cut| {
            let mut master = group.master.duplicate();
            master.unlock_admin();
            let asked = master.command(act, 0, data);
            assert_eq!(asked, Err(Status::NeedsPerson));
            master.press(keys);
            master.flash.cut(cut);
            master
        };
        let mut uncut = confirmed(Cut::Before(u32::MAX));
        let before = team(&mut uncut);
        uncut.command(act, 0, data).unwrap();
        let (after, operations) = (team(&mut uncut), uncut.flash.operations());
        assert_ne!(before, after);
        for cut in Cut::every(operations) {
            let mut master = confirmed(cut);
            let answer = master.command(act, 0, data);
            assert_eq!(answer, Err(Status::MemoryFailure), "{cut:?}");
            master.power_up();
            master.unlock_admin();
            let found = team(&mut master);
            assert!(found == before || found == after, "{cut:?}");
            if found == before {
                drop(master.command(act, 0, data));
                master.press(keys);
                master.command(act, 0, data).unwrap();
            }
            assert_eq!(team(&mut master), after, "{cut:?}");
        }
    }
}

#[test]
fn a_member_that_missed_a_policy_takes_that_letter_before_the_next_one() {
    let mut group = guarded::<Crypto>();
    let mut member = group.clones.remove(2);
    let mut fourth = fresh(&group, "FOURTH-1");
    let kept: Vec<_> = group.clones.iter_mut().map(certificate).collect();
    let mut next = [kept[0], kept[1], certificate(&mut fourth)];
    next.sort_unstable();
    let custodians = group.clones.as_mut_slice();
    let approved = |custodians: &mut [Bench<Crypto>], ticket: &[u8]| {
        let approvals = custodians.iter_mut().map(|one| approve(one, ticket));
        approvals.collect::<Result<Vec<_>, _>>().unwrap()
    };
    let shown = |module: &mut Bench<Crypto>, ticket: &[u8], approvals: &[Vec<u8>]| {
        for approval in approvals {
            present(module, ticket, approval).unwrap();
        }
    };

    let act = Act::Policy(Policy::new(2, &next).unwrap());
    let first = ticket(&mut group.master, 1, act);
    let by_first = approved(custodians, &first);
    shown(&mut group.master, &first, &by_first);
    set_policy(&mut group.master, &policy(2, &next)).unwrap();
    let epoch = group.master.epoch();
    let request = letterbox(&mut member).unwrap();
    let missed = epochs(&mut group.master, epoch, &request).unwrap();
    for custodian in &mut *custodians {
        let letter = epochs(&mut group.master, epoch, &letterbox(custodian).unwrap()).unwrap();
        shown(custodian, &first, &by_first);
        take_epochs(custodian, &letter).unwrap();
    }

    // The same two approve the re-key: custodians that the member knows, too. The policy is not the one that it knows.
    let act = Act::Rekey(Rekey::parse(false, &[]).unwrap());
    let second = ticket(&mut group.master, 2, act);
    let by_second = approved(custodians, &second);
    shown(&mut group.master, &second, &by_second);
    rekey(&mut group.master, 0, &[]).unwrap();
    let letter = epochs(&mut group.master, epoch, &request).unwrap();
    shown(&mut member, &second, &by_second);
    assert_eq!(take_epochs(&mut member, &letter), Err(Status::OtherTicket));

    shown(&mut member, &first, &by_first);
    take_epochs(&mut member, &missed).unwrap();
    let request = letterbox(&mut member).unwrap();
    let letter = epochs(&mut group.master, epoch, &request).unwrap();
    shown(&mut member, &second, &by_second);
    take_epochs(&mut member, &letter).unwrap();
    assert_eq!(member.epoch(), group.master.epoch());
}
