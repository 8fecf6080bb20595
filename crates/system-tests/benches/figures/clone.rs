//! A whole clone, both modules in one process, against the bare operations that it is made of.

use crate::timing::{cpu, measured, median, median_cpu, ms, ratio};
use hsm_core::crypto::{Provider, drbg::HmacDrbg, rust_crypto::RustCrypto};
use hsm_factory::Root;
use hsm_protocol::{Verifier, cloning::Options};
use hsm_testbench::{ADMIN_PIN, Bench, relay};
use hsm_virtual::{aws_lc::AwsLc, board::SystemEntropy};
use std::{
    hint::black_box,
    time::{Duration, Instant},
};

/// Wall time of one clone with aws-lc.
pub(crate) fn run() -> Duration {
    println!(
        "A whole clone in processor time ÷ the sum of its public-key operations (wanted ≤ 1.15)"
    );
    against_bare::<RustCrypto>("RustCrypto", 3);
    against_bare::<AwsLc>("aws-lc", 20);
    let (mut master, mut secondary) = pair::<AwsLc>();
    let start = Instant::now();
    median(20, || {
        clone(&mut master, &mut secondary, || start.elapsed())
    })
}

fn against_bare<P: Provider>(name: &str, calls: u32) {
    let (mut master, mut secondary) = pair::<P>();
    let whole = median(calls, || clone(&mut master, &mut secondary, cpu));
    let bare = bare::<P>(calls);
    println!(
        "  {name:10}  {} ÷ {} = {:.2}",
        ms(whole),
        ms(bare),
        ratio(whole, bare)
    );
}

/// A master in its cycle, and a secondary that its Administrator has unlocked: it can be cloned to over and over.
fn pair<P: Provider>() -> (Bench<P>, Bench<P>) {
    let root = Root::generate("Bench root").expect("a root");
    let mut master = Bench::<P>::new("MASTER-1", &root);
    let secondary = Bench::<P>::new("SECOND-1", &root);
    master.set_up();
    master.unlock_admin();
    relay::begin(&mut master, Options::default(), 1).expect("a cycle");
    (master, secondary)
}

/// What the six messages take by `clock`; the Administrator then unlocks the secondary for the next time.
fn clone<P: Provider>(
    master: &mut Bench<P>,
    secondary: &mut Bench<P>,
    clock: impl Fn() -> Duration,
) -> Duration {
    let took = measured(clock, || {
        assert_eq!(relay::run(master, secondary, 0, |_, _| {}).refused, None);
    })();
    secondary.press(&format!("KEY {ADMIN_PIN} KEY"));
    took
}

/// Each operation of a clone once, and nothing around it.
fn bare<P: Provider>(calls: u32) -> Duration {
    let mut rng = HmacDrbg::<_>::new(SystemEntropy, "BENCH".parse().expect("a serial number"));
    let mut scalar = [0; 48];
    let public = P::signer_generate(&mut rng, &mut scalar).expect("a key");
    let mut signer = P::Signer::default();
    P::signer(&scalar, &public, &mut signer).expect("a signer");
    let message = [7; 80];
    let tbs = [7; 450];
    let signature = P::sign(&signer, &mut rng, &message).expect("signed");
    let of_tbs = P::sign(&signer, &mut rng, &tbs).expect("signed");
    median_cpu(calls, || {
        let (mut shared, mut kem_shared) = ([0; 48], [0; 32]);
        let (mut key, mut ciphertext) = ([0; 1568], [0; 1568]);
        let (mut ours, mut theirs) = (P::EcdhSecret::default(), P::EcdhSecret::default());
        let our_point = P::ecdh_generate(&mut rng, &mut ours).expect("a key");
        let their_point = P::ecdh_generate(&mut rng, &mut theirs).expect("a key");
        let mut kem = P::KemSecret::default();
        P::kem_generate(&mut rng, &mut kem, &mut key).expect("a key");
        P::ecdh_agree(&ours, &their_point, &mut shared).expect("agreed");
        P::ecdh_agree(&theirs, &our_point, &mut shared).expect("agreed");
        P::kem_encapsulate(&mut rng, &key, &mut ciphertext, &mut kem_shared).expect("encapsulated");
        P::kem_decapsulate(&kem, &ciphertext, &mut kem_shared).expect("decapsulated");
        // Grant, Consent, Receipt, Seal; the first three are verified, and a certificate on each side.
        (0..4).for_each(|_| {
            black_box(P::sign(&signer, &mut rng, &message).expect("signed"));
        });
        (0..3).for_each(|_| {
            <P as Verifier>::verify(&public, &message, &signature).expect("verified");
        });
        (0..2).for_each(|_| <P as Verifier>::verify(&public, &tbs, &of_tbs).expect("verified"));
    })
}
