//! All four PINs and the attempt limit, over every combination of the options, of settings that the master has, and of a
//! secondary that is fresh or in use: the master's PINs replace the secondary's wholly, and work under its own secret.

use super::{
    ADMIN_PIN, Case, Module, OWN_ADMIN_PIN, OWN_USER_PIN, Options, Pattern, Root, USER_PIN,
    WRONG_PIN, relay, relock, set_user_pin,
};
use hsm_core::{Link, leds::ReadOut};
use hsm_protocol::{receipt::FinishedReceipt, settings::AdminStatus};
use hsm_testbench::{RECOVERY_PIN, SELF_DESTRUCT_PIN};

const OWN_RECOVERY_PIN: &str = "15926535";
const OWN_SELF_DESTRUCT_PIN: &str = "18284590";

/// Which PINs the master has besides the Admin PIN, and how many User PINs may be wrong.
#[derive(Clone, Copy, Debug)]
struct Pins {
    user: bool,
    recovery: bool,
    self_destruct: bool,
    limit: u8,
}

impl Pins {
    fn all() -> impl Iterator<Item = Self> {
        (0..16_u8).map(|bits| Self {
            user: bits & 1 != 0,
            recovery: bits & 2 != 0,
            self_destruct: bits & 4 != 0,
            limit: if bits & 8 != 0 { 3 } else { 10 },
        })
    }

    /// What is typed into a locked module, what it shows then, and whether the master has that PIN.
    fn entries(self) -> [(String, Pattern, bool); 4] {
        let (unlocked, recovering) = (Pattern::Unlocked, Pattern::AwaitingNew);
        [
            (format!("KEY {ADMIN_PIN} KEY"), unlocked, true),
            (format!("SHIFT+KEY {USER_PIN} KEY"), unlocked, self.user),
            (
                format!("SHIFT+KEY {SELF_DESTRUCT_PIN} KEY"),
                unlocked,
                self.self_destruct,
            ),
            (
                format!("KEY+4 {RECOVERY_PIN} KEY"),
                recovering,
                self.recovery,
            ),
        ]
    }

    /// Gives a master as the row of settings asks these PINs and no other; ends locked.
    fn set(self, master: &mut Module) {
        relock(master);
        master.press(&format!("KEY+1 {ADMIN_PIN} KEY"));
        let mut stores = |keys: &str| assert_eq!(master.press(keys), Pattern::Stored, "{keys}");
        if !self.user {
            stores("SHIFT+3 SHIFT+3");
        }
        if self.recovery {
            stores(&format!("KEY+4 {RECOVERY_PIN} KEY {RECOVERY_PIN} KEY"));
        }
        if self.self_destruct {
            stores(&format!(
                "KEY+6 {SELF_DESTRUCT_PIN} KEY {SELF_DESTRUCT_PIN} KEY"
            ));
        }
        if self.limit != 10 {
            stores(&format!("7+0 {:02} SHIFT", self.limit));
        }
        assert_eq!(master.press("SHIFT:1s"), Pattern::Standby);
    }
}

#[test]
fn every_combination_gives_the_clone_the_masters_pins_and_limit_and_no_other() {
    let root = Root::generate("Test root").unwrap();
    let mut tried = 0;
    let used = used(&root);
    let fresh = Module::new("SECOND-1", &root);
    let settings = Case::all().filter(|case| !case.is_used && case.options == Options::default());
    for configured in settings {
        for pins in Pins::all() {
            let mut master = configured.master(&root);
            pins.set(&mut master);
            let rows = Case::all().filter(|case| {
                (case.master_auto_lock, case.master_policy)
                    == (configured.master_auto_lock, configured.master_policy)
            });
            for case in rows {
                let mut master = master.duplicate();
                master.unlock_admin();
                let mut clone = if case.is_used { &used } else { &fresh }.duplicate();
                if case.is_used {
                    clone.press(&format!("KEY {OWN_ADMIN_PIN} KEY"));
                }
                relay::begin(&mut master, case.options, 1).unwrap();
                let receipt = relay::run(&mut master, &mut clone, 0, |_, _| {}).receipt();
                FinishedReceipt::parse(&receipt).unwrap();
                check(case, pins, &clone);
                tried += 1;
            }
        }
    }
    println!("clones: {tried} combinations of options, settings, PINs and limit");
}

fn check(case: Case, pins: Pins, clone: &Module) {
    let shown = |keys: &str| clone.duplicate().press(keys);
    for (keys, opened, is_set) in pins.entries() {
        let expected = if is_set { opened } else { Pattern::Refused };
        assert_eq!(shown(&keys), expected, "{keys} {pins:?} {case:?}");
    }
    for own in [
        format!("KEY {OWN_ADMIN_PIN} KEY"),
        format!("SHIFT+KEY {OWN_USER_PIN} KEY"),
        format!("SHIFT+KEY {OWN_SELF_DESTRUCT_PIN} KEY"),
        format!("KEY+4 {OWN_RECOVERY_PIN} KEY"),
    ] {
        assert_eq!(shown(&own), Pattern::Refused, "{own} {pins:?} {case:?}");
    }
    let limit = ReadOut {
        tens: pins.limit / 10,
        units: pins.limit % 10,
        flag: false,
    };
    assert_eq!(
        shown(&format!("KEY+1 {ADMIN_PIN} KEY 2+0 KEY")),
        Pattern::ReadOut(limit),
        "{pins:?} {case:?}"
    );
    // Counters start at zero, whatever they were: one attempt less than the limit is still there.
    let mut counting = clone.duplicate();
    for _ in 1..pins.limit {
        counting.press(&format!("SHIFT+KEY {WRONG_PIN} KEY"));
    }
    for _ in 1..5 {
        counting.press(&format!("KEY+4 {WRONG_PIN} KEY"));
    }
    for (keys, opened, is_set) in pins.entries() {
        if is_set {
            assert_eq!(counting.duplicate().press(&keys), opened, "{keys} {pins:?}");
        }
    }
    let mut clone = clone.duplicate();
    clone.unlock_admin();
    let expected = AdminStatus {
        cloning: false,
        user_pin: pins.user,
        recovery_pin: pins.recovery,
        self_destruct_pin: pins.self_destruct,
    };
    assert_eq!(clone.status().admin, Some(expected), "{case:?}");
}

#[test]
fn a_recovery_pin_that_was_used_up_or_ran_out_on_the_master_is_not_cloned() {
    let root = Root::generate("Test root").unwrap();
    for lose in [
        format!("KEY+4 {RECOVERY_PIN} KEY 86420975 KEY 86420975 KEY"),
        format!("KEY+4 {WRONG_PIN} KEY ").repeat(5),
    ] {
        let mut master = Module::new("MASTER-1", &root);
        master.set_all_pins();
        master.press(&lose);
        master.unlock_admin();
        let mut clone = Module::new("SECOND-1", &root);
        super::clone_to(&mut master, &mut clone);
        let leds = clone.press(&format!("KEY+4 {RECOVERY_PIN} KEY"));
        assert_eq!(leds, Pattern::Refused);
        clone.unlock_admin();
        assert!(!clone.status().admin.unwrap().recovery_pin);
    }
}

#[test]
fn a_clone_destroys_itself_and_its_master_keeps_everything() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Module::new("MASTER-1", &root);
    master.set_all_pins();
    master.unlock_admin();
    let mut clone = Module::new("SECOND-1", &root);
    super::clone_to(&mut master, &mut clone);
    let leds = clone.press(&format!("SHIFT+KEY {SELF_DESTRUCT_PIN} KEY"));
    assert_eq!(leds, Pattern::Unlocked);
    assert_ne!(clone.status().group, master.status().group);
    relock(&mut clone);
    let leds = clone.press(&format!("SHIFT+KEY {USER_PIN} KEY"));
    assert_eq!(leds, Pattern::Refused);
    relock(&mut master);
    master.unlock_user();
    // It is a secondary again only after a reset.
    clone.press("0:1s 2+7");
    relock(&mut master);
    master.unlock_admin();
    super::clone_to(&mut master, &mut clone);
    clone.unlock_user();
    assert_eq!(clone.status().group, master.status().group);
}

/// A locked module in use with all four PINs and a limit of its own, and attempts of each kind spent.
fn used(root: &Root) -> Module {
    let mut module = super::used(root);
    module.link(Link::Unplugged);
    module.link(Link::Plugged);
    module.press(&format!("KEY+1 {OWN_ADMIN_PIN} KEY 7+0 06 SHIFT"));
    for (chord, pin) in [
        ("KEY+4", OWN_RECOVERY_PIN),
        ("KEY+6", OWN_SELF_DESTRUCT_PIN),
    ] {
        let leds = module.press(&format!("{chord} {pin} KEY {pin} KEY"));
        assert_eq!(leds, Pattern::Stored);
    }
    set_user_pin(&mut module, OWN_USER_PIN);
    assert_eq!(module.press("SHIFT:1s"), Pattern::Standby);
    for _ in 0..4 {
        for chord in ["SHIFT+KEY", "KEY+4"] {
            module.press(&format!("{chord} {WRONG_PIN} KEY"));
        }
    }
    module
}
