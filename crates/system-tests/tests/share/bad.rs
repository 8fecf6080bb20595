//! Bad input: a clear sentence each, the original untouched, and nothing under the final name.

use crate::team::{bytes, command, file, lock, names, shell, team};
use hsm_protocol::file::FileHeader;
use hsm_testbench::files;
use std::{
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    process::Stdio,
    sync::mpsc,
    thread,
    time::Duration,
};
use system_tests::{
    lab::{Lab, Over, program},
    wire::Wire,
};

/// A small file of three chunks of 64 bytes, made by `VM0001` itself: `keywriter` makes larger ones.
fn small(lab: &Lab) -> Vec<u8> {
    let mut module = Wire::open(&lab.path("hub/run/VM0001.sock"));
    files::file(&mut module, 64, &bytes(150)).unwrap()
}

/// Decrypts `name`; asserts the exit code, the words, and that nothing was written.
#[track_caller]
fn refuses(lab: &Lab, name: &str, code: i32, words: &[&str]) {
    let before = names(lab.folder.path());
    let ran = shell(lab, &format!("$KEYWRITER decrypt {name}"));
    let err = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(code), "{name}: {err}");
    for word in words {
        assert!(err.contains(word), "{name}: nothing of '{word}' in {err}");
    }
    assert_eq!(err.lines().count(), 2, "one sentence and what to do: {err}");
    assert_eq!(names(lab.folder.path()), before, "nothing is left behind");
}

#[test]
fn a_file_that_is_cut_or_goes_on_at_any_length_is_refused() {
    let lab = team(Over::Socket);
    lab.unlock_user("VM0001");
    let whole = small(&lab);
    // Each program start costs: every length around the borders here, every length in the library's own test.
    for len in [
        0,
        1,
        6,
        7,
        63,
        64,
        65,
        67,
        68,
        131,
        147,
        148,
        149,
        232,
        whole.len() - 1,
    ] {
        file(&lab, "cut.kw", &whole[..len]);
        let words: &[&str] = if len <= 6 {
            &["not an encrypted file"]
        } else {
            &["its end is missing"]
        };
        refuses(&lab, "cut.kw", 5, words);
    }
    for more in [1, 84] {
        file(&lab, "long.kw", &[&whole[..], &vec![0; more]].concat());
        refuses(&lab, "long.kw", 5, &["trailing data after the last chunk"]);
    }
}

#[test]
fn every_header_byte_that_is_changed_is_told() {
    let lab = team(Over::Socket);
    lab.unlock_user("VM0001");
    let whole = small(&lab);
    for serial in ["VM0002", "VM0003"] {
        lab.hub(&["unplug", serial]);
    }
    for at in 0..60 {
        let mut changed = whole.clone();
        changed[at] ^= 0x40;
        file(&lab, "changed.kw", &changed);
        let (code, word) = match at {
            0..6 => (5, "not an encrypted file"),
            6 => (5, "version 65"),
            // Of the chunk size, or a possible one that the frame does not fit.
            7 | 24..28 => (5, "header is damaged"),
            16..24 => (3, "epoch"),
            // The tags depend on the salt.
            _ => (3, "team"),
        };
        let ran = shell(&lab, "$KEYWRITER decrypt changed.kw");
        let err = String::from_utf8_lossy(&ran.stderr).into_owned();
        let is_other_size = (24..28).contains(&at) && ran.status.code() == Some(5);
        assert!(
            ran.status.code() == Some(code) && err.contains(word) || is_other_size,
            "byte {at}: {err}"
        );
        assert!(!lab.path("changed").exists(), "byte {at}");
    }
}

#[test]
fn chunks_that_are_swapped_dropped_or_doubled_are_refused() {
    let lab = team(Over::Socket);
    lab.unlock_user("VM0001");
    let whole = small(&lab);
    let (header, body) = whole.split_at(60);
    let [a, b, c]: [&[u8]; 3] = body.chunks(84).collect::<Vec<_>>().try_into().unwrap();
    for (name, chunks) in [
        ("swapped", vec![b, a, c]),
        ("dropped", vec![a, c]),
        ("doubled", vec![a, a, b, c]),
        ("beheaded", vec![b, c]),
    ] {
        let bytes = [&[header][..], &chunks].concat().concat();
        file(&lab, &format!("{name}.kw"), &bytes);
        refuses(&lab, &format!("{name}.kw"), 5, &["was changed"]);
    }
}

#[test]
fn another_group_another_epoch_and_a_locked_module_are_told_apart() {
    let lab = team(Over::Socket);
    lab.unlock_user("VM0001");
    let mut later = small(&lab);
    file(&lab, "ours.kw", &later);
    later[23] ^= 1;
    file(&lab, "later.kw", &later);
    refuses(
        &lab,
        "later.kw",
        3,
        &["VM0001", "newest epoch is 1 (", "clone that module again"],
    );
    lock(&lab, "VM0001");
    refuses(
        &lab,
        "ours.kw",
        3,
        &["locked", "VM0001", "VM0002", "SHIFT+KEY"],
    );
    lab.hub(&["unplug", "VM0001"]);
    lab.hub(&["unplug", "VM0002"]);
    lab.unlock_user("VM0003");
    refuses(&lab, "ours.kw", 3, &["team", "VM0003"]);
    lab.hub(&["unplug", "VM0003"]);
    refuses(&lab, "ours.kw", 4, &["no module found"]);
}

#[test]
fn a_file_of_another_team_after_one_of_ours_is_told() {
    let lab = team(Over::Socket);
    for (serial, name) in [("VM0001", "ours"), ("VM0003", "theirs")] {
        lab.unlock_user(serial);
        file(&lab, name, name.as_bytes());
        let line = format!("$KEYWRITER encrypt {name} --module {serial} && rm {name}");
        assert!(shell(&lab, &line).status.success());
    }
    for serial in ["VM0002", "VM0003"] {
        lab.hub(&["unplug", serial]);
    }
    let ran = shell(&lab, "$KEYWRITER decrypt ours.kw theirs.kw");
    let err = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert_eq!(ran.status.code(), Some(1), "{err}");
    assert!(
        err.contains("theirs.kw: no unlocked module is of the team"),
        "{err}"
    );
    assert!(lab.path("ours").exists());
}

#[test]
fn a_module_that_is_pulled_out_before_its_files_turn_is_said_to_be() {
    let lab = Lab::start_with(Over::Socket, 2, &["--latency", "20"]);
    file(&lab, "first", &bytes(3_000_000));
    file(&lab, "second", b"second");
    for (serial, name) in [("VM0001", "first"), ("VM0002", "second")] {
        lab.set_up(serial);
        lab.unlock_user(serial);
        let line = format!("$KEYWRITER encrypt {name} --module {serial} && rm {name}");
        assert!(shell(&lab, &line).status.success());
    }
    let mut keywriter = command(&lab, &program("keywriter"));
    let mut keywriter = keywriter
        .args(["--json", "decrypt", "--in-module", "first.kw", "second.kw"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(keywriter.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("progress"));
    lab.hub(&["unplug", "VM0002"]);
    let last = lines.map(Result::unwrap).last().unwrap();
    keywriter.wait().unwrap();
    assert!(
        last.contains("module-unplugged") && last.contains("second.kw: VM0002"),
        "{last}"
    );
    assert!(lab.path("first").exists());
}

#[test]
fn what_is_there_already_stays_and_what_cannot_be_read_or_written_is_said() {
    let lab = team(Over::Socket);
    lab.unlock_user("VM0001");
    file(&lab, "plain", b"original");
    file(&lab, "plain.kw", b"mine");
    let code = |line: &str, word: &str| {
        let ran = shell(&lab, line);
        let err = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(err.contains(word), "{line}: {err}");
        ran.status.code().unwrap()
    };
    assert_eq!(code("$KEYWRITER encrypt plain", "already exists"), 3);
    assert_eq!(fs::read(lab.path("plain.kw")).unwrap(), b"mine");
    assert_eq!(
        code("$KEYWRITER encrypt plain -o plain --force", "same file"),
        2
    );
    assert_eq!(fs::read(lab.path("plain")).unwrap(), b"original");
    assert_eq!(code("$KEYWRITER encrypt none", "cannot read"), 6);
    assert_eq!(code("$KEYWRITER decrypt plain", "does not end in .kw"), 2);
    assert_eq!(
        code("$KEYWRITER encrypt plain -o /proc/plain.kw", "cannot write"),
        6
    );
    assert_eq!(code("$KEYWRITER encrypt --force plain", ""), 0);
    assert_eq!(
        code("$KEYWRITER encrypt plain -o - > /dev/full", "cannot write"),
        6
    );
    assert_eq!(
        names(lab.folder.path()),
        ["hub", "hub.log", "plain", "plain.kw", "user"]
    );
}

#[test]
fn a_disk_that_fills_up_leaves_nothing() {
    let lab = team(Over::Socket);
    lab.unlock_user("VM0001");
    file(&lab, "plain", &bytes(3_000_000));
    // A mount of its own where that is allowed, else a limit of the file's size.
    let line = "mkdir small; if mount -t tmpfs -o size=1m none small 2>/dev/null; then m=1; fi
        [ \"$m\" ] || { ulimit -f 1000; trap '' XFSZ; }
        $KEYWRITER encrypt plain -o small/plain.kw; code=$?
        ls -A small; [ \"$m\" ] && umount small; exit $code";
    let ran = shell(&lab, line);
    assert_eq!(ran.status.code(), Some(6), "{ran:?}");
    assert!(ran.stdout.is_empty(), "{ran:?}");
    assert!(
        String::from_utf8_lossy(&ran.stderr).contains("cannot write"),
        "{ran:?}"
    );
}

#[test]
fn a_module_that_is_pulled_out_in_the_middle_leaves_nothing() {
    let lab = Lab::start_with(Over::Socket, 1, &["--latency", "20"]);
    lab.set_up("VM0001");
    lab.unlock_user("VM0001");
    file(&lab, "plain", &bytes(12_000_000));
    let mut keywriter = command(&lab, &program("keywriter"));
    keywriter
        .args(["--json", "encrypt", "plain", "--in-module"])
        .stdout(Stdio::piped());
    let mut keywriter = keywriter.spawn().unwrap();
    let mut lines = BufReader::new(keywriter.stdout.take().unwrap()).lines();
    assert!(lines.next().unwrap().unwrap().contains("progress"));
    lab.hub(&["unplug", "VM0001"]);
    let rest: Vec<_> = lines.map(Result::unwrap).collect();
    assert_eq!(keywriter.wait().unwrap().code(), Some(6));
    let last = rest.last().unwrap();
    assert!(
        last.contains("pulled out") && last.contains("plug it in"),
        "{last}"
    );
    assert_eq!(names(lab.folder.path()), ["hub", "hub.log", "plain"]);
}

#[test]
fn a_module_that_is_pulled_out_while_a_pipe_is_idle_is_told_over_sockets() {
    is_told_while_a_pipe_is_idle(Over::Socket, "socket");
}

#[test]
fn a_module_that_is_pulled_out_while_a_pipe_is_idle_is_told_over_pcscd() {
    is_told_while_a_pipe_is_idle(Over::Pcsc, "pcsc");
}

fn is_told_while_a_pipe_is_idle(over: Over, transport: &str) {
    let lab = Lab::start(over, 1);
    lab.set_up("VM0001");
    lab.unlock_user("VM0001");
    assert!(lab.shows(&["VM0001".into()]), "it is there");
    let mut keywriter = lab
        .program("keywriter")
        .args([
            "--transport",
            transport,
            "encrypt",
            "--in-module",
            "-",
            "-o",
            "-",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = keywriter.stdin.take().unwrap();
    let mut output = keywriter.stdout.take().unwrap();
    // A chunk and a little: the chunk comes out, and the rest waits for more.
    input.write_all(&bytes(70_000)).unwrap();
    output.read_exact(&mut [0; FileHeader::SIZE]).unwrap();
    lab.hub(&["unplug", "VM0001"]);
    // A full pipe would keep the program from ending, too.
    let rest = thread::spawn(move || io::copy(&mut output, &mut io::sink()));
    let (tell, told) = mpsc::channel();
    let waiting = thread::spawn(move || tell.send(keywriter.wait_with_output()));
    let ended = told.recv_timeout(Duration::from_secs(20));
    drop(input);
    waiting.join().unwrap().unwrap();
    rest.join().unwrap().unwrap();
    // A time-out here: it waited for input.
    let ran = ended.unwrap().unwrap();
    let err = String::from_utf8_lossy(&ran.stderr).into_owned();
    assert!(
        ran.status.code() == Some(6) && err.contains("pulled out"),
        "{err}"
    );
}
