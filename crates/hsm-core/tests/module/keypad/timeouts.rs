//! What time does, with the clock in the test's hands.

use super::{
    ADMIN_PIN, Module, Pattern, USER_PIN, WRONG_PIN, admin_mode, configured, lock_state, settled,
    shipment,
};
use hsm_core::Link;
use hsm_factory::Root;
use hsm_protocol::{Status, cloning::Options, command::ins, identity::LockState};
use hsm_testbench::{
    Bench,
    relay::{self, Message},
};

/// One tick of the bench.
const TICK: u64 = 50;

#[test]
fn admin_mode_ends_thirty_seconds_after_the_last_key() {
    let mut module = admin_mode();
    module.pass(29_000);
    module.press("KEY+6");
    module.pass(30_000);
    assert_eq!(module.leds(), Pattern::AdminMode);
    module.pass(TICK);
    assert_eq!(module.leds(), Pattern::Standby);
}

#[test]
fn an_entry_ends_ten_seconds_after_its_last_key() {
    let mut module = configured();
    for (chord, waiting) in [
        ("KEY", Pattern::AwaitingAdminPin),
        ("KEY+1", Pattern::AwaitingAdminPin),
        ("SHIFT+KEY", Pattern::AwaitingUserPin),
    ] {
        module.press(chord);
        for digit in 1..5 {
            module.pass(10_000);
            assert_eq!(module.press(&digit.to_string()), waiting);
        }
        module.pass(10_000);
        assert_eq!(module.leds(), waiting);
        module.pass(TICK);
        assert_eq!(module.leds(), Pattern::Standby, "{chord}");
    }
    // Time-outs cost no attempt.
    module.unlock_admin();
}

#[test]
fn a_pin_typed_slowly_is_the_same_pin() {
    let mut module = configured();
    module.press("KEY");
    for digit in ADMIN_PIN.chars() {
        module.pass(9_900);
        module.press(&digit.to_string());
    }
    assert_eq!(module.press("KEY"), Pattern::Unlocked);
}

#[test]
fn a_passing_pattern_ends_by_itself_or_with_the_next_key() {
    let mut module = configured();
    assert_eq!(module.press("5"), Pattern::Refused);
    module.pass(1_450);
    assert_eq!(module.leds(), Pattern::Refused);
    module.pass(TICK);
    assert_eq!(module.leds(), Pattern::Standby);
    module.press("5");
    assert_eq!(module.press("KEY"), Pattern::AwaitingAdminPin);
}

#[test]
fn unplugged_and_locked_a_module_falls_asleep_and_shift_wakes_it() {
    let mut module = configured();
    module.pass(300_000);
    assert_eq!(
        module.leds(),
        Pattern::Standby,
        "plugged in, it stays awake"
    );
    module.link(Link::Unplugged);
    module.pass(30_000);
    assert_eq!(module.leds(), Pattern::Standby);
    module.pass(TICK);
    assert_eq!(module.leds(), Pattern::Idle);

    let keys = format!("KEY {ADMIN_PIN} KEY SHIFT+KEY {USER_PIN} KEY SHIFT");
    assert_eq!(
        module.press(&keys),
        Pattern::Idle,
        "asleep to all but SHIFT"
    );
    assert_eq!(module.press("SHIFT:0.9s"), Pattern::Idle);
    assert_eq!(module.press("SHIFT:1s"), Pattern::Standby);
    module.pass(29_000);
    module.press(&format!("KEY {WRONG_PIN} KEY"));
    module.pass(29_000);
    assert_eq!(module.leds(), Pattern::Standby, "keys keep it awake");
    module.unlock_admin();
}

#[test]
fn a_plug_wakes_a_module() {
    let mut module = configured();
    module.link(Link::Unplugged);
    module.pass(31_000);
    assert_eq!(module.leds(), Pattern::Idle);
    module.link(Link::Plugged);
    assert_eq!(module.leds(), Pattern::Standby);
}

#[test]
fn shipment_does_not_sleep_and_keeps_its_display() {
    let mut module = shipment();
    module.link(Link::Unplugged);
    module.pass(300_000);
    assert_eq!(module.leds(), Pattern::Shipment);
}

#[test]
fn unlocked_before_it_is_plugged_in_it_waits_thirty_seconds() {
    let mut module = configured();
    for unlock in [Module::unlock_admin, Module::unlock_user] {
        module.link(Link::Unplugged);
        unlock(&mut module);
        module.pass(30_000);
        assert_eq!(module.leds(), Pattern::Unlocked);
        module.pass(TICK);
        assert_eq!(module.leds(), Pattern::Standby);

        unlock(&mut module);
        module.pass(29_000);
        module.link(Link::Plugged);
        module.pass(300_000);
        assert_eq!(module.leds(), Pattern::Unlocked, "plugged in, it stays so");
    }
}

#[test]
fn unplugging_locks_from_every_open_state() {
    let mut module = configured();
    for keys in [
        format!("KEY {ADMIN_PIN} KEY"),
        format!("SHIFT+KEY {USER_PIN} KEY"),
        format!("KEY+1 {ADMIN_PIN} KEY"),
        format!("KEY+1 {ADMIN_PIN} KEY KEY+3 2468"),
    ] {
        module.press(&keys);
        module.link(Link::Unplugged);
        assert_eq!(module.leds(), Pattern::Standby, "{keys}");
        assert_eq!(lock_state(&mut module), LockState::Locked);
        module.link(Link::Plugged);
    }
}

#[test]
fn a_reset_of_the_link_never_locks_and_ends_what_runs_over_apdus() {
    let root = Root::generate("Test root").unwrap();
    let (mut master, mut secondary) = pair(&root);
    let grant = granted(&mut master, &mut secondary);
    assert_eq!(master.leds(), Pattern::Cloning);
    assert_eq!(secondary.leds(), Pattern::Cloning);
    master.link(Link::Reset);
    secondary.link(Link::Reset);
    assert_eq!(master.leds(), Pattern::Unlocked);
    assert_eq!(secondary.leds(), Pattern::Shipment);
    let refusal = secondary.command(ins::CONSENT, 0, &grant);
    assert_eq!(refusal, Err(Status::OutOfOrder));
    let refusal = master.command(ins::CYCLE_END, 0, &[]);
    assert_eq!(refusal, Err(Status::OutOfOrder));

    for keys in [
        format!("SHIFT+KEY {USER_PIN} KEY"),
        format!("KEY+1 {ADMIN_PIN} KEY"),
    ] {
        super::replug(&mut master);
        let open = master.press(&keys);
        master.link(Link::Reset);
        assert_eq!(master.leds(), open);
    }
}

#[test]
fn unplugging_ends_the_runs_of_both_sides() {
    let root = Root::generate("Test root").unwrap();
    let (mut master, mut secondary) = pair(&root);
    let grant = granted(&mut master, &mut secondary);
    super::replug(&mut secondary);
    assert_eq!(secondary.leds(), Pattern::Shipment);
    let refusal = secondary.command(ins::CONSENT, 0, &grant);
    assert_eq!(refusal, Err(Status::OutOfOrder));
    master.link(Link::Unplugged);
    assert_eq!(master.leds(), Pattern::Standby);
}

#[test]
fn a_run_ends_thirty_seconds_after_its_last_message() {
    let root = Root::generate("Test root").unwrap();
    let (mut master, mut secondary) = pair(&root);
    let offer = relay::step(&mut master, &mut secondary, 0, Message::Offer, &[]).unwrap();
    secondary.pass(30_000);
    let grant = relay::step(&mut master, &mut secondary, 0, Message::Grant, &offer).unwrap();
    let consent = relay::step(&mut master, &mut secondary, 0, Message::Consent, &grant).unwrap();
    master.pass(30_000);
    let parcel = relay::step(&mut master, &mut secondary, 0, Message::Parcel, &consent).unwrap();
    assert_eq!(
        master.leds(),
        Pattern::Unlocked,
        "the master's part is over"
    );
    secondary.pass(30_000);
    assert_eq!(secondary.leds(), Pattern::Cloning);
    relay::step(&mut master, &mut secondary, 0, Message::Receipt, &parcel).unwrap();
    assert_eq!(secondary.leds(), Pattern::Standby);

    let mut late = Bench::new("SECOND-2", &root);
    let grant = granted(&mut master, &mut late);
    late.pass(30_000 + TICK);
    assert_eq!(late.leds(), Pattern::Shipment);
    let refusal = late.command(ins::CONSENT, 0, &grant);
    assert_eq!(refusal, Err(Status::OutOfOrder));

    let grant = granted(&mut master, &mut late);
    let consent = late.command(ins::CONSENT, 0, &grant).unwrap();
    master.pass(30_000 + TICK);
    assert_eq!(master.leds(), Pattern::Unlocked);
    let refusal = master.command(ins::PARCEL, 0, &consent);
    assert_eq!(refusal, Err(Status::OutOfOrder));
    late.pass(30_000 + TICK);
    assert_eq!(settled(&mut late), Pattern::Shipment);
}

/// A master with its cycle begun, and a module in Shipment.
fn pair(root: &Root) -> (Module, Module) {
    let mut master = Bench::new("MASTER-1", root);
    master.set_up();
    master.unlock_admin();
    relay::begin(&mut master, Options::default(), 2).unwrap();
    (master, Bench::new("SECOND-1", root))
}

/// A run up to its Grant.
fn granted(master: &mut Module, secondary: &mut Module) -> Vec<u8> {
    let offer = secondary.command(ins::OFFER, 0, &[]).unwrap();
    master.command(ins::GRANT, 0, &offer).unwrap()
}
