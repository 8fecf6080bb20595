//! Settings: KEY+5, KEY+7, KEY+8 and KEY+9, over every value that can be typed.

use super::{
    ADMIN_PIN, Module, Pattern, USER_PIN, admin_mode, cipher, configured, enter_admin_mode, replug,
    settled,
};
use hsm_protocol::settings::{EncryptionMode, ModuleStatus, UserPinPolicy};

#[test]
fn a_new_module_has_the_defaults() {
    let mut module = super::shipment();
    module.press(&format!("SHIFT+1 {ADMIN_PIN} KEY {ADMIN_PIN} KEY"));
    let status = status(&mut module);
    assert_eq!(status.auto_lock, None);
    assert_eq!(status.policy, None);
    assert_eq!(status.mode, EncryptionMode::Xts);
    let admin = status.admin.unwrap();
    assert!(!admin.cloning && !admin.user_pin);
}

#[test]
fn auto_lock_is_off_or_five_to_ninety_nine_minutes() {
    let mut module = admin_mode();
    sweep(&mut module, "KEY+5", 2, |value| {
        value == 0 || (5..=99).contains(&value)
    });
    assert_eq!(status(&mut module).auto_lock, Some(99));
    for (typed, expected) in [("00", None), ("05", Some(5)), ("30", Some(30))] {
        enter_admin_mode(&mut module);
        module.press(&format!("KEY+5 {typed} SHIFT"));
        assert_eq!(status(&mut module).auto_lock, expected);
    }
}

#[test]
fn a_policy_is_a_length_of_seven_to_fifteen_and_whether_shift_is_needed() {
    let mut module = admin_mode();
    sweep(&mut module, "KEY+7", 3, |value| {
        (7..=15).contains(&(value / 10)) && value % 10 < 2
    });
    replug(&mut module);
    for (typed, expected) in [
        ("151", Some(policy(15, true))),
        ("150", Some(policy(15, false))),
        ("071", Some(policy(7, true))),
        ("080", Some(policy(8, false))),
        ("070", None),
    ] {
        enter_admin_mode(&mut module);
        module.press(&format!("KEY+7 {typed} SHIFT"));
        assert_eq!(status(&mut module).policy, expected, "{typed}");
    }
}

#[test]
fn cloning_is_one_or_zero() {
    let mut module = admin_mode();
    sweep(&mut module, "KEY+8", 1, |value| value < 2);
    assert!(status(&mut module).admin.unwrap().cloning);
    enter_admin_mode(&mut module);
    module.press("KEY+8 0 SHIFT");
    assert!(!status(&mut module).admin.unwrap().cloning);
}

#[test]
fn encryption_mode_is_one_or_two() {
    let mut module = admin_mode();
    sweep(&mut module, "KEY+9", 1, |value| matches!(value, 1 | 2));
    assert_eq!(status(&mut module).mode, EncryptionMode::Ecb);
    enter_admin_mode(&mut module);
    module.press("KEY+9 1 SHIFT");
    assert_eq!(status(&mut module).mode, EncryptionMode::Xts);
}

#[test]
fn refused_values_leave_everything_as_it_was() {
    let mut module = admin_mode();
    module.press("KEY+5 45 SHIFT KEY+8 1 SHIFT KEY+9 2 SHIFT");
    let blob = module.flash.blob();
    for keys in [
        "KEY+5 04 SHIFT",
        "KEY+5 5 SHIFT",
        "KEY+5 005 SHIFT",
        "KEY+5 1 SHIFT+0 SHIFT",
        "KEY+5 SHIFT",
        "KEY+5 30 KEY",
        "KEY+7 160 SHIFT",
        "KEY+7 072 SHIFT",
        "KEY+7 80 SHIFT",
        "KEY+7 0080 SHIFT",
        "KEY+7 999 SHIFT",
        "KEY+7 08 SHIFT+0 SHIFT",
        "KEY+8 2 SHIFT",
        "KEY+8 00 SHIFT",
        "KEY+8 0 KEY",
        "KEY+9 0 SHIFT",
        "KEY+9 3 SHIFT",
        "KEY+9 1 KEY+9",
    ] {
        assert_eq!(module.press(keys), Pattern::Refused, "{keys}");
        assert_eq!(settled(&mut module), Pattern::AdminMode, "{keys}");
    }
    assert_eq!(module.flash.blob(), blob);
    let status = status(&mut module);
    assert_eq!(status.auto_lock, Some(45));
    assert_eq!(status.mode, EncryptionMode::Ecb);
    assert!(status.admin.unwrap().cloning && status.admin.unwrap().user_pin);
}

#[test]
fn a_policy_deletes_the_user_pin_and_binds_the_next() {
    let mut module = configured();
    enter_admin_mode(&mut module);
    assert_eq!(module.press("KEY+7 091 SHIFT"), Pattern::Stored);
    replug(&mut module);
    assert_eq!(
        module.press(&format!("SHIFT+KEY {USER_PIN} KEY")),
        Pattern::Refused
    );
    assert!(!status(&mut module).admin.unwrap().user_pin);

    enter_admin_mode(&mut module);
    for (pin, expected) in [
        (USER_PIN, Pattern::Refused),
        ("135724680", Pattern::Refused),
        ("1357246 SHIFT+8", Pattern::Refused),
        ("13572468 SHIFT+0", Pattern::Stored),
    ] {
        let leds = module.press(&format!("KEY+3 {pin} KEY {pin} KEY"));
        assert_eq!(leds, expected, "{pin}");
    }
    // It binds the User PIN only.
    let leds = module.press("KEY+2 9753186 KEY 9753186 KEY");
    assert_eq!(leds, Pattern::AdminPinStored);
    replug(&mut module);
    let leds = module.press("SHIFT+KEY 13572468 SHIFT+0 KEY");
    assert_eq!(leds, Pattern::Unlocked);
    assert_eq!(module.status().policy, Some(policy(9, true)));
}

#[test]
fn taking_the_policy_away_deletes_the_user_pin_too() {
    let mut module = admin_mode();
    assert_eq!(module.press("KEY+7 070 SHIFT"), Pattern::Stored);
    let status = status(&mut module);
    assert_eq!(status.policy, None);
    assert!(!status.admin.unwrap().user_pin);
}

#[test]
fn equal_blocks_show_in_ecb_and_not_in_xts() {
    let mut module = configured();
    module.unlock_user();
    let xts = cipher(&mut module, 0, &[7; 64]);
    replug(&mut module);
    enter_admin_mode(&mut module);
    module.press("KEY+9 2 SHIFT");
    replug(&mut module);
    module.unlock_user();
    let ecb = cipher(&mut module, 0, &[7; 64]);
    assert_eq!(ecb[..16], ecb[16..32]);
    assert_ne!(xts[..16], xts[16..32]);
    assert_eq!(cipher(&mut module, 1, &ecb), [7; 64]);
}

/// Types every value of so many digits; the LEDs say which are taken.
fn sweep(module: &mut Module, chord: &str, digits: usize, is_good: impl Fn(u16) -> bool) {
    for value in 0..10_u16.pow(u32::try_from(digits).unwrap()) {
        let keys = format!("{chord} {value:0digits$} SHIFT");
        let expected = if is_good(value) {
            Pattern::Stored
        } else {
            Pattern::Refused
        };
        assert_eq!(module.press(&keys), expected, "{keys}");
    }
}

/// STATUS as the Administrator sees it; ends in Standby.
fn status(module: &mut Module) -> ModuleStatus {
    replug(module);
    module.unlock_admin();
    let status = module.status();
    replug(module);
    status
}

const fn policy(min_length: u8, needs_shift: bool) -> UserPinPolicy {
    UserPinPolicy {
        min_length,
        needs_shift,
    }
}
