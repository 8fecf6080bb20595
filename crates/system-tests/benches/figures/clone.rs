//! A whole clone, both modules in one process, against the bare operations that it is made of.

use crate::timing::{cpu, measured, median, median_cpu, ms, ratio};
use hsm_core::crypto::{Provider, drbg::HmacDrbg, rust_crypto::RustCrypto};
use hsm_factory::Root;
use hsm_protocol::{EcPoint, Signature, Verifier, cloning::Options};
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
    let [plain, tested] = bare::<P>(calls);
    println!(
        "  {name:10}  {} ÷ {} = {:.2}; ÷ {} with the tests of keys and signatures = {:.2}",
        ms(whole),
        ms(plain),
        ratio(whole, plain),
        ms(tested),
        ratio(whole, tested)
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

/// The public-key operations by themselves, and nothing around them.
pub(crate) struct Bare<P: Provider> {
    rng: HmacDrbg<SystemEntropy>,
    public: EcPoint,
    signer: P::Signer,
    signature: Signature,
    of_certificate: Signature,
    ecdh: P::EcdhSecret,
    kem: P::KemSecret,
    key: [u8; 1568],
    ciphertext: [u8; 1568],
}

const MESSAGE: [u8; 80] = [7; 80];
const CERTIFICATE: [u8; 450] = [7; 450];

impl<P: Provider> Bare<P> {
    pub(crate) fn new() -> Self {
        let mut rng = HmacDrbg::<_>::new(SystemEntropy, "BENCH".parse().expect("a serial number"));
        let mut scalar = [0; 48];
        let public = P::signer_generate(&mut rng, &mut scalar).expect("a key");
        let mut signer = P::Signer::default();
        P::signer(&scalar, &public, &mut signer).expect("a signer");
        let signature = P::sign(&signer, &mut rng, &MESSAGE).expect("signed");
        let of_certificate = P::sign(&signer, &mut rng, &CERTIFICATE).expect("signed");
        let mut bare = Self {
            rng,
            public,
            signer,
            signature,
            of_certificate,
            ecdh: P::EcdhSecret::default(),
            kem: P::KemSecret::default(),
            key: [0; 1568],
            ciphertext: [0; 1568],
        };
        bare.make_ecdh_untested();
        bare.make_kem_untested();
        bare.encapsulate();
        bare
    }

    fn make_ecdh_untested(&mut self) {
        P::ecdh_generate(&mut self.rng, &mut self.ecdh).expect("a key");
    }

    fn make_kem_untested(&mut self) {
        P::kem_generate(&mut self.rng, &mut self.kem, &mut self.key).expect("a key");
    }

    /// A key pair, and the test that its halves belong together.
    pub(crate) fn make_ecdh(&mut self) {
        self.make_ecdh_untested();
        self.agree();
    }

    /// A key pair, and the test that its halves belong together.
    fn make_kem(&mut self) {
        self.make_kem_untested();
        self.encapsulate();
        self.decapsulate();
    }

    /// Both key pairs of a letterbox, from what is stored.
    pub(crate) fn derive_letterbox(&mut self) {
        P::ecdh_from_scalar(&[1; 48], &mut self.ecdh).expect("in range");
        P::kem_from_seed(&[1; 64], &mut self.kem, &mut self.key).expect("any seed");
    }

    pub(crate) fn agree(&self) {
        let mut shared = [0; 48];
        P::ecdh_agree(&self.ecdh, &self.public, &mut shared).expect("agreed");
        black_box(shared);
    }

    pub(crate) fn encapsulate(&mut self) {
        let mut shared = [0; 32];
        P::kem_encapsulate(&mut self.rng, &self.key, &mut self.ciphertext, &mut shared)
            .expect("encapsulated");
        black_box(shared);
    }

    pub(crate) fn decapsulate(&self) {
        let mut shared = [0; 32];
        P::kem_decapsulate(&self.kem, &self.ciphertext, &mut shared).expect("decapsulated");
        black_box(shared);
    }

    fn sign_unchecked(&mut self) {
        black_box(P::sign(&self.signer, &mut self.rng, &MESSAGE).expect("signed"));
    }

    /// A signature, and its verification by the signer.
    pub(crate) fn sign(&mut self) {
        self.sign_unchecked();
        self.verify(1);
    }

    pub(crate) fn verify(&self, times: u32) {
        for _ in 0..times {
            <P as Verifier>::verify(&self.public, &MESSAGE, &self.signature).expect("verified");
        }
    }

    pub(crate) fn verify_certificates(&self, times: u32) {
        for _ in 0..times {
            <P as Verifier>::verify(&self.public, &CERTIFICATE, &self.of_certificate)
                .expect("verified");
        }
    }
}

/// Each operation of a clone once: as SIGMA has it, and with the tests of each key and signature that FIPS 140-3 wants.
fn bare<P: Provider>(calls: u32) -> [Duration; 2] {
    let mut bare = Bare::<P>::new();
    let plain = median_cpu(calls, || {
        (0..2).for_each(|_| bare.make_ecdh_untested());
        bare.make_kem_untested();
        (0..2).for_each(|_| bare.agree());
        bare.encapsulate();
        bare.decapsulate();
        // Grant, Consent, Receipt, Seal; the first three are verified, and a certificate on each side.
        (0..4).for_each(|_| bare.sign_unchecked());
        bare.verify(3);
        bare.verify_certificates(2);
    });
    let tested = median_cpu(calls, || {
        (0..2).for_each(|_| bare.make_ecdh());
        bare.make_kem();
        (0..2).for_each(|_| bare.agree());
        bare.encapsulate();
        bare.decapsulate();
        (0..4).for_each(|_| bare.sign());
        bare.verify(3);
        // The secondary's once more, with its Receipt.
        bare.verify_certificates(3);
    });
    [plain, tested]
}
