//! Another recipient in the place of the team's: whoever holds its key would read everything from then on.

use hsm_protocol::command::ins;
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};
use system_tests::{
    cable::Tapped,
    lab::{Lab, Over},
};

const REFUSED: &str = "\"reason\":\"answer-not-signed\"";

/// The cable is honest while it is asked who is there. Then it delivers certificate and recipient of a module of its own.
#[test]
fn the_certificate_and_the_recipient_of_another_module_are_refused() {
    let lab = Lab::start(Over::Socket, 2).with_master(&[]);
    lab.set_up("VM0002");
    lab.unlock_admin("VM0002");
    // What the attacker's module says is noted on a cable of its own.
    let noted = Arc::new(Mutex::new(Vec::new()));
    let pad = Arc::clone(&noted);
    let own = Tapped::new(&lab.path("hub"), &lab.path("own")).cable(
        &lab.path("hub/run/VM0002.sock"),
        move |ins, answer| {
            pad.lock().unwrap().push((ins, answer.clone()));
        },
    );
    lab.keywriter(&["--state", own.name(), "recipient"])
        .expect(0);
    let noted = noted.lock().unwrap();
    let answer = |wanted| {
        let found = noted.iter().rev().find(|(ins, _)| *ins == wanted);
        found.unwrap().1.clone()
    };
    let (certificate, recipient) = (answer(ins::CERTIFICATE), answer(ins::FILE_RECIPIENT));
    let asked = AtomicU32::new(0);
    let tapped = Tapped::new(&lab.path("hub"), &lab.path("tapped")).cable(
        &lab.path("hub/run/VM0001.sock"),
        move |ins, answer| match ins {
            ins::CERTIFICATE if asked.fetch_add(1, Ordering::Relaxed) > 0 => {
                *answer = certificate.clone();
            }
            ins::FILE_RECIPIENT => *answer = recipient.clone(),
            _ => {}
        },
    );
    let ran = lab.keywriter(&["--state", tapped.name(), "--json", "recipient"]);
    assert!(ran.expect(3).out.contains(REFUSED));
}

#[test]
fn a_module_of_another_team_is_named_or_refused_and_a_clone_checks_the_recipient() {
    let lab = Lab::start(Over::Socket, 3).with_master(&[]);
    lab.keywriter(&["clone", "--to", "VM0002"]).expect(0);
    let told = lab
        .keywriter(&["recipient", "--module", "VM0001"])
        .expect(0);
    let recipient = told.out.trim().to_owned();
    told.says(&["VM0001", "--check"]);
    // On the cable there is a genuine module of the attacker's now, and no other.
    lab.hub(&["unplug", "VM0001"]);
    lab.set_up("VM0003");
    lab.unlock_admin("VM0003");
    let refused = lab.keywriter(&["--json", "recipient"]).expect(3);
    assert!(refused.out.contains("\"reason\":\"not-in-receipts\""));
    let check = ["--json", "recipient", "--check", &recipient];
    let refused = lab.keywriter(&check).expect(3);
    assert!(refused.out.contains("\"reason\":\"recipient-differs\""));
    lab.hub(&["unplug", "VM0003"]);
    lab.unlock_admin("VM0002");
    lab.keywriter(&check).expect(0);
}
