//! A bit of the receipt is flipped, on the cable or on the disk.

use hsm_protocol::command::ins;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};
use system_tests::{
    cable::Tapped,
    lab::{Lab, Over},
};

fn kept(lab: &Lab) -> Vec<PathBuf> {
    let folder = fs::read_dir(lab.path("user/keywriter/receipts"));
    let mut files: Vec<_> = folder
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

fn verify(lab: &Lab, file: &Path) -> i32 {
    let root = lab.path("hub/run/root.pem");
    let (file, root) = (file.to_str().unwrap(), root.to_str().unwrap());
    lab.keywriter(&["receipt", "verify", file, "--root", root])
        .code
}

/// The last byte of the Countersignature is the Seal's.
#[test]
fn a_seal_with_a_flipped_bit_is_not_done_and_not_kept() {
    let lab = Lab::start(Over::Socket, 2).with_master(&[]);
    let is_first = AtomicBool::new(true);
    let tapped = Tapped::new(&lab.path("hub"), &lab.path("tapped"))
        .cable(&lab.path("hub/run/VM0001.sock"), move |ins, answer| {
            if ins == ins::COUNTERSIGN && is_first.swap(false, Ordering::Relaxed) {
                let seal = answer.len() - 3;
                answer[seal] ^= 1;
            }
        })
        .cable(&lab.path("hub/run/VM0002.sock"), |_, _| {});
    let clone = ["--state", tapped.name(), "clone", "--json"];
    let cloned = lab.keywriter(&clone).expect(1);
    assert_eq!(cloned.events("done"), [] as [serde_json::Value; 0]);
    assert_eq!(cloned.events("failed")[0]["reason"], "receipt-not-verified");
    assert_eq!(kept(&lab), [] as [PathBuf; 0]);
    // The cable is quiet now: the receipt is fetched, and nothing is cloned twice.
    let cloned = lab.keywriter(&clone).expect(0);
    assert_eq!(cloned.events("done")[0]["already"], true);
    let [file] = kept(&lab).try_into().unwrap();
    assert_eq!(verify(&lab, &file), 0);
}

#[test]
fn a_kept_receipt_with_a_flipped_bit_is_set_aside_and_fetched_again() {
    let lab = Lab::start(Over::Socket, 2).with_master(&[]);
    lab.keywriter(&["clone"]).expect(0);
    let [file] = kept(&lab).try_into().unwrap();
    let valid = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<String> = valid.lines().map(str::to_owned).collect();
    let last = lines.len() - 2;
    lines[last] = lines[last].replacen(|c: char| c != 'A', "A", 1);
    let changed = lines.join("\n") + "\n";
    fs::write(&file, &changed).unwrap();
    assert_eq!(verify(&lab, &file), 5);
    let cloned = lab.keywriter(&["clone", "--json"]).expect(0);
    let told = cloned.events("receipt-set-aside");
    assert_eq!(told[0]["serial"], "VM0002");
    assert_eq!(cloned.events("done")[0]["already"], true);
    assert_eq!(verify(&lab, &file), 0);
    let [same, aside] = kept(&lab).try_into().unwrap();
    assert_eq!(told[0]["file"], aside.to_str().unwrap());
    assert_eq!(same, file);
    assert_eq!(fs::read_to_string(aside).unwrap(), changed);
    lab.keywriter(&["clone"]).expect(0).says(&["left as it is"]);
    fs::write(&file, &changed).unwrap();
    lab.keywriter(&["clone"])
        .expect(0)
        .says(&["completed now", "-2, and the receipt is fetched again"]);
}
