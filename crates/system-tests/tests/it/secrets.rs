//! `vectors/secrets`: what the modules of a recorded run drew leads, by the text of PROTOCOL, to all that is written there,
//! to what they sent and to what they signed.

use hsm_core::crypto::{Provider, rust_crypto::RustCrypto};
use hsm_protocol::{Verifier, command::ins};
use hsm_testbench::{
    secrets::{Drawn, letter::LetterDrawn},
    vector,
};
use hsm_virtual::aws_lc::AwsLc;
use std::{fs, path::Path};

fn read(name: &str) -> String {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors");
    fs::read_to_string(vectors.join(name)).unwrap()
}

#[test]
fn the_secrets_of_a_run_follow_from_what_was_drawn() {
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

#[test]
fn the_secrets_of_a_letter_follow_from_what_was_drawn() {
    for kind in ["join", "epochs"] {
        let vector = format!("letters/{kind}");
        let (letters, secrets) = (
            read(&format!("{vector}.txt")),
            read(&format!("secrets/letter-{kind}.txt")),
        );
        // The letterbox of the module that takes the letter, and that letter: the last ones before it is taken.
        let letter = vector::answers(&letters, ins::LETTER_WRITE).pop().unwrap();
        let letterbox = vector::answers(&letters, ins::LETTERBOX)
            .into_iter()
            .find(|letterbox| {
                AwsLc::sha384(&[&letterbox[..letterbox.len() - 96]]) == letter[28..76]
            })
            .unwrap();
        let drawn = LetterDrawn::read(&secrets);
        let texts = [
            drawn.text::<RustCrypto>(&vector, &letterbox, &letter),
            drawn.text::<AwsLc>(&vector, &letterbox, &letter),
        ];
        for text in texts {
            assert_eq!(text, secrets, "{kind}");
        }
    }
}
