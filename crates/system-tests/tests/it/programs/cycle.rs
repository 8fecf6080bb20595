//! What a cycle does when all goes well, and when modules come and go.

use super::{over_both, secondaries, serials};
use std::{fs, io::Read};
use system_tests::lab::{Lab, Over};

over_both!(
    one_master_clones_to_nine_and_each_receipt_verifies,
    a_clone_reads_what_its_master_enciphered,
    modules_that_come_and_go_are_seen,
    one_at_a_time_gives_the_same_result,
    a_second_cycle_leaves_clones_as_they_are,
    a_clone_serves_as_a_master_once_its_administrator_enables_it,
    a_disabled_master_clones_no_more,
);

fn one_master_clones_to_nine_and_each_receipt_verifies(over: Over) {
    let lab = Lab::start(over, 10).with_master(&[]);
    let (receipts, report) = (lab.path("receipts"), lab.path("report.json"));
    let (receipts, report) = (receipts.to_str().unwrap(), report.to_str().unwrap());
    let cloned = lab
        .keywriter(&[
            "clone",
            "--json",
            "--receipts",
            receipts,
            "--report",
            report,
        ])
        .expect(0);
    assert_eq!(serials(&cloned.events("done")), secondaries(2..=10));

    let root = lab.path("hub/run/root.pem");
    let arguments = ["receipt", "verify", report, "--root"];
    let checked = lab
        .keywriter(&[&arguments[..], &[root.to_str().unwrap(), "--json"]].concat())
        .expect(0);
    assert_eq!(checked.events("receipt").len(), 9);
    assert_eq!(checked.events("report")[0]["receipts"], 9);
    let mut verified = 0;
    for entry in fs::read_dir(receipts).unwrap() {
        let file = entry.unwrap().path();
        let (file, root) = (file.to_str().unwrap(), root.to_str().unwrap());
        lab.keywriter(&["receipt", "verify", file, "--root", root])
            .expect(0);
        verified += 1;
    }
    assert_eq!(verified, 9);
    let journal = lab.keywriter(&["journal", "VM0001", "--json"]).expect(0);
    let entries = journal.events("journal-entry");
    assert_eq!(serials(&entries), secondaries(2..=10));
    assert!(
        entries.iter().all(|entry| entry["sealed"] == true),
        "{entries:?}"
    );
}

fn a_clone_reads_what_its_master_enciphered(over: Over) {
    let lab = Lab::start(over, 2).with_master(&[]);
    lab.keywriter(&["clone"]).expect(0);
    let (plain, sealed, back) = (lab.path("plain"), lab.path("sealed"), lab.path("back"));
    let bytes: Vec<u8> = (0..300_000_u32).map(|i| i.to_le_bytes()[1]).collect();
    fs::write(&plain, &bytes).unwrap();
    let cipher = |way, serial, from: &std::path::Path, to: &std::path::Path| {
        lab.keywriter(&[
            "data-units",
            way,
            serial,
            from.to_str().unwrap(),
            to.to_str().unwrap(),
        ])
    };
    cipher("encipher", "VM0001", &plain, &sealed).expect(0);
    assert_ne!(fs::read(&sealed).unwrap(), bytes);
    // The clone is locked until someone who knows the master's PINs unlocks it.
    cipher("decipher", "VM0002", &sealed, &back)
        .expect(3)
        .says(&["VM0002", "locked"]);
    assert!(!back.exists());
    lab.unlock_user("VM0002");
    cipher("decipher", "VM0002", &sealed, &back).expect(0);
    assert_eq!(fs::read(&back).unwrap(), bytes);
}

fn modules_that_come_and_go_are_seen(over: Over) {
    let lab = Lab::start(over, 3);
    assert!(lab.shows(&secondaries(1..=3)), "all are seen");
    lab.hub(&["unplug", "VM0002"]);
    assert!(
        lab.shows(&["VM0001".into(), "VM0003".into()]),
        "the removal is seen"
    );
    lab.hub(&["plug", "VM0002"]);
    assert!(lab.shows(&secondaries(1..=3)), "the insertion is seen");
}

fn one_at_a_time_gives_the_same_result(over: Over) {
    let lab = Lab::start(over, 4).with_master(&[]);
    let cloned = lab.keywriter(&["clone", "--json", "--jobs", "1"]).expect(0);
    let done: Vec<_> = cloned
        .events("done")
        .iter()
        .map(|event| event["serial"].clone())
        .collect();
    assert_eq!(done, ["VM0002", "VM0003", "VM0004"]);
}

fn a_second_cycle_leaves_clones_as_they_are(over: Over) {
    let lab = Lab::start(over, 4).with_master(&[]);
    lab.hub(&["unplug", "VM0004"]);
    lab.keywriter(&["clone", "--json"]);
    lab.hub(&["plug", "VM0004"]);
    assert!(lab.shows(&secondaries(1..=4)), "the insertion is seen");
    lab.keywriter(&["clone", "--json"]).expect(0);
    let journal = lab.keywriter(&["journal", "VM0001", "--json"]).expect(0);
    assert_eq!(
        serials(&journal.events("journal-entry")),
        secondaries(2..=4)
    );
}

fn a_clone_serves_as_a_master_once_its_administrator_enables_it(over: Over) {
    let lab = Lab::start(over, 3).with_master(&[]);
    lab.keywriter(&["clone", "--to", "VM0002"]).expect(0);
    lab.unlock_admin("VM0002");
    lab.keywriter(&["master", "set", "VM0002"])
        .expect(3)
        .says(&["VM0002", "cloning is disabled", "KEY+8"]);
    lab.hub(&["unplug", "VM0002"]);
    lab.hub(&["plug", "VM0002"]);
    let pin = hsm_testbench::ADMIN_PIN;
    assert_eq!(
        lab.press("VM0002", &format!("KEY+1 {pin} KEY KEY+8 1 SHIFT")),
        "stored"
    );
    lab.press("VM0002", "SHIFT:1s");
    lab.unlock_admin("VM0002");
    assert!(lab.shows(&secondaries(1..=3)), "the insertion is seen");
    lab.keywriter(&["master", "set", "VM0002"]).expect(0);
    lab.keywriter(&["clone", "--to", "VM0003"]).expect(0);
    lab.unlock_user("VM0003");
}

fn a_disabled_master_clones_no_more(over: Over) {
    let lab = Lab::start(over, 4).with_master(&["--disable-master"]);
    lab.keywriter(&["clone"]).expect(0);
    lab.keywriter(&["clone"])
        .expect(3)
        .says(&["VM0001", "cloning is disabled"]);
}

#[test]
fn a_module_plugged_in_during_a_cycle_joins_it() {
    let lab = Lab::start_with(Over::Socket, 4, &["--computing", "150"]).with_master(&[]);
    lab.hub(&["unplug", "VM0004"]);
    let mut clone = lab.spawn_keywriter(&["clone", "--json"]);
    wait_for_first_step(&mut clone, |_| lab.hub(&["plug", "VM0004"]));
    let journal = lab.keywriter(&["journal", "VM0001", "--json"]).expect(0);
    assert_eq!(
        serials(&journal.events("journal-entry")),
        secondaries(2..=4)
    );
}

#[test]
fn a_module_pulled_out_fails_alone_and_the_next_cycle_finishes_it() {
    let lab = Lab::start_with(Over::Socket, 4, &["--computing", "150"]).with_master(&[]);
    let mut clone = lab.spawn_keywriter(&["clone", "--json"]);
    let rest = wait_for_first_step(&mut clone, |_| lab.hub(&["unplug", "VM0003"]));
    assert!(
        rest.contains("\"failed\"") && rest.contains("VM0003"),
        "{rest}"
    );
    assert!(rest.contains("pulled out"), "{rest}");
    lab.hub(&["plug", "VM0003"]);
    lab.keywriter(&["clone"]).expect(0);
    for serial in secondaries(2..=4) {
        lab.unlock_user(&serial);
    }
}

/// Acts once the cycle's first step is reported; then lets it end, and returns the rest of what it printed.
fn wait_for_first_step(
    clone: &mut std::process::Child,
    act: impl FnOnce(&str) -> String,
) -> String {
    let mut out = clone.stdout.take().unwrap();
    let mut text = String::new();
    let mut act = Some(act);
    let mut buffer = [0; 4096];
    loop {
        let len = out.read(&mut buffer).unwrap();
        if len == 0 {
            break;
        }
        text.push_str(std::str::from_utf8(&buffer[..len]).unwrap());
        if text.contains("\"step\"")
            && let Some(act) = act.take()
        {
            act(&text);
        }
    }
    clone.wait().unwrap();
    assert!(act.is_none(), "no step was reported: {text}");
    text
}
