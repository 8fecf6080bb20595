//! The plugin with the real age (Debian) and the real rage, both directions.

use crate::team::{bytes, command, file, lock, team};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};
use system_tests::lab::{Lab, Over};

/// Debian's age, and rage. A test that did without one of them would pass and say nothing.
fn tools() -> [PathBuf; 2] {
    let rage = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/bin/rage");
    let tools = ["/usr/bin/age", rage].map(PathBuf::from);
    for tool in &tools {
        assert!(
            tool.exists(),
            "no {}: `cargo xtask test` installs it",
            tool.display()
        );
    }
    tools
}

/// Those of them that tell plugins which labels they keep apart: age from 1.2 and rage from 0.11 on.
fn with_labels() -> Vec<PathBuf> {
    let knows = |path: &PathBuf| {
        let ran = Command::new(path).arg("--version").output().unwrap();
        let version = String::from_utf8(ran.stdout).unwrap();
        !["1.0.", "v1.0.", "1.1.", "v1.1.", "rage 0.10."]
            .iter()
            .any(|old| version.starts_with(old))
    };
    tools().into_iter().filter(knows).collect()
}

/// The recipient, and `team.txt` in the lab's folder.
fn recipient(lab: &Lab) -> String {
    recipient_by(lab, &[])
}

/// The post-quantum recipient, and `team.txt`.
fn hybrid(lab: &Lab) -> String {
    recipient_by(lab, &["--post-quantum"])
}

fn recipient_by(lab: &Lab, choice: &[&str]) -> String {
    lab.unlock_user("VM0001");
    let path = lab.path("team.txt");
    let identity = format!("--identity={}", path.display());
    let with = |more: &[&str]| lab.keywriter(&[&["recipient"], choice, more].concat());
    with(&[&identity, "--force"]).expect(0);
    let recipient = with(&[]).expect(0).out.trim().to_owned();
    lock(lab, "VM0001");
    assert!(fs::read_to_string(path).unwrap().contains(&recipient));
    recipient
}

fn run(lab: &Lab, tool: &Path, arguments: &[&str]) -> Output {
    command(lab, tool).args(arguments).output().unwrap()
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
        says("team");
        lab.hub(&["unplug", "VM0003"]);
        says("no module");
        for serial in ["VM0001", "VM0002", "VM0003"] {
            lab.hub(&["plug", serial]);
        }
        fs::remove_file(lab.path("x.age")).unwrap();
    }
}

/// A key of age itself, in `key.txt`; its recipient.
fn key(lab: &Lab) -> String {
    let ran = run(lab, Path::new("/usr/bin/age-keygen"), &["-o", "key.txt"]);
    let said = String::from_utf8(ran.stderr).unwrap();
    said.trim().rsplit(' ').next().unwrap().to_owned()
}

#[test]
fn what_keeps_one_identity_from_opening_a_file_keeps_no_other_from_it() {
    let lab = team(Over::Socket);
    let (to, own) = (recipient(&lab), key(&lab));
    lab.unlock_user("VM0003");
    let other = lab.path("other.txt");
    let identity = format!("--identity={}", other.display());
    let with =
        |more: &[&str]| lab.keywriter(&[&["recipient", "--module", "VM0003"], more].concat());
    with(&[&identity]).expect(0);
    let other_to = with(&[]).expect(0).out;
    file(&lab, "plain", b"plain");
    let both = [fs::read(lab.path("team.txt")), fs::read(&other)];
    file(&lab, "both.txt", &both.map(Result::unwrap).concat());
    for tool in tools() {
        let recipients = ["-r", &to, "-r", other_to.trim(), "-r", &own];
        let ran = run(
            &lab,
            &tool,
            &[&recipients[..], &["-o", "x.age", "plain"]].concat(),
        );
        assert!(ran.status.success(), "{ran:?}");
        let opens = |identities: &[&str]| {
            let ran = run(&lab, &tool, &[&["-d"], identities, &["x.age"]].concat());
            let err = String::from_utf8_lossy(&ran.stderr).into_owned();
            assert!(
                ran.status.success() && ran.stdout == b"plain",
                "{tool:?} {identities:?}: {err}"
            );
        };
        // The team's modules are locked, the other team's is not.
        opens(&["-i", "team.txt", "-i", "key.txt"]);
        opens(&["-i", "team.txt", "-i", "other.txt"]);
        opens(&["-i", "both.txt"]);
        lock(&lab, "VM0003");
        opens(&["-i", "both.txt", "-i", "key.txt"]);
        for serial in ["VM0001", "VM0002", "VM0003"] {
            lab.hub(&["unplug", serial]);
        }
        opens(&["-i", "team.txt", "-i", "other.txt", "-i", "key.txt"]);
        for serial in ["VM0001", "VM0002", "VM0003"] {
            lab.hub(&["plug", serial]);
        }
        lab.unlock_user("VM0003");
        fs::remove_file(lab.path("x.age")).unwrap();
    }
}

#[test]
fn modules_are_asked_once_whatever_the_number_of_stanzas() {
    let lab = team(Over::Socket);
    let (to, own) = (recipient(&lab), key(&lab));
    file(&lab, "plain", b"plain");
    let age = &tools()[0];
    let recipients = ["-r", &to, "-r", &to, "-r", &own, "-o", "x.age", "plain"];
    let ran = run(&lab, age, &recipients);
    assert!(ran.status.success(), "{ran:?}");
    let hub = lab.hub_id().to_string();
    let signal = |name: &str| Command::new("kill").args([name, &hub]).status().unwrap();
    assert!(signal("-STOP").success());
    let identities = ["-d", "-i", "team.txt", "-i", "key.txt", "x.age"];
    let ran = run(&lab, age, &identities);
    assert!(signal("-CONT").success());
    assert_eq!(ran.stdout, b"plain");
    let err = String::from_utf8_lossy(&ran.stderr).into_owned();
    let said = |text: &str| err.matches(text).count();
    assert_eq!(said("waiting for"), 3, "once for each module: {err}");
    assert_eq!(said("no answer"), 1, "once for both stanzas: {err}");
}

#[test]
fn a_file_with_a_stanza_that_is_damaged_is_not_opened_by_another() {
    let lab = team(Over::Socket);
    let to = recipient(&lab);
    lab.unlock_user("VM0001");
    file(&lab, "plain", b"plain");
    for tool in tools() {
        let ran = run(&lab, &tool, &["-r", &to, "-r", &to, "-o", "x.age", "plain"]);
        assert!(ran.status.success(), "{ran:?}");
        let sealed = fs::read(lab.path("x.age")).unwrap();
        let text = String::from_utf8_lossy(&sealed).into_owned();
        let last = text.rfind("-> keywriter ").unwrap() + "-> keywriter ".len();
        // A group of 31 digits, and one digit more for the epoch.
        let mut changed = sealed.clone();
        changed.remove(last);
        file(&lab, "changed.age", &changed);
        let ran = run(&lab, &tool, &["-d", "-i", "team.txt", "changed.age"]);
        let err = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert!(
            !ran.status.success() && err.contains("damaged"),
            "{tool:?}: {err}"
        );
        fs::remove_file(lab.path("x.age")).unwrap();
    }
}

#[test]
fn the_plugin_ends_with_its_client() {
    let lab = team(Over::Socket);
    let to = recipient(&lab);
    file(&lab, "plain", b"plain");
    for tool in tools() {
        let ran = run(&lab, &tool, &["-r", &to, "-o", "x.age", "plain"]);
        assert!(ran.status.success(), "{ran:?}");
        let hub = lab.hub_id().to_string();
        let signal = |name: &str, id: &str| {
            assert!(
                Command::new("kill")
                    .args([name, id])
                    .status()
                    .unwrap()
                    .success()
            );
        };
        signal("-STOP", &hub);
        let mut client = command(&lab, &tool);
        let mut client = client
            .args(["-d", "-i", "team.txt", "x.age"])
            .spawn()
            .unwrap();
        let children = || {
            let tasks = fs::read_dir(format!("/proc/{}/task", client.id())).unwrap();
            let of = |task: std::io::Result<fs::DirEntry>| {
                fs::read_to_string(task.unwrap().path().join("children")).unwrap_or_default()
            };
            tasks.map(of).collect::<String>()
        };
        let started = Instant::now();
        while children().is_empty() {
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "the plugin starts"
            );
        }
        let plugin = PathBuf::from(format!("/proc/{}", children().trim()));
        client.kill().unwrap();
        client.wait().unwrap();
        let ended = Instant::now();
        let is_there = || {
            let status = fs::read_to_string(plugin.join("status")).unwrap_or_default();
            !status.is_empty() && !status.contains("State:\tZ")
        };
        while is_there() {
            assert!(
                ended.elapsed() < Duration::from_secs(5),
                "{plugin:?} is still there"
            );
            thread::sleep(Duration::from_millis(50));
        }
        signal("-CONT", &hub);
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

#[test]
fn what_is_sealed_to_the_post_quantum_recipient_each_tool_opens_with_any_clone() {
    let lab = team(Over::Socket);
    let to = hybrid(&lab);
    let plain = bytes(100_000);
    file(&lab, "plain", &plain);
    // A line of a file of recipients, too, holds it.
    file(&lab, "to.txt", format!("{to}\n").as_bytes());
    for (number, encrypts) in with_labels().iter().enumerate() {
        for given in [["-r", &to], ["-R", "to.txt"]] {
            let name = format!("{number}{}.age", given[0]);
            let arguments = [&given[..], &["-o", &name, "plain"]].concat();
            let ran = run(&lab, encrypts, &arguments);
            assert!(ran.status.success(), "{encrypts:?}: {ran:?}");
            for serial in ["VM0001", "VM0002"] {
                lab.unlock_user(serial);
                // One that cannot seal to it opens it nevertheless.
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
}

#[test]
fn nothing_is_sealed_to_the_post_quantum_recipient_and_to_another_kind() {
    let lab = team(Over::Socket);
    let (to, classical) = (hybrid(&lab), recipient(&lab));
    file(&lab, "plain", b"plain");
    let x25519 = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    for tool in tools() {
        for other in [x25519, &classical] {
            let ran = run(
                &lab,
                &tool,
                &["-r", &to, "-r", other, "-o", "x.age", "plain"],
            );
            assert!(!ran.status.success(), "{tool:?}: {ran:?}");
            assert!(!lab.path("x.age").exists(), "{tool:?}");
        }
    }
    // Debian's age would not notice, and is told so.
    for tool in tools() {
        if !with_labels().contains(&tool) {
            let ran = run(&lab, &tool, &["-r", &to, "-o", "x.age", "plain"]);
            let err = String::from_utf8_lossy(&ran.stderr).into_owned();
            assert!(!ran.status.success() && err.contains("labels"), "{err}");
            assert!(!lab.path("x.age").exists(), "{tool:?}");
        }
    }
}

#[test]
fn a_changed_post_quantum_stanza_opens_nothing() {
    let lab = team(Over::Socket);
    let to = hybrid(&lab);
    file(&lab, "plain", &[0; 1024]);
    lab.unlock_user("VM0001");
    for encrypts in with_labels() {
        let ran = run(&lab, &encrypts, &["-r", &to, "-o", "x.age", "plain"]);
        assert!(ran.status.success(), "{ran:?}");
        let sealed = fs::read(lab.path("x.age")).unwrap();
        let text = String::from_utf8_lossy(&sealed).into_owned();
        let at = text.find("-> keywriter-hybrid").unwrap();
        let body = at + text[at..].find('\n').unwrap() + 1;
        // The ciphertext's first line and its last, and the tag's.
        for place in [body + 2, body + 65 * 32 + 2, body + 65 * 33 + 2] {
            let mut changed = sealed.clone();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            fs::write(lab.path("changed.age"), changed).unwrap();
            for tool in tools() {
                let ran = run(&lab, &tool, &["-d", "-i", "team.txt", "changed.age"]);
                assert!(!ran.status.success() && ran.stdout.is_empty(), "{ran:?}");
                let err = String::from_utf8_lossy(&ran.stderr).into_owned();
                assert!(err.contains("changed"), "{tool:?}: {err}");
            }
        }
        fs::remove_file(lab.path("x.age")).unwrap();
    }
}
