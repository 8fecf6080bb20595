//! The program as a user starts it, with no module plugged in: words, JSON, exit codes.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use tempfile::TempDir;

/// A user with a folder of their own.
struct User(TempDir);

impl User {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Names VM0001 as the master, as if it had been there.
    fn with_master(self) -> Self {
        let folder = self.folder().join("keywriter");
        fs::create_dir_all(&folder).unwrap();
        fs::write(
            folder.join("master.json"),
            r#"{"format":"keywriter-master","version":1,"master":"VM0001","auto_lock":true,"user_pin_policy":false,"disable_master":false}"#,
        )
        .unwrap();
        self
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_keywriter"))
            .args(["--transport", "socket"])
            .args(arguments)
            .current_dir(self.folder())
            .env_clear()
            .env("HOME", self.folder())
            .env("XDG_STATE_HOME", self.folder())
            .output()
            .unwrap()
    }

    /// Exit code and first line on standard error.
    fn fail(&self, arguments: &[&str]) -> (Option<i32>, String) {
        let output = self.run(arguments);
        let errors = String::from_utf8(output.stderr).unwrap();
        let first = errors.lines().next().unwrap_or_default().to_owned();
        (output.status.code(), first)
    }
}

#[test]
fn no_module_at_all_is_exit_code_4() {
    let user = User::new();
    let expected = (Some(4), "keywriter: no module found".to_owned());
    assert_eq!(user.fail(&["list"]), expected);
    assert_eq!(user.with_master().fail(&["clone"]), expected);
}

#[test]
fn a_named_module_that_is_absent_is_exit_code_4() {
    let user = User::new();
    for command in [
        &["journal", "VM0007"][..],
        &["data-units", "encipher", "VM0007", "a", "b"],
    ] {
        let (code, words) = user.fail(command);
        assert_eq!(code, Some(4));
        assert_eq!(words, "keywriter: VM0007: the module is not plugged in");
    }
    let (code, words) = user.fail(&["master", "set", "VM0007"]);
    assert_eq!(code, Some(4));
    assert_eq!(words, "keywriter: VM0007: the module is not plugged in");
    assert!(
        !user.folder().join("keywriter").exists(),
        "nothing was written"
    );
}

#[test]
fn no_master_is_exit_code_3() {
    let user = User::new();
    for command in [
        &["clone"][..],
        &["master", "show"],
        &["settings", "export", "s.json"],
    ] {
        let (code, words) = user.fail(command);
        assert_eq!(code, Some(3), "{command:?}");
        assert_eq!(words, "keywriter: no master is set on this computer");
    }
}

#[test]
fn the_same_module_twice_is_exit_code_3_before_anything_is_asked() {
    let user = User::new().with_master();
    let (code, words) = user.fail(&["clone", "--to", "VM0002", "--to", "VM0002"]);
    assert_eq!(
        (code, words.as_str()),
        (Some(3), "keywriter: VM0002: the same module is named twice")
    );
}

#[test]
fn settings_go_out_and_come_in_and_a_wrong_file_changes_nothing() {
    let user = User::new().with_master();
    let state = user.folder().join("keywriter/master.json");
    assert!(user.run(&["settings", "export", "s.json"]).status.success());
    let exported = fs::read_to_string(user.folder().join("s.json")).unwrap();
    assert_eq!(
        exported,
        "{\"format\":\"keywriter-settings\",\"version\":1,\"auto_lock\":true,\"user_pin_policy\":false}\n"
    );
    let before = fs::read(&state).unwrap();
    let wrong = exported.replace(":1", ":9");
    fs::write(user.folder().join("w.json"), wrong).unwrap();
    let (code, words) = user.fail(&["settings", "import", "w.json"]);
    assert_eq!(code, Some(5));
    assert_eq!(
        words,
        "keywriter: w.json: the file was made by a newer version: version 9 is newer than this program knows (1)"
    );
    assert_eq!(fs::read(&state).unwrap(), before);

    fs::write(
        user.folder().join("n.json"),
        exported.replace("true", "false"),
    )
    .unwrap();
    assert!(user.run(&["settings", "import", "n.json"]).status.success());
    assert_ne!(fs::read(&state).unwrap(), before);
}

#[test]
fn files_that_are_not_there_or_not_what_they_should_be_are_told_apart() {
    let user = User::new();
    fs::write(user.folder().join("text"), "PIN").unwrap();
    let receipt = |file, root| user.fail(&["receipt", "verify", file, "--root", root]).0;
    assert_eq!(receipt("text", "nothing"), Some(6), "no such root");
    assert_eq!(receipt("text", "text"), Some(5), "not a root certificate");
    assert_eq!(
        user.fail(&["receipt", "verify", "text"]).0,
        Some(2),
        "no root named"
    );
    assert_eq!(user.fail(&["settings", "import", "nothing"]).0, Some(6));
}

#[test]
fn a_failure_is_one_json_object_with_code_and_advice() {
    let output = User::new().run(&["list", "--json"]);
    assert_eq!(output.status.code(), Some(4));
    let line = String::from_utf8(output.stdout).unwrap();
    assert!(
        line.starts_with(
            r#"{"event":"error","code":4,"reason":"no-module","error":"no module found","advice":""#
        ),
        "{line}"
    );
    assert_eq!(line.lines().count(), 1);
    assert!(output.stderr.is_empty());
}

#[test]
fn a_wrong_command_line_is_exit_code_2() {
    let user = User::new();
    assert_eq!(user.run(&["frobnicate"]).status.code(), Some(2));
    assert_eq!(user.run(&["list", "--log", "=="]).status.code(), Some(2));
    assert_eq!(user.run(&["--version"]).status.code(), Some(0));
}
