//! Both providers against OpenSSL, through Python's `cryptography`: the `openssl` program refuses XTS.
//!
//! `vectors/crypto/aes256_xts_lengths.txt` holds answers that it gave.

use crate::vectors::unhex;
use crate::{random, random_bytes};
use hsm_core::crypto::{Direction, Provider, rust_crypto::RustCrypto};
use hsm_virtual::aws_lc::AwsLc;
use std::io::Write;
use std::process::{Command, Stdio};

const SCRIPT: &str = r"
import sys
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
for line in sys.stdin:
    key, tweak, data = (bytes.fromhex(word) for word in line.split())
    for mode, k in ((modes.XTS(tweak), key), (modes.ECB(), key[:32])):
        cipher = Cipher(algorithms.AES(k), mode).encryptor()
        print((cipher.update(data) + cipher.finalize()).hex())
";

#[test]
fn xts_and_ecb_agree_with_openssl() {
    assert!(
        python(&["-c", "import cryptography"], "").1,
        "no Python with `cryptography`: `cargo xtask test` installs it"
    );
    let cases: Vec<([u8; 64], u128, Vec<u8>)> = (1..40)
        .chain([64, 100, 1000])
        .map(|blocks| {
            (
                random(),
                u128::from_le_bytes(random()),
                random_bytes(16 * blocks),
            )
        })
        .collect();
    let asked = cases.iter().map(|(key, unit, data)| {
        format!(
            "{} {} {}\n",
            hex::encode(key),
            hex::encode(unit.to_le_bytes()),
            hex::encode(data)
        )
    });
    let (answers, succeeded) = python(&["-c", SCRIPT], &asked.collect::<String>());
    assert!(succeeded);
    let answers: Vec<_> = answers.lines().map(unhex).collect();
    assert_eq!(answers.len(), 2 * cases.len());
    for ((key, unit, data), answer) in cases.iter().zip(answers.chunks(2)) {
        check::<RustCrypto>(key, *unit, data, answer);
        check::<AwsLc>(key, *unit, data, answer);
    }
}

fn check<P: Provider>(key: &[u8; 64], unit: u128, data: &[u8], answer: &[Vec<u8>]) {
    let (mut xts, mut ecb) = (data.to_vec(), data.to_vec());
    P::xts(key, unit, Direction::Encipher, &mut xts).unwrap();
    P::ecb(key.first_chunk().unwrap(), Direction::Encipher, &mut ecb).unwrap();
    assert!(answer == [xts, ecb], "{} blocks", data.len() / 16);
}

/// Runs Python; returns its output and whether it succeeded, which it has not if Python is missing.
fn python(arguments: &[&str], input: &str) -> (String, bool) {
    let spawned = Command::new("python3")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let Ok(mut child) = spawned else {
        return (String::new(), false);
    };
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // Written aside: the answers would fill the other pipe.
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap_or_default();
    (
        String::from_utf8(output.stdout).unwrap(),
        output.status.success(),
    )
}
