//! Each refusal has its own words: which module, why, and what to do next.

use super::over_both;
use hsm_testbench::ADMIN_PIN;
use std::{fs, os::unix::fs::symlink};
use system_tests::lab::{Lab, Over};

over_both!(
    a_locked_master_is_refused,
    a_master_unlocked_by_its_user_is_refused,
    a_master_with_cloning_disabled_is_refused,
    a_secondary_that_is_locked_and_not_fresh_keeps_everything,
    two_masters_are_refused_until_one_is_named,
    no_module_at_all_is_said,
    an_absent_master_is_said,
);

fn a_locked_master_is_refused(over: Over) {
    let lab = Lab::start(over, 2);
    lab.set_up("VM0001");
    lab.keywriter(&["master", "set", "VM0001"])
        .expect(3)
        .says(&["VM0001", "locked", "KEY"]);
}

fn a_master_unlocked_by_its_user_is_refused(over: Over) {
    let lab = Lab::start(over, 2);
    lab.set_up("VM0001");
    lab.unlock_user("VM0001");
    lab.keywriter(&["master", "set", "VM0001"])
        .expect(3)
        .says(&["VM0001", "User", "Administrator"]);
}

fn a_master_with_cloning_disabled_is_refused(over: Over) {
    let lab = Lab::start(over, 2);
    lab.press(
        "VM0001",
        &format!("SHIFT+1 {ADMIN_PIN} KEY {ADMIN_PIN} KEY SHIFT:1s"),
    );
    lab.unlock_admin("VM0001");
    lab.keywriter(&["master", "set", "VM0001"])
        .expect(3)
        .says(&["VM0001", "cloning is disabled", "KEY+8"]);
}

fn a_secondary_that_is_locked_and_not_fresh_keeps_everything(over: Over) {
    let lab = Lab::start(over, 3).with_master(&[]);
    lab.set_up("VM0002");
    let cloned = lab
        .keywriter(&["clone", "--json"])
        .expect(1)
        .says(&["VM0002", "locked"]);
    assert_eq!(super::serials(&cloned.events("done")), ["VM0003"]);
    // Its own PINs still open it.
    lab.unlock_admin("VM0002");
}

fn two_masters_are_refused_until_one_is_named(over: Over) {
    let lab = Lab::start(over, 3).with_master(&[]);
    lab.set_up("VM0002");
    lab.unlock_admin("VM0002");
    lab.keywriter(&["clone"])
        .expect(3)
        .says(&["VM0001", "VM0002", "two masters", "--to"]);
    lab.keywriter(&["clone", "--to", "VM0003"]).expect(0);
}

fn no_module_at_all_is_said(over: Over) {
    let lab = Lab::start(over, 1);
    lab.hub(&["unplug", "VM0001"]);
    assert!(lab.shows(&[]), "the removal is seen");
    lab.keywriter(&["list"])
        .expect(4)
        .says(&["no module", "plug"]);
}

fn an_absent_master_is_said(over: Over) {
    let lab = Lab::start(over, 2).with_master(&[]);
    lab.hub(&["unplug", "VM0001"]);
    assert!(lab.shows(&["VM0002".into()]), "the removal is seen");
    lab.keywriter(&["clone"]).expect(4).says(&["VM0001"]);
}

#[test]
fn a_clone_without_a_master_says_how_to_set_one() {
    let lab = Lab::start(Over::Socket, 2);
    lab.keywriter(&["clone"]).expect(3).says(&["master set"]);
}

#[test]
fn the_same_module_twice_is_refused() {
    let lab = Lab::start(Over::Socket, 2).with_master(&[]);
    lab.keywriter(&["clone", "--to", "VM0002", "--to", "VM0002"])
        .expect(3)
        .says(&["VM0002", "twice"]);
    lab.keywriter(&["clone", "--to", "VM0001"])
        .expect(3)
        .says(&["VM0001", "same module"]);
}

#[test]
fn a_module_under_a_foreign_root_is_refused_by_the_master() {
    let lab = Lab::start(Over::Socket, 2).with_master(&[]);
    let other = Lab::start(Over::Socket, 3);
    symlink(
        other.path("hub/run/VM0003.sock"),
        lab.path("hub/run/VM0003.sock"),
    )
    .unwrap();
    let listed = lab.keywriter(&["list", "--json"]).expect(0);
    let foreign = listed
        .events("module")
        .into_iter()
        .find(|module| module["serial"] == "VM0003")
        .unwrap();
    assert_eq!(foreign["genuine"], "foreign-root");
    let cloned = lab
        .keywriter(&["clone", "--json"])
        .expect(1)
        .says(&["VM0003", "root"]);
    assert_eq!(super::serials(&cloned.events("done")), ["VM0002"]);
}

#[test]
fn settings_files_go_out_and_come_in_and_wrong_ones_change_nothing() {
    let lab = Lab::start(Over::Socket, 1).with_master(&["--auto-lock"]);
    let file = lab.path("settings.json");
    let name = file.to_str().unwrap();
    lab.keywriter(&["settings", "export", name]).expect(0);
    let exported = fs::read_to_string(&file).unwrap();
    lab.keywriter(&["settings", "import", name]).expect(0);
    for wrong in [
        "",
        "{",
        "[]",
        "{\"version\":1}",
        &exported.replace(": 1", ": 2").replace(":1", ":2"),
        &exported.replace('{', "{\"pin\":\"1\","),
    ] {
        fs::write(&file, wrong).unwrap();
        lab.keywriter(&["settings", "import", name])
            .expect(5)
            .says(&["settings.json"]);
    }
    lab.keywriter(&["settings", "export", name]).expect(0);
    assert_eq!(fs::read_to_string(&file).unwrap(), exported);
}

#[test]
fn a_receipt_that_was_changed_or_belongs_to_another_root_is_refused() {
    let lab = Lab::start(Over::Socket, 2).with_master(&[]);
    let other = Lab::start(Over::Socket, 1);
    let folder = lab.path("receipts");
    lab.keywriter(&["clone", "--receipts", folder.to_str().unwrap()])
        .expect(0);
    let file = fs::read_dir(&folder)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let verify = |file: &std::path::Path, root: std::path::PathBuf| {
        lab.keywriter(&[
            "receipt",
            "verify",
            file.to_str().unwrap(),
            "--root",
            root.to_str().unwrap(),
        ])
    };
    verify(&file, lab.path("hub/run/root.pem"))
        .expect(0)
        .says(&["VM0001", "VM0002"]);
    verify(&file, other.path("hub/run/root.pem"))
        .expect(5)
        .says(&["root"]);
    let text = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let middle = lines.len() / 2;
    lines[middle] = lines[middle].chars().rev().collect();
    let changed = lab.path("changed.pem");
    fs::write(&changed, lines.join("\n") + "\n").unwrap();
    verify(&changed, lab.path("hub/run/root.pem")).expect(5);
}
