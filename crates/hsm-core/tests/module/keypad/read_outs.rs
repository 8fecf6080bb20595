//! Settings shown as blinks: RED the tens, GREEN the units, BLUE the flag.

use super::{ADMIN_PIN, Module, Pattern, admin_mode, enter_admin_mode, replug, shipment};
use hsm_core::leds::ReadOut;

/// What reads out each setting, before KEY.
const CHORDS: [&str; 6] = ["SHIFT+5", "SHIFT+7", "SHIFT+8", "SHIFT+9", "2+0", "4+0"];

#[test]
fn every_default_is_read_out() {
    let mut module = shipment();
    module.press(&format!("SHIFT+1 {ADMIN_PIN} KEY {ADMIN_PIN} KEY"));
    for (chord, value, flag) in [
        ("SHIFT+5", 0, false),
        ("SHIFT+7", 7, false),
        ("SHIFT+8", 0, false),
        ("SHIFT+9", 1, false),
        ("2+0", 10, false),
        ("0+2", 10, false),
        ("4+0", 0, true),
    ] {
        assert_eq!(module.press(chord), Pattern::AdminMode, "{chord}");
        assert_eq!(module.press("KEY"), read_out(value, flag), "{chord}");
    }
}

#[test]
fn every_setting_is_read_out_as_it_was_set() {
    let mut module = admin_mode();
    for (set, chord, value, flag) in [
        ("KEY+5 05 SHIFT", "SHIFT+5", 5, false),
        ("KEY+5 99 SHIFT", "SHIFT+5", 99, false),
        ("KEY+5 30 SHIFT", "SHIFT+5", 30, false),
        ("KEY+5 00 SHIFT", "SHIFT+5", 0, false),
        ("KEY+7 071 SHIFT", "SHIFT+7", 7, true),
        ("KEY+7 080 SHIFT", "SHIFT+7", 8, false),
        ("KEY+7 151 SHIFT", "SHIFT+7", 15, true),
        ("KEY+7 070 SHIFT", "SHIFT+7", 7, false),
        ("KEY+8 0 SHIFT", "SHIFT+8", 0, false),
        ("KEY+8 1 SHIFT", "SHIFT+8", 0, true),
        ("KEY+9 2 SHIFT", "SHIFT+9", 2, false),
        ("KEY+9 1 SHIFT", "SHIFT+9", 1, false),
        ("9+0 0 SHIFT", "4+0", 0, false),
        ("0+9 1 SHIFT", "0+4", 0, true),
        ("7+0 01 SHIFT", "2+0", 1, false),
        ("0+7 10 SHIFT", "2+0", 10, false),
    ] {
        assert_eq!(module.press(set), Pattern::Stored, "{set}");
        assert_eq!(module.press(chord), Pattern::AdminMode, "{set}");
        assert_eq!(module.press("KEY"), read_out(value, flag), "{set}");
    }
}

#[test]
fn a_read_out_lasts_as_long_as_its_blinks() {
    let mut module = admin_mode();
    for (set, chord, blinks) in [
        ("KEY+5 00 SHIFT", "SHIFT+5", 0),
        ("KEY+5 99 SHIFT", "SHIFT+5", 18),
        ("KEY+5 30 SHIFT", "SHIFT+5", 3),
        ("KEY+7 151 SHIFT", "SHIFT+7", 7),
        ("KEY+8 1 SHIFT", "SHIFT+8", 1),
    ] {
        module.press(&format!("{set} {chord}"));
        let shown = module.press("KEY");
        assert!(matches!(shown, Pattern::ReadOut(_)), "{shown:?}");
        // A flash before and a flash after.
        module.pass((blinks + 2) * ReadOut::BLINK - 50);
        assert_eq!(module.leds(), shown, "{set}");
        module.pass(50);
        assert_eq!(module.leds(), Pattern::AdminMode, "{set}");
    }
}

#[test]
fn the_next_key_ends_a_read_out_and_is_taken() {
    let mut module = admin_mode();
    module.press("KEY+5 99 SHIFT");
    for (next, expected) in [
        ("KEY", Pattern::Refused),
        ("SHIFT+5", Pattern::AdminMode),
        ("KEY+5", Pattern::AwaitingNew),
        ("SHIFT+3", Pattern::DeleteArmed),
        ("SHIFT:1s", Pattern::Standby),
    ] {
        replug(&mut module);
        enter_admin_mode(&mut module);
        module.press("SHIFT+5 KEY");
        module.pass(2_000);
        assert_eq!(module.leds(), read_out(99, false));
        assert_eq!(module.press(next), expected, "{next}");
    }
}

#[test]
fn every_key_but_key_reads_nothing_out_nor_does_key_alone_or_too_late() {
    let mut module = admin_mode();
    let blob = module.flash.blob();
    assert_eq!(module.press("KEY"), Pattern::Refused);
    for chord in CHORDS {
        for other in super::every_chord().filter(|keys| keys != "KEY") {
            module.press(chord);
            let leds = module.press(&other);
            assert_eq!(leds, Pattern::Refused, "{chord} {other}");
        }
        module.press(chord);
        module.pass(10_050);
        assert_eq!(module.press("KEY"), Pattern::Refused, "{chord}");
    }
    assert_eq!(module.flash.blob(), blob);
}

#[test]
fn nobody_but_the_administrator_in_admin_mode_is_told() {
    for unlock in [
        Module::unlock_admin,
        Module::unlock_user,
        |_: &mut Module| {},
    ] {
        let mut module = admin_mode();
        module.press("SHIFT:1s");
        unlock(&mut module);
        for chord in CHORDS {
            assert_eq!(module.press(chord), Pattern::Refused, "{chord}");
        }
    }
}

const fn read_out(value: u8, flag: bool) -> Pattern {
    Pattern::ReadOut(ReadOut {
        tens: value / 10,
        units: value % 10,
        flag,
    })
}
