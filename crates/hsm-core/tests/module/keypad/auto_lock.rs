//! Unattended auto-lock: keys and ciphered data keep a module open, and nothing else does.

use super::{Module, Pattern, WRONG_PIN, cipher, configured, lock_state};
use hsm_protocol::{
    EpochName, Status,
    cloning::Options,
    command::{DataUnits, ins},
    identity::LockState,
};
use hsm_testbench::{
    pair,
    relay::{self, Message},
};

const MINUTE: u64 = 60_000;

/// One tick of the bench.
const TICK: u64 = 50;

const UNLOCKS: [fn(&mut Module); 2] = [Module::unlock_admin, Module::unlock_user];

#[test]
fn a_module_is_never_locked_so_by_default() {
    for unlock in UNLOCKS {
        let mut module = configured();
        unlock(&mut module);
        module.pass(100 * MINUTE);
        assert_eq!(module.leds(), Pattern::Unlocked);
    }
}

#[test]
fn a_module_that_nobody_uses_locks_after_its_minutes() {
    for unlock in UNLOCKS {
        for minutes in [5, 99] {
            let mut module = auto_locking(minutes);
            unlock(&mut module);
            module.pass(minutes * MINUTE);
            assert_eq!(module.leds(), Pattern::Unlocked, "{minutes}");
            module.pass(TICK);
            assert_eq!(module.leds(), Pattern::Standby, "{minutes}");
            assert_eq!(lock_state(&mut module), LockState::Locked);
            unlock(&mut module);
        }
    }
}

#[test]
fn off_is_off_again() {
    for unlock in UNLOCKS {
        let mut module = auto_locking(5);
        module.configure("KEY+5 00 SHIFT");
        unlock(&mut module);
        module.pass(100 * MINUTE);
        assert_eq!(module.leds(), Pattern::Unlocked);
    }
}

#[test]
fn every_key_keeps_a_module_open_a_refused_one_too() {
    for unlock in UNLOCKS {
        for keys in [
            "5",
            "KEY",
            "SHIFT",
            "KEY+5",
            "SHIFT+KEY",
            "0:1s",
            "SHIFT:1s",
        ] {
            let mut module = auto_locking(5);
            unlock(&mut module);
            module.pass(4 * MINUTE);
            module.press(keys);
            module.pass(5 * MINUTE);
            assert_eq!(module.leds(), Pattern::Unlocked, "{keys}");
            module.pass(TICK);
            assert_eq!(module.leds(), Pattern::Standby, "{keys}");
        }
    }
}

#[test]
fn ciphered_data_keeps_a_module_open() {
    for unlock in UNLOCKS {
        for p1 in [0, 1] {
            let mut module = auto_locking(5);
            unlock(&mut module);
            for _ in 0..3 {
                module.pass(5 * MINUTE);
                cipher(&mut module, p1, &[3; 64]);
            }
            module.pass(5 * MINUTE);
            assert_eq!(module.leds(), Pattern::Unlocked);
            module.pass(TICK);
            assert_eq!(module.leds(), Pattern::Standby);
        }
    }
}

#[test]
fn polls_and_data_that_is_refused_do_not() {
    for unlock in UNLOCKS {
        let mut module = auto_locking(5);
        unlock(&mut module);
        for _ in 0..5 * 60 {
            module.pass(1_000);
            module.status();
            lock_state(&mut module);
            for (ins, p1) in [
                (ins::CERTIFICATE, 0),
                (ins::LAST_RECEIPT, 0),
                (ins::JOURNAL, 0),
            ] {
                drop(module.command(ins, p1, &[]));
            }
            // An epoch that is not there; half a block.
            let mut data = [0; DataUnits::HEADER];
            (data[3], data[EpochName::SIZE + 1]) = (9, 16);
            let refused = module.command(ins::CIPHER, 0, &[&data[..], &[1; 16]].concat());
            assert_eq!(refused, Err(Status::NotFound));
            let refused = module.command(ins::CIPHER, 0, &[&data[..], &[1; 8]].concat());
            assert!(refused.is_err());
            module.link(hsm_core::Link::Reset);
        }
        assert_eq!(module.leds(), Pattern::Unlocked);
        module.pass(TICK);
        assert_eq!(module.leds(), Pattern::Standby);
    }
}

#[test]
fn a_cloning_run_does_not_keep_its_master_open() {
    let mut pair = pair::Pair::<crate::Crypto>::new();
    super::replug(&mut pair.master);
    pair.master.configure("KEY+5 05 SHIFT");
    pair.master.unlock_admin();
    pair.master.pass(5 * MINUTE - 3_000);
    relay::begin(&mut pair.master, Options::default(), 1).unwrap();
    pair.master.pass(1_000);
    let offer = pair.step(Message::Offer, &[]).unwrap();
    pair.master.pass(1_000);
    let grant = pair.step(Message::Grant, &offer).unwrap();
    let consent = pair.step(Message::Consent, &grant).unwrap();
    pair.master.pass(1_000);
    assert_eq!(pair.master.leds(), Pattern::Cloning);
    pair.master.pass(TICK);
    assert_eq!(pair.master.leds(), Pattern::Standby);
    let refused = pair.step(Message::Parcel, &consent);
    assert_eq!(refused, Err(Status::Locked));
    pair.assert_nothing_committed();
}

#[test]
fn whichever_time_is_over_first_locks() {
    for unlock in UNLOCKS {
        let mut module = auto_locking(5);
        module.link(hsm_core::Link::Unplugged);
        unlock(&mut module);
        module.pass(30_000);
        assert_eq!(module.leds(), Pattern::Unlocked);
        module.pass(TICK);
        assert_eq!(module.leds(), Pattern::Standby);
        unlock(&mut module);
        module.link(hsm_core::Link::Plugged);
        module.pass(5 * MINUTE);
        assert_eq!(module.leds(), Pattern::Unlocked);
        module.pass(TICK);
        assert_eq!(module.leds(), Pattern::Standby);
    }
}

#[test]
fn locking_so_costs_no_attempt_and_an_entry_under_way_is_forgotten() {
    let mut module = auto_locking(5);
    module.unlock_user();
    module.press(&format!("KEY+4 {WRONG_PIN} KEY"));
    let blob = module.flash.blob();
    module.pass(5 * MINUTE + TICK);
    assert_eq!(module.leds(), Pattern::Standby);
    module.press(&format!("{WRONG_PIN} KEY"));
    assert_eq!(module.flash.blob(), blob);
}

/// In Standby, with auto-lock after so many minutes.
fn auto_locking(minutes: u64) -> Module {
    let mut module = configured();
    module.configure(&format!("KEY+5 {minutes:02} SHIFT"));
    module
}
