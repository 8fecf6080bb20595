//! The plugin with the real age (Debian) and the real rage, both directions.

use crate::team::{bytes, command, file, lock, team};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};
use system_tests::lab::{Lab, Over};

/// Debian's age, and rage where `target/tools` has it.
fn tools() -> Vec<PathBuf> {
    let rage = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/bin/rage");
    [Path::new("/usr/bin/age"), Path::new(rage)]
        .into_iter()
        .filter(|path| path.exists())
        .map(Path::to_owned)
        .collect()
}

/// The recipient, and `team.txt` in the lab's folder.
fn recipient(lab: &Lab) -> String {
    lab.unlock_user("VM0001");
    let path = lab.path("team.txt");
    let path = path.to_str().unwrap();
    lab.keywriter(&["recipient", &format!("--identity={path}")])
        .expect(0);
    let recipient = lab.keywriter(&["recipient"]).expect(0).out;
    lock(lab, "VM0001");
    recipient.trim().to_owned()
}

fn run(lab: &Lab, tool: &Path, arguments: &[&str]) -> Output {
    command(lab, tool).args(arguments).output().unwrap()
}

#[test]
fn age_is_there() {
    assert!(!tools().is_empty(), "apt-get install age");
}

#[test]
fn what_one_tool_encrypts_without_a_module_the_other_decrypts_with_any_clone() {
    let lab = team(Over::Socket);
    let to = recipient(&lab);
    let plain = bytes(100_000);
    file(&lab, "plain", &plain);
    for (number, encrypts) in tools().iter().enumerate() {
        let name = format!("{number}.age");
        // All modules are locked.
        let ran = run(&lab, encrypts, &["-r", &to, "-o", &name, "plain"]);
        assert!(ran.status.success(), "{encrypts:?}: {ran:?}");
        for serial in ["VM0001", "VM0002"] {
            lab.unlock_user(serial);
            for decrypts in tools() {
                let ran = run(&lab, &decrypts, &["-d", "-i", "team.txt", &name]);
                assert!(
                    ran.status.success(),
                    "{encrypts:?} {decrypts:?} {serial}: {ran:?}"
                );
                assert_eq!(ran.stdout, plain);
            }
            lock(&lab, serial);
        }
    }
}

#[test]
fn a_locked_module_another_team_and_no_module_are_said() {
    let lab = team(Over::Socket);
    let to = recipient(&lab);
    file(&lab, "plain", b"plain");
    for tool in tools() {
        assert!(
            run(&lab, &tool, &["-r", &to, "-o", "x.age", "plain"])
                .status
                .success()
        );
        let says = |word: &str| {
            let ran = run(&lab, &tool, &["-d", "-i", "team.txt", "x.age"]);
            let err = String::from_utf8_lossy(&ran.stderr).into_owned();
            assert!(!ran.status.success() && ran.stdout.is_empty(), "{tool:?}");
            assert!(err.contains(word), "{tool:?}: nothing of '{word}' in {err}");
        };
        says("locked");
        for serial in ["VM0001", "VM0002"] {
            lab.hub(&["unplug", serial]);
        }
        lab.unlock_user("VM0003");
        says("group");
        lab.hub(&["unplug", "VM0003"]);
        says("no module");
        for serial in ["VM0001", "VM0002", "VM0003"] {
            lab.hub(&["plug", serial]);
        }
        fs::remove_file(lab.path("x.age")).unwrap();
    }
}

#[test]
fn a_damaged_recipient_is_refused_and_a_changed_stanza_opens_nothing() {
    let lab = team(Over::Socket);
    let to = recipient(&lab);
    file(&lab, "plain", b"plain");
    lab.unlock_user("VM0001");
    for tool in tools() {
        let other = to.replace("age1keywriter1q", "age1keywriter1p");
        let ran = run(&lab, &tool, &["-r", &other, "-o", "x.age", "plain"]);
        assert!(!ran.status.success(), "{ran:?}");
        assert!(
            run(&lab, &tool, &["-r", &to, "-o", "x.age", "plain"])
                .status
                .success()
        );
        let mut sealed = fs::read(lab.path("x.age")).unwrap();
        // The stanza's body is the second line behind "-> keywriter".
        let text = String::from_utf8_lossy(&sealed).into_owned();
        let at = text.find("-> keywriter").unwrap();
        let body = at + text[at..].find('\n').unwrap() + 3;
        sealed[body] = if sealed[body] == b'A' { b'B' } else { b'A' };
        fs::write(lab.path("x.age"), sealed).unwrap();
        let ran = run(&lab, &tool, &["-d", "-i", "team.txt", "x.age"]);
        assert!(!ran.status.success() && ran.stdout.is_empty(), "{ran:?}");
        let err = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(err.contains("changed"), "{tool:?}: {err}");
        fs::remove_file(lab.path("x.age")).unwrap();
    }
}

#[test]
fn the_file_is_as_large_for_a_team_of_any_size() {
    let lab = team(Over::Socket);
    let to = recipient(&lab);
    file(&lab, "plain", &[0; 1024]);
    let age = &tools()[0];
    let sizes = [1, 10].map(|_members| {
        assert!(
            run(&lab, age, &["-r", &to, "-o", "x.age", "plain"])
                .status
                .success()
        );
        fs::read(lab.path("x.age")).unwrap().len()
    });
    // One stanza, whoever holds a clone: a team of a thousand has the recipient of a team of one.
    assert!(sizes[0] == sizes[1] && sizes[0] < 1024 + 500, "{sizes:?}");
}
