//! Standard output and standard error that are full, or that nobody reads.

use std::{
    fs::OpenOptions,
    io,
    process::{Child, Command, Stdio},
};
use system_tests::lab::{Lab, Over, program};

/// Rust's exit code after a panic.
const PANICKED: i32 = 101;

/// An output that takes nothing: a full disk, or a pipe whose reader has ended.
fn dead(is_full: bool) -> Stdio {
    if is_full {
        let full = OpenOptions::new().write(true).open("/dev/full");
        return full.unwrap().into();
    }
    let (_reader, writer) = io::pipe().unwrap();
    writer.into()
}

/// Runs a program with outputs that take nothing, and returns its exit code.
fn run(mut command: Command, is_full: bool) -> Option<i32> {
    command
        .stdin(Stdio::null())
        .stdout(dead(is_full))
        .stderr(dead(is_full));
    command
        .spawn()
        .and_then(|mut child: Child| child.wait())
        .unwrap()
        .code()
}

#[test]
fn no_program_panics_if_its_outputs_take_nothing() {
    let lab = Lab::start(Over::Socket, 1);
    lab.set_up("VM0001");
    lab.unlock_user("VM0001");
    let (units, missing) = (lab.path("units"), lab.path("missing"));
    std::fs::write(&units, [0; 64]).unwrap();
    let (units, missing) = (units.to_str().unwrap(), missing.to_str().unwrap());
    let no_hub = ["--state", missing];
    for is_full in [true, false] {
        for (name, arguments) in [
            ("keywriter", &["list"][..]),
            ("keywriter", &["list", "--json"]),
            ("keywriter", &["list", no_hub[0], no_hub[1]]),
            ("keywriter", &["-vvv", "list"]),
            ("keywriter", &["inspect", missing]),
            ("keywriter", &["encrypt", "--force", units]),
            (
                "keywriter",
                &["data-units", "encipher", "VM0001", units, missing],
            ),
            ("keywriter", &["none"]),
            ("keywriter", &["--help"]),
            ("age-plugin-keywriter", &[]),
            ("age-plugin-keywriter", &["--age-plugin", "none"]),
            ("age-plugin-keywriter", &["--none"]),
            ("virtual-hub", &["list"]),
            ("virtual-hub", &["list", "--json"]),
            ("virtual-hub", &["leds", "VM0001"]),
            ("virtual-hub", &["leds", "none"]),
            ("virtual-hub", &["list", no_hub[0], no_hub[1]]),
            ("virtual-hub", &["serve", "--state", "/dev/null"]),
            ("hub-panel", &["--none"]),
            ("keywriter-desktop", &["--none"]),
            ("keywriter-desktop", &["--log", "=="]),
        ] {
            let mut command = lab.program(name);
            command.args(arguments);
            let code = run(command, is_full);
            assert!(
                code.is_some_and(|code| code != PANICKED),
                "{name} {arguments:?} {is_full}: {code:?}"
            );
        }
        // Without a display.
        for name in ["hub-panel", "keywriter-desktop"] {
            let mut command = Command::new(program(name));
            command.env_clear().env("XDG_STATE_HOME", missing);
            let code = run(command, is_full);
            assert!(
                code.is_some_and(|code| code != PANICKED),
                "{name} {is_full}: {code:?}"
            );
        }
    }
}

#[test]
fn what_is_encrypted_into_a_closed_output_is_not_done() {
    let lab = Lab::start(Over::Socket, 1);
    lab.set_up("VM0001");
    lab.unlock_user("VM0001");
    std::fs::write(lab.path("plain"), "plain").unwrap();
    let ends = |redirection: &str| {
        let mut shell = lab.at("/bin/sh".as_ref());
        let line = format!("$KEYWRITER encrypt plain -o - {redirection}");
        shell
            .env("KEYWRITER", program("keywriter"))
            .current_dir(lab.folder.path())
            .args(["-c", &line]);
        let ran = shell.output().unwrap();
        (ran.status.code(), String::from_utf8(ran.stderr).unwrap())
    };
    let (code, said) = ends(">&-");
    assert!(
        code == Some(6) && said.contains("closed"),
        "{code:?} {said}"
    );
    // Many programs open it for reading as well, to lose what another one writes.
    for open in ["> /dev/null", "1<> /dev/null", "> out"] {
        assert_eq!(ends(open), (Some(0), String::new()), "{open}");
    }
}
