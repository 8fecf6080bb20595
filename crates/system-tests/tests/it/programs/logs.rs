//! Nothing secret reaches a log, a file or a terminal of the host, whatever it is told to log.

use super::over_both;
use base64::{Engine, engine::general_purpose::STANDARD};
use hsm_testbench::{
    ADMIN_PIN, USER_PIN,
    scan::{Known, leaks},
};
use std::{fs, path::Path};
use system_tests::lab::{Lab, Over};

over_both!(nothing_secret_is_logged_printed_or_filed_by_the_host);

fn nothing_secret_is_logged_printed_or_filed_by_the_host(over: Over) {
    let lab = Lab::start(over, 3).with_master(&[]);
    let (plain, sealed) = (lab.path("plain"), lab.path("sealed"));
    fs::write(&plain, [0x5A; 4096]).unwrap();
    let path = |name: &Path| name.to_str().unwrap().to_owned();
    let mut seen = Vec::new();
    for arguments in [
        vec!["list".into()],
        vec![
            "clone".into(),
            "--receipts".into(),
            path(&lab.path("receipts")),
        ],
        vec!["journal".into(), "VM0001".into()],
        vec![
            "data-units".into(),
            "encipher".into(),
            "VM0001".into(),
            path(&plain),
            path(&sealed),
        ],
        vec!["master".into(), "set".into(), "VM0002".into()],
    ] {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let ran = lab.keywriter(&[&["--log", "trace"], arguments.as_slice()].concat());
        seen.extend(ran.out.into_bytes());
        seen.extend(ran.err.into_bytes());
    }
    assert!(
        String::from_utf8_lossy(&seen).contains("TRACE"),
        "the logs are at trace"
    );
    for folder in ["receipts", "user", "hub/run"] {
        collect(&lab.path(folder), &mut seen);
    }
    seen.extend(fs::read(lab.path("hub.log")).unwrap());

    let secrets = secrets(&lab);
    assert_eq!(leaks(&seen, &secrets), Vec::<String>::new());
    // What is not found must be findable.
    seen.extend(USER_PIN.bytes());
    assert_eq!(leaks(&seen, &secrets).len(), 1);
}

/// What a test can know of real programs: PINs, the chips' secrets, the root's key.
fn secrets(lab: &Lab) -> Vec<Known> {
    let known = |name: &str, bytes: &[u8]| Known {
        name: name.into(),
        bytes: bytes.into(),
    };
    let mut secrets = vec![
        known("Admin PIN", ADMIN_PIN.as_bytes()),
        known("User PIN", USER_PIN.as_bytes()),
    ];
    for serial in ["VM0001", "VM0002", "VM0003"] {
        let chip = fs::read(lab.path(&format!("hub/state/{serial}/chip.bin"))).unwrap();
        secrets.push(known(serial, &chip[8..40]));
    }
    let root = fs::read_to_string(lab.path("hub/state/root-key.pem")).unwrap();
    let text: String = root
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with('-'))
        .collect();
    let der = STANDARD.decode(text).unwrap();
    // The scalar is the octet string of 48 bytes (RFC 5915); the public key behind it is no secret.
    let scalar = der.windows(2).position(|pair| pair == [0x04, 48]).unwrap() + 2;
    secrets.push(known("root key", &der[scalar..scalar + 48]));
    secrets
}

/// Every file below a folder, sockets left out.
fn collect(folder: &Path, seen: &mut Vec<u8>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&entry.path(), seen);
        } else if kind.is_file() {
            seen.extend(fs::read(entry.path()).unwrap());
        }
    }
}
