//! The programs that a user installs, over the hub's sockets and over the real pcscd: the same suite.

mod busy;
mod cycle;
mod letters;
mod logs;
mod refusals;
mod team;
mod tickets;

use std::{fs, path::Path, thread};
use system_tests::lab::{Lab, Over, Ran};

/// Runs a test over both transports.
macro_rules! over_both {
    ($($name:ident),* $(,)?) => {
        mod socket { $(#[test] fn $name() { super::$name(system_tests::lab::Over::Socket); })* }
        mod pcsc { $(#[test] fn $name() { super::$name(system_tests::lab::Over::Pcsc); })* }
    };
}
use over_both;

fn secondaries(range: std::ops::RangeInclusive<u16>) -> Vec<String> {
    range.map(|number| format!("VM{number:04}")).collect()
}

/// Runs a command that a person at the keypad of the module allows with these keys.
fn allowed(lab: &Lab, serial: &str, keys: &str, arguments: &[&str]) -> Ran {
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(lab.asks(serial), "{serial} never asked");
            assert_eq!(lab.press(serial, keys), "confirmed");
        });
        lab.keywriter(arguments)
    })
}

/// Encrypts with one module and decrypts with another.
fn encrypt(lab: &Lab, with: &str, name: &str) {
    let path = lab.path(name);
    fs::write(&path, name).unwrap();
    let path = path.to_str().unwrap();
    lab.keywriter(&["encrypt", path, "--module", with])
        .expect(0);
}

fn decrypt(lab: &Lab, with: &str, name: &str) -> Ran {
    let sealed = lab.path(&format!("{name}.kw"));
    let out = lab.path(&format!("{name}-by-{with}"));
    let [sealed, out] = [&sealed, &out].map(|path| Path::to_str(path).unwrap());
    lab.keywriter(&["decrypt", sealed, "-o", out, "--module", with, "--force"])
}

fn serials(events: &[serde_json::Value]) -> Vec<String> {
    let mut serials: Vec<String> = events
        .iter()
        .map(|event| event["serial"].as_str().expect("a serial").to_owned())
        .collect();
    serials.sort();
    serials
}

#[test]
fn sixty_four_modules_work_in_one_hub() {
    let lab = Lab::start(Over::Socket, 64).with_master(&[]);
    let cloned = lab.keywriter(&["clone", "--json"]).expect(0);
    assert_eq!(serials(&cloned.events("done")), secondaries(2..=64));
}
