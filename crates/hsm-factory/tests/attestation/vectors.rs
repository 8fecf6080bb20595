//! Runs `vectors/attestation`. A file's name is its rule; it holds what to expect, the section of PROTOCOL, for a
//! genuine module also who it is, then the root and the chain in hexadecimal.

use hsm_factory::P384Verifier;
use hsm_protocol::certificate::{CertificateRefusal, Chain, Root};
use std::path::Path;

/// What the lines at the head of a vector say, in their order.
fn judge(root: &[u8], chain: &[u8]) -> Result<String, CertificateRefusal> {
    let genuine = Root::parse(root)?.verify::<P384Verifier>(&Chain::parse(chain)?)?;
    let kind = if genuine.is_virtual() {
        "virtual"
    } else {
        "hardware"
    };
    Ok(format!(
        "expect: genuine\nsection: 4.1\nmodule: {} {kind}",
        genuine.serial()
    ))
}

#[test]
fn every_vector_is_judged_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../vectors/attestation");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let [head, root, chain] = text.split("\n\n").collect::<Vec<_>>()[..] else {
            panic!("{}: not of three parts", path.display())
        };
        let bytes = |name: &str, part: &str| {
            let digits: String = part
                .strip_prefix(name)
                .unwrap()
                .split_whitespace()
                .collect();
            hex::decode(digits).unwrap()
        };
        let said = match judge(&bytes("root:", root), &bytes("chain:", chain)) {
            Ok(genuine) => genuine,
            Err(CertificateRefusal::Malformed) => "expect: malformed\nsection: 4.1".to_owned(),
            Err(refusal) => format!("expect: refused {refusal:?}\nsection: 4.1"),
        };
        assert_eq!(said, head, "{}", path.display());
        count += 1;
    }
    assert!(count >= 20, "{count}");
}
