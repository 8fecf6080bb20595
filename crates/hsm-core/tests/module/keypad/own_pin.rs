//! The User's own choice: another User PIN, within the policy, from an unlocked module.

use super::{
    ADMIN_PIN, Module, Pattern, USER_PIN, WRONG_PIN, all_pins, cipher, configured, replug, settled,
};
use hsm_testbench::{RECOVERY_PIN, SELF_DESTRUCT_PIN};

#[test]
fn the_user_changes_the_user_pin_and_stays_unlocked() {
    let mut module = all_pins();
    module.unlock_user();
    let ciphered = cipher(&mut module, 0, &[9; 64]);
    assert_eq!(module.press("KEY+4"), Pattern::AwaitingNew);
    assert_eq!(
        module.press(&format!("{WRONG_PIN} KEY")),
        Pattern::AwaitingNew
    );
    assert_eq!(module.press(&format!("{WRONG_PIN} KEY")), Pattern::Stored);
    assert_eq!(settled(&mut module), Pattern::Unlocked);
    assert_eq!(cipher(&mut module, 1, &ciphered), [9; 64]);
    replug(&mut module);
    let leds = module.press(&format!("SHIFT+KEY {USER_PIN} KEY"));
    assert_eq!(leds, Pattern::Refused);
    let leds = module.press(&format!("SHIFT+KEY {WRONG_PIN} KEY"));
    assert_eq!(leds, Pattern::Unlocked);
    assert_eq!(cipher(&mut module, 1, &ciphered), [9; 64]);
}

#[test]
fn a_users_change_mistyped_abandoned_or_against_a_rule_keeps_the_old() {
    let mut module = configured();
    module.unlock_user();
    let blob = module.flash.blob();
    for rest in [
        format!("{WRONG_PIN} KEY {WRONG_PIN}1 KEY"),
        format!("{WRONG_PIN} KEY {WRONG_PIN} SHIFT"),
        "246813 KEY 246813 KEY".into(),
        "2468135792468135 KEY 2468135792468135 KEY".into(),
        "1111111 KEY 1111111 KEY".into(),
        "7654321 KEY 7654321 KEY".into(),
        "KEY KEY".into(),
        "246 KEY+1".into(),
    ] {
        assert_eq!(
            module.press(&format!("KEY+4 {rest}")),
            Pattern::Refused,
            "{rest}"
        );
        assert_eq!(settled(&mut module), Pattern::Unlocked, "{rest}");
    }
    module.press(&format!("KEY+4 {WRONG_PIN} KEY {WRONG_PIN}"));
    module.pass(10_050);
    assert_eq!(module.leds(), Pattern::Unlocked);
    assert_eq!(module.press("KEY"), Pattern::Refused);
    module.press(&format!("KEY+4 {WRONG_PIN} KEY {WRONG_PIN}"));
    replug(&mut module);
    assert_eq!(module.flash.blob(), blob);
    module.unlock_user();
}

#[test]
fn a_users_change_is_bound_by_the_policy() {
    let mut module = configured();
    let first = "13572468 SHIFT+0";
    module.configure(&format!("KEY+7 091 SHIFT KEY+3 {first} KEY {first} KEY"));
    module.press(&format!("SHIFT+KEY {first} KEY"));
    for (pin, expected) in [
        ("135724680", Pattern::Refused),
        ("9753186 SHIFT+4", Pattern::Refused),
        ("97531864 SHIFT+2", Pattern::Stored),
    ] {
        let leds = module.press(&format!("KEY+4 {pin} KEY {pin} KEY"));
        assert_eq!(leds, expected, "{pin}");
    }
    replug(&mut module);
    let leds = module.press("SHIFT+KEY 97531864 SHIFT+2 KEY");
    assert_eq!(leds, Pattern::Unlocked);
}

#[test]
fn a_users_choice_is_compared_with_the_self_destruct_pin_and_with_no_other() {
    let mut module = all_pins();
    module.unlock_user();
    let blob = module.flash.blob();
    assert_eq!(choose(&mut module, SELF_DESTRUCT_PIN), Pattern::Refused);
    assert_eq!(settled(&mut module), Pattern::Unlocked);
    assert_eq!(module.flash.blob(), blob);
    // A refusal here would be a guess at them that no counter sees.
    for pin in [RECOVERY_PIN, ADMIN_PIN] {
        assert_eq!(choose(&mut module, pin), Pattern::Stored, "{pin}");
    }
    replug(&mut module);
    let leds = module.press(&format!("SHIFT+KEY {ADMIN_PIN} KEY"));
    assert_eq!(leds, Pattern::Unlocked);
    assert_eq!(module.status().admin, None, "the path says who it is");
    replug(&mut module);
    module.unlock_admin();
    assert!(module.status().admin.is_some());
}

#[test]
fn a_users_change_gives_nothing_back_but_to_the_user() {
    let mut module = configured();
    for _ in 0..5 {
        module.press(&format!("KEY {WRONG_PIN} KEY"));
    }
    module.unlock_user();
    assert_eq!(choose(&mut module, WRONG_PIN), Pattern::Stored);
    replug(&mut module);
    assert_eq!(module.leds(), Pattern::AdminBlocked);
}

#[test]
fn only_a_user_changes_the_user_pin_so() {
    let mut module = configured();
    module.unlock_admin();
    assert_eq!(module.press("KEY+4"), Pattern::Refused);
    assert_eq!(settled(&mut module), Pattern::Unlocked);
}

#[test]
fn a_users_change_ends_with_the_unlock() {
    let mut module = configured();
    module.link(hsm_core::Link::Unplugged);
    module.unlock_user();
    module.press("KEY+4");
    for _ in 0..6 {
        module.pass(9_000);
        module.press("5");
    }
    // Keys do not keep a module open that is not plugged in.
    assert_ne!(module.leds(), Pattern::Unlocked);
    assert_ne!(module.leds(), Pattern::AwaitingNew);
}

fn choose(module: &mut Module, pin: &str) -> Pattern {
    module.press(&format!("KEY+4 {pin} KEY {pin} KEY"))
}
