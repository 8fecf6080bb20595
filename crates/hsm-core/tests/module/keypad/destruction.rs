//! The Self-Destruct PIN, from outside: an unlock by the User, and afterwards an ordinary module with a User PIN.

use super::{
    Module, Pattern, UNBLOCK, USER_PIN, WRONG_PIN, Which, all_pins, cipher, erasure::in_use,
    lock_state, replug, settled,
};
use hsm_core::Link;
use hsm_factory::Root;
use hsm_protocol::{
    Status,
    command::{DataUnits, ins},
    identity::LockState,
    settings::Role,
};
use hsm_testbench::{ADMIN_PIN, RECOVERY_PIN, SELF_DESTRUCT_PIN, board::Cut};

#[test]
fn it_unlocks_as_the_user_does_and_is_the_user_pin_from_then_on() {
    let mut module = all_pins();
    assert_eq!(module.press("SHIFT+KEY"), Pattern::AwaitingUserPin);
    assert_eq!(module.press(SELF_DESTRUCT_PIN), Pattern::AwaitingUserPin);
    assert_eq!(module.press("KEY"), Pattern::Unlocked);
    assert_eq!(settled(&mut module), Pattern::Unlocked);
    assert_eq!(lock_state(&mut module), LockState::Unlocked);
    let status = module.status();
    assert_eq!((status.role, status.admin), (Role::User, None));
    let ciphered = cipher(&mut module, 0, &[9; 64]);

    for _ in 0..2 {
        module.power_up();
        assert_eq!(module.leds(), Pattern::Standby);
        assert_eq!(lock_state(&mut module), LockState::Locked);
        assert_eq!(Which::User.enter(&mut module, USER_PIN), Pattern::Refused);
        let leds = Which::User.enter(&mut module, SELF_DESTRUCT_PIN);
        assert_eq!(leds, Pattern::Unlocked);
        assert_eq!(module.status(), status, "it destroys once");
        assert_eq!(cipher(&mut module, 1, &ciphered), [9; 64]);
    }
}

#[test]
fn afterwards_it_is_a_locked_module_whose_admin_pin_nobody_knows() {
    let mut module = destroyed();
    assert_eq!(module.press("SHIFT+1"), Pattern::Refused);
    assert_eq!(settled(&mut module), Pattern::Standby);
    let refused = module.command(ins::OFFER, 0, &[]);
    assert_eq!(refused, Err(Status::Locked));
    let refused = module.command(ins::STATUS, 0, &[]);
    assert_eq!(refused, Err(Status::Locked));
    for chord in ["KEY", "KEY+1"] {
        let leds = module.press(&format!("{chord} {ADMIN_PIN} KEY"));
        assert_eq!(leds, Pattern::Refused);
    }
    wrong_admin(&mut module, 3);
    assert_eq!(settled(&mut module), Pattern::AdminBlocked);
    assert_eq!(module.press(UNBLOCK), Pattern::Standby);
    wrong_admin(&mut module, 3);
    assert_eq!(settled(&mut module), Pattern::AdminBlockedAgain);
    assert_eq!(module.press(UNBLOCK), Pattern::Standby);
    // Its User still is its User.
    let leds = Which::User.enter(&mut module, SELF_DESTRUCT_PIN);
    assert_eq!(leds, Pattern::Unlocked);
    replug(&mut module);
    wrong_admin(&mut module, 1);
    assert_eq!(settled(&mut module), Pattern::Standby);
    wrong_admin(&mut module, 1);
    assert_eq!(settled(&mut module), Pattern::Reset);
    module.set_up();
    module.unlock_user();
}

#[test]
fn a_reset_ends_it() {
    let mut module = destroyed();
    assert_eq!(module.press("0:1s 2+7"), Pattern::Reset);
    module.set_all_pins();
    for which in super::ALL {
        let mut module = module.duplicate();
        assert_eq!(which.enter(&mut module, which.pin()), which.opened());
    }
}

#[test]
fn the_recovery_pin_is_gone_and_its_path_costs_what_it_did() {
    let mut module = destroyed();
    for _ in 0..6 {
        let leds = Which::Recovery.enter(&mut module, RECOVERY_PIN);
        assert_eq!(leds, Pattern::Refused);
    }
    let leds = Which::User.enter(&mut module, SELF_DESTRUCT_PIN);
    assert_eq!(leds, Pattern::Unlocked);
}

#[test]
fn its_user_changes_the_pin_and_no_policy_binds() {
    let mut module = all_pins();
    let user = "13572468 SHIFT+0";
    module.configure(&format!("KEY+7 091 SHIFT KEY+3 {user} KEY {user} KEY"));
    Which::User.enter(&mut module, SELF_DESTRUCT_PIN);
    let leds = module.press(&format!("KEY+4 {WRONG_PIN} KEY {WRONG_PIN} KEY"));
    assert_eq!(leds, Pattern::Stored);
    replug(&mut module);
    assert_eq!(Which::User.enter(&mut module, WRONG_PIN), Pattern::Unlocked);
}

#[test]
fn a_block_of_the_admin_pin_stays_as_after_any_unlock_by_the_user() {
    for pin in [USER_PIN, SELF_DESTRUCT_PIN] {
        let mut module = all_pins();
        wrong_admin(&mut module, 5);
        assert_eq!(Which::User.enter(&mut module, pin), Pattern::Unlocked);
        replug(&mut module);
        assert_eq!(module.leds(), Pattern::AdminBlocked, "{pin}");
        module.press(UNBLOCK);
        wrong_admin(&mut module, 3);
        assert_eq!(Which::User.enter(&mut module, pin), Pattern::Unlocked);
        replug(&mut module);
        assert_eq!(module.leds(), Pattern::AdminBlockedAgain, "{pin}");
        module.press(UNBLOCK);
        wrong_admin(&mut module, 1);
        assert_eq!(Which::User.enter(&mut module, pin), Pattern::Unlocked);
        replug(&mut module);
        wrong_admin(&mut module, 1);
        assert_eq!(settled(&mut module), Pattern::Reset, "{pin}");
    }
}

#[test]
fn wrong_entries_before_it_count_for_both_and_success_clears_them() {
    for pin in [USER_PIN, SELF_DESTRUCT_PIN] {
        let mut module = all_pins();
        for _ in 0..2 {
            for _ in 0..9 {
                Which::User.enter(&mut module, WRONG_PIN);
            }
            assert_eq!(Which::User.enter(&mut module, pin), Pattern::Unlocked);
            replug(&mut module);
        }
        for _ in 0..10 {
            Which::User.enter(&mut module, WRONG_PIN);
        }
        assert_eq!(Which::User.enter(&mut module, pin), Pattern::Refused);
    }
}

#[test]
fn it_works_without_a_user_pin() {
    let mut module = all_pins();
    module.configure("SHIFT+3 SHIFT+3");
    let leds = Which::User.enter(&mut module, SELF_DESTRUCT_PIN);
    assert_eq!(leds, Pattern::Unlocked);
    replug(&mut module);
    assert_eq!(Which::Admin.enter(&mut module, ADMIN_PIN), Pattern::Refused);
}

#[test]
fn it_is_taken_on_the_users_path_alone() {
    let mut module = all_pins();
    for chord in ["KEY", "KEY+1", "KEY+4"] {
        let leds = module.press(&format!("{chord} {SELF_DESTRUCT_PIN} KEY"));
        assert_eq!(leds, Pattern::Refused, "{chord}");
    }
    module.unlock_user();
}

#[test]
fn a_power_cut_at_any_write_of_it_leaves_the_module_whole_or_destroyed() {
    for (cut, is_destroyed) in [
        (Cut::Before(0), false),
        (Cut::After(0), false),
        (Cut::Before(1), false),
        (Cut::After(1), false),
        (Cut::Before(2), false),
        (Cut::After(2), true),
        (Cut::Before(3), true),
        (Cut::After(3), true),
    ] {
        let mut module = all_pins();
        module.flash.cut(cut);
        let leds = Which::User.enter(&mut module, SELF_DESTRUCT_PIN);
        assert_eq!(leds, Pattern::Fault);
        module.power_up();
        assert_eq!(module.leds(), Pattern::Standby, "as after any User's entry");
        for which in super::ALL {
            let mut module = module.duplicate();
            let expected = if is_destroyed && which != Which::SelfDestruct {
                Pattern::Refused
            } else {
                which.opened()
            };
            let leds = which.enter(&mut module, which.pin());
            assert_eq!(leds, expected, "{cut:?} {which:?}");
        }
    }
}

#[test]
fn unplugged_it_waits_for_its_plug_as_after_any_unlock() {
    for pin in [USER_PIN, SELF_DESTRUCT_PIN] {
        let mut module = all_pins();
        module.link(Link::Unplugged);
        Which::User.enter(&mut module, pin);
        module.pass(30_000);
        assert_eq!(module.leds(), Pattern::Unlocked, "{pin}");
        module.pass(50);
        assert_eq!(module.leds(), Pattern::Standby, "{pin}");
        module.pass(30_050);
        assert_eq!(module.leds(), Pattern::Idle, "{pin}");
    }
}

#[test]
fn what_a_host_sees_differs_in_group_settings_and_receipt_and_in_nothing_else() {
    let root = Root::generate("Test root").unwrap();
    let mut user = in_use(&root);
    let mut destroyed = user.duplicate();
    for (module, pin) in [(&mut user, USER_PIN), (&mut destroyed, SELF_DESTRUCT_PIN)] {
        assert_eq!(Which::User.enter(module, pin), Pattern::Unlocked);
    }
    let open = (user.status(), destroyed.status());
    assert_ne!(open.0.group, open.1.group);
    assert_ne!(open.0.mode, open.1.mode, "if it was not the default");
    assert_ne!(open.0.auto_lock, open.1.auto_lock, "likewise");
    assert_ne!(open.0.policy, open.1.policy, "likewise");
    assert_ne!(open.0.epoch.check, open.1.epoch.check, "as with the group");
    let same = |status: hsm_protocol::settings::ModuleStatus| {
        (status.role, status.epoch.number, status.admin)
    };
    assert_eq!(same(open.0), same(open.1));
    for is_open in [true, false] {
        for instruction in ins::ALL {
            let data: &[u8] = match instruction {
                ins::IDENTITY => &[7; 32],
                ins::CYCLE_BEGIN => &[0, 0, 1],
                ins::INSTALL => &[0, 0],
                ins::CIPHER => &[0; DataUnits::HEADER + 16],
                _ => &[],
            };
            let answers = [&mut user, &mut destroyed].map(|module| {
                let answer = module.command(instruction, 0, data);
                answer.map(|bytes| bytes.len())
            });
            if instruction == ins::LAST_RECEIPT {
                // A PIN that was known to be set is visibly gone, also when the module is locked.
                assert!(answers[0].is_ok());
                assert_eq!(answers[1], Err(Status::NotFound));
            } else {
                assert_eq!(answers[0], answers[1], "{instruction:02X} {is_open}");
            }
        }
        assert_eq!(user.leds(), destroyed.leds());
        replug(&mut user);
        replug(&mut destroyed);
    }
}

fn destroyed() -> Module {
    let mut module = all_pins();
    let leds = Which::SelfDestruct.enter(&mut module, SELF_DESTRUCT_PIN);
    assert_eq!(leds, Pattern::Unlocked);
    replug(&mut module);
    module
}

fn wrong_admin(module: &mut Module, times: u8) {
    for _ in 0..times {
        let leds = Which::Admin.enter(module, WRONG_PIN);
        assert_eq!(leds, Pattern::Refused);
    }
}
