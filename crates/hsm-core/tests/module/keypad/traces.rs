//! What a board sees of an entry on the User's path: which call, how long, in which order. The right User PIN and the
//! Self-Destruct PIN give one and the same; so does whatever is done with either module afterwards.

use super::{Pattern, UNBLOCK, WRONG_PIN};
use crate::Crypto;
use hsm_core::{BLOB, Link};
use hsm_factory::Root;
use hsm_protocol::{cloning::Options, command::ins};
use hsm_testbench::{
    ADMIN_PIN, Bench, SELF_DESTRUCT_PIN, USER_PIN,
    board::{Flash, Recorded},
    observed::{Counter, Observed},
    relay,
    trace::{self, Call},
};

type Module = Bench<Observed<Crypto>>;

const USER: &str = "SHIFT+KEY 13572468 KEY";
const SELF_DESTRUCT: &str = "SHIFT+KEY 27182818 KEY";
const WRONG: &str = "SHIFT+KEY 97531864 KEY";

#[test]
fn the_self_destruct_pin_leaves_the_same_trace_as_the_user_pin() {
    for (name, module) in scenes() {
        let (user, destroyed) = (Trace::of(&module, USER), Trace::of(&module, SELF_DESTRUCT));
        assert_eq!(user.shown, [Pattern::Unlocked], "{name}");
        assert_eq!(user, destroyed, "{name}");
        assert_eq!(trace::count(&user.calls, "stretch"), 1, "{name}");
        assert_eq!(trace::count(&user.calls, "unwrap"), 2, "{name}");
        assert_eq!(trace::count(&user.calls, "replace"), 3, "{name}");
        assert_eq!(trace::count(&user.calls, "destroy"), 1, "{name}");
    }
}

#[test]
fn damaged_csps_neither_prevent_the_self_destruction_nor_tell_the_pins_apart_before_it() {
    for (name, mut module) in scenes() {
        damage_csps(&mut module);
        let (user, destroyed) = (Trace::of(&module, USER), Trace::of(&module, SELF_DESTRUCT));
        assert_eq!(user.shown, [Pattern::Fault], "{name}");
        assert_eq!(destroyed.shown, [Pattern::Unlocked], "{name}");
        // Only what is left after the destruction is opened besides.
        let (common, _opening) = destroyed.calls.split_at(destroyed.calls.len() - 2);
        assert_eq!(user.calls, common, "{name}");
        assert_eq!(trace::count(common, "destroy"), 1, "{name}");
    }
}

#[test]
fn damaged_csps_give_no_attempt_back() {
    let root = Root::generate("Test root").unwrap();
    let mut module = Module::new("MODULE-1", &root);
    module.set_all_pins();
    for (right, attempts) in [
        (USER, 10),
        ("KEY 24681357 KEY", 5),
        ("KEY+4 31415926 KEY", 5),
    ] {
        let mut module = module.duplicate();
        damage_csps(&mut module);
        for _ in 0..attempts {
            assert_eq!(module.press(right), Pattern::Fault, "{right}");
            module.power_up();
        }
        // The same bit again: they are as they were.
        damage_csps(&mut module);
        let slots_tried = Counter::slots_tried();
        module.press(right);
        assert_eq!(Counter::slots_tried(), slots_tried, "{right}");
        let leds = module.leds();
        let closed = [Pattern::Refused, Pattern::AdminBlocked];
        assert!(closed.contains(&leds), "{right}: {leds:?}");
    }
}

/// Flips a bit of the CSPs in flash, as who holds the module can: the tag that the device part knows stays.
fn damage_csps(module: &mut Module) {
    // Behind them are their tag, and the journal with its salt and tag (docs/STORE.md).
    let last = BLOB - (32 + 19_321 + 16) - 16 - 1;
    let mut blob = module.flash.blob();
    blob[last] ^= 1;
    module.flash.set_blob(blob);
    module.power_up();
}

#[test]
fn what_is_done_afterwards_leaves_the_same_trace_too() {
    for (name, module) in scenes() {
        let (mut user, mut destroyed) = (module.duplicate(), module.duplicate());
        user.press(USER);
        destroyed.press(SELF_DESTRUCT);
        for deed in AFTERWARDS {
            let traces =
                [(&mut user, USER), (&mut destroyed, SELF_DESTRUCT)].map(|(module, own)| {
                    let (calls, shown) = trace::of(|| deed(module, own));
                    (calls, shown, module.flash.blob().len())
                });
            assert_eq!(traces[0], traces[1], "{name}");
        }
    }
}

#[test]
fn a_wrong_pin_leaves_the_same_trace_but_for_the_opening() {
    for (name, module) in scenes() {
        let (right, wrong) = (Trace::of(&module, USER), Trace::of(&module, WRONG));
        // Opening derives a key and opens the CSPs. That a PIN was wrong is not secret: the LEDs show it.
        let opening = ["hmac", "open"];
        let split = right.calls.len() - opening.len();
        let (common, rest) = right.calls.split_at(split);
        assert_eq!(
            rest.iter().map(|call| call.kind).collect::<Vec<_>>(),
            opening
        );
        // The last attempt fills the slot besides, in the same write.
        let is_last = name == LAST_ATTEMPT;
        let fills = trace::count(&wrong.calls, "random") - trace::count(common, "random");
        assert_eq!(fills, usize::from(is_last), "{name}");
        if !is_last {
            assert_eq!(wrong.calls, common, "{name}");
        }
        assert_eq!(wrong.blob, right.blob);
        assert_eq!(wrong.shown, [Pattern::Refused]);
    }
}

#[test]
fn whether_a_self_destruct_pin_is_set_leaves_no_trace() {
    let root = Root::generate("Test root").unwrap();
    let mut with = Module::new("MODULE-1", &root);
    with.set_all_pins();
    let mut without = with.duplicate();
    without.configure("SHIFT+6 SHIFT+6");
    with.configure(&format!(
        "KEY+6 {SELF_DESTRUCT_PIN} KEY {SELF_DESTRUCT_PIN} KEY"
    ));
    // One power-up for both, since the generator is seeded by what it gave.
    for keys in [USER, WRONG] {
        let traces = [&with, &without].map(|module| without_counter(Trace::of(module, keys)));
        assert_eq!(traces[0], traces[1], "{keys}");
    }
}

/// What may be done with a module that was unlocked on the User's path with the PIN of `own`.
const AFTERWARDS: [fn(&mut Module, &str) -> Pattern; 12] = [
    |module, _| {
        module.pass(5_000);
        module.leds()
    },
    |module, _| {
        module.command(ins::STATUS, 0, &[]).unwrap();
        module.command(ins::IDENTITY, 0, &[7; 32]).unwrap();
        module.leds()
    },
    |module, _| {
        module.link(Link::Unplugged);
        module.link(Link::Plugged);
        module.leds()
    },
    |module, _| module.press("SHIFT+1"),
    |module, own| module.press(own),
    |module, _| {
        module.power_up();
        module.leds()
    },
    |module, own| module.press(own),
    |module, _| {
        module.power_up();
        module.press(WRONG)
    },
    |module, _| module.press("KEY 86420975 KEY"),
    |module, _| module.press("KEY+1 86420975 KEY"),
    |module, _| module.press("KEY+4 86420975 KEY"),
    |module, _| module.press("0:1s 2+7"),
];

/// One entry, on a separate copy.
#[derive(Debug, PartialEq, Eq)]
struct Trace {
    calls: Vec<Call>,
    shown: [Pattern; 1],
    blob: usize,
}

impl Trace {
    fn of(module: &Module, keys: &str) -> Self {
        let mut module = module.duplicate();
        let (calls, shown) = trace::of(|| module.press(keys));
        let blob = module.flash.blob().len();
        assert_eq!(blob, BLOB);
        Self {
            calls,
            shown: [shown],
            blob,
        }
    }
}

/// Two modules that did not do the same before have other counters.
fn without_counter(mut trace: Trace) -> Trace {
    for call in &mut trace.calls {
        if call.kind == "raise" {
            call.sizes = [0; 3];
        }
    }
    trace
}

const LAST_ATTEMPT: &str = "the last attempt";

/// Locked modules with both PINs, in every condition that could make a difference.
fn scenes() -> Vec<(&'static str, Module)> {
    let root = Root::generate("Test root").unwrap();
    let mut plain = Module::new("MODULE-1", &root);
    plain.set_all_pins();
    let wrong = |keys: &str, times: usize| {
        let mut module = plain.duplicate();
        for _ in 0..times {
            module.press(keys);
        }
        module
    };
    let mut configured = plain.duplicate();
    configured.configure("KEY+5 05 SHIFT KEY+9 2 SHIFT KEY+8 0 SHIFT 7+0 03 SHIFT");
    configured.configure(&format!(
        "KEY+7 080 SHIFT KEY+3 {USER_PIN} KEY {USER_PIN} KEY SHIFT+4 SHIFT+4"
    ));
    let mut blocked_again = wrong("KEY 97531864 KEY", 5);
    blocked_again.press(UNBLOCK);
    for _ in 0..3 {
        blocked_again.press(&format!("KEY {WRONG_PIN} KEY"));
    }
    vec![
        ("configured", configured),
        ("some attempts spent", wrong(WRONG, 4)),
        (LAST_ATTEMPT, wrong(WRONG, 9)),
        ("Admin PIN blocked", wrong("KEY 97531864 KEY", 5)),
        ("Admin PIN blocked again", blocked_again),
        ("Recovery PIN gone", wrong("KEY+4 97531864 KEY", 5)),
        ("a clone", clone_of(&plain, &root)),
        ("plain", plain),
    ]
}

/// A clone: the master's PINs, under its own secret.
fn clone_of(master: &Module, root: &Root) -> Module {
    let mut master = master.duplicate();
    master.press(&format!("KEY {ADMIN_PIN} KEY"));
    relay::begin(&mut master, Options::default(), 1).unwrap();
    let mut clone = Module::new("SECOND-1", root);
    relay::run(&mut master, &mut clone, 0, |_, _| {}).receipt();
    assert_eq!(clone.leds(), Pattern::Standby);
    Bench::over("SECOND-1", Flash::copy(&clone.flash), Recorded::default())
}
