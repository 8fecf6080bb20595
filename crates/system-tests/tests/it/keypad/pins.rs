//! PINs set and changed on the keypad: rules, equality, mismatch.

use super::{
    ADMIN_PIN, Module, Pattern, USER_PIN, WRONG_PIN, admin_mode, configured, enter_admin_mode,
    replug, settled, shipment,
};

/// PINs that break a rule for every PIN.
const BAD: [&str; 14] = [
    "",
    "246813",
    "2468135792468135",
    "24681357924681357",
    "1111111",
    "0000000",
    "1 SHIFT+1 1 SHIFT+1 11 1",
    "1234567",
    "78901234",
    "012345678901234",
    "7654321",
    "3210987",
    "SHIFT+1 234567",
    "SHIFT+7 SHIFT+6 SHIFT+5 SHIFT+4 SHIFT+3 SHIFT+2 SHIFT+1",
];

/// PINs that are good, if only just.
const GOOD: [&str; 7] = [
    "2468135",
    "246813579246813",
    "12345679",
    "1111112",
    "98765431",
    "1212121",
    "SHIFT+2 SHIFT+4 SHIFT+6 SHIFT+8 SHIFT+1 SHIFT+3 SHIFT+5",
];

#[test]
fn a_pin_that_breaks_a_rule_is_refused_wherever_it_is_set() {
    let mut fresh = shipment();
    let mut admin = admin_mode();
    let blobs = (fresh.flash.blob(), admin.flash.blob());
    for pin in BAD {
        let keys = |chord| format!("{chord} {pin} KEY {pin} KEY");
        assert_eq!(fresh.press(&keys("SHIFT+1")), Pattern::Refused, "{pin}");
        assert_eq!(settled(&mut fresh), Pattern::Shipment, "{pin}");
        for chord in ["KEY+2", "KEY+3"] {
            assert_eq!(admin.press(&keys(chord)), Pattern::Refused, "{pin}");
            assert_eq!(settled(&mut admin), Pattern::AdminMode, "{pin}");
        }
    }
    assert_eq!((fresh.flash.blob(), admin.flash.blob()), blobs);
}

#[test]
fn a_pin_that_keeps_the_rules_is_taken_wherever_it_is_set() {
    for pin in GOOD {
        let mut module = shipment();
        let keys = |chord| format!("{chord} {pin} KEY {pin} KEY");
        assert_eq!(module.press(&keys("SHIFT+1")), Pattern::AdminPinStored);
        replug(&mut module);
        assert_eq!(
            module.press(&format!("KEY+1 {pin} KEY")),
            Pattern::AdminMode
        );
        assert_eq!(
            change_admin_pin(&mut module, WRONG_PIN),
            Pattern::AdminPinStored
        );
        assert_eq!(module.press(&keys("KEY+3")), Pattern::Stored, "{pin}");
        replug(&mut module);
        assert_eq!(
            module.press(&format!("SHIFT+KEY {pin} KEY")),
            Pattern::Unlocked
        );
    }
}

#[test]
fn a_shifted_symbol_is_another_symbol() {
    let mut module = admin_mode();
    let shifted = "1357246 SHIFT+8";
    assert_eq!(set_user_pin(&mut module, shifted), Pattern::Stored);
    replug(&mut module);
    assert_eq!(
        module.press(&format!("SHIFT+KEY {USER_PIN} KEY")),
        Pattern::Refused
    );
    assert_eq!(
        module.press(&format!("SHIFT+KEY {shifted} KEY")),
        Pattern::Unlocked
    );
}

#[test]
fn the_administrator_changes_the_admin_pin() {
    let mut module = admin_mode();
    assert_eq!(
        change_admin_pin(&mut module, WRONG_PIN),
        Pattern::AdminPinStored
    );
    assert_eq!(settled(&mut module), Pattern::AdminMode);
    replug(&mut module);
    for keys in ["KEY", "KEY+1"] {
        let leds = module.press(&format!("{keys} {ADMIN_PIN} KEY"));
        assert_eq!(leds, Pattern::Refused);
    }
    module.unlock_user();
    replug(&mut module);
    assert_eq!(
        module.press(&format!("KEY {WRONG_PIN} KEY")),
        Pattern::Unlocked
    );
}

#[test]
fn the_administrator_changes_the_user_pin() {
    let mut module = admin_mode();
    assert_eq!(set_user_pin(&mut module, WRONG_PIN), Pattern::Stored);
    replug(&mut module);
    assert_eq!(
        module.press(&format!("SHIFT+KEY {USER_PIN} KEY")),
        Pattern::Refused
    );
    assert_eq!(
        module.press(&format!("SHIFT+KEY {WRONG_PIN} KEY")),
        Pattern::Unlocked
    );
}

#[test]
fn two_pins_are_never_the_same_in_either_order_of_setting() {
    let mut module = admin_mode();
    let blob = module.flash.blob();
    assert_eq!(change_admin_pin(&mut module, USER_PIN), Pattern::Refused);
    assert_eq!(set_user_pin(&mut module, ADMIN_PIN), Pattern::Refused);
    assert_eq!(settled(&mut module), Pattern::AdminMode);
    assert_eq!(module.flash.blob(), blob);

    // What the other one was, once it is changed, is free again.
    assert_eq!(set_user_pin(&mut module, WRONG_PIN), Pattern::Stored);
    assert_eq!(
        change_admin_pin(&mut module, USER_PIN),
        Pattern::AdminPinStored
    );
}

#[test]
fn a_pin_may_be_set_to_what_it_is() {
    let mut module = admin_mode();
    assert_eq!(
        change_admin_pin(&mut module, ADMIN_PIN),
        Pattern::AdminPinStored
    );
    assert_eq!(set_user_pin(&mut module, USER_PIN), Pattern::Stored);
    replug(&mut module);
    module.unlock_user();
}

#[test]
fn a_new_pin_mistyped_or_abandoned_keeps_the_old() {
    let mut module = configured();
    for chord in ["KEY+2", "KEY+3"] {
        enter_admin_mode(&mut module);
        let blob = module.flash.blob();
        for rest in [
            format!("{WRONG_PIN} KEY {WRONG_PIN}1 KEY"),
            format!("{WRONG_PIN} KEY {WRONG_PIN} SHIFT"),
            format!("{WRONG_PIN} KEY KEY+5"),
        ] {
            let keys = format!("{chord} {rest}");
            assert_eq!(module.press(&keys), Pattern::Refused, "{keys}");
            assert_eq!(settled(&mut module), Pattern::AdminMode, "{keys}");
        }
        module.press(&format!("{chord} {WRONG_PIN} KEY {WRONG_PIN}"));
        module.pass(10_050);
        assert_eq!(module.leds(), Pattern::AdminMode);
        assert_eq!(module.press("KEY"), Pattern::Refused);
        module.press(&format!("{chord} {WRONG_PIN} KEY {WRONG_PIN}"));
        replug(&mut module);
        assert_eq!(module.flash.blob(), blob);
    }
    module.unlock_user();
    replug(&mut module);
    module.unlock_admin();
}

#[test]
fn data_stays_readable_when_pins_change() {
    let mut module = configured();
    module.unlock_user();
    let ciphered = super::cipher(&mut module, 0, &[9; 64]);
    replug(&mut module);
    enter_admin_mode(&mut module);
    change_admin_pin(&mut module, WRONG_PIN);
    set_user_pin(&mut module, ADMIN_PIN);
    replug(&mut module);
    assert_eq!(
        module.press(&format!("SHIFT+KEY {ADMIN_PIN} KEY")),
        Pattern::Unlocked
    );
    assert_eq!(super::cipher(&mut module, 1, &ciphered), [9; 64]);
}

fn change_admin_pin(module: &mut Module, pin: &str) -> Pattern {
    module.press(&format!("KEY+2 {pin} KEY {pin} KEY"))
}

fn set_user_pin(module: &mut Module, pin: &str) -> Pattern {
    module.press(&format!("KEY+3 {pin} KEY {pin} KEY"))
}
