//! The power cut at every write of what is typed on the keypad, and stores that are not the one that was written last.

use super::every;
use hsm_core::leds::Pattern;
use hsm_factory::{Profile, Root};
use hsm_protocol::{
    Status,
    command::ins,
    identity::LockState,
    settings::{ModuleStatus, Role},
};
use hsm_virtual::{aws_lc::AwsLc, manufacture};
use system_tests::{
    ADMIN_PIN, Bench, USER_PIN,
    board::{Cut, Recorded},
};

const NEW_ADMIN_PIN: &str = "97531864";

/// What anyone can find out about a module that is powered up, PINs in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Observed {
    lock: LockState,
    opens: Vec<Option<ModuleStatus>>,
}

#[test]
fn a_power_cut_at_any_write_of_a_step_on_the_keypad_leaves_old_or_new() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<AwsLc>::new("MODULE-1", &root);
    let admin = format!("KEY+1 {ADMIN_PIN} KEY");
    let new_admin = format!("KEY+1 {NEW_ADMIN_PIN} KEY");
    let steps = [
        (
            "first Admin PIN",
            format!("SHIFT+1 {ADMIN_PIN} KEY {ADMIN_PIN} KEY"),
        ),
        (
            "User PIN",
            format!("{admin} KEY+3 {USER_PIN} KEY {USER_PIN} KEY"),
        ),
        (
            "Admin PIN",
            format!("{admin} KEY+2 {NEW_ADMIN_PIN} KEY {NEW_ADMIN_PIN} KEY"),
        ),
        ("auto-lock", format!("{new_admin} KEY+5 42 SHIFT")),
        ("policy", format!("{new_admin} KEY+7 081 SHIFT")),
        ("User PIN by policy", {
            let pin = "13572468 SHIFT+1";
            format!("{new_admin} KEY+3 {pin} KEY {pin} KEY")
        }),
        ("cloning", format!("{new_admin} KEY+8 1 SHIFT")),
        ("mode", format!("{new_admin} KEY+9 2 SHIFT")),
        (
            "unlock as Administrator",
            format!("KEY {NEW_ADMIN_PIN} KEY"),
        ),
        ("unlock as User", "SHIFT+KEY 13572468 SHIFT+1 KEY".into()),
    ];
    let (mut tried, mut found_old, mut found_new) = (0, 0, 0);
    for (name, keys) in steps {
        let old = observe(&module);
        let mut uncut = module.duplicate();
        uncut.flash.cut(Cut::Before(u32::MAX));
        uncut.press(&keys);
        let operations = uncut.flash.operations();
        assert!(operations > 0, "{name}");
        let new = observe(&uncut);
        for cut in every(operations) {
            let mut module = module.duplicate();
            module.flash.cut(cut);
            assert_eq!(module.press(&keys), Pattern::Fault, "{name} {cut:?}");
            assert!(module.flash.was_cut());
            module.power_up();
            let found = observe(&module);
            assert!(found == old || found == new, "{name} {cut:?}: {found:?}");
            if found == old {
                found_old += 1;
                module.press(&keys);
                assert_eq!(without_group(observe(&module)), without_group(new.clone()));
            } else {
                found_new += 1;
            }
            tried += 1;
        }
        module = uncut.duplicate();
    }
    println!(
        "power cuts on the keypad: {tried} tried, {found_old} old, {found_new} new, all finished when typed again"
    );
}

#[test]
fn a_power_cut_at_any_write_of_manufacture_leaves_a_module_that_can_still_be_made() {
    let root = Root::generate("Test root").unwrap();
    let make = |bench: &mut Bench<AwsLc>| {
        manufacture::certify(bench.module(), &root, Profile { is_virtual: true })
    };
    let mut uncut = Bench::bare("MODULE-1");
    uncut.flash.cut(Cut::Before(u32::MAX));
    make(&mut uncut).unwrap();
    let operations = uncut.flash.operations();
    for cut in every(operations) {
        let mut bench = Bench::bare("MODULE-1");
        bench.flash.cut(cut);
        make(&mut bench).unwrap_err();
        bench.power_up();
        make(&mut bench).unwrap();
        assert_eq!(bench.lock_state(), LockState::Shipment);
    }
    println!(
        "power cuts in manufacture: {0} tried, {0} recovered",
        2 * operations
    );
}

#[test]
fn a_store_that_was_put_back_is_refused() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<AwsLc>::new("MODULE-1", &root);
    module.set_up();
    let before = module.flash.blob();
    module.press("SHIFT+KEY 97531864 KEY");
    let after = module.flash.blob();
    module.flash.set_blob(before);
    module.power_up();
    assert_refuses_everything(&mut module);
    module.flash.set_blob(after);
    module.power_up();
    module.unlock_user();

    module.flash.set_blob(Vec::new());
    module.power_up();
    assert_refuses_everything(&mut module);
}

#[test]
fn a_store_of_another_module_is_refused() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<AwsLc>::new("MODULE-1", &root);
    module.set_up();
    let mut thief = Bench::<AwsLc>::over("MODULE-2", module.flash.copy(), Recorded::default());
    assert_refuses_everything(&mut thief);
    let mut own = Bench::<AwsLc>::over("MODULE-1", module.flash.copy(), Recorded::default());
    own.unlock_user();
}

#[test]
fn no_changed_byte_of_a_store_is_taken() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<AwsLc>::new("MODULE-1", &root);
    module.set_up();
    let blob = module.flash.blob();
    let (mut at_power_up, mut at_unlock, mut at_the_journal) = (0, 0, 0);
    for place in 0..blob.len() {
        let flash = module.flash.copy();
        let mut changed = blob.clone();
        changed[place] ^= 1;
        flash.set_blob(changed);
        let mut bench = Bench::<AwsLc>::over("MODULE-1", flash, Recorded::default());
        if bench.leds() == Pattern::Fault {
            at_power_up += 1;
        } else if bench.press(&format!("KEY {ADMIN_PIN} KEY")) == Pattern::Fault {
            at_unlock += 1;
        } else {
            let refused = bench.command(ins::JOURNAL, 0, &[]);
            assert_eq!(refused, Err(Status::MemoryFailure), "{place}");
            at_the_journal += 1;
        }
    }
    println!(
        "{} bytes changed: {at_power_up} seen at power-up, {at_unlock} at the unlock, {at_the_journal} at the journal",
        blob.len()
    );
}

fn assert_refuses_everything(module: &mut Bench<AwsLc>) {
    assert_eq!(module.leds(), Pattern::Fault);
    for instruction in ins::ALL {
        let data: &[u8] = match instruction {
            ins::IDENTITY => &[7; 32],
            ins::CIPHER => &[
                0, 0, 0, 1, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                1, 1, 1,
            ],
            ins::CYCLE_BEGIN => &[0, 0, 1],
            ins::INSTALL => &[0, 0],
            _ => &[],
        };
        assert_eq!(
            module.command(instruction, 0, data),
            Err(Status::MemoryFailure),
            "{instruction:02X}"
        );
    }
    for keys in ["KEY", "SHIFT+1", "SHIFT:1s"] {
        module.press(keys);
        module.pass(2_000);
        assert_eq!(module.leds(), Pattern::Fault);
    }
}

fn observe(module: &Bench<AwsLc>) -> Observed {
    let doors = [
        (Role::Administrator, format!("KEY {ADMIN_PIN} KEY")),
        (Role::Administrator, format!("KEY {NEW_ADMIN_PIN} KEY")),
        (Role::User, format!("SHIFT+KEY {USER_PIN} KEY")),
        (Role::User, "SHIFT+KEY 13572468 SHIFT+1 KEY".into()),
    ];
    let opens = doors.map(|(role, keys)| {
        // Each on a copy of its own: no guess counts.
        let mut module = module.duplicate();
        let unlocked = module.press(&keys) == Pattern::Unlocked;
        let status = unlocked.then(|| module.status())?;
        assert_eq!(status.role, role);
        Some(status)
    });
    Observed {
        lock: module.duplicate().lock_state(),
        opens: opens.to_vec(),
    }
}

/// A group that is made again is another one.
fn without_group(mut observed: Observed) -> Observed {
    for status in observed.opens.iter_mut().flatten() {
        status.group = [0; 16];
    }
    observed
}
