//! `vectors/secrets`: what the modules of a recorded run drew leads, by the text of PROTOCOL, to all that is written there,
//! to what they sent and to what they signed.

use hsm_core::crypto::{Provider, rust_crypto::RustCrypto};
use hsm_protocol::command::ins;
use hsm_testbench::{secrets::Drawn, vector};
use hsm_virtual::aws_lc::AwsLc;
use std::{fs, path::Path};

#[test]
fn the_secrets_of_a_run_follow_from_what_was_drawn() {
    let read = |name: &str| {
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
        fs::read_to_string(vectors.join(name)).unwrap()
    };
    let (run, secrets) = (
        read("v1/clone-from-shipment.txt"),
        read("secrets/clone-from-shipment.txt"),
    );
    let messages: Vec<Vec<u8>> = [
        ins::OFFER,
        ins::GRANT,
        ins::CONSENT,
        ins::PARCEL,
        ins::COMMIT,
    ]
    .into_iter()
    .map(|ins| vector::answers(&run, ins).remove(0))
    .collect();
    follows::<RustCrypto>(&secrets, &messages);
    follows::<AwsLc>(&secrets, &messages);
}

fn follows<P: Provider>(secrets: &str, messages: &[Vec<u8>]) {
    assert_eq!(Drawn::read(secrets).text::<P>(messages), secrets);
}
