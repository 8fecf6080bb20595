//! The programs that a user installs, over the hub's sockets and over the real pcscd: the same suite.

mod busy;
mod cycle;
mod logs;
mod refusals;
mod team;

use system_tests::lab::{Lab, Over};

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
