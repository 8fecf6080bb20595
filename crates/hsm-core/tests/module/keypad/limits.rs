//! The User attempt limit: 7+0, 01 to 10.

use super::{
    ADMIN_PIN, Module, Pattern, USER_PIN, WRONG_PIN, Which, admin_mode, all_pins, configured,
    settled,
};
use hsm_testbench::board::Cut;

#[test]
fn the_limit_is_one_to_ten() {
    let mut module = admin_mode();
    for value in 0..100 {
        let expected = if (1..=10).contains(&value) {
            Pattern::Stored
        } else {
            Pattern::Refused
        };
        let leds = module.press(&format!("7+0 {value:02} SHIFT"));
        assert_eq!(leds, expected, "{value}");
    }
    let blob = module.flash.blob();
    for keys in ["7+0 5 SHIFT", "7+0 005 SHIFT", "7+0 SHIFT", "7+0 05 KEY"] {
        assert_eq!(module.press(keys), Pattern::Refused, "{keys}");
        assert_eq!(settled(&mut module), Pattern::AdminMode, "{keys}");
    }
    assert_eq!(module.flash.blob(), blob);
}

#[test]
fn so_many_wrong_user_pins_as_the_limit_says_delete_the_user_pin() {
    for limit in 1..=10 {
        let mut module = configured();
        module.configure(&format!("7+0 {limit:02} SHIFT"));
        wrong_user(&mut module, limit - 1);
        module.unlock_user();
        super::replug(&mut module);
        wrong_user(&mut module, limit);
        let leds = Which::User.enter(&mut module, USER_PIN);
        assert_eq!(leds, Pattern::Refused, "{limit}");
        module.unlock_admin();
        assert!(!module.status().admin.unwrap().user_pin, "{limit}");
    }
}

#[test]
fn a_lower_limit_keeps_a_pin_that_stands_and_clears_its_count() {
    let mut module = configured();
    wrong_user(&mut module, 9);
    module.configure("7+0 03 SHIFT");
    wrong_user(&mut module, 2);
    module.unlock_user();
    super::replug(&mut module);
    wrong_user(&mut module, 2);
    module.configure("7+0 03 SHIFT");
    wrong_user(&mut module, 2);
    module.unlock_user();
    super::replug(&mut module);
    wrong_user(&mut module, 3);
    let leds = Which::User.enter(&mut module, USER_PIN);
    assert_eq!(leds, Pattern::Refused);
}

#[test]
fn a_higher_limit_brings_back_no_pin_that_is_gone() {
    for cut in [None, Some(Cut::After(1))] {
        let mut module = configured();
        module.configure("7+0 03 SHIFT");
        wrong_user(&mut module, 2);
        // The third attempt is paid for; the cut may come before its slot is filled.
        module.flash.cut(cut.unwrap_or(Cut::Before(u32::MAX)));
        wrong_user(&mut module, 1);
        module.power_up();
        module.configure("7+0 10 SHIFT");
        let leds = Which::User.enter(&mut module, USER_PIN);
        assert_eq!(leds, Pattern::Refused, "{cut:?}");
        module.unlock_admin();
        assert!(!module.status().admin.unwrap().user_pin);
    }
}

#[test]
fn a_user_pin_or_a_limit_opens_the_self_destruct_pin_that_the_users_attempts_closed() {
    for opens in ["KEY+3 86420975 KEY 86420975 KEY", "7+0 10 SHIFT"] {
        let mut module = all_pins();
        wrong_user(&mut module, 10);
        let closed = Which::SelfDestruct.enter(&mut module, Which::SelfDestruct.pin());
        assert_eq!(closed, Pattern::Refused);
        module.configure(opens);
        let leds = Which::User.enter(&mut module, USER_PIN);
        assert_eq!(leds, Pattern::Refused, "{opens}");
        let leds = Which::SelfDestruct.enter(&mut module, Which::SelfDestruct.pin());
        assert_eq!(leds, Pattern::Unlocked, "{opens}");
    }
}

#[test]
fn the_limit_binds_the_user_alone() {
    let mut module = all_pins();
    module.configure("7+0 01 SHIFT");
    for _ in 0..4 {
        Which::Admin.enter(&mut module, WRONG_PIN);
        Which::Recovery.enter(&mut module, WRONG_PIN);
    }
    for which in [Which::Admin, Which::Recovery] {
        let mut module = module.duplicate();
        assert_eq!(which.enter(&mut module, which.pin()), which.opened());
    }
}

#[test]
fn a_new_user_pin_has_as_many_attempts_as_the_limit_says() {
    let mut module = configured();
    module.configure("7+0 02 SHIFT");
    wrong_user(&mut module, 2);
    module.configure(&format!("KEY+3 {USER_PIN} KEY {USER_PIN} KEY"));
    wrong_user(&mut module, 1);
    module.unlock_user();
    super::replug(&mut module);
    wrong_user(&mut module, 2);
    assert_eq!(Which::User.enter(&mut module, USER_PIN), Pattern::Refused);
}

#[test]
fn a_reset_and_an_erased_admin_pin_bring_the_limit_back_to_ten() {
    let by_reset = |module: &mut Module| {
        module.press("0:1s 2+7");
    };
    let by_limit = |module: &mut Module| {
        for _ in 0..10 {
            module.press(&format!("KEY {WRONG_PIN} KEY 47867243 KEY"));
        }
    };
    for erase in [by_reset as fn(&mut Module), by_limit] {
        let mut module = configured();
        module.configure("7+0 01 SHIFT");
        erase(&mut module);
        assert_eq!(settled(&mut module), Pattern::Reset);
        module.press(&format!("SHIFT+1 {ADMIN_PIN} KEY {ADMIN_PIN} KEY"));
        module.press(&format!("KEY+3 {USER_PIN} KEY {USER_PIN} KEY"));
        module.press("SHIFT:1s");
        wrong_user(&mut module, 9);
        module.unlock_user();
    }
}

fn wrong_user(module: &mut Module, times: u8) {
    for _ in 0..times {
        let leds = Which::User.enter(module, WRONG_PIN);
        assert!(
            matches!(leds, Pattern::Refused | Pattern::Fault),
            "{leds:?}"
        );
    }
}
