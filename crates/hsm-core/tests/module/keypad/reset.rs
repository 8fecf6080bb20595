//! The complete reset: 0 held, then 2+7, in Standby, without a PIN.

use super::{
    ADMIN_PIN, Module, Pattern, USER_PIN, WRONG_PIN, all_pins, configured, lock_state, replug,
    settled, shipment,
};
use hsm_core::Link;
use hsm_protocol::identity::LockState;
use hsm_testbench::RECOVERY_PIN;

#[test]
fn zero_held_and_two_with_seven_reset_a_module() {
    for second in ["2+7", "7+2"] {
        let mut module = all_pins();
        assert_eq!(module.press("0:1s"), Pattern::ResetArmed);
        assert_eq!(module.press(second), Pattern::Reset);
        assert_eq!(lock_state(&mut module), LockState::Reset);
        module.power_up();
        assert_eq!(module.leds(), Pattern::Reset);
        module.set_all_pins();
        module.unlock_user();
    }
}

#[test]
fn every_other_key_after_zero_keeps_everything() {
    let mut module = all_pins();
    let blob = module.flash.blob();
    let others = super::every_chord().filter(|keys| keys != "2+7" && keys != "7+2");
    for other in others.chain(["0:1s".into(), "2:1s".into(), "KEY:1s".into()]) {
        module.press("0:1s");
        assert_eq!(module.press(&other), Pattern::Refused, "{other}");
        assert_eq!(settled(&mut module), Pattern::Standby, "{other}");
        // It must be armed anew.
        assert_eq!(module.press("2+7"), Pattern::Refused, "{other}");
    }
    module.press("0:1s");
    assert_eq!(module.press("SHIFT:1s"), Pattern::Standby);
    assert_eq!(module.press("2+7"), Pattern::Refused);
    module.press("0:1s");
    module.pass(10_000);
    assert_eq!(module.leds(), Pattern::ResetArmed);
    module.pass(50);
    assert_eq!(module.leds(), Pattern::Standby);
    assert_eq!(module.press("2+7"), Pattern::Refused);
    assert_eq!(module.press("0:0.9s 2+7"), Pattern::Refused);
    module.press("0:1s");
    module.power_up();
    assert_eq!(module.press("2+7"), Pattern::Refused);
    assert_eq!(module.flash.blob(), blob);
}

#[test]
fn a_reset_is_possible_while_the_admin_pin_is_blocked() {
    for steps in 1..=2 {
        let mut module = configured();
        for _ in 0..5 {
            module.press(&format!("KEY {WRONG_PIN} KEY"));
        }
        if steps == 2 {
            module.press("47867243 KEY");
            for _ in 0..3 {
                module.press(&format!("KEY {WRONG_PIN} KEY"));
            }
        }
        assert_eq!(module.press("0:1s"), Pattern::ResetArmed);
        assert_eq!(module.press("2+7"), Pattern::Reset);
        // All attempts are back.
        module.set_up();
        for _ in 0..4 {
            module.press(&format!("KEY {WRONG_PIN} KEY"));
        }
        assert_eq!(settled(&mut module), Pattern::Standby);
        module.unlock_admin();
    }
}

#[test]
fn nowhere_but_in_standby_does_a_reset_begin() {
    let attempt = |module: &mut Module| {
        let blob = module.flash.blob();
        module.press("0:1s 2+7");
        replug(module);
        assert_eq!(module.flash.blob(), blob);
        assert_ne!(lock_state(module), LockState::Reset);
    };
    for keys in [
        format!("SHIFT+KEY {USER_PIN} KEY"),
        format!("KEY {ADMIN_PIN} KEY"),
        format!("KEY+1 {ADMIN_PIN} KEY"),
        format!("KEY+4 {RECOVERY_PIN} KEY"),
        "KEY 246".into(),
    ] {
        let mut module = all_pins();
        module.press(&keys);
        attempt(&mut module);
    }
    attempt(&mut shipment());
    let mut asleep = all_pins();
    asleep.link(Link::Unplugged);
    asleep.pass(31_000);
    assert_eq!(asleep.leds(), Pattern::Idle);
    attempt(&mut asleep);
}

#[test]
fn a_power_cut_at_any_write_of_a_reset_leaves_old_or_new() {
    use hsm_testbench::board::Cut;
    for (cut, erased) in [
        (Cut::Before(0), false),
        (Cut::After(0), true),
        (Cut::Before(1), true),
        (Cut::After(1), true),
    ] {
        let mut module: Module = all_pins();
        module.flash.cut(cut);
        assert_eq!(module.press("0:1s 2+7"), Pattern::Fault);
        module.power_up();
        if erased {
            assert_eq!(module.leds(), Pattern::Reset, "{cut:?}");
        } else {
            module.unlock_user();
        }
    }
}
