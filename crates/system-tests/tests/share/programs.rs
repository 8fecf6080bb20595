//! `encrypt`, `decrypt`, `inspect` and `recipient`, over sockets and over a real pcscd.

use crate::team::{bytes, command, file, lock, names, shell, team};
use std::{
    fs,
    io::{BufRead, BufReader},
    process::Stdio,
};
use system_tests::lab::{Lab, Over, program};

#[test]
fn a_file_goes_from_one_clone_to_another_over_sockets() {
    goes_from_one_clone_to_another(Over::Socket);
}

#[test]
fn a_file_goes_from_one_clone_to_another_over_pcscd() {
    goes_from_one_clone_to_another(Over::Pcsc);
}

fn goes_from_one_clone_to_another(over: Over) {
    let lab = team(over);
    lab.unlock_user("VM0001");
    let plain = bytes(200_000);
    let path = file(&lab, "report.pdf", &plain);
    let name = path.to_str().unwrap();
    let line = lab.keywriter(&["--json", "encrypt", name]).expect(0);
    assert_eq!(line.events("encrypted")[0]["bytes"], 200_000);
    fs::remove_file(&path).unwrap();
    lock(&lab, "VM0001");
    lab.unlock_user("VM0002");
    lab.unlock_user("VM0003");
    let line = lab
        .keywriter(&["--json", "decrypt", &format!("{name}.kw")])
        .expect(0);
    assert_eq!(line.events("decrypted")[0]["serial"], "VM0002");
    assert_eq!(fs::read(&path).unwrap(), plain);
}

#[test]
fn every_length_comes_back() {
    let lab = team(Over::Socket);
    lab.unlock_user("VM0001");
    for len in [0, 1, 15, 16, 61_439, 61_440, 61_441, 122_880] {
        let plain = bytes(len);
        file(&lab, "plain", &plain);
        let line =
            "$KEYWRITER encrypt --force plain && $KEYWRITER decrypt --force plain.kw -o back";
        let ran = shell(&lab, line);
        assert!(ran.status.success(), "{len}: {ran:?}");
        assert_eq!(fs::read(lab.path("back")).unwrap(), plain, "{len}");
    }
}

#[test]
fn pipes_are_read_and_written() {
    let lab = team(Over::Socket);
    lab.unlock_user("VM0001");
    let plain = bytes(500_000);
    file(&lab, "plain", &plain);
    let ran = shell(
        &lab,
        "cat plain | $KEYWRITER encrypt - | $KEYWRITER decrypt - | cmp - plain && $KEYWRITER encrypt plain -o - > out.kw",
    );
    assert!(ran.status.success(), "{ran:?}");
    let ran = shell(&lab, "$KEYWRITER decrypt out.kw -o - | cmp - plain");
    assert!(ran.status.success(), "{ran:?}");
    // With verified chunks in the pipe already, the exit code says what became of the rest.
    let ran = shell(&lab, "head -c 200000 out.kw | $KEYWRITER decrypt -");
    assert_eq!(ran.status.code(), Some(5));
    assert!(plain.starts_with(&ran.stdout) && !ran.stdout.is_empty());
    let ran = shell(&lab, "$KEYWRITER --json decrypt out.kw -o -");
    assert_eq!(ran.status.code(), Some(2));
}

#[test]
fn folders_and_many_files_are_done_and_one_that_fails_keeps_no_other_from_it() {
    let lab = team(Over::Socket);
    lab.unlock_user("VM0001");
    for name in ["in/a", "in/below/b", "in/below/c", "d"] {
        file(&lab, name, name.as_bytes());
    }
    fs::create_dir(lab.path("out")).unwrap();
    let ran = shell(&lab, "$KEYWRITER encrypt in d -o out");
    assert!(ran.status.success(), "{ran:?}");
    assert_eq!(names(&lab.path("out/in/below")), ["b.kw", "c.kw"]);
    // One is damaged.
    let damaged = lab.path("out/in/below/b.kw");
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[70] ^= 1;
    fs::write(&damaged, bytes).unwrap();
    let ran = shell(&lab, "$KEYWRITER --json decrypt out");
    assert_eq!(ran.status.code(), Some(1), "{ran:?}");
    let out = String::from_utf8(ran.stdout).unwrap();
    assert!(out.contains("file-failed") && out.contains("b.kw"), "{out}");
    assert_eq!(names(&lab.path("out/in/below")), ["b.kw", "c", "c.kw"]);
    assert_eq!(fs::read(lab.path("out/in/a")).unwrap(), b"in/a");
    assert_eq!(fs::read(lab.path("out/d")).unwrap(), b"d");
}

#[test]
fn a_file_is_inspected_without_a_module() {
    let lab = team(Over::Socket);
    lab.unlock_user("VM0001");
    file(&lab, "plain", &bytes(100_000));
    let plain = lab.path("plain");
    let ran = lab
        .keywriter(&["--json", "encrypt", plain.to_str().unwrap()])
        .expect(0);
    let line = &ran.events("encrypted")[0];
    assert_eq!(line["epoch"], 1);
    assert_eq!(line["epoch_check"].as_str().map(str::len), Some(16));
    for serial in ["VM0001", "VM0002", "VM0003"] {
        lab.hub(&["unplug", serial]);
    }
    let ran = lab
        .keywriter(&["--json", "inspect", lab.path("plain.kw").to_str().unwrap()])
        .expect(0);
    let line = &ran.events("inspected")[0];
    assert_eq!(line["bytes"], 100_000);
    assert_eq!(line["chunks"], 2);
    assert_eq!(line["mode"], "AES-256-GCM");
    // Whose it is, only a module can tell.
    assert!(line.get("group").is_none() && line.get("epoch").is_none());
}

#[test]
fn a_module_in_ecb_warns_that_equal_blocks_show() {
    let lab = team(Over::Socket);
    let admin = hsm_testbench::ADMIN_PIN;
    lab.press(
        "VM0003",
        &format!("KEY+1 {admin} KEY KEY+9 2 SHIFT SHIFT:1s"),
    );
    lab.unlock_user("VM0003");
    file(&lab, "plain", &[7; 1000]);
    let ran = shell(
        &lab,
        "$KEYWRITER encrypt --in-module plain && $KEYWRITER decrypt plain.kw -o back && cmp plain back",
    );
    assert!(ran.status.success(), "{ran:?}");
    assert!(
        String::from_utf8(ran.stderr)
            .unwrap()
            .contains("equal blocks show")
    );
}

#[test]
fn recipient_and_identity_are_the_same_from_every_clone() {
    let lab = team(Over::Socket);
    let mut seen = Vec::new();
    for serial in ["VM0001", "VM0002", "VM0003"] {
        lab.unlock_user(serial);
        let ran = lab
            .keywriter(&["--json", "recipient", "--module", serial])
            .expect(0);
        seen.push(
            ran.events("recipient")[0]["recipient"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
        lock(&lab, serial);
    }
    assert_eq!(seen[0], seen[1]);
    assert_ne!(seen[0], seen[2]);
    lab.unlock_user("VM0002");
    let ran = shell(&lab, "$KEYWRITER recipient --identity");
    assert!(ran.status.success(), "{ran:?}");
    let text = fs::read_to_string(lab.path("team.txt")).unwrap();
    assert!(text.contains(&seen[0]) && text.contains("AGE-PLUGIN-KEYWRITER-1"));
    assert_eq!(
        shell(&lab, "$KEYWRITER recipient --identity").status.code(),
        Some(3)
    );
}

#[test]
fn memory_does_not_grow_with_the_file() {
    let lab = team(Over::Socket);
    lab.unlock_user("VM0001");
    file(&lab, "large", &bytes(64 << 20));
    // Ten threads' stacks would fit; the file does not.
    let line = "ulimit -v 50000 && $KEYWRITER encrypt large && $KEYWRITER decrypt large.kw -o back && cmp large back";
    let ran = shell(&lab, line);
    assert!(ran.status.success(), "{ran:?}");
}

#[test]
fn a_module_that_keeps_its_keys_does_it_inside_and_says_so() {
    let lab = team(Over::Socket);
    lab.unlock_user("VM0001");
    file(&lab, "before", &bytes(200_000));
    let run = |line: &str| {
        let ran = shell(&lab, line);
        assert!(ran.status.success(), "{line}: {ran:?}");
        String::from_utf8(ran.stderr).unwrap()
    };
    let quiet =
        run("$KEYWRITER encrypt before && $KEYWRITER decrypt before.kw -o back && cmp before back");
    assert!(!quiet.contains("slow"), "{quiet}");
    lab.hub(&["unplug", "VM0001"]);
    let admin = hsm_testbench::ADMIN_PIN;
    let keys = format!("KEY+1 {admin} KEY 9+0 0 SHIFT SHIFT:1s");
    lab.press("VM0002", &keys);
    lab.unlock_user("VM0002");
    file(&lab, "after", &bytes(200_000));
    for line in [
        "$KEYWRITER encrypt after",
        "$KEYWRITER decrypt before.kw -o back --force && cmp before back",
    ] {
        let said = run(line);
        assert!(said.contains("VM0002 keeps the keys of files"), "{said}");
    }
    let said = run("$KEYWRITER decrypt after.kw -o back --force && cmp after back");
    assert!(
        !said.contains("keeps the keys"),
        "nothing else was to be expected: {said}"
    );
    let ran = lab
        .keywriter(&["--json", "inspect", lab.path("after.kw").to_str().unwrap()])
        .expect(0);
    assert_eq!(ran.events("inspected")[0]["mode"], "AES-256-XTS");
}

#[test]
fn a_folder_of_many_small_files_needs_few_answers_of_the_module() {
    let lab = team(Over::Socket);
    lab.unlock_user("VM0001");
    fs::create_dir(lab.path("many")).unwrap();
    fs::create_dir(lab.path("plain")).unwrap();
    for number in 0..300 {
        file(&lab, &format!("many/{number}"), &bytes(number));
    }
    let commands = |line: &str| {
        let ran = shell(&lab, line);
        assert!(ran.status.success(), "{ran:?}");
        let log = String::from_utf8(ran.stderr).unwrap();
        log.lines().filter(|line| line.contains("sent")).count()
    };
    let all = commands("$KEYWRITER --log trace encrypt many");
    assert!((1..50).contains(&all), "{all} commands");
    let all = commands(
        "$KEYWRITER --log trace decrypt many -o plain && ls plain/many | wc -l | grep -qx 300",
    );
    assert!((1..50).contains(&all), "{all} commands");
}

#[test]
fn it_is_said_how_long_a_file_takes_through_the_module() {
    let lab = Lab::start_with(Over::Socket, 1, &["--latency", "200"]);
    lab.set_up("VM0001");
    lab.unlock_user("VM0001");
    file(&lab, "large", &bytes(20_000_000));
    let mut keywriter = command(&lab, &program("keywriter"));
    let mut keywriter = keywriter
        .args(["encrypt", "--in-module", "large"])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(keywriter.stderr.take().unwrap()).lines();
    let said = lines.next().unwrap().unwrap();
    keywriter.kill().unwrap();
    keywriter.wait().unwrap();
    assert!(
        said.contains("large: every byte passes through VM0001") && said.contains("more"),
        "{said}"
    );
}
