//! Powers a module up and has it test itself, for a profiler to count the instructions (docs/SELF-TESTS.md).

#![expect(clippy::expect_used, reason = "a failed measurement has no result")]

use hsm_core::crypto::rust_crypto::RustCrypto;
use hsm_factory::Root;
use hsm_protocol::command::ins;
use hsm_testbench::{Bench, USER_PIN};
use std::time::Instant;

type Module = Bench<RustCrypto>;

/// Its name, and what is done.
type Step = (&'static str, fn(&mut Module));

fn main() {
    let root = Root::generate("Test root").expect("random");
    let mut module = Module::new("MODULE-1", &root);
    module.set_up();
    for (name, step) in STEPS {
        let start = Instant::now();
        step(&mut module);
        println!("{name}: {} µs", start.elapsed().as_micros());
    }
}

/// What is measured, in order.
const STEPS: [Step; 7] = [
    ("power-up", power_up),
    ("first IDENTITY", identity),
    ("second IDENTITY", identity_again),
    ("unlock", unlock),
    ("first recipient", agreement),
    ("first FILE BEGIN", files),
    ("SELF TEST, all", all_tests),
];

#[inline(never)]
fn power_up(module: &mut Module) {
    module.power_up();
}

#[inline(never)]
fn identity(module: &mut Module) {
    module.command(ins::IDENTITY, 0, &[7; 32]).expect("signed");
}

#[inline(never)]
fn identity_again(module: &mut Module) {
    module.command(ins::IDENTITY, 0, &[8; 32]).expect("signed");
}

#[inline(never)]
fn unlock(module: &mut Module) {
    module.press(&format!("SHIFT+KEY {USER_PIN} KEY"));
}

#[inline(never)]
fn agreement(module: &mut Module) {
    let recipient = module.command(ins::FILE_RECIPIENT, 1, &[7; 32]);
    recipient.expect("unlocked");
}

#[inline(never)]
fn files(module: &mut Module) {
    let begun = module.command(ins::FILE_BEGIN, 0, &1024_u32.to_be_bytes());
    begun.expect("unlocked");
}

#[inline(never)]
fn all_tests(module: &mut Module) {
    module.command(ins::SELF_TEST, 1, &[]).expect("passed");
}
