//! What a clone takes over, by option, and what it keeps; when a master is disabled.

mod pins;
mod refusals;

use crate::Crypto;
use hsm_core::leds::Pattern;
use hsm_factory::{P384Verifier, Root};
use hsm_protocol::{
    Status, certificate,
    cloning::{Condition, Options},
    command::ins,
    journal::{JournalEntry, JournalPage},
    receipt::{FinishedReceipt, Item},
    settings::{EncryptionMode, ModuleStatus, UserPinPolicy},
};
use hsm_testbench::{
    ADMIN_PIN, Bench, USER_PIN,
    relay::{self, Message},
};

type Module = Bench<Crypto>;

/// A used secondary's own PINs.
const OWN_ADMIN_PIN: &str = "97531864";
const OWN_USER_PIN: &str = "8642975310864 SHIFT+2";

/// A PIN that was never set.
const WRONG_PIN: &str = "1122334";

const MASTER_AUTO_LOCK: Option<u8> = Some(30);
const OWN_AUTO_LOCK: Option<u8> = Some(45);
const MASTER_POLICY: Option<UserPinPolicy> = Some(policy(8, false));
const OWN_POLICY: Option<UserPinPolicy> = Some(policy(12, true));

/// One row of the table.
#[derive(Clone, Copy, Debug)]
struct Case {
    options: Options,
    /// Whether the master has an auto-lock and a policy set.
    master_auto_lock: bool,
    master_policy: bool,
    /// Whether the secondary is in use, with other settings.
    is_used: bool,
}

impl Case {
    fn all() -> impl Iterator<Item = Self> {
        (0..32_u8).map(|bits| {
            let bit = |place: u8| bits & (1_u8 << place) != 0;
            Self {
                options: Options {
                    auto_lock: bit(0),
                    user_pin_policy: bit(1),
                    disable_master: false,
                },
                master_auto_lock: bit(2),
                master_policy: bit(3),
                is_used: bit(4),
            }
        })
    }

    const fn copies_auto_lock(self) -> bool {
        self.options.auto_lock && self.master_auto_lock
    }

    const fn copies_policy(self) -> bool {
        self.options.user_pin_policy && self.master_policy
    }

    fn auto_lock(self) -> Option<u8> {
        if self.copies_auto_lock() {
            MASTER_AUTO_LOCK
        } else {
            OWN_AUTO_LOCK.filter(|_| self.is_used)
        }
    }

    fn policy(self) -> Option<UserPinPolicy> {
        if self.copies_policy() {
            MASTER_POLICY
        } else {
            OWN_POLICY.filter(|_| self.is_used)
        }
    }

    /// A master as the row asks, unlocked. It enciphers with ECB, so that a mode that was not copied shows.
    fn master(self, root: &Root) -> Module {
        let mut master = Bench::new("MASTER-1", root);
        master.set_up();
        master.press(&format!("KEY+1 {ADMIN_PIN} KEY KEY+9 2 SHIFT"));
        if self.master_auto_lock {
            master.press("KEY+5 30 SHIFT");
        }
        if self.master_policy {
            master.press("KEY+7 080 SHIFT");
            set_user_pin(&mut master, USER_PIN);
        }
        master.press("SHIFT:1s");
        master.unlock_admin();
        master
    }

    fn secondary(self, root: &Root) -> Module {
        if self.is_used {
            used(root)
        } else {
            Bench::new("SECOND-1", root)
        }
    }
}

#[test]
fn every_combination_of_options_gives_the_clone_what_the_table_says() {
    let root = Root::generate("Test root").unwrap();
    for case in Case::all() {
        let mut master = case.master(&root);
        let mut clone = case.secondary(&root);
        relay::begin(&mut master, case.options, 1).unwrap();
        let receipt = relay::run(&mut master, &mut clone, 0, |_, _| {}).receipt();
        assert_eq!(clone.leds(), Pattern::Standby, "locked after the commit");
        check_receipt(case, &receipt, &root);

        // Nine failures before the run and nine after it do not add up.
        for _ in 0..9 {
            clone.press(&format!("SHIFT+KEY {WRONG_PIN} KEY"));
        }
        clone.unlock_user();
        assert_eq!(clone.status().policy, case.policy());
        relock(&mut clone);
        for _ in 0..4 {
            clone.press(&format!("KEY {WRONG_PIN} KEY"));
        }
        clone.unlock_admin();
        check_status(case, clone.status(), master.status());
        let journal = clone.command(ins::JOURNAL, 0, &[]).unwrap();
        let journal = JournalPage::<JournalEntry>::parse(&journal).unwrap();
        let cloned: Vec<_> = journal.listed().map(|entry| entry.serial).collect();
        let expected: &[&str] = if case.is_used { &["SECOND-9"] } else { &[] };
        assert_eq!(journal.summary.total, u64::from(case.is_used));
        assert!(
            cloned
                .iter()
                .map(hsm_protocol::Serial::as_str)
                .eq(expected.iter().copied())
        );

        for own in [
            format!("KEY {OWN_ADMIN_PIN} KEY"),
            format!("SHIFT+KEY {OWN_USER_PIN} KEY"),
        ] {
            relock(&mut clone);
            assert_eq!(clone.press(&own), Pattern::Refused, "{case:?}");
        }
    }
}

fn check_status(case: Case, clone: ModuleStatus, master: ModuleStatus) {
    assert_eq!(clone.group, master.group, "{case:?}");
    assert_eq!(clone.epoch, master.epoch, "{case:?}");
    assert_eq!(clone.mode, EncryptionMode::Ecb, "{case:?}");
    assert_eq!(clone.auto_lock, case.auto_lock(), "{case:?}");
    assert_eq!(clone.policy, case.policy(), "{case:?}");
    let admin = clone.admin.unwrap();
    assert!(!admin.cloning, "a clone is no master: {case:?}");
    assert!(admin.user_pin, "{case:?}");
}

fn check_receipt(case: Case, receipt: &[u8], root: &Root) {
    let trusted = certificate::Root::parse(root.certificate_der()).unwrap();
    let receipt = FinishedReceipt::parse(receipt).unwrap();
    let verified = receipt.verify::<P384Verifier>(&trusted).unwrap();
    let statement = verified.statement();
    assert_eq!(statement.cycle.options, case.options);
    let condition = if case.is_used {
        Condition::Replaced
    } else {
        Condition::Shipment
    };
    assert_eq!(statement.condition, condition);
    let items: Vec<Item> = statement.commitments.iter().map(|(item, _)| item).collect();
    let expected: Vec<Item> = Item::ALL
        .into_iter()
        .filter(|item| match item {
            Item::AutoLock => case.copies_auto_lock(),
            Item::UserPinPolicy => case.copies_policy(),
            _ => true,
        })
        .collect();
    assert_eq!(items, expected, "{case:?}");
}

#[test]
fn a_pin_that_the_master_lacks_is_deleted() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Module::new("MASTER-1", &root);
    master.press(&format!(
        "SHIFT+1 {ADMIN_PIN} KEY {ADMIN_PIN} KEY KEY+8 1 SHIFT SHIFT:1s"
    ));
    master.unlock_admin();
    let mut clone = used(&root);
    clone_to(&mut master, &mut clone);
    let leds = clone.press(&format!("SHIFT+KEY {OWN_USER_PIN} KEY"));
    assert_eq!(leds, Pattern::Refused);
    clone.unlock_admin();
    assert!(!clone.status().admin.unwrap().user_pin);
}

#[test]
fn a_user_pin_whose_attempts_ran_out_on_the_master_is_not_cloned() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Module::new("MASTER-1", &root);
    master.set_up();
    for _ in 0..10 {
        master.press(&format!("SHIFT+KEY {WRONG_PIN} KEY"));
    }
    master.unlock_admin();
    let mut clone = Module::new("SECOND-1", &root);
    clone_to(&mut master, &mut clone);
    let leds = clone.press(&format!("SHIFT+KEY {USER_PIN} KEY"));
    assert_eq!(leds, Pattern::Refused);
    clone.unlock_admin();
    assert!(!clone.status().admin.unwrap().user_pin);
}

#[test]
fn a_reset_module_is_cloned_to_like_a_new_one() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Case::all().next().unwrap().master(&root);
    let mut clone = used(&root);
    relock(&mut clone);
    for _ in 0..10 {
        clone.press(&format!("KEY {WRONG_PIN} KEY 47867243 KEY"));
    }
    let bytes = clone_to(&mut master, &mut clone);
    let receipt = FinishedReceipt::parse(&bytes).unwrap();
    let statement = receipt.receipt.statement().unwrap();
    assert_eq!(statement.condition, Condition::Reset);
    clone.unlock_admin();
    assert_eq!(clone.status().auto_lock, None);
    assert_eq!(clone.status().policy, None);
}

#[test]
fn a_clone_whose_administrator_enables_cloning_serves_as_a_master() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Case::all().next().unwrap().master(&root);
    let mut clone = Module::new("SECOND-1", &root);
    clone_to(&mut master, &mut clone);
    clone.unlock_admin();
    let refusal = relay::begin(&mut clone, Options::default(), 1);
    assert_eq!(refusal, Err(Status::CloningDisabled));
    relock(&mut clone);
    clone.press(&format!("KEY+1 {ADMIN_PIN} KEY KEY+8 1 SHIFT SHIFT:1s"));
    clone.unlock_admin();

    let mut second = Module::new("SECOND-2", &root);
    clone_to(&mut clone, &mut second);
    second.unlock_admin();
    assert_eq!(second.status().group, master.status().group);
    // And back to the first master, which is in use.
    clone_to(&mut clone, &mut master);
    master.unlock_admin();
    assert!(!master.status().admin.unwrap().cloning);
}

#[test]
fn a_master_is_disabled_with_the_last_distinct_serial_that_is_countersigned() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Case::all().next().unwrap().master(&root);
    relay::begin(&mut master, DISABLING, 2).unwrap();
    let mut first = Module::new("SECOND-1", &root);
    let outcome = relay::run(&mut master, &mut first, 0, |_, _| {});
    let receipt = outcome.messages[4].clone();
    outcome.receipt();
    let blob = master.flash.blob();
    for _ in 0..3 {
        master.command(ins::COUNTERSIGN, 0, &receipt).unwrap();
        assert!(is_cloning(&mut master), "the same receipt counts once");
    }
    assert_eq!(master.flash.blob(), blob, "nothing new to store");

    // The same module once more, with another receipt: the same serial.
    first.unlock_admin();
    relay::run(&mut master, &mut first, 0, |_, _| {}).receipt();
    assert!(is_cloning(&mut master), "the same serial counts once");

    let mut second = Module::new("SECOND-2", &root);
    let receipt = uncountersigned(&mut master, &mut second);
    assert!(
        is_cloning(&mut master),
        "nothing counts before its Countersignature"
    );
    master.command(ins::COUNTERSIGN, 0, &receipt).unwrap();
    assert!(!is_cloning(&mut master));

    let refusal = relay::begin(&mut master, DISABLING, 2);
    assert_eq!(refusal, Err(Status::CloningDisabled));
    master
        .command(ins::COUNTERSIGN, 0, &receipt)
        .expect("a lost Countersignature is given again");
    master.power_up();
    master.unlock_admin();
    assert!(!is_cloning(&mut master), "stored");
    relock(&mut master);
    master.press(&format!("KEY+1 {ADMIN_PIN} KEY KEY+8 1 SHIFT SHIFT:1s"));
    master.unlock_admin();
    relay::begin(&mut master, Options::default(), 1).unwrap();
}

#[test]
fn a_receipt_that_an_earlier_cycle_sealed_counts_nothing_in_a_later_one() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Case::all().next().unwrap().master(&root);
    let mut secondary = Module::new("SECOND-1", &root);
    clone_to(&mut master, &mut secondary);
    relay::begin(&mut master, DISABLING, 1).unwrap();
    let receipt = secondary.command(ins::LAST_RECEIPT, 0, &[]).unwrap();
    master.command(ins::COUNTERSIGN, 0, &receipt).unwrap();
    assert!(is_cloning(&mut master));
}

#[test]
fn a_receipt_of_an_earlier_cycle_counts_in_the_one_that_seals_it() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Case::all().next().unwrap().master(&root);
    relay::begin(&mut master, DISABLING, 1).unwrap();
    let mut secondary = Module::new("SECOND-1", &root);
    uncountersigned(&mut master, &mut secondary);
    relay::begin(&mut master, DISABLING, 1).unwrap();
    let receipt = secondary.command(ins::LAST_RECEIPT, 0, &[]).unwrap();
    master.command(ins::COUNTERSIGN, 0, &receipt).unwrap();
    assert!(!is_cloning(&mut master));
}

const DISABLING: Options = Options {
    auto_lock: false,
    user_pin_policy: false,
    disable_master: true,
};

/// A module in use, unlocked by its Administrator: own PINs, settings and journal, nine wrong User PINs.
fn used(root: &Root) -> Module {
    let mut module = Module::new("SECOND-1", root);
    module.press(&format!("SHIFT+1 {OWN_ADMIN_PIN} KEY {OWN_ADMIN_PIN} KEY"));
    module.press("KEY+5 45 SHIFT KEY+7 121 SHIFT KEY+8 1 SHIFT");
    set_user_pin(&mut module, OWN_USER_PIN);
    module.press("SHIFT:1s");
    for _ in 0..9 {
        module.press(&format!("SHIFT+KEY {WRONG_PIN} KEY"));
    }
    let leds = module.press(&format!("KEY {OWN_ADMIN_PIN} KEY"));
    assert_eq!(leds, Pattern::Unlocked);
    clone_to(&mut module, &mut Module::new("SECOND-9", root));
    module
}

fn set_user_pin(module: &mut Module, pin: &str) {
    let leds = module.press(&format!("KEY+3 {pin} KEY {pin} KEY"));
    assert_eq!(leds, Pattern::Stored);
}

/// A cycle of one, without options; the finished receipt.
fn clone_to(master: &mut Module, secondary: &mut Module) -> Vec<u8> {
    relay::begin(master, Options::default(), 1).unwrap();
    relay::run(master, secondary, 0, |_, _| {}).receipt()
}

/// Runs up to the Receipt, which is not countersigned.
fn uncountersigned(master: &mut Module, secondary: &mut Module) -> Vec<u8> {
    let mut carried = Vec::new();
    for message in &Message::ALL[..5] {
        carried = relay::step(master, secondary, 0, *message, &carried).unwrap();
    }
    carried
}

fn relock(module: &mut Module) {
    module.link(hsm_core::Link::Unplugged);
    module.link(hsm_core::Link::Plugged);
}

fn is_cloning(module: &mut Module) -> bool {
    module.status().admin.unwrap().cloning
}

const fn policy(min_length: u8, needs_shift: bool) -> UserPinPolicy {
    UserPinPolicy {
        min_length,
        needs_shift,
    }
}
