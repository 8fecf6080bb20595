//! PINs set and changed by the Administrator: rules, equality, mismatch, deletion.

use super::{
    ADMIN_PIN, ALL, Module, Pattern, USER_PIN, WRONG_PIN, admin_mode, all_pins, configured,
    enter_admin_mode, replug, settled, shipment,
};
use hsm_testbench::{RECOVERY_PIN, SELF_DESTRUCT_PIN};

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
        for which in ALL {
            assert_eq!(which.set(&mut admin, pin), Pattern::Refused, "{pin}");
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
    }
    for which in ALL {
        for pin in GOOD {
            let mut module = admin_mode();
            assert_eq!(which.set(&mut module, pin), which.stored(), "{pin}");
            assert_eq!(settled(&mut module), Pattern::AdminMode, "{pin}");
            replug(&mut module);
            assert_eq!(which.enter(&mut module, pin), which.opened(), "{pin}");
        }
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
fn the_administrator_sets_no_pin_to_what_another_one_is() {
    let mut module = all_pins();
    enter_admin_mode(&mut module);
    let blob = module.flash.blob();
    for which in ALL {
        for other in ALL.into_iter().filter(|other| *other != which) {
            let leds = which.set(&mut module, other.pin());
            assert_eq!(leds, Pattern::Refused, "{which:?} as {other:?}");
            assert_eq!(settled(&mut module), Pattern::AdminMode);
        }
    }
    assert_eq!(module.flash.blob(), blob);
    // All four are what they were.
    for which in ALL {
        let mut module = module.duplicate();
        assert_eq!(which.enter(&mut module, which.pin()), which.opened());
    }
}

#[test]
fn what_a_pin_was_is_free_once_it_is_changed_or_deleted() {
    let mut module = all_pins();
    enter_admin_mode(&mut module);
    assert_eq!(set_user_pin(&mut module, WRONG_PIN), Pattern::Stored);
    let leds = change_admin_pin(&mut module, USER_PIN);
    assert_eq!(leds, Pattern::AdminPinStored);
    let leds = module.press("SHIFT+4 SHIFT+4");
    assert_eq!(leds, Pattern::Stored);
    assert_eq!(set_user_pin(&mut module, RECOVERY_PIN), Pattern::Stored);
    let leds = module.press("SHIFT+6 SHIFT+6");
    assert_eq!(leds, Pattern::Stored);
    let leds = change_admin_pin(&mut module, SELF_DESTRUCT_PIN);
    assert_eq!(leds, Pattern::AdminPinStored);
}

#[test]
fn a_pin_may_be_set_to_what_it_is() {
    let mut module = all_pins();
    enter_admin_mode(&mut module);
    for which in ALL {
        assert_eq!(which.set(&mut module, which.pin()), which.stored());
    }
    for which in ALL {
        let mut module = module.duplicate();
        assert_eq!(which.enter(&mut module, which.pin()), which.opened());
    }
}

#[test]
fn a_new_pin_mistyped_or_abandoned_keeps_the_old() {
    let module = all_pins();
    let blob = module.flash.blob();
    for which in ALL {
        let mut module = module.duplicate();
        enter_admin_mode(&mut module);
        let chord = which.chord();
        let entered = module.flash.blob();
        for rest in [
            format!("{WRONG_PIN} KEY {WRONG_PIN}1 KEY"),
            format!("{WRONG_PIN} KEY {WRONG_PIN} SHIFT"),
            format!("{WRONG_PIN} KEY KEY"),
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
        assert_eq!(module.flash.blob(), entered);
        assert_eq!(which.enter(&mut module, which.pin()), which.opened());
    }
    assert_eq!(module.flash.blob(), blob);
}

#[test]
fn a_deletion_needs_its_chord_twice_and_every_other_key_keeps_the_pin() {
    for which in ALL {
        let Some(deletion) = which.deletion() else {
            continue;
        };
        let mut module = all_pins();
        enter_admin_mode(&mut module);
        let blob = module.flash.blob();
        let others = super::every_chord().filter(|keys| keys != deletion);
        for other in others.chain(["3:1s".into(), "KEY:1s".into()]) {
            assert_eq!(module.press(deletion), Pattern::DeleteArmed);
            assert_eq!(module.press(&other), Pattern::Refused, "{other}");
            assert_eq!(settled(&mut module), Pattern::AdminMode, "{other}");
        }
        // What came between does not count as the second time, nor does a pause that is too long.
        module.press(deletion);
        module.pass(10_000);
        assert_eq!(module.leds(), Pattern::DeleteArmed);
        module.pass(50);
        assert_eq!(module.leds(), Pattern::AdminMode);
        assert_eq!(module.press(deletion), Pattern::DeleteArmed);
        assert_eq!(module.press("SHIFT:1s"), Pattern::Standby);
        assert_eq!(module.flash.blob(), blob);

        enter_admin_mode(&mut module);
        module.press(deletion);
        assert_eq!(module.press(deletion), Pattern::Stored);
        assert_eq!(settled(&mut module), Pattern::AdminMode);
        replug(&mut module);
        for other in ALL {
            let mut module = module.duplicate();
            let expected = if other == which {
                Pattern::Refused
            } else {
                other.opened()
            };
            assert_eq!(other.enter(&mut module, other.pin()), expected, "{other:?}");
        }
        module.unlock_admin();
        assert_eq!(which.is_set(module.status().admin.unwrap()), Some(false));
    }
}

#[test]
fn a_pin_that_is_not_there_may_be_deleted_too() {
    let mut module = configured();
    for keys in ["SHIFT+4 SHIFT+4", "SHIFT+6 SHIFT+6"] {
        module.configure(keys);
    }
    module.unlock_user();
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
