//! Names that would move the cursor, ring, or turn the direction of what is read.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt, path::PathBuf};
use system_tests::lab::{Lab, Over};

/// What must not reach a terminal from a name: all but the line feeds that end lines.
fn acts(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

const NAMES: [&str; 6] = [
    "esc\u{1b}[2J\u{1b}]0;title\u{7}",
    "line\nkeywriter: verified",
    "c1\u{9b}31m\u{85}",
    "bidi\u{202e}fdp.exe\u{2066}\u{200b}\u{2028}",
    "unseen\u{ad}\u{34f}\u{115f}\u{2064}\u{feff}\u{fff9}",
    "astral\u{1bca0}\u{1d173}\u{e0041}\u{e0100}\u{e0fff}",
];

#[test]
fn no_command_passes_on_what_acts_on_a_terminal() {
    let lab = Lab::start(Over::Socket, 2).with_master(&[]);
    for name in NAMES {
        let path = lab.path(name);
        fs::write(&path, "{\"\u{1b}[31m\":1}").unwrap();
        let file = path.to_str().unwrap();
        let (missing, below) = (format!("{file}.none"), format!("{file}/x"));
        for json in [&[][..], &["--json"]] {
            for command in [
                &["encrypt", file, "--force"][..],
                &["encrypt", &missing],
                &["encrypt", file, "-o", &below],
                &["decrypt", file],
                &["decrypt", &missing],
                &["inspect", file],
                &["settings", "import", file],
                &["settings", "export", &below],
                &["receipt", "verify", file, "--root", file],
                &["root", "pin", file],
                &["root", "show", "--root", &missing],
                &["recipient", "--identity", "--module", file],
                &["data-units", "encipher", "VM0001", file, &below],
                &["journal", file],
                &["clone", "--receipts", &below, "--report", &below],
                &["list", "--state", &missing],
                &["register", "--license", file],
                &[
                    "register",
                    "--license",
                    "AAAA-AAAA-AAAA-AAAA",
                    "--portal",
                    file,
                ],
                &[file],
            ] {
                let ran = lab.keywriter(&[command, json].concat());
                for text in [&ran.out, &ran.err] {
                    assert!(!text.contains(acts), "{command:?} {json:?}: {ran:?}");
                }
                assert!(!ran.out.contains("\nkeywriter: verified"), "{ran:?}");
                assert!(!ran.err.contains("\nkeywriter: verified"), "{ran:?}");
            }
        }
    }
}

#[test]
fn no_other_program_passes_on_what_acts_on_a_terminal() {
    let lab = Lab::start(Over::Socket, 1);
    for name in NAMES {
        let missing = lab.path(name);
        let missing = missing.to_str().unwrap();
        for (program, arguments) in [
            ("virtual-hub", &[name][..]),
            ("virtual-hub", &["list", "--state", missing]),
            ("virtual-hub", &["press", name, "KEY"]),
            ("virtual-hub", &["press", "VM0001", name]),
            ("virtual-hub", &["wait", name]),
            ("age-plugin-keywriter", &[name]),
            ("age-plugin-keywriter", &["--age-plugin", name]),
            ("hub-panel", &[name]),
            ("keywriter-desktop", &[name]),
            ("keywriter-desktop", &["--log", name]),
        ] {
            let mut command = lab.program(program);
            // Without a display.
            command
                .args(arguments)
                .env_remove("DISPLAY")
                .env_remove("WAYLAND_DISPLAY");
            let ran = command.output().unwrap();
            for bytes in [ran.stdout, ran.stderr] {
                let text = String::from_utf8(bytes).unwrap();
                assert!(!text.contains(acts), "{program} {arguments:?}: {text:?}");
                assert!(!text.contains("\nkeywriter: verified"), "{program}: {text}");
            }
        }
    }
}

#[test]
fn a_program_finds_a_file_again_whatever_its_name() {
    let lab = Lab::start(Over::Socket, 1);
    lab.set_up("VM0001");
    lab.unlock_user("VM0001");
    let folder = lab.path("files");
    fs::create_dir(&folder).unwrap();
    for name in NAMES
        .map(OsStr::new)
        .into_iter()
        .chain([OsStr::from_bytes(b"not\xffutf8")])
    {
        fs::write(folder.join(name), "text").unwrap();
    }
    let encrypted = lab
        .keywriter(&["encrypt", "--json", folder.to_str().unwrap()])
        .expect(0)
        .events("encrypted");
    assert_eq!(encrypted.len(), NAMES.len() + 1);
    for event in encrypted {
        let path = match event["output_bytes"].as_str() {
            Some(bytes) => PathBuf::from(OsStr::from_bytes(&hex::decode(bytes).unwrap())),
            None => PathBuf::from(event["output"].as_str().unwrap()),
        };
        assert!(path.exists(), "{event}");
    }
}
