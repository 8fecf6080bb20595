//! A team of two clones and a stranger, behind a hub.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};
use system_tests::lab::{Lab, Over, program};

/// `VM0001` and its clone `VM0002`, and `VM0003` of a group of its own; all locked.
pub(crate) fn team(over: Over) -> Lab {
    let lab = Lab::start(over, 3);
    lab.set_up("VM0003");
    lab.set_up("VM0001");
    lab.unlock_admin("VM0001");
    lab.keywriter(&["master", "set", "VM0001"]).expect(0);
    lab.keywriter(&["clone", "--to", "VM0002"]).expect(0);
    lock(&lab, "VM0001");
    lab
}

/// Pulls a module out and plugs it in again.
pub(crate) fn lock(lab: &Lab, serial: &str) {
    for act in ["unplug", "plug"] {
        lab.hub(&[act, serial]);
        // pcscd hears of it some milliseconds later.
        let is_seen = (0..100).any(|_| is_shown(lab, serial) == (act == "plug"));
        assert!(is_seen, "{act} {serial}");
    }
}

fn is_shown(lab: &Lab, serial: &str) -> bool {
    let listed = lab.keywriter(&["list", "--json"]).events("module");
    listed.iter().any(|module| module["serial"] == serial)
}

/// A file in the lab's folder.
pub(crate) fn file(lab: &Lab, name: &str, bytes: &[u8]) -> PathBuf {
    let path = lab.path(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, bytes).unwrap();
    path
}

/// Bytes that do not repeat soon.
pub(crate) fn bytes(len: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

/// A program in the lab's environment; `--transport socket` where it is `keywriter`.
pub(crate) fn command(lab: &Lab, path: &Path) -> Command {
    let plugins = program("age-plugin-keywriter");
    let search = std::env::var("PATH").unwrap();
    let mut command = Command::new(path);
    command
        .env("KEYWRITER_HUB", lab.path("hub"))
        .env("XDG_STATE_HOME", lab.path("user"))
        .env(
            "PATH",
            format!("{}:{search}", plugins.parent().unwrap().display()),
        )
        .current_dir(lab.folder.path())
        .stdin(Stdio::null());
    command
}

/// Runs a line of shell with `$KEYWRITER` in the lab's folder.
pub(crate) fn shell(lab: &Lab, line: &str) -> Output {
    let mut shell = command(lab, Path::new("/bin/sh"));
    shell
        .env("KEYWRITER", program("keywriter"))
        .args(["-c", line]);
    shell.output().unwrap()
}

/// The names in a folder, hidden ones too.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort();
    names
}
