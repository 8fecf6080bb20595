//! The one-time Recovery PIN: it replaces a User PIN that was lost, once.

use super::{
    ALL, Module, Pattern, USER_PIN, WRONG_PIN, Which, all_pins, cipher, configured,
    enter_admin_mode, lock_state, replug, settled,
};
use hsm_core::Link;
use hsm_protocol::identity::LockState;
use hsm_testbench::{ADMIN_PIN, RECOVERY_PIN, SELF_DESTRUCT_PIN};

const NEW_PIN: &str = WRONG_PIN;

#[test]
fn recovery_sets_a_new_user_pin_and_uses_itself_up() {
    let mut module = all_pins();
    module.unlock_user();
    let ciphered = cipher(&mut module, 0, &[9; 64]);
    replug(&mut module);
    assert_eq!(module.press("KEY+4"), Pattern::AwaitingRecoveryPin);
    assert_eq!(module.press(RECOVERY_PIN), Pattern::AwaitingRecoveryPin);
    assert_eq!(module.press("KEY"), Pattern::AwaitingNew);
    assert_eq!(lock_state(&mut module), LockState::Locked);
    assert_eq!(
        module.press(&format!("{NEW_PIN} KEY")),
        Pattern::AwaitingNew
    );
    assert_eq!(module.press(&format!("{NEW_PIN} KEY")), Pattern::Stored);
    assert_eq!(settled(&mut module), Pattern::Standby, "it does not unlock");

    assert_eq!(
        Which::Recovery.enter(&mut module, RECOVERY_PIN),
        Pattern::Refused
    );
    assert_eq!(Which::User.enter(&mut module, USER_PIN), Pattern::Refused);
    assert_eq!(Which::User.enter(&mut module, NEW_PIN), Pattern::Unlocked);
    assert_eq!(cipher(&mut module, 1, &ciphered), [9; 64]);
    replug(&mut module);
    module.unlock_admin();
    let admin = module.status().admin.unwrap();
    assert!(admin.user_pin && admin.self_destruct_pin && !admin.recovery_pin);
}

#[test]
fn a_recovery_that_is_abandoned_or_refused_uses_nothing_up() {
    let mut module = all_pins();
    for rest in [
        format!("{NEW_PIN} KEY {NEW_PIN}1 KEY"),
        format!("{NEW_PIN} KEY {NEW_PIN} SHIFT"),
        format!("{SELF_DESTRUCT_PIN} KEY {SELF_DESTRUCT_PIN} KEY"),
        "246813 KEY 246813 KEY".into(),
        "1111111 KEY 1111111 KEY".into(),
        "KEY KEY".into(),
        "KEY+1".into(),
        "SHIFT:1s".into(),
    ] {
        let keys = format!("KEY+4 {RECOVERY_PIN} KEY {rest}");
        assert_eq!(module.press(&keys), Pattern::Refused, "{keys}");
        assert_eq!(settled(&mut module), Pattern::Standby, "{keys}");
    }
    let begun = format!("KEY+4 {RECOVERY_PIN} KEY {NEW_PIN} KEY {NEW_PIN}");
    assert_eq!(module.press(&begun), Pattern::AwaitingNew);
    module.pass(10_050);
    assert_eq!(module.leds(), Pattern::Standby);
    for interrupt in [replug as fn(&mut Module), Module::power_up] {
        module.press(&begun);
        interrupt(&mut module);
        assert_eq!(settled(&mut module), Pattern::Standby);
    }
    for which in ALL {
        let mut module = module.duplicate();
        assert_eq!(which.enter(&mut module, which.pin()), which.opened());
    }
    let keys = format!("KEY+4 {RECOVERY_PIN} KEY {NEW_PIN} KEY {NEW_PIN} KEY");
    assert_eq!(module.press(&keys), Pattern::Stored);
}

#[test]
fn a_recovered_pin_is_bound_by_the_policy() {
    let mut module = all_pins();
    module.configure("KEY+7 091 SHIFT");
    for (pin, expected) in [
        ("975318642", Pattern::Refused),
        ("9753186 SHIFT+4", Pattern::Refused),
        ("97531864 SHIFT+2", Pattern::Stored),
    ] {
        let keys = format!("KEY+4 {RECOVERY_PIN} KEY {pin} KEY {pin} KEY");
        assert_eq!(module.press(&keys), expected, "{pin}");
        assert_eq!(settled(&mut module), Pattern::Standby);
    }
    let leds = Which::User.enter(&mut module, "97531864 SHIFT+2");
    assert_eq!(leds, Pattern::Unlocked);
}

#[test]
fn a_recovered_pin_may_be_what_the_admin_or_the_recovery_pin_is() {
    for pin in [ADMIN_PIN, RECOVERY_PIN] {
        let mut module = all_pins();
        let keys = format!("KEY+4 {RECOVERY_PIN} KEY {pin} KEY {pin} KEY");
        assert_eq!(module.press(&keys), Pattern::Stored);
        assert_eq!(Which::User.enter(&mut module, pin), Pattern::Unlocked);
    }
}

#[test]
fn a_user_pin_whose_attempts_ran_out_is_recovered_with_all_its_attempts() {
    let mut module = all_pins();
    for _ in 0..10 {
        Which::User.enter(&mut module, NEW_PIN);
    }
    assert_eq!(Which::User.enter(&mut module, USER_PIN), Pattern::Refused);
    recover(&mut module);
    for _ in 0..9 {
        Which::User.enter(&mut module, USER_PIN);
    }
    assert_eq!(Which::User.enter(&mut module, NEW_PIN), Pattern::Unlocked);
}

#[test]
fn a_user_pin_that_a_policy_or_an_administrator_took_away_is_recovered() {
    for deletion in ["SHIFT+3 SHIFT+3", "KEY+7 070 SHIFT"] {
        let mut module = all_pins();
        module.configure(deletion);
        assert_eq!(Which::User.enter(&mut module, USER_PIN), Pattern::Refused);
        recover(&mut module);
        assert_eq!(Which::User.enter(&mut module, NEW_PIN), Pattern::Unlocked);
    }
}

#[test]
fn recovery_works_while_the_admin_pin_is_blocked_and_gives_it_nothing_back() {
    let mut module = all_pins();
    for _ in 0..5 {
        Which::Admin.enter(&mut module, NEW_PIN);
    }
    let keys = format!("KEY+4 {RECOVERY_PIN} KEY {NEW_PIN} KEY {NEW_PIN} KEY");
    assert_eq!(module.press(&keys), Pattern::Stored);
    assert_eq!(settled(&mut module), Pattern::AdminBlocked);
}

#[test]
fn five_wrong_recovery_pins_delete_the_recovery_pin_and_nothing_else() {
    let mut module = all_pins();
    for _ in 0..4 {
        assert_eq!(
            Which::Recovery.enter(&mut module, NEW_PIN),
            Pattern::Refused
        );
        replug(&mut module);
    }
    module.power_up();
    assert_eq!(
        Which::Recovery.enter(&mut module, NEW_PIN),
        Pattern::Refused
    );
    assert_eq!(settled(&mut module), Pattern::Standby);
    for which in ALL {
        let mut module = module.duplicate();
        let expected = if which == Which::Recovery {
            Pattern::Refused
        } else {
            which.opened()
        };
        assert_eq!(which.enter(&mut module, which.pin()), expected, "{which:?}");
    }
    module.unlock_admin();
    let admin = module.status().admin.unwrap();
    assert!(admin.user_pin && admin.self_destruct_pin && !admin.recovery_pin);
}

#[test]
fn the_last_attempt_at_the_recovery_pin_may_be_the_right_one_and_gives_five() {
    let mut module = all_pins();
    for _ in 0..2 {
        for _ in 0..4 {
            Which::Recovery.enter(&mut module, NEW_PIN);
        }
        let leds = Which::Recovery.enter(&mut module, RECOVERY_PIN);
        assert_eq!(leds, Pattern::AwaitingNew);
        replug(&mut module);
    }
    recover(&mut module);
    assert_eq!(Which::User.enter(&mut module, NEW_PIN), Pattern::Unlocked);
}

#[test]
fn a_recovery_pin_lost_to_a_power_cut_is_lost_and_another_can_be_set() {
    let mut module = all_pins();
    for _ in 0..4 {
        Which::Recovery.enter(&mut module, NEW_PIN);
    }
    // The fifth attempt is paid for; the cut comes before its slot is filled.
    module.flash.cut(hsm_testbench::board::Cut::After(1));
    Which::Recovery.enter(&mut module, NEW_PIN);
    module.power_up();
    let leds = Which::Recovery.enter(&mut module, RECOVERY_PIN);
    assert_eq!(leds, Pattern::Refused);
    module.unlock_admin();
    assert!(!module.status().admin.unwrap().recovery_pin);
    replug(&mut module);
    enter_admin_mode(&mut module);
    let leds = Which::Recovery.set(&mut module, RECOVERY_PIN);
    assert_eq!(leds, Pattern::Stored);
    replug(&mut module);
    recover(&mut module);
}

#[test]
fn without_a_recovery_pin_recovery_is_refused_and_counts() {
    let mut module = configured();
    for _ in 0..6 {
        let leds = Which::Recovery.enter(&mut module, RECOVERY_PIN);
        assert_eq!(leds, Pattern::Refused);
    }
    // A Recovery PIN that is set later has all its attempts.
    module.configure(&format!("KEY+4 {RECOVERY_PIN} KEY {RECOVERY_PIN} KEY"));
    for _ in 0..4 {
        Which::Recovery.enter(&mut module, NEW_PIN);
    }
    recover(&mut module);
}

#[test]
fn recovering_ends_when_the_plug_is_pulled() {
    let mut module = all_pins();
    Which::Recovery.enter(&mut module, RECOVERY_PIN);
    module.link(Link::Unplugged);
    assert_eq!(module.leds(), Pattern::Standby);
    // On battery it works as well, within ten seconds between two keys.
    recover(&mut module);
    assert_eq!(Which::User.enter(&mut module, NEW_PIN), Pattern::Unlocked);
}

fn recover(module: &mut Module) {
    let leds = Which::Recovery.enter(module, RECOVERY_PIN);
    assert_eq!(leds, Pattern::AwaitingNew);
    let leds = module.press(&format!("{NEW_PIN} KEY {NEW_PIN} KEY"));
    assert_eq!(leds, Pattern::Stored);
    assert_eq!(settled(module), Pattern::Standby);
}
