//! Runs `vectors/attestation`. A file's name is its rule; it holds what to expect, the section of PROTOCOL, for a
//! genuine module also who it is, then the root and the chain in hexadecimal.

use hsm_factory::P384Verifier;
use hsm_protocol::certificate::{CertificateRefusal, Chain, Root};
use hsm_testbench::attestation;
use std::{collections::BTreeSet, fs, path::Path};

/// What is said of a module that is genuine.
fn judge(root: &[u8], chain: &[u8]) -> Result<String, CertificateRefusal> {
    let genuine = Root::parse(root)?.verify::<P384Verifier>(&Chain::parse(chain)?)?;
    let kind = if genuine.is_virtual() {
        "virtual"
    } else {
        "hardware"
    };
    Ok(format!("{} {kind}", genuine.serial()))
}

#[test]
fn every_vector_is_judged_as_it_says() {
    for rule in attestation::rules() {
        let text = fs::read_to_string(folder().join(rule.name).with_extension("txt")).unwrap();
        let [head, root, chain] = text.split("\n\n").collect::<Vec<_>>()[..] else {
            panic!("{}: not of three parts", rule.name)
        };
        let bytes = |name: &str, part: &str| {
            let digits: String = part
                .strip_prefix(name)
                .unwrap()
                .split_whitespace()
                .collect();
            hex::decode(digits).unwrap()
        };
        let answer = judge(&bytes("root:", root), &bytes("chain:", chain));
        let said = attestation::head(answer.as_deref().map_err(|refusal| *refusal));
        assert_eq!(said, head, "{}", rule.name);
        assert_eq!(rule.text(), text, "{}", rule.name);
    }
}

#[test]
fn every_vector_has_a_rule() {
    let files = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let rules = attestation::rules().map(|rule| format!("{}.txt", rule.name));
    assert_eq!(files.collect::<BTreeSet<_>>(), rules.collect());
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/attestation")
}
