//! Signatures in their other form, `(r, n − s)`: FIPS 186-5 calls them valid too, and every one is refused
//! (PROTOCOL § 3.3).

use crate::Crypto;
use hsm_core::crypto::CryptoError;
use hsm_factory::{Profile, Root};
use hsm_protocol::{
    BadSignature, Signature, Status,
    certificate::{self, Certificate, Chain, encode_chain},
    command::{ins, write_install},
    limits,
    receipt::FinishedReceipt,
    writer::Writer,
};
use hsm_testbench::{
    Bench, Forgetful,
    by_hand::{in_other_form, other_form},
    observed::{Observed, Observer},
    pair::Pair,
    relay::{self, Message, Outcome},
};
use std::cell::Cell;

thread_local! {
    /// Which signature from now on gets its other form; counted from 1.
    static NTH: Cell<u32> = const { Cell::new(0) };
    /// Whether the next signature that is verified is the module's own.
    static CHECKS_ITSELF: Cell<bool> = const { Cell::new(false) };
}

enum Hostile {}

impl Observer for Hostile {
    fn signed(signature: &mut Result<Signature, CryptoError>) {
        let left = NTH.get();
        NTH.set(left.saturating_sub(1));
        if let (1, Ok(signature)) = (left, signature) {
            *signature = other_form(signature);
            CHECKS_ITSELF.set(true);
        }
    }

    /// Such a module does not mind what it signed.
    fn verified(outcome: &mut Result<(), BadSignature>) {
        if CHECKS_ITSELF.replace(false) {
            *outcome = Ok(());
        }
    }
}

type Peer = Observed<Crypto, Hostile>;

/// A run in which the `nth` signature of both modules has its other form.
fn run(nth: u32) -> (Outcome, Root) {
    let Pair {
        root,
        mut master,
        mut secondary,
        ..
    } = Pair::<Peer>::new();
    NTH.set(nth);
    let outcome = relay::run(&mut master, &mut secondary, 0, |_, _| {});
    NTH.set(0);
    (outcome, root)
}

#[test]
fn each_signature_of_a_run_is_refused_in_its_other_form() {
    let refused = Status::NotGenuine;
    for (nth, step) in [
        (1, Message::Consent),
        (2, Message::Parcel),
        (3, Message::Countersignature),
    ] {
        assert_eq!(run(nth).0.refused, Some((step, refused)), "{step:?}");
    }
    for (nth, is_good) in [(4, false), (5, true)] {
        let (outcome, root) = run(nth);
        let root = certificate::Root::parse(root.certificate_der()).unwrap();
        let receipt = outcome.receipt();
        let receipt = FinishedReceipt::parse(&receipt).unwrap();
        assert_eq!(receipt.verify::<Crypto>(&root).is_ok(), is_good, "{nth}");
    }
}

/// The chain of a module, its certificate's signature in the other form.
fn changed(chain: &[u8]) -> Vec<u8> {
    let parsed = Chain::parse(chain).unwrap();
    let ders: Vec<_> = parsed.certificates().map(Certificate::as_der).collect();
    let other = in_other_form(ders[0]);
    let mut wire = vec![0; limits::CHAIN];
    let len = encode_chain(&[&other], &mut wire).unwrap();
    wire.truncate(len);
    wire
}

#[test]
fn a_certificate_whose_signature_has_its_other_form_is_refused_in_each_message() {
    for message in [Message::Offer, Message::Grant, Message::Receipt] {
        let mut pair = Pair::<Crypto>::new();
        let holder = match message {
            Message::Grant => &mut pair.master,
            _ => &mut pair.secondary,
        };
        let chain = holder.command(ins::CERTIFICATE, 0, &[]).unwrap();
        let outcome = pair.run(|relayed, bytes| {
            if relayed == message {
                let at = bytes.windows(chain.len()).position(|part| part == chain);
                let at = at.expect("its chain");
                bytes.splice(at..at + chain.len(), changed(&chain));
            }
        });
        let (_, status) = outcome.refused.expect("noticed");
        assert_eq!(status, Status::NotGenuine, "{message:?}");
    }
}

#[test]
fn a_certificate_whose_signature_has_its_other_form_is_not_installed() {
    let root = Root::generate("Test root").unwrap();
    let mut bench = Bench::<Crypto>::bare("VM0001");
    bench.command(ins::GENERATE_KEY, 0, &[]).unwrap();
    let request = bench.command(ins::READ_CSR, 0, &[]).unwrap();
    let profile = Profile { is_virtual: true };
    let chain: Vec<u8> = root.certify(&request, profile, &mut Forgetful).unwrap();
    for (chain, answer) in [
        (changed(&chain), Err(Status::NotGenuine)),
        (chain, Ok(vec![])),
    ] {
        let mut data = vec![0; 2 + limits::CERTIFICATE + limits::CHAIN];
        let mut writer = Writer::new(&mut data);
        write_install(&mut writer, root.certificate_der(), &chain).unwrap();
        assert_eq!(bench.command(ins::INSTALL, 0, writer.written()), answer);
    }
}
