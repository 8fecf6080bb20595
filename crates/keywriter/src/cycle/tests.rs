//! Whole cycles between real modules, over links that break.

use crate::{
    cycle::{
        self, CycleError, Event, Setup, Step, Summary,
        plan::{CycleRefusal, MasterRefusal, Replace, SecondaryRefusal},
    },
    test_hub::{
        module::{TestModule, Unlocked},
        world::{Fault, World},
    },
    transport::Location,
};
use hsm_protocol::{cloning::Options, command::ins};
use std::{collections::BTreeMap, sync::Mutex};

const FRESH: Unlocked = Unlocked::Fresh;
const NO_OPTIONS: Options = Options {
    auto_lock: false,
    user_pin_policy: false,
    disable_master: false,
};
const DISABLE: Options = Options {
    disable_master: true,
    ..NO_OPTIONS
};

fn words(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs
        .iter()
        .map(|(name, word)| ((*name).to_owned(), (*word).to_owned()))
        .collect()
}

#[test]
fn a_cycle_that_is_stopped_finishes_what_it_began_and_begins_nothing_more() {
    let world = World::new(&[("A", FRESH), ("B", FRESH), ("C", FRESH)]);
    let mut setup = world.setup(&[], DISABLE);
    setup.jobs = Some(1);
    let summary = cycle::run(&world, &setup, &|event| {
        if let Event::Step {
            step: Step::Offer, ..
        } = event
        {
            setup.stop.request();
        }
    })
    .unwrap();
    assert_eq!((summary.done, summary.failed), (1, 2));
    assert!(!summary.disabled, "two are left that it announced");
    let (summary, words_then) = world.clone_to(&[], NO_OPTIONS).unwrap();
    assert_eq!((summary.done, summary.failed), (3, 0));
    assert_eq!(
        words_then,
        words(&[("A", "clone"), ("B", "done"), ("C", "done")])
    );
}

fn clone(world: &World) -> (Summary, BTreeMap<String, String>) {
    world.clone_to(&[], NO_OPTIONS).unwrap()
}

fn refused(world: &World, to: &[&str]) -> CycleRefusal {
    match world.clone_to(to, NO_OPTIONS) {
        Err(CycleError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_master_is_cloned_to_all_that_are_present() {
    let names = ["A", "B", "C", "D", "E", "F", "G", "H", "I"];
    let world = World::new(&names.map(|name| (name, FRESH)));
    let (summary, words) = clone(&world);
    assert_eq!((summary.done, summary.failed), (9, 0));
    assert!(words.values().all(|word| word == "done"), "{words:?}");
    let log = world.with("M", |master| master.log.clone());
    let parcels = log.iter().filter(|ins| **ins == ins::PARCEL);
    assert_eq!(parcels.collect::<Vec<_>>().len(), 9);
    assert_eq!(log.last(), Some(&ins::CYCLE_END));
}

#[test]
fn what_is_excepted_is_left_alone_and_may_be_another_master() {
    let world = World::new(&[("A", FRESH), ("B", FRESH)]);
    world.plug(TestModule::new("N", Unlocked::Admin { cloning: true }));
    let mut setup = world.setup(&[], NO_OPTIONS);
    setup.request.except = ["B", "N"].map(|name| name.parse().unwrap()).to_vec();
    let (summary, words_then) = world.run(&setup).unwrap();
    assert_eq!((summary.done, summary.failed), (1, 0));
    assert_eq!(words_then, words(&[("A", "done")]));
    assert!(world.with("B", |module| !module.log.contains(&ins::OFFER)));
}

#[test]
fn a_secondary_sees_no_command_too_many() {
    let world = World::new(&[("A", FRESH)]);
    clone(&world);
    assert_eq!(
        world.with("A", |module| module.log.clone()),
        [
            ins::IDENTITY,
            ins::CERTIFICATE,
            ins::LAST_RECEIPT,
            ins::OFFER,
            ins::CONSENT,
            ins::COMMIT,
            ins::LETTERBOX,
        ]
    );
    assert_eq!(
        world.with("M", |master| master.log[4..].to_vec()),
        [
            ins::CYCLE_BEGIN,
            ins::GRANT,
            ins::PARCEL,
            ins::COUNTERSIGN,
            ins::CYCLE_END
        ]
    );
}

#[test]
fn a_second_cycle_leaves_clones_as_they_are() {
    let world = World::new(&[("A", FRESH), ("B", FRESH)]);
    clone(&world);
    let (summary, words_then) = clone(&world);
    assert!(!summary.began && summary.done == 2);
    assert_eq!(words_then, words(&[("A", "clone"), ("B", "clone")]));
}

#[test]
fn a_link_cut_at_any_step_costs_nothing_but_another_run() {
    let steps = [ins::OFFER, ins::CONSENT, ins::COMMIT];
    for (name, steps) in [
        ("A", &steps[..]),
        ("M", &[ins::GRANT, ins::PARCEL, ins::COUNTERSIGN]),
    ] {
        for step in steps {
            for fault in [Fault::CutBefore, Fault::CutAfter] {
                let world = World::new(&[("A", FRESH), ("B", FRESH)]);
                world.break_at(name, *step, fault);
                let (summary, words) = clone(&world);
                assert_eq!(summary.done, 2, "{name} {step:02X}: {words:?}");
                let sealed = world.with("M", |master| {
                    let sealed = master
                        .journal()
                        .into_iter()
                        .filter(|entry| entry.countersigned);
                    sealed.count()
                });
                assert_eq!(sealed, 2);
            }
        }
    }
}

#[test]
fn a_commit_whose_answer_is_lost_sends_no_second_parcel() {
    let world = World::new(&[("A", FRESH)]);
    world.break_at("A", ins::COMMIT, Fault::CutAfter);
    clone(&world);
    assert_eq!(world.with("M", |master| master.journal().len()), 1);
}

#[test]
fn a_module_pulled_out_fails_alone_and_the_next_cycle_finishes_it() {
    for step in [ins::OFFER, ins::CONSENT, ins::COMMIT] {
        let world = World::new(&[("A", FRESH), ("B", FRESH)]);
        world.break_at("A", step, Fault::Pull);
        let (summary, words) = clone(&world);
        assert_eq!((summary.done, summary.failed), (1, 1), "{words:?}");
        assert!(words["A"].contains("pulled out"), "{words:?}");
        world.plug_again("A");
        let (summary, _) = clone(&world);
        assert_eq!((summary.done, summary.failed), (2, 0));
    }
}

#[test]
fn a_secondary_that_committed_before_it_was_pulled_out_is_finished_without_a_parcel() {
    let world = World::new(&[("A", FRESH)]);
    world.break_at("A", ins::COMMIT, Fault::PullAfter);
    assert_eq!(clone(&world).0.failed, 1);
    world.plug_again("A");
    assert_eq!(clone(&world).1, words_of_a("finished"));
    let parcels = world.with("M", |master| master.journal().len());
    assert_eq!(parcels, 1);
}

#[test]
fn a_module_plugged_in_meanwhile_joins() {
    let world = World::new(&[("A", FRESH)]);
    world.break_at("A", ins::CONSENT, Fault::PlugOther("B"));
    let (summary, words_then) = clone(&world);
    assert_eq!(summary.done, 2);
    assert_eq!(words_then, words(&[("A", "done"), ("B", "done")]));
}

#[test]
fn a_module_plugged_in_meanwhile_stays_out_of_a_cycle_for_named_ones_or_a_counted_number() {
    for (to, options) in [(&["A"][..], NO_OPTIONS), (&[], DISABLE)] {
        let world = World::new(&[("A", FRESH)]);
        world.break_at("A", ins::CONSENT, Fault::PlugOther("B"));
        let (summary, words_then) = world.clone_to(to, options).unwrap();
        assert_eq!(summary.done, 1);
        assert_eq!(words_then, words(&[("A", "done")]));
    }
}

#[test]
fn a_module_plugged_in_again_is_cloned_in_the_same_cycle() {
    let world = World::new(&[("A", FRESH)]);
    world.break_at("A", ins::CONSENT, Fault::Replug);
    assert_eq!(clone(&world).0.done, 1);
}

#[test]
fn a_master_pulled_out_ends_the_cycle_for_all() {
    let world = World::new(&[("A", FRESH), ("B", FRESH)]);
    world.break_at("M", ins::PARCEL, Fault::Pull);
    let (summary, words) = clone(&world);
    assert!(summary.master_lost && summary.failed == 2);
    assert!(
        words["A"].starts_with("the master is no longer available"),
        "{words:?}"
    );
}

#[test]
fn a_master_plugged_in_again_is_locked_and_says_so() {
    let world = World::new(&[("A", FRESH)]);
    world.break_at("M", ins::COUNTERSIGN, Fault::Replug);
    let (summary, words) = clone(&world);
    assert!(summary.master_lost);
    assert_eq!(
        words["A"],
        "the master is no longer available: it is locked"
    );
    world.with("M", |master| master.bench.unlock_admin());
    let (summary, words_then) = clone(&world);
    assert_eq!(summary.done, 1);
    assert_eq!(words_then, words_of_a("finished"));
    assert_eq!(
        world.with("M", |master| master.journal().len()),
        1,
        "no second parcel"
    );
}

fn words_of_a(word: &str) -> BTreeMap<String, String> {
    words(&[("A", word)])
}

#[test]
fn a_master_disables_itself_when_all_are_sealed_and_not_before() {
    for (fault, disabled) in [(None, true), (Some(Fault::Pull), false)] {
        let world = World::new(&[("A", FRESH), ("B", FRESH), ("C", Unlocked::Locked)]);
        if let Some(fault) = fault {
            world.break_at("A", ins::CONSENT, fault);
        }
        let (summary, words) = world.clone_to(&[], DISABLE).unwrap();
        assert_eq!(summary.disabled, disabled, "{words:?}");
        let cloning = !disabled;
        assert_eq!(
            world.with("M", TestModule::state),
            Unlocked::Admin { cloning }
        );
    }
}

#[test]
fn a_seal_counted_before_its_answer_was_lost_is_not_counted_twice() {
    let world = World::new(&[("A", FRESH), ("B", FRESH)]);
    world.break_at("M", ins::COUNTERSIGN, Fault::CutAfter);
    let (summary, _) = world.clone_to(&[], DISABLE).unwrap();
    assert!(summary.disabled && summary.done == 2);
    assert_eq!(
        world.with("M", TestModule::state),
        Unlocked::Admin { cloning: false }
    );
}

#[test]
fn secondaries_that_get_nothing_are_each_told_why() {
    let world = World::new(&[
        ("A", FRESH),
        ("L", Unlocked::Locked),
        ("U", Unlocked::User),
        ("R", Unlocked::Admin { cloning: false }),
    ]);
    world.plug(TestModule::foreign("F"));
    let (summary, words) = clone(&world);
    assert_eq!((summary.done, summary.failed), (1, 4));
    assert_eq!(words["A"], "done");
    assert_eq!(words["R"], "nobody confirmed it on its keypad");
    assert!(words["L"].starts_with("it is locked and holds keys"));
    assert!(words["U"].contains("by its User"));
    assert!(words["F"].contains("another root of trust"));
}

#[test]
fn named_modules_that_are_absent_are_told() {
    let world = World::new(&[("A", FRESH)]);
    let (summary, words) = world.clone_to(&["A", "X"], NO_OPTIONS).unwrap();
    assert_eq!((summary.done, summary.failed), (1, 1));
    assert_eq!(words["X"], "it is not plugged in");
}

#[test]
fn every_reason_for_no_cycle_has_its_own_words() {
    let world = World::new(&[]);
    assert!(matches!(
        refused(&world, &[]),
        CycleRefusal::NoSecondary { .. }
    ));
    assert!(matches!(
        refused(&world, &["A", "A"]),
        CycleRefusal::SameModule { .. }
    ));
    assert!(matches!(
        refused(&world, &["M"]),
        CycleRefusal::SameModule { .. }
    ));
    for (state, expected) in [
        (Unlocked::Locked, MasterRefusal::Locked),
        (Unlocked::User, MasterRefusal::UnlockedAsUser),
        (Unlocked::Fresh, MasterRefusal::Fresh),
        (
            Unlocked::Admin { cloning: false },
            MasterRefusal::CloningDisabled,
        ),
    ] {
        let world = World::with_master(state, &[("A", FRESH)]);
        let refusal = refused(&world, &[]);
        assert!(
            matches!(&refusal, CycleRefusal::Master { why, .. } if *why == expected),
            "{refusal}"
        );
        assert!(!world.with("A", |module| module.log.contains(&ins::OFFER)));
    }
    world.unplug("M");
    assert_eq!(refused(&world, &[]), CycleRefusal::NoModule);
    let world = World::new(&[("A", FRESH)]);
    world.unplug("M");
    assert!(refused(&world, &[]).to_string().contains("not plugged in"));
}

#[test]
fn two_masters_are_refused_unless_the_secondaries_are_named() {
    let world = World::new(&[("A", FRESH), ("B", Unlocked::Admin { cloning: true })]);
    assert_eq!(
        refused(&world, &[]).to_string(),
        "two masters: B could be the master as well as M"
    );
    world.lend_hand("KEY+1:1s");
    let (summary, _) = world.clone_to(&["A", "B"], NO_OPTIONS).unwrap();
    assert_eq!(summary.done, 2);
}

/// Unlocked by its Administrator, and no master.
const IN_USE: Unlocked = Unlocked::Admin { cloning: false };

/// What happened, in order, to secondaries that asked.
fn asked(world: &World, setup: &Setup) -> Vec<String> {
    let seen = Mutex::new(Vec::new());
    cycle::run(world, setup, &|event| {
        let line = match event {
            Event::Asks { serial } => format!("{serial} asks"),
            Event::Done { serial, .. } => format!("{serial} done"),
            Event::Failed { serial, failure } => format!("{serial} failed: {failure}"),
            _ => return,
        };
        seen.lock().unwrap().push(line);
    })
    .unwrap();
    seen.into_inner().unwrap()
}

#[test]
fn a_secondary_in_use_is_replaced_when_a_person_holds_its_keys() {
    let world = World::new(&[("R", IN_USE)]);
    world.lend_hand("KEY+1:1s");
    let seen = asked(&world, &world.setup(&[], NO_OPTIONS));
    assert_eq!(seen, ["R asks", "R done"]);
    assert_eq!(world.with("R", TestModule::state), Unlocked::Locked);
}

#[test]
fn only_what_its_user_agreed_to_is_replaced_even_if_it_joins_later() {
    let world = World::new(&[("A", FRESH), ("R", IN_USE), ("S", IN_USE)]);
    world.lend_hand("KEY+1:1s");
    let mut setup = world.setup(&[], NO_OPTIONS);
    setup.request.replace = Replace::Agreed(vec!["R".parse().unwrap()]);
    let refused = Mutex::new(Vec::new());
    let summary = cycle::run(&world, &setup, &|event| match event {
        Event::CycleBegan { .. } => world.plug(TestModule::new("T", IN_USE)),
        Event::Failed { serial, failure } => {
            let why = SecondaryRefusal::NotAgreed;
            assert_eq!(failure.to_string(), why.to_string());
            refused.lock().unwrap().push(serial.to_string());
        }
        _ => {}
    })
    .unwrap();
    assert_eq!((summary.done, summary.failed), (2, 2));
    assert_eq!(refused.into_inner().unwrap(), ["S", "T"]);
    for name in ["S", "T"] {
        assert!(world.with(name, |module| !module.log.contains(&ins::OFFER)));
    }
}

#[test]
fn without_a_person_it_fails_alone_after_its_time_and_keeps_what_it_holds() {
    for keys in ["", "KEY+4:1s"] {
        let world = World::new(&[("A", FRESH), ("R", IN_USE)]);
        world.lend_hand(keys);
        let before = world.with("R", |module| module.bench.flash.blob());
        let (summary, words) = clone(&world);
        assert_eq!((summary.done, summary.failed), (1, 1), "{words:?}");
        assert_eq!(words["A"], "done");
        let (after, offers) = world.with("R", |module| {
            let offers = module.log.iter().filter(|ins| **ins == ins::OFFER);
            (module.bench.flash.blob(), offers.collect::<Vec<_>>().len())
        });
        assert!(before == after);
        // Once a second while it asks, and not after that.
        assert_eq!(offers, 30);
    }
}

#[test]
fn who_stops_a_cycle_need_not_wait_for_a_person() {
    let world = World::new(&[("R", IN_USE)]);
    let stopped = world.setup(&[], NO_OPTIONS);
    stopped.stop.request();
    assert_eq!(asked(&world, &stopped).len(), 1, "it is not even asked");

    let world = World::new(&[("R", IN_USE)]);
    let setup = world.setup(&[], NO_OPTIONS);
    let last = Mutex::new(String::new());
    cycle::run(&world, &setup, &|event| match event {
        Event::Asks { .. } => setup.stop.request(),
        Event::Failed { failure, .. } => *last.lock().unwrap() = failure.to_string(),
        _ => {}
    })
    .unwrap();
    assert!(last.into_inner().unwrap().contains("stopped"));
    let offers = world.with("R", |module| module.log.contains(&ins::CONSENT));
    assert!(!offers);
}

#[test]
fn a_link_cut_while_a_person_is_asked_asks_once_more() {
    let world = World::new(&[("R", IN_USE)]);
    world.lend_hand("KEY+1:1s");
    world.break_at("R", ins::OFFER, Fault::CutAfter);
    assert_eq!(clone(&world).0.done, 1);
    let world = World::new(&[("R", IN_USE)]);
    world.lend_hand("KEY+1:1s");
    world.break_at("R", ins::CONSENT, Fault::CutBefore);
    let seen = asked(&world, &world.setup(&[], NO_OPTIONS));
    assert_eq!(seen, ["R asks", "R asks", "R done"]);
}

#[test]
fn one_serial_number_in_two_places_is_refused_unless_it_is_one_module() {
    let reader = Location::Reader("port 1".into());
    let world = World::new(&[("A", FRESH), ("B", FRESH)]);
    let twin = world.with("A", |module| module.twin());
    world.plug_at(reader.clone(), twin);
    assert_eq!(
        clone(&world).0.done,
        2,
        "the same certificate, once as socket and once in a reader"
    );

    let world = World::new(&[("A", FRESH), ("B", FRESH)]);
    world.plug_at(reader, TestModule::duplicate("A"));
    let (summary, words) = clone(&world);
    assert_eq!((summary.done, summary.failed), (1, 1));
    assert!(words["A"].contains("several locations"), "{words:?}");
}

#[test]
fn a_device_that_only_claims_a_serial_number_takes_it_from_no_module() {
    for (name, make) in [
        ("A", TestModule::foreign as fn(&str) -> TestModule),
        ("A", TestModule::uncertified),
        ("M", TestModule::foreign),
        ("M", TestModule::uncertified),
    ] {
        let world = World::new(&[("A", FRESH), ("B", FRESH)]);
        // Before the socket in the order of locations, and of a later reader too.
        world.plug_at(Location::Socket("/run/0.sock".into()), make(name));
        let (summary, words_then) = clone(&world);
        assert_eq!((summary.done, summary.failed), (2, 0), "{words_then:?}");
    }
}

#[test]
fn a_socket_that_is_there_before_its_module_is_asked_again() {
    let world = World::new(&[("A", FRESH), ("B", FRESH)]);
    world.refuse_once("B");
    world.break_at("A", ins::CONSENT, Fault::PlugOther("C"));
    let (summary, words_then) = clone(&world);
    assert_eq!(summary.done, 3);
    assert_eq!(
        words_then,
        words(&[("A", "done"), ("B", "done"), ("C", "done")])
    );
}
