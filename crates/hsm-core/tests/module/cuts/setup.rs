//! The power cut at every write of what is typed on the keypad, and stores that are not the one that was written last.

use crate::Crypto;
use hsm_core::leds::Pattern;
use hsm_factory::{Profile, Root};
use hsm_protocol::{
    EpochName, Status,
    command::{DataUnits, ins},
    identity::LockState,
    settings::{ModuleStatus, Role},
};
use hsm_testbench::{
    ADMIN_PIN, Bench, RECOVERY_PIN, SELF_DESTRUCT_PIN, USER_PIN,
    board::{Cut, Recorded},
    files, is_thorough, letters, relay,
};

const NEW_ADMIN_PIN: &str = "97531864";
const POLICY_PIN: &str = "13572468 SHIFT+1";
const OWN_PIN: &str = "86429753 SHIFT+3";

/// What anyone can find out about a module that is powered up, PINs in hand.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Observed {
    lock: LockState,
    opens: Vec<Option<ModuleStatus>>,
    /// Whether the Self-Destruct PIN unlocks, and the Recovery PIN leads on.
    acts: [Pattern; 2],
    /// The User attempt limit, read out with either Admin PIN.
    limits: [Pattern; 2],
}

#[test]
fn a_power_cut_at_any_write_of_a_step_on_the_keypad_leaves_old_or_new() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<Crypto>::new("MODULE-1", &root);
    let (mut tried, mut found_old, mut found_new) = (0, 0, 0);
    for (name, keys) in steps() {
        let old = observe(&module);
        let mut uncut = module.duplicate();
        uncut.flash.cut(Cut::Before(u32::MAX));
        uncut.press(&keys);
        let operations = uncut.flash.operations();
        assert!(operations > 0, "{name}");
        let new = observe(&uncut);
        for cut in Cut::every(operations) {
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

/// What is typed, one after the other: everything that a keypad can store.
fn steps() -> Vec<(&'static str, String)> {
    let twice = |chord: &str, pin: &str| format!("{chord} {pin} KEY {pin} KEY");
    let first = |keys: String| format!("KEY+1 {ADMIN_PIN} KEY {keys}");
    let admin = |keys: &str| format!("KEY+1 {NEW_ADMIN_PIN} KEY {keys}");
    let user = format!("SHIFT+KEY {POLICY_PIN} KEY");
    let recovery = admin(&twice("KEY+4", RECOVERY_PIN));
    let destruction = admin(&twice("KEY+6", SELF_DESTRUCT_PIN));
    vec![
        ("first Admin PIN", twice("SHIFT+1", ADMIN_PIN)),
        ("User PIN", first(twice("KEY+3", USER_PIN))),
        ("Admin PIN", first(twice("KEY+2", NEW_ADMIN_PIN))),
        ("auto-lock", admin("KEY+5 42 SHIFT")),
        ("policy", admin("KEY+7 081 SHIFT")),
        ("User PIN by policy", admin(&twice("KEY+3", POLICY_PIN))),
        ("cloning", admin("KEY+8 1 SHIFT")),
        ("mode", admin("KEY+9 2 SHIFT")),
        ("limit", admin("7+0 04 SHIFT")),
        ("Recovery PIN", recovery.clone()),
        ("Self-Destruct PIN", destruction.clone()),
        (
            "unlock as Administrator",
            format!("KEY {NEW_ADMIN_PIN} KEY"),
        ),
        ("unlock as User", user.clone()),
        (
            "User PIN by its User",
            format!("{user} {}", twice("KEY+4", OWN_PIN)),
        ),
        ("no User PIN", admin("SHIFT+3 SHIFT+3")),
        (
            "recovery",
            format!("KEY+4 {RECOVERY_PIN} KEY {POLICY_PIN} KEY {POLICY_PIN} KEY"),
        ),
        ("Recovery PIN again", recovery),
        ("no Recovery PIN", admin("SHIFT+4 SHIFT+4")),
        ("no Self-Destruct PIN", admin("SHIFT+6 SHIFT+6")),
        ("Self-Destruct PIN again", destruction),
        (
            "self-destruction",
            format!("SHIFT+KEY {SELF_DESTRUCT_PIN} KEY"),
        ),
        ("reset", "0:1s 2+7".into()),
        ("next Admin PIN", twice("SHIFT+1", NEW_ADMIN_PIN)),
    ]
}

#[test]
fn a_power_cut_at_any_write_of_manufacture_leaves_a_module_that_can_still_be_made() {
    let root = Root::generate("Test root").unwrap();
    let make = |bench: &mut Bench<Crypto>| bench.certify(&root, Profile { is_virtual: true });
    let mut uncut = Bench::bare("MODULE-1");
    uncut.flash.cut(Cut::Before(u32::MAX));
    make(&mut uncut).unwrap();
    let operations = uncut.flash.operations();
    for cut in Cut::every(operations) {
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
    let mut module = Bench::<Crypto>::new("MODULE-1", &root);
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
fn a_store_in_another_module_opens_with_none_of_the_four_pins() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<Crypto>::new("MODULE-1", &root);
    module.set_all_pins();
    assert_bound_to_its_chip(&module, "MODULE-2");
}

#[test]
fn all_four_pins_work_on_a_clone_under_its_own_secret_and_under_no_other() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Bench::<Crypto>::new("MASTER-1", &root);
    let mut clone = Bench::<Crypto>::new("SECOND-1", &root);
    master.set_all_pins();
    master.unlock_admin();
    relay::begin(&mut master, hsm_protocol::cloning::Options::default(), 1).unwrap();
    relay::run(&mut master, &mut clone, 0, |_, _| {}).receipt();
    assert_bound_to_its_chip(&clone, "MASTER-1");
    assert_bound_to_its_chip(&master, "SECOND-1");
}

/// With its own secret the store opens with each of the four PINs; with another secret no PIN opens it, and no command is
/// answered.
fn assert_bound_to_its_chip(module: &Bench<Crypto>, other: &str) {
    for (keys, opened) in [
        (format!("KEY {ADMIN_PIN} KEY"), Pattern::Unlocked),
        (format!("SHIFT+KEY {USER_PIN} KEY"), Pattern::Unlocked),
        (format!("KEY+4 {RECOVERY_PIN} KEY"), Pattern::AwaitingNew),
        (
            format!("SHIFT+KEY {SELF_DESTRUCT_PIN} KEY"),
            Pattern::Unlocked,
        ),
    ] {
        let over = |serial| Bench::<Crypto>::over(serial, module.flash.copy(), Recorded::default());
        assert_eq!(over(module.serial()).press(&keys), opened);
        assert_eq!(over(other).press(&keys), Pattern::Fault);
        assert_refuses_everything(&mut over(other));
    }
}

#[test]
fn no_changed_byte_of_a_store_is_taken() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Bench::<Crypto>::new("MODULE-1", &root);
    module.set_up();
    letters::letterbox(&mut module).unwrap();
    let blob = module.flash.blob();
    let (mut at_power_up, mut at_unlock, mut at_the_journal) = (0, 0, 0);
    // Every part of a store is under one tag. Every eighth byte stands for the others, and those at both ends for edges.
    let is_edge = |place| place < 64 || place + 64 >= blob.len();
    let places = (0..blob.len()).filter(|place| is_thorough() || is_edge(*place) || place % 8 == 3);
    for place in places {
        let flash = module.flash.copy();
        let mut changed = blob.clone();
        changed[place] ^= 1;
        flash.set_blob(changed);
        let mut bench = Bench::<Crypto>::over("MODULE-1", flash, Recorded::default());
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
        "{} of {} bytes changed: {at_power_up} seen at power-up, {at_unlock} at the unlock, {at_the_journal} at the journal",
        at_power_up + at_unlock + at_the_journal,
        blob.len()
    );
}

fn assert_refuses_everything(module: &mut Bench<Crypto>) {
    assert_eq!(module.leds(), Pattern::Fault);
    for instruction in ins::ALL {
        let data = match instruction {
            ins::IDENTITY | ins::FILE_RECIPIENT | ins::TEAM => vec![7; 32],
            ins::CIPHER => {
                let mut units = [1; DataUnits::HEADER + 16];
                (units[EpochName::SIZE], units[EpochName::SIZE + 1]) = (0, 16);
                units.to_vec()
            }
            ins::FILE_BEGIN => files::CHUNK_SIZE.to_vec(),
            ins::FILE_SEAL => files::seal_command(module),
            ins::FILE_OPEN => files::open_command(module),
            ins::FILE_UNWRAP => files::unwrap_command(module),
            ins::FILE_IDENTIFY => files::identify_command(module, 0),
            ins::CYCLE_BEGIN => vec![0, 0, 1],
            ins::INSTALL | ins::TICKET_PRESENT => vec![0, 0],
            ins::POLICY => vec![0],
            ins::TICKET_WITHDRAW => vec![7; 16],
            _ => Vec::new(),
        };
        let answer = module.command(instruction, 0, &data);
        if instruction == ins::SELF_TEST {
            assert!(answer.is_ok());
        } else {
            assert_eq!(answer, Err(Status::MemoryFailure), "{instruction:02X}");
        }
    }
    for keys in ["KEY", "SHIFT+1", "SHIFT:1s"] {
        module.press(keys);
        module.pass(2_000);
        assert_eq!(module.leds(), Pattern::Fault);
    }
}

fn observe(module: &Bench<Crypto>) -> Observed {
    // Each on a separate copy: no guess counts.
    let shown = |keys: String| module.duplicate().press(&keys);
    let doors = [
        (Role::Administrator, format!("KEY {ADMIN_PIN} KEY")),
        (Role::Administrator, format!("KEY {NEW_ADMIN_PIN} KEY")),
        (Role::User, format!("SHIFT+KEY {USER_PIN} KEY")),
        (Role::User, format!("SHIFT+KEY {POLICY_PIN} KEY")),
        (Role::User, format!("SHIFT+KEY {OWN_PIN} KEY")),
    ];
    let opens = doors.map(|(role, keys)| {
        let mut module = module.duplicate();
        let unlocked = module.press(&keys) == Pattern::Unlocked;
        let status = unlocked.then(|| module.status())?;
        assert_eq!(status.role, role);
        Some(status)
    });
    Observed {
        lock: module.duplicate().lock_state(),
        opens: opens.to_vec(),
        acts: [
            shown(format!("SHIFT+KEY {SELF_DESTRUCT_PIN} KEY")),
            shown(format!("KEY+4 {RECOVERY_PIN} KEY")),
        ],
        limits: [ADMIN_PIN, NEW_ADMIN_PIN].map(|pin| shown(format!("KEY+1 {pin} KEY 2+0 KEY"))),
    }
}

/// A group that is made again is another one.
fn without_group(mut observed: Observed) -> Observed {
    for status in observed.opens.iter_mut().flatten() {
        status.group = [0; 16];
        status.epoch.check = [0; 8];
    }
    observed
}
