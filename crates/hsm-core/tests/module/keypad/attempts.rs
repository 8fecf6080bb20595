//! What wrong PINs cost.

use super::{
    ADMIN_PIN, Module, Pattern, UNBLOCK, USER_PIN, WRONG_PIN, cipher, configured, enter_admin_mode,
    lock_state, replug, settled,
};
use hsm_core::Link;
use hsm_factory::{P384Verifier, Root};
use hsm_protocol::{
    Status,
    certificate::{self, Chain},
    command::ins,
    identity::{LockState, SignedIdentity},
};
use hsm_testbench::Bench;

#[test]
fn five_wrong_admin_pins_block_even_the_right_one() {
    let mut module = configured();
    wrong_admin(&mut module, 4);
    assert_eq!(settled(&mut module), Pattern::Standby);
    wrong_admin(&mut module, 1);
    assert_eq!(settled(&mut module), Pattern::AdminBlocked);
    for keys in ["KEY", "KEY+1"] {
        assert_eq!(module.press(keys), Pattern::Refused);
        assert_eq!(settled(&mut module), Pattern::AdminBlocked);
    }
    let leds = module.press(&format!("KEY {ADMIN_PIN} KEY"));
    assert_eq!(leds, Pattern::Refused);
    assert_eq!(settled(&mut module), Pattern::AdminBlocked);
    assert_eq!(lock_state(&mut module), LockState::Locked);
}

#[test]
fn both_admin_chords_pay_from_one_counter() {
    let mut module = configured();
    for chord in ["KEY", "KEY+1", "KEY", "KEY+1", "KEY"] {
        assert_eq!(settled(&mut module), Pattern::Standby);
        module.press(&format!("{chord} {WRONG_PIN} KEY"));
    }
    assert_eq!(settled(&mut module), Pattern::AdminBlocked);
}

#[test]
fn the_code_gives_three_more_and_then_two_more_attempts() {
    let mut module = configured();
    wrong_admin(&mut module, 5);
    assert_eq!(module.press("47867243"), Pattern::AwaitingAdminPin);
    assert_eq!(module.press("KEY"), Pattern::Standby);
    wrong_admin(&mut module, 2);
    assert_eq!(settled(&mut module), Pattern::Standby);
    wrong_admin(&mut module, 1);
    assert_eq!(settled(&mut module), Pattern::AdminBlockedAgain);
    assert_eq!(module.press("KEY"), Pattern::Refused);
    assert_eq!(module.press(UNBLOCK), Pattern::Standby);
    wrong_admin(&mut module, 1);
    assert_eq!(settled(&mut module), Pattern::Standby);
    module.unlock_admin();

    // Success gives all of them back, and all the steps.
    replug(&mut module);
    wrong_admin(&mut module, 5);
    assert_eq!(settled(&mut module), Pattern::AdminBlocked);
}

#[test]
fn only_the_code_unblocks_and_only_a_blocked_module_takes_it() {
    let mut module = configured();
    assert_eq!(module.press("4"), Pattern::Refused);
    wrong_admin(&mut module, 5);
    let blob = module.flash.blob();
    for keys in [
        "47867244 KEY",
        "4786724 KEY",
        "478672433 KEY",
        "4786724 SHIFT+3 KEY",
        "4 SHIFT",
    ] {
        assert_eq!(module.press(keys), Pattern::Refused, "{keys}");
        assert_eq!(settled(&mut module), Pattern::AdminBlocked, "{keys}");
    }
    assert_eq!(module.flash.blob(), blob);
    assert_eq!(module.press(UNBLOCK), Pattern::Standby);
}

#[test]
fn the_user_unlocks_while_the_admin_pin_is_blocked_and_gives_it_nothing_back() {
    let mut module = configured();
    wrong_admin(&mut module, 5);
    module.unlock_user();
    replug(&mut module);
    assert_eq!(settled(&mut module), Pattern::AdminBlocked);
    assert_eq!(module.press(UNBLOCK), Pattern::Standby);
    wrong_admin(&mut module, 3);
    module.unlock_user();
    replug(&mut module);
    assert_eq!(settled(&mut module), Pattern::AdminBlockedAgain);
}

#[test]
fn attempts_are_counted_over_plugs_and_power_cuts() {
    let mut module = configured();
    for _ in 0..5 {
        wrong_admin(&mut module, 1);
        module.link(Link::Reset);
        replug(&mut module);
        module.power_up();
    }
    assert_eq!(module.leds(), Pattern::AdminBlocked);
}

#[test]
fn power_cut_right_after_an_entry_gives_no_attempt_back() {
    let mut module = configured();
    for _ in 0..5 {
        // Blob and counter are written, the comparison is lost.
        module.flash.cut(hsm_testbench::board::Cut::After(1));
        module.press(&format!("KEY {WRONG_PIN} KEY"));
        assert!(module.flash.was_cut());
        module.power_up();
    }
    assert_eq!(module.leds(), Pattern::AdminBlocked);
}

#[test]
fn an_empty_entry_is_an_attempt_and_an_abandoned_one_is_none() {
    let mut module = configured();
    for _ in 0..20 {
        module.press("KEY 2468");
        module.pass(10_050);
        module.press("KEY 2468 SHIFT SHIFT+KEY 1357 KEY+1");
    }
    assert_eq!(settled(&mut module), Pattern::Standby);
    for _ in 0..5 {
        assert_eq!(module.press("KEY KEY"), Pattern::Refused);
    }
    assert_eq!(settled(&mut module), Pattern::AdminBlocked);
}

#[test]
fn the_tenth_wrong_admin_pin_erases_everything_but_the_identity() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::new("MODULE-1", &root);
    module.set_up();
    module.unlock_admin();
    let group = module.status().group;
    let ciphered = cipher(&mut module, 0, &[5; 64]);
    replug(&mut module);

    erase(&mut module);
    assert_eq!(settled(&mut module), Pattern::Reset);
    assert_eq!(lock_state(&mut module), LockState::Reset);
    assert_eq!(module.press("KEY"), Pattern::Refused);
    assert_eq!(module.press("SHIFT+KEY"), Pattern::Refused);
    assert_eq!(settled(&mut module), Pattern::Reset);
    module.power_up();
    assert_eq!(module.leds(), Pattern::Reset);

    // As new, except for the display: defaults, attempts, a new group and key.
    module.press(&format!("SHIFT+1 {ADMIN_PIN} KEY {ADMIN_PIN} KEY"));
    assert_eq!(settled(&mut module), Pattern::AdminMode);
    replug(&mut module);
    wrong_admin(&mut module, 4);
    module.unlock_admin();
    let status = module.status();
    assert_ne!(status.group, group);
    let admin = status.admin.unwrap();
    assert!(!admin.cloning && !admin.user_pin);
    assert_ne!(cipher(&mut module, 1, &ciphered), [5; 64]);
    let journal = module.command(ins::JOURNAL, 0, &[]).unwrap();
    assert!(journal.iter().all(|byte| *byte == 0));
    assert_genuine(&mut module, &root);
}

#[test]
fn erasing_is_finished_after_a_power_cut() {
    for cut in 0..8 {
        let mut module = configured();
        wrong_admin(&mut module, 5);
        module.press(UNBLOCK);
        wrong_admin(&mut module, 3);
        module.press(UNBLOCK);
        wrong_admin(&mut module, 1);
        // Two operations pay for the attempt, two erase.
        let planned = if cut % 2 == 0 {
            hsm_testbench::board::Cut::Before(cut / 2)
        } else {
            hsm_testbench::board::Cut::After(cut / 2)
        };
        module.flash.cut(planned);
        wrong_admin(&mut module, 1);
        assert!(module.flash.was_cut(), "{planned:?}");
        module.power_up();
        if planned == hsm_testbench::board::Cut::Before(0) {
            // The attempt was never paid for, nor compared.
            assert_eq!(module.leds(), Pattern::Standby);
            module.unlock_admin();
        } else {
            assert_eq!(module.leds(), Pattern::Reset, "{planned:?}");
        }
    }
}

#[test]
fn ten_wrong_user_pins_delete_the_user_pin_and_nothing_else() {
    let mut module = configured();
    module.unlock_user();
    let ciphered = cipher(&mut module, 0, &[5; 64]);
    replug(&mut module);
    wrong_user(&mut module, 10);
    assert_eq!(settled(&mut module), Pattern::Standby);
    let leds = module.press(&format!("SHIFT+KEY {USER_PIN} KEY"));
    assert_eq!(leds, Pattern::Refused);
    module.power_up();
    let leds = module.press(&format!("SHIFT+KEY {USER_PIN} KEY"));
    assert_eq!(leds, Pattern::Refused);

    module.unlock_admin();
    assert!(!module.status().admin.unwrap().user_pin);
    assert_eq!(cipher(&mut module, 1, &ciphered), [5; 64]);
    replug(&mut module);

    // The PIN that was lost may be set again, and has all its attempts.
    enter_admin_mode(&mut module);
    let leds = module.press(&format!("KEY+3 {USER_PIN} KEY {USER_PIN} KEY"));
    assert_eq!(leds, Pattern::Stored);
    replug(&mut module);
    wrong_user(&mut module, 9);
    module.unlock_user();
    assert_eq!(cipher(&mut module, 1, &ciphered), [5; 64]);
    assert_eq!(module.status().admin, None);
}

#[test]
fn the_ninth_wrong_user_pin_leaves_one_attempt_and_success_gives_ten() {
    let mut module = configured();
    for _ in 0..2 {
        wrong_user(&mut module, 9);
        module.unlock_user();
        replug(&mut module);
    }
    wrong_user(&mut module, 9);
    // The Administrator's success gives the User nothing back.
    module.unlock_admin();
    replug(&mut module);
    wrong_user(&mut module, 1);
    let leds = module.press(&format!("SHIFT+KEY {USER_PIN} KEY"));
    assert_eq!(leds, Pattern::Refused);
}

#[test]
fn a_user_pin_lost_to_a_power_cut_is_lost_and_another_can_be_set() {
    let mut module = configured();
    wrong_user(&mut module, 9);
    // The tenth attempt is paid for; the cut comes before its slot is filled.
    module.flash.cut(hsm_testbench::board::Cut::After(1));
    wrong_user(&mut module, 1);
    module.power_up();
    let leds = module.press(&format!("SHIFT+KEY {USER_PIN} KEY"));
    assert_eq!(leds, Pattern::Refused);
    module.unlock_admin();
    assert!(!module.status().admin.unwrap().user_pin);
    replug(&mut module);
    enter_admin_mode(&mut module);
    module.press(&format!("KEY+3 {USER_PIN} KEY {USER_PIN} KEY"));
    replug(&mut module);
    module.unlock_user();
}

#[test]
fn a_restored_copy_of_the_store_gives_no_attempt_back() {
    let mut module = configured();
    let copy = module.flash.blob();
    wrong_admin(&mut module, 1);
    module.flash.set_blob(copy);
    module.power_up();
    assert_eq!(module.leds(), Pattern::Fault);
    let refusal = module.command(ins::IDENTITY, 0, &[1; 32]);
    assert_eq!(refusal, Err(Status::MemoryFailure));
    assert_eq!(module.press("KEY"), Pattern::Fault);
}

/// Ten wrong Admin PINs, with the code where it is needed.
fn erase(module: &mut Module) {
    for step in [5, 3, 2] {
        wrong_admin(module, step);
        module.press(UNBLOCK);
    }
}

fn wrong_admin(module: &mut Module, times: u8) {
    for _ in 0..times {
        module.press(&format!("KEY {WRONG_PIN} KEY"));
    }
}

fn wrong_user(module: &mut Module, times: u8) {
    for _ in 0..times {
        module.press(&format!("SHIFT+KEY {WRONG_PIN} KEY"));
    }
}

fn assert_genuine(module: &mut Module, root: &Root) {
    let chain = module.command(ins::CERTIFICATE, 0, &[]).unwrap();
    let trusted = certificate::Root::parse(root.certificate_der()).unwrap();
    let chain = Chain::parse(&chain).unwrap();
    let genuine = trusted.verify::<P384Verifier>(&chain).unwrap();
    let bytes = module.command(ins::IDENTITY, 0, &[1; 32]).unwrap();
    let identity = SignedIdentity::parse(&bytes).unwrap();
    identity
        .verify::<P384Verifier>(genuine.public(), &[1; 32])
        .unwrap();
    assert_eq!(identity.identity.serial, genuine.serial());
}
