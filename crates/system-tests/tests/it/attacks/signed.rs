//! What a module says of itself and of its team is changed on the cable.

use hsm_protocol::command::ins;
use system_tests::{
    cable::Tapped,
    lab::{Lab, Over},
};

/// Runs a command over a cable that flips a bit in the answers to one instruction, at that byte.
fn refused(ins: u8, at: usize, command: &[&str]) -> String {
    let lab = Lab::start(Over::Socket, 1).with_master(&[]);
    let tapped = Tapped::new(&lab.path("hub"), &lab.path("tapped")).cable(
        &lab.path("hub/run/VM0001.sock"),
        move |asked, answer| {
            if asked == ins {
                answer[at] ^= 1;
            }
        },
    );
    let arguments = [&["--state", tapped.name(), "--json"], command].concat();
    lab.keywriter(&arguments).out
}

#[test]
fn a_journal_that_leaves_a_module_out_is_refused() {
    // The hash in the summary, and the number of rows.
    for at in [20, 112] {
        let out = refused(ins::JOURNAL, at, &["journal", "VM0001"]);
        assert!(out.contains("\"reason\":\"answer-not-signed\""), "{out}");
    }
}

#[test]
fn a_recipient_that_was_swapped_is_refused() {
    for (ins, command) in [
        (ins::FILE_RECIPIENT, &["recipient"][..]),
        (ins::FILE_RECIPIENT, &["recipient", "--post-quantum"]),
    ] {
        // The first byte of the point after its form.
        let out = refused(ins, 21, command);
        assert!(out.contains("\"reason\":\"answer-not-signed\""), "{out}");
        assert!(!out.contains("age1keywriter"), "{out}");
    }
}

#[test]
fn a_status_of_another_group_is_refused() {
    let out = refused(ins::STATUS, 3, &["list"]);
    assert!(out.contains("\"reason\":\"answer-not-signed\""), "{out}");
}
