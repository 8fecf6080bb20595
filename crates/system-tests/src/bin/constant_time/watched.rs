//! An observer that marks what comes out of the primitives as secret, before the module sees it. So secrets are followed
//! through the module's own doors, and nothing of the core is opened for it.

use crate::memcheck::{poison, publish};
use hsm_core::crypto::{CryptoError, Provider};
use hsm_testbench::{
    board::is_generating,
    observed::{Observed, Observer},
};
use std::{cell::Cell, marker::PhantomData};

/// The provider `C`, watched.
pub(crate) type Watched<C> = Observed<C, Marker<C>>;

/// Marks stretched PINs, KEKs, and the token that a master makes to compare with a receipt's. That a PIN was right is
/// public: the LEDs show it. `C` is what a planted fault works with.
pub(crate) struct Marker<C>(PhantomData<C>);

/// A fault that is planted, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// None.
    None,
    /// A branch on a bit of a slot's key.
    Branch,
    /// Some more work where the second slot that is tried opens: the Self-Destruct PIN's.
    Time,
}

/// Plants a fault.
pub(crate) fn plant(fault: Fault) {
    PLANTED.set(fault);
    OPENED.set(0);
}

/// Marks every MAC that `act` makes as secret, for a master that checks a receipt. What the generator gives is marked
/// where it becomes a secret.
pub(crate) fn with_secret_macs<T>(act: impl FnOnce() -> T) -> T {
    PROVES.set(true);
    let outcome = act();
    PROVES.set(false);
    outcome
}

thread_local! {
    static PROVES: Cell<bool> = const { Cell::new(false) };
    static PLANTED: Cell<Fault> = const { Cell::new(Fault::None) };
    static OPENED: Cell<u32> = const { Cell::new(0) };
}

impl<C: Provider> Marker<C> {
    fn fault<T>(kek: &[u8; 32], opened: &Result<T, CryptoError>) {
        let number = OPENED.replace(OPENED.get() + 1);
        match PLANTED.get() {
            Fault::None => {}
            Fault::Branch => {
                // Opaque to the optimizer, as a comparison in a library would be.
                if std::hint::black_box(kek[0]) & 1 == 1 {
                    OPENED.set(number + 1);
                }
            }
            Fault::Time => {
                if opened.is_ok() && number % 2 == 1 {
                    let mut out = [0; 32];
                    C::pbkdf2(b"1", b"2", 20, &mut out).expect("a cost");
                    std::hint::black_box(out);
                }
            }
        }
    }
}

impl<C: Provider> Observer for Marker<C> {
    fn stretched(out: &mut [u8; 32]) {
        poison(out);
    }

    fn unwrapped(kek: &[u8; 32], outcome: &mut Result<(), CryptoError>, key: &mut [u8; 32]) {
        publish(outcome);
        Self::fault(kek, outcome);
        poison(key);
    }

    fn wrapped(outcome: &mut Result<[u8; 40], CryptoError>) {
        // What is wrapped lies in the store.
        publish(outcome);
    }

    fn authenticated(out: &mut [u8; 48]) {
        if PROVES.get() && !is_generating() {
            poison(out);
        }
    }

    fn sealed(tag: &mut Result<[u8; 16], CryptoError>, buffer: &mut [u8]) {
        publish(tag);
        buffer.iter_mut().for_each(publish);
    }

    fn opened(outcome: &mut Result<(), CryptoError>, buffer: &mut [u8]) {
        publish(outcome);
        // Most of it is settings and counts; the records of PINs become secret again when they are stretched.
        buffer.iter_mut().for_each(publish);
    }
}
