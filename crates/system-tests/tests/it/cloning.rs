//! A run as it should go, over both providers and all their pairs.

use hsm_core::crypto::{Provider, rust_crypto::RustCrypto};
use hsm_factory::{P384Verifier, Root};
use hsm_protocol::{
    certificate,
    cloning::{Condition, Options},
    command::{DataUnits, ins},
    receipt::FinishedReceipt,
    writer::Writer,
};
use hsm_testbench::{Bench, relay};
use hsm_virtual::aws_lc::AwsLc;

fn clones_and_reads_back<M: Provider, S: Provider>() {
    let root = Root::generate("Test root").unwrap();
    let mut master = Bench::<M>::new("MASTER-1", &root);
    let mut secondary = Bench::<S>::new("SECOND-1", &root);
    master.set_up();
    master.unlock_admin();
    relay::begin(&mut master, Options::default(), 1).unwrap();
    let outcome = relay::run(&mut master, &mut secondary, 0, |_, _| {});

    let bytes = outcome.receipt();
    let receipt = FinishedReceipt::parse(&bytes).unwrap();
    let trusted = certificate::Root::parse(root.certificate_der()).unwrap();
    let verified = receipt.verify::<P384Verifier>(&trusted).unwrap();
    assert_eq!(verified.statement().condition, Condition::Shipment);
    assert_eq!(verified.statement().number, 1);
    assert!(verified.has_virtual_module());

    let epoch = master.status().epoch;
    let data = vec![0xA5; 3 * 512 + 64];
    let cipher = |bench: &mut dyn FnMut(u8, &[u8]) -> Vec<u8>, p1, data: &[u8]| {
        let mut out = vec![0; data.len() + DataUnits::HEADER];
        let mut writer = Writer::new(&mut out);
        DataUnits {
            epoch,
            unit_size: 512,
            first: 7,
            data,
        }
        .write(&mut writer)
        .unwrap();
        bench(p1, writer.written())
    };
    let ciphered = cipher(
        &mut |p1, data| master.command(ins::CIPHER, p1, data).unwrap(),
        0,
        &data,
    );
    assert_ne!(ciphered, data);
    secondary.unlock_user();
    let plain = cipher(
        &mut |p1, data| secondary.command(ins::CIPHER, p1, data).unwrap(),
        1,
        &ciphered,
    );
    assert_eq!(plain, data);
}

#[test]
fn rust_crypto_clones_to_rust_crypto() {
    clones_and_reads_back::<RustCrypto, RustCrypto>();
}

#[test]
fn rust_crypto_clones_to_aws_lc() {
    clones_and_reads_back::<RustCrypto, AwsLc>();
}

#[test]
fn aws_lc_clones_to_rust_crypto() {
    clones_and_reads_back::<AwsLc, RustCrypto>();
}

#[test]
fn aws_lc_clones_to_aws_lc() {
    clones_and_reads_back::<AwsLc, AwsLc>();
}
