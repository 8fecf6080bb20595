//! What an attacker with the flash, the power plug and an old copy gets: nothing (docs/STORE.md).

use crate::{
    Crypto,
    chips::{Module, with_all_pins},
};
use hsm_core::{crypto::CryptoError, leds::Pattern};
use hsm_factory::Root;
use hsm_protocol::{Status, cloning::Options, identity::LockState};
use hsm_testbench::{
    ADMIN_PIN, Bench, RECOVERY_PIN, SELF_DESTRUCT_PIN, USER_PIN,
    board::{Cut, STORE_KEYS},
    observed::{Counter, Observed, Observer},
    relay::{self, Message},
};
use std::{cell::RefCell, collections::BTreeSet};

const RESET: &str = "0:1s 2+7";
const WRONG_ADMIN: &str = "KEY 97531864 KEY";
const SELF_DESTRUCT: &str = "SHIFT+KEY 27182818 KEY";

/// Keeps the blob of an attempt that is cut before it is paid for, and goes back to the one before.
fn keep_unpaid_blob(module: &mut Module, attempt: &str) -> Vec<u8> {
    let before = module.flash.blob();
    module.flash.cut(Cut::After(0));
    assert_eq!(module.press(attempt), Pattern::Fault);
    let kept = module.flash.blob();
    module.flash.set_blob(before);
    module.power_up();
    kept
}

#[test]
fn a_blob_that_was_cut_short_gives_no_attempt_back() {
    let mut module = with_all_pins();
    let compared = Counter::stretched();
    while module.lock_state() == LockState::Locked && Counter::stretched() - compared < 40 {
        module.press("47867243 KEY");
        let kept = keep_unpaid_blob(&mut module, WRONG_ADMIN);
        module.press(WRONG_ADMIN);
        let newest = module.flash.blob();
        module.flash.set_blob(kept);
        module.power_up();
        if module.leds() == Pattern::Fault {
            module.flash.set_blob(newest);
            module.power_up();
        }
    }
    assert!(Counter::stretched() - compared <= 10);
    assert_eq!(module.lock_state(), LockState::Reset);
}

#[test]
fn a_blob_that_was_cut_short_undoes_no_reset_and_no_self_destruction() {
    for act in [RESET, SELF_DESTRUCT] {
        let mut module = with_all_pins();
        let kept = keep_unpaid_blob(&mut module, WRONG_ADMIN);
        module.press(act);
        module.flash.set_blob(kept);
        module.power_up();
        assert_eq!(module.leds(), Pattern::Fault, "{act}");
    }
}

#[test]
fn what_erases_destroys_the_store_key_and_nothing_else_does() {
    let erase = |keys: &[&str]| {
        let mut module = with_all_pins();
        for keys in keys {
            module.press(keys);
        }
        module.flash.destroyed()
    };
    let until_erased = [
        [WRONG_ADMIN; 5].as_slice(),
        &["47867243 KEY"],
        &[WRONG_ADMIN; 3],
        &["47867243 KEY"],
        &[WRONG_ADMIN; 2],
    ]
    .concat();
    assert_eq!(erase(&[RESET]), 1);
    assert_eq!(erase(&[SELF_DESTRUCT]), 1);
    assert_eq!(erase(&until_erased), 1);
    assert_eq!(erase(&["SHIFT+KEY 13572468 KEY"]), 0);
    assert_eq!(erase(&["SHIFT+KEY 97531864 KEY"]), 0);
    assert_eq!(erase(&["KEY 24681357 KEY"]), 0);
}

#[test]
fn an_erasure_that_is_cut_anywhere_is_completed_or_was_not_begun() {
    for act in [RESET, SELF_DESTRUCT] {
        for cut in Cut::every(9) {
            for noise in [0, u64::MAX, 0x5555_5555_5555_5555] {
                let mut module = with_all_pins();
                module.flash.cut(cut);
                module.press(act);
                let was_cut = module.flash.was_cut();
                module.flash.set_noise(noise);
                module.power_up();
                let is_erased = match module.lock_state() {
                    LockState::Reset => true,
                    LockState::Locked => {
                        module.press(&format!("KEY {ADMIN_PIN} KEY")) != Pattern::Unlocked
                    }
                    other => panic!("{act} {cut:?}: {other:?}"),
                };
                assert!(is_erased || was_cut, "{act} {cut:?}");
                let destroyed = module.flash.destroyed();
                assert_eq!(destroyed, u8::from(is_erased), "{act} {cut:?}");
            }
        }
    }
}

#[test]
fn under_the_last_store_key_nothing_is_stored_that_would_have_to_be_erased() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<Crypto>::new("MODULE-1", &root);
    let first_pin = format!("SHIFT+1 {ADMIN_PIN} KEY {ADMIN_PIN} KEY");
    for destroyed in 1..STORE_KEYS {
        assert_eq!(module.press(&first_pin), Pattern::AdminPinStored);
        module.power_up();
        assert_eq!(module.press(RESET), Pattern::Reset);
        assert_eq!(module.flash.destroyed(), destroyed);
    }
    assert_eq!(module.press(&first_pin), Pattern::Refused);
    module.power_up();
    assert_eq!(module.lock_state(), LockState::Reset);

    let mut master = Bench::<Crypto>::new("MASTER-1", &root);
    master.set_up();
    master.unlock_admin();
    relay::begin(&mut master, Options::default(), 1).unwrap();
    let refused = relay::run(&mut master, &mut module, 0, |_, _| {}).refused;
    assert_eq!(refused, Some((relay::Message::Offer, Status::WornOut)));
}

#[test]
fn a_worn_out_module_takes_no_attempt_and_no_change_but_an_erasure() {
    // What is reserved for erasures, and what an unlock takes less one step.
    for steps in [16, 18] {
        let mut module = with_all_pins();
        module.flash.leave_steps(steps);
        module.power_up();
        for attempt in ["KEY 24681357 KEY", "SHIFT+KEY 13572468 KEY", WRONG_ADMIN] {
            let compared = Counter::stretched();
            assert_eq!(module.press(attempt), Pattern::Refused);
            assert_eq!(Counter::stretched(), compared, "nothing is compared");
        }
        assert_eq!(module.press(RESET), Pattern::Reset);
    }
    let root = Root::generate("Test root").unwrap();
    let mut master = Module::new("MASTER-1", &root);
    master.set_up();
    master.flash.leave_steps(16 + 3);
    master.power_up();
    master.unlock_admin();
    relay::begin(&mut master, Options::default(), 1).unwrap();
    let mut secondary = Module::new("SECOND-1", &root);
    let outcome = relay::run(&mut master, &mut secondary, 0, |_, _| {});
    assert_eq!(outcome.refused, Some((Message::Parcel, Status::WornOut)));
    assert_eq!(master.leds(), Pattern::Unlocked, "it goes on otherwise");
}

#[test]
fn a_change_that_could_not_be_stored_is_none() {
    let mut module = with_all_pins();
    module.flash.leave_steps(16 + 3);
    module.power_up();
    let read_outs = ["SHIFT+5 KEY", "SHIFT+8 KEY", "2+0 KEY"];
    assert_eq!(
        module.press(&format!("KEY+1 {ADMIN_PIN} KEY")),
        Pattern::AdminMode
    );
    let before = read_outs.map(|keys| module.press(keys));
    for keys in [
        "KEY+5 10 SHIFT",
        "KEY+8 0 SHIFT",
        "7+0 03 SHIFT",
        "SHIFT+3 SHIFT+3",
        "KEY+3 55667788 KEY 55667788 KEY",
    ] {
        assert_eq!(module.press(keys), Pattern::Refused, "{keys}");
    }
    assert_eq!(read_outs.map(|keys| module.press(keys)), before);
}

/// Collects every KEK that a slot opened to.
enum Keks {}

thread_local! {
    static OPENED: RefCell<BTreeSet<[u8; 32]>> = const { RefCell::new(BTreeSet::new()) };
}

impl Observer for Keks {
    fn unwrapped(_: &[u8; 32], outcome: &mut Result<(), CryptoError>, key: &mut [u8; 32]) {
        if outcome.is_ok() {
            OPENED.with_borrow_mut(|opened| opened.insert(*key));
        }
    }
}

#[test]
fn every_change_on_the_keypad_and_every_cloning_makes_a_new_kek() {
    type Watched = Bench<Observed<Crypto, Keks>>;
    let root = Root::generate("Test root").unwrap();
    let mut module = Watched::new("MODULE-1", &root);
    module.set_all_pins();
    // The KEK that the module is under, as its Admin PIN opens it.
    let kek = |module: &mut Watched, pin: &str| {
        OPENED.with_borrow_mut(BTreeSet::clear);
        module.power_up();
        assert_eq!(module.press(&format!("KEY {pin} KEY")), Pattern::Unlocked);
        OPENED.with_borrow(|opened| *opened.first().unwrap())
    };
    let mut seen = BTreeSet::from([kek(&mut module, ADMIN_PIN)]);
    for keys in [
        "KEY+3 55667788 KEY 55667788 KEY",
        &format!("KEY+4 {RECOVERY_PIN} KEY {RECOVERY_PIN} KEY"),
        &format!("KEY+6 {SELF_DESTRUCT_PIN} KEY {SELF_DESTRUCT_PIN} KEY"),
        "SHIFT+3 SHIFT+3",
        "KEY+5 10 SHIFT",
        "KEY+8 1 SHIFT",
    ] {
        module.power_up();
        module.configure(keys);
        assert!(seen.insert(kek(&mut module, ADMIN_PIN)), "{keys}");
    }
    module.power_up();
    module.press(&format!(
        "KEY+1 {ADMIN_PIN} KEY KEY+2 86427531 KEY 86427531 KEY"
    ));
    assert!(seen.insert(kek(&mut module, "86427531")), "Admin PIN");

    // The User's own change.
    module.power_up();
    module.press(&format!(
        "KEY+1 86427531 KEY KEY+3 {USER_PIN} KEY {USER_PIN} KEY"
    ));
    let before = kek(&mut module, "86427531");
    module.power_up();
    module.unlock_user();
    module.press("KEY+4 11335577 KEY 11335577 KEY");
    assert_ne!(kek(&mut module, "86427531"), before);

    let mut master = Watched::new("MASTER-1", &root);
    master.set_up();
    let before = kek(&mut master, ADMIN_PIN);
    relay::begin(&mut master, Options::default(), 1).unwrap();
    let mut clone = Watched::new("SECOND-1", &root);
    relay::run(&mut master, &mut clone, 0, |_, _| {}).receipt();
    assert_ne!(kek(&mut master, ADMIN_PIN), before, "the master's");
}
