//! Any bytes as a module's store, with any value of its counter.

use crate::stage::{self, has_failed};
use hsm_core::{
    crypto::{Provider, rust_crypto::RustCrypto},
    platform::Monotonic,
};
use hsm_protocol::command::ins;
use hsm_testbench::{
    Bench,
    board::{Flash, Recorded},
};
use std::cell::OnceCell;

/// The first byte is the counter's value, the rest is the store.
pub fn run(data: &[u8]) {
    let Some((&counter, blob)) = data.split_first() else {
        return;
    };
    with_real_primitives(counter, blob);
    with_cheap_primitives(counter, blob);
}

/// Only what this module sealed last opens.
fn with_real_primitives(counter: u8, blob: &[u8]) {
    thread_local! {
        static GENUINE: OnceCell<(Vec<u8>, u64)> = const { OnceCell::new() };
    }
    let (genuine, sealed_at) = GENUINE.with(|genuine| {
        genuine
            .get_or_init(|| {
                let module = stage::configured::<RustCrypto>();
                (module.flash.blob(), counter_of(&module.flash))
            })
            .clone()
    });
    let mut module = powered_up::<RustCrypto>(counter, blob);
    let counter = u64::from(counter);
    // Power may have been cut between writing the store and raising the counter.
    let is_newest = blob == genuine && (counter == sealed_at || counter + 1 == sealed_at);
    assert_eq!(opens_whole(&mut module), is_newest);
}

/// Whether the device part, the key, the CSPs and the journal open, in this order.
fn opens_whole(module: &mut Bench<RustCrypto>) -> bool {
    if has_failed(module) {
        return false;
    }
    module.press("KEY 24681357 KEY");
    !has_failed(module)
        && module.command(ins::STATUS, 0, &[]).is_ok()
        && module.command(ins::JOURNAL, 0, &[]).is_ok()
}

/// Sealing hides nothing: the content of the same bytes is read, and used.
fn with_cheap_primitives(counter: u8, blob: &[u8]) {
    let mut module = powered_up::<crate::cheap::Cheap>(counter, blob);
    if has_failed(&mut module) {
        return;
    }
    for keys in [
        "SHIFT+KEY 13572468 KEY",
        "KEY 24681357 KEY",
        "KEY+1 24681357 KEY SHIFT+7 KEY",
    ] {
        module.press(keys);
        for (ins, p1) in [
            (ins::IDENTITY, 0),
            (ins::CERTIFICATE, 0),
            (ins::CERTIFICATE, 1),
            (ins::LAST_RECEIPT, 0),
            (ins::STATUS, 0),
            (ins::JOURNAL, 0),
            (ins::JOURNAL, 7),
            (ins::OFFER, 0),
        ] {
            let challenge: &[u8] = if ins == ins::IDENTITY { &[7; 32] } else { &[] };
            // It must answer, and may refuse.
            drop(module.command(ins, p1, challenge));
        }
        module.power_up();
    }
}

fn powered_up<C: Provider>(counter: u8, blob: &[u8]) -> Bench<C> {
    let mut flash = Flash::default();
    for value in 1..=u64::from(counter) {
        flash.raise_to(value).expect("power");
    }
    flash.set_blob(blob.to_vec());
    Bench::over("MASTER-1", flash, Recorded::default())
}

/// Returns the value of a module's counter.
pub fn counter_of(flash: &Flash) -> u64 {
    flash.copy().value().expect("power")
}
