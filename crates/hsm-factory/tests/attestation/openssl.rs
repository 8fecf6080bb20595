//! The command line of OpenSSL reads what we write, and the other way round.

use crate::issued::{VIRTUAL, request, split};
use hsm_factory::{P384Verifier, Root};
use hsm_protocol::certificate::{self, Request};
use hsm_testbench::Forgetful;
use std::{path::Path, process::Command};

/// Runs `openssl` in `folder`; what it printed.
fn openssl(folder: &Path, arguments: &str) -> String {
    let output = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .expect("the openssl program is installed");
    let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
    assert!(output.status.success(), "openssl {arguments}: {err}");
    out + &err
}

#[test]
fn openssl_accepts_a_chain_under_its_strict_rules() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let write = |name: &str, content: &[u8]| std::fs::write(folder.join(name), content).unwrap();
    let root = Root::generate("Test root").unwrap();
    let authority = root.authorize("Test authority").unwrap();
    let chain = authority
        .certify(
            &request("VM0001", &crate::by_hand::key(0x11)),
            VIRTUAL,
            &mut Forgetful,
        )
        .unwrap();
    write("root.pem", root.certificate_pem().unwrap().as_bytes());
    write("key.pem", root.to_pem().unwrap().as_bytes());
    for (name, der) in ["leaf", "authority"].into_iter().zip(split(&chain)) {
        write(&format!("{name}.der"), der);
        openssl(
            folder,
            &format!("x509 -inform DER -in {name}.der -out {name}.pem"),
        );
    }
    let verify = "verify -x509_strict -check_ss_sig -CAfile root.pem";
    openssl(folder, &format!("{verify} root.pem"));
    openssl(
        folder,
        &format!("{verify} -untrusted authority.pem leaf.pem"),
    );
    openssl(folder, "pkey -check -noout -in key.pem");
    let text = openssl(folder, "x509 -noout -text -in leaf.pem");
    for expected in [
        "Subject: CN = KeyWriter module, serialNumber = VM0001",
        "Not Before: Jan  1 00:00:00 2026 GMT",
        "Not After : Dec 31 23:59:59 9999 GMT",
        "CA:FALSE",
        "Digital Signature",
    ] {
        assert!(text.contains(expected), "{expected}\n{text}");
    }
}

#[test]
fn openssl_accepts_a_request() {
    let folder = tempfile::tempdir().unwrap();
    let request = request("VM0001", &crate::by_hand::key(0x11));
    std::fs::write(folder.path().join("request.der"), request).unwrap();
    let text = openssl(
        folder.path(),
        "req -inform DER -in request.der -verify -noout -text",
    );
    assert!(text.contains("verify OK"), "{text}");
    assert!(
        text.contains("Subject: CN = KeyWriter module, serialNumber = VM0001"),
        "{text}"
    );
}

#[test]
fn a_request_by_openssl_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let make = "req -new -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout key.pem -sha384 \
        -subj /CN=x/serialNumber=HW-7 -outform DER -out request.der";
    let request = || {
        openssl(folder.path(), make);
        std::fs::read(folder.path().join("request.der")).unwrap()
    };
    // Every second one has a signature in its other form, which is refused.
    let der = (0..60)
        .map(|_| request())
        .find(|der| {
            Request::parse(der)
                .unwrap()
                .verify::<P384Verifier>()
                .is_ok()
        })
        .expect("one is of the permitted form");
    let requested = Request::parse(&der)
        .unwrap()
        .verify::<P384Verifier>()
        .unwrap();
    assert_eq!(requested.serial().as_str(), "HW-7");
    Root::generate("Test root")
        .unwrap()
        .certify(&der, VIRTUAL, &mut Forgetful)
        .unwrap();
}

#[test]
fn a_root_by_openssl_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes -keyout key.pem -sha384 \
        -subj /CN=root -addext keyUsage=critical,keyCertSign -days 10 -outform DER -out root.der";
    openssl(folder.path(), make);
    let der = std::fs::read(folder.path().join("root.der")).unwrap();
    certificate::Root::parse(&der).unwrap();
}
