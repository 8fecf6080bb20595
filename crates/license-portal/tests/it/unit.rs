//! What operators copy: the units for systemd, valid and restrictive.

use std::{fs, process::Command};

use crate::instances::output;

#[test]
fn the_unit_is_one_that_systemd_takes_and_gives_little_away() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("license-portal.service");
    // systemd checks that the program exists.
    let unit = include_str!("../../deploy/license-portal.service").replace(
        "/usr/local/bin/license-portal",
        env!("CARGO_BIN_EXE_license-portal"),
    );
    fs::write(&file, unit).unwrap();
    let mut verify = Command::new("systemd-analyze");
    let said = verify.arg("verify").arg("--man=no").arg(&file).output();
    let said = said.expect("Debian's package systemd is needed");
    let text = String::from_utf8_lossy(&said.stderr);
    assert!(
        said.status.success() && !text.contains("license-portal.service"),
        "{text}"
    );
    // 0 to 100; an ordinary service has 96.
    let mut security = Command::new("systemd-analyze");
    let report = output(
        security
            .args(["security", "--offline=true", "--threshold=12"])
            .arg(&file),
    );
    println!("{report}");
}

#[test]
fn the_backup_is_one_that_systemd_takes() {
    let folder = tempfile::tempdir().unwrap();
    let service = include_str!("../../deploy/license-portal-backup.service").replace(
        "/usr/local/bin/license-portal",
        env!("CARGO_BIN_EXE_license-portal"),
    );
    let timer = include_str!("../../deploy/license-portal-backup.timer");
    let mut verify = Command::new("systemd-analyze");
    verify.args(["verify", "--man=no"]);
    for (name, text) in [("service", &*service), ("timer", timer)] {
        let file = folder.path().join(format!("license-portal-backup.{name}"));
        fs::write(&file, text).unwrap();
        verify.arg(file);
    }
    let said = verify.output().unwrap();
    let text = String::from_utf8_lossy(&said.stderr);
    assert!(
        said.status.success() && !text.contains("license-portal-backup"),
        "{text}"
    );
}
