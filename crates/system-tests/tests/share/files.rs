//! What files may be: devices, FIFOs and links, one under two names, one that changes, and one that cannot be read.

use crate::team::{bytes, command, file, names, shell};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt},
    process::{Output, Stdio},
};
use system_tests::lab::{Lab, Over, program};

/// A hub with one module, unlocked.
fn lab() -> Lab {
    let lab = Lab::start(Over::Socket, 1);
    lab.set_up("VM0001");
    lab.unlock_user("VM0001");
    lab
}

/// Runs a line of shell; asserts its exit code and a word on standard error.
#[track_caller]
fn ends(lab: &Lab, line: &str, code: i32, word: &str) -> Output {
    let ran = shell(lab, line);
    let err = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(code), "{line}: {err}");
    assert!(err.contains(word), "{line}: nothing of '{word}' in {err}");
    ran
}

#[test]
fn two_outputs_of_one_run_never_are_one_file() {
    let lab = lab();
    for name in ["p/same", "q/same"] {
        file(&lab, name, name.as_bytes());
    }
    fs::create_dir(lab.path("out")).unwrap();
    for force in ["", "--force"] {
        let line = format!("$KEYWRITER encrypt p/same q/same -o out {force}");
        ends(&lab, &line, 1, "same.kw: another output of the same run");
        ends(
            &lab,
            "$KEYWRITER decrypt out/same.kw -o - | cmp - p/same",
            0,
            "",
        );
    }
    // Two names that lead to one file; and one file, named twice, is done once.
    file(&lab, "old", b"old");
    for name in ["x", "y"] {
        file(&lab, name, name.as_bytes());
        std::os::unix::fs::symlink("../old", lab.path(&format!("out/{name}.kw"))).unwrap();
    }
    ends(
        &lab,
        "$KEYWRITER encrypt x y -o out --force",
        1,
        "y.kw: another output",
    );
    ends(&lab, "$KEYWRITER decrypt old -o - | cmp - x", 0, "");
    ends(&lab, "$KEYWRITER encrypt p p/same", 0, "");
    // The output of one is the input of the next.
    ends(&lab, "$KEYWRITER encrypt --force x x.kw", 1, "cannot read");
    let before = fs::read(lab.path("x.kw")).unwrap();
    ends(&lab, "$KEYWRITER encrypt --force x x.kw", 1, "same file");
    assert_eq!(fs::read(lab.path("x.kw")).unwrap(), before);
    let line = "$KEYWRITER clone --report p/../r --report-page r";
    ends(&lab, line, 2, "another output");
}

#[test]
fn no_input_is_written_whatever_its_name() {
    let lab = lab();
    file(&lab, "plain", b"original");
    fs::hard_link(lab.path("plain"), lab.path("hard")).unwrap();
    std::os::unix::fs::symlink("plain", lab.path("soft")).unwrap();
    for line in [
        "$KEYWRITER encrypt - -o plain --force < plain",
        "$KEYWRITER encrypt plain -o hard --force",
        "$KEYWRITER encrypt plain -o soft --force",
        "$KEYWRITER encrypt soft -o plain --force",
        "$KEYWRITER encrypt plain -o - >> plain",
        "$KEYWRITER encrypt - >> hard < plain",
        "$KEYWRITER data-units encipher VM0001 hard plain",
    ] {
        ends(&lab, line, 2, "same file");
        assert_eq!(fs::read(lab.path("plain")).unwrap(), b"original", "{line}");
    }
    ends(&lab, "$KEYWRITER encrypt - -o /dev/null < /dev/null", 0, "");
}

#[test]
fn devices_and_fifos_are_written_to_and_links_followed_by_every_command() {
    let lab = Lab::start(Over::Socket, 1);
    lab.set_up("VM0001");
    lab.unlock_admin("VM0001");
    file(&lab, "plain", &bytes(1_000_000));
    file(&lab, "units", &[0; 64]);
    ends(&lab, "$KEYWRITER encrypt plain && mkfifo fifo", 0, "");
    lab.keywriter(&["master", "set", "VM0001"]).expect(0);
    for line in [
        "$KEYWRITER encrypt plain -o",
        "$KEYWRITER encrypt --force plain -o",
        "$KEYWRITER decrypt plain.kw -o",
        "$KEYWRITER data-units encipher VM0001 units",
        "$KEYWRITER settings export",
        "$KEYWRITER recipient --identity=",
    ] {
        let space = if line.ends_with('=') { "" } else { " " };
        let to = |target: &str| format!("{line}{space}{target}");
        let read = "cat fifo > read & ";
        ends(
            &lab,
            &format!("{read}{} && wait && test -s read", to("fifo")),
            0,
            "",
        );
        ends(&lab, &to("/dev/null"), 0, "");
        ends(&lab, &to("/dev/full"), 6, "cannot write");
        ends(
            &lab,
            &format!("{} | cat > read && test -s read", to("/dev/stdout")),
            0,
            "",
        );
    }
    let kind = |path: &str| lab.path(path).metadata().unwrap().file_type();
    assert!(kind("fifo").is_fifo() && kind("/dev/null").is_char_device());
    // What comes out of a FIFO is the file.
    let line = "$KEYWRITER decrypt plain.kw -o fifo & cmp fifo plain";
    ends(&lab, line, 0, "");
    // A link stays, and its file is replaced.
    file(&lab, "kept", b"old");
    std::os::unix::fs::symlink("kept", lab.path("link")).unwrap();
    ends(
        &lab,
        "$KEYWRITER encrypt plain -o link",
        3,
        "already exists",
    );
    ends(&lab, "$KEYWRITER encrypt --force plain -o link", 0, "");
    assert!(lab.path("link").is_symlink());
    ends(&lab, "$KEYWRITER decrypt kept -o - | cmp - plain", 0, "");
}

#[test]
fn a_file_that_changes_while_it_is_read_fails_and_leaves_nothing() {
    let lab = Lab::start_with(Over::Socket, 1, &["--latency", "20"]);
    lab.set_up("VM0001");
    lab.unlock_user("VM0001");
    file(&lab, "plain", &bytes(6_000_000));
    assert!(shell(&lab, "$KEYWRITER encrypt plain").status.success());
    let whole = ["plain", "plain.kw"].map(|name| fs::read(lab.path(name)).unwrap());
    for (act, name, whole) in [
        ("encrypt", "plain", &whole[0]),
        ("decrypt", "plain.kw", &whole[1]),
    ] {
        for how in ["truncated", "grown", "rewritten"] {
            fs::write(lab.path(name), whole).unwrap();
            let mut keywriter = command(&lab, &program("keywriter"));
            let mut keywriter = keywriter
                .args(["--json", act, name, "-o", "out", "--in-module"])
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let mut lines = BufReader::new(keywriter.stdout.take().unwrap()).lines();
            assert!(lines.next().unwrap().unwrap().contains("progress"));
            let options = fs::OpenOptions::new()
                .append(how == "grown")
                .write(true)
                .clone();
            let mut other = options.open(lab.path(name)).unwrap();
            match how {
                "truncated" => other.set_len(1_000_000).unwrap(),
                _ => other.write_all(&bytes(1000)).unwrap(),
            }
            let last = lines.map(Result::unwrap).last().unwrap();
            assert_eq!(
                keywriter.wait().unwrap().code(),
                Some(6),
                "{act} {how}: {last}"
            );
            assert!(last.contains("input-changed"), "{act} {how}: {last}");
            assert!(!lab.path("out").exists(), "{act} {how}");
        }
    }
}

#[test]
fn what_cannot_be_done_is_named_and_everything_else_is_done() {
    let lab = lab();
    for name in ["in/a", "in/locked/b", "in/z", "d"] {
        file(&lab, name, name.as_bytes());
    }
    let long = "x".repeat(254);
    file(&lab, &format!("in/{long}"), b"long");
    // As long as its output's name may be.
    let longest = "ü".repeat(126);
    file(&lab, &format!("in/{longest}"), b"longest");
    let closed = lab.path("in/locked");
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads every folder.
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    fs::create_dir(lab.path("in/out")).unwrap();
    for force in ["", "--force"] {
        let line = format!("$KEYWRITER encrypt none in d {force} -o in/out");
        let ran = ends(&lab, &line, 1, "none: cannot read the file");
        let err = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(err.contains(&format!("{long}.kw: cannot write")), "{err}");
        assert_eq!(err.contains("locked: cannot read"), !is_root, "{err}");
        let made = names(&lab.path("in/out/in"));
        for name in ["a", "z", &longest] {
            assert!(made.contains(&format!("{name}.kw")), "{force}: {made:?}");
        }
        assert!(names(&lab.path("in/out")).contains(&"d.kw".into()));
    }
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    // One alone has its own exit code, and several failures without a file that was done have the other one.
    ends(&lab, "$KEYWRITER encrypt none", 6, "cannot read the file");
    ends(
        &lab,
        "$KEYWRITER encrypt none nothing",
        1,
        "2 of 2 files failed",
    );
    ends(
        &lab,
        "mkdir f && mkfifo f/fifo && $KEYWRITER encrypt f",
        6,
        "fifo: neither",
    );
}
