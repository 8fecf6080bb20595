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
