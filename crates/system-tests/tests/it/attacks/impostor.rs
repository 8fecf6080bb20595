//! A device that claims the serial number of a genuine module.

use hsm_protocol::command::ins;
use std::os::unix::fs::symlink;
use system_tests::{
    cable::Tapped,
    lab::{Lab, Over},
};

/// A socket's name says nothing: the attacker's device lies beside the genuine module's, under another.
#[test]
fn a_genuine_module_stays_in_the_list_whatever_claims_its_serial_number() {
    let lab = Lab::start(Over::Socket, 2).with_master(&[]);
    let other = Lab::start(Over::Socket, 1);
    let genuine = lab.path("hub/run/VM0001.sock");
    // One certified under another root, and one that repeats what a genuine module says and cannot sign.
    symlink(
        other.path("hub/run/VM0001.sock"),
        lab.path("hub/run/A.sock"),
    )
    .unwrap();
    let tapped =
        Tapped::new(&lab.path("hub"), &lab.path("tapped")).cable(&genuine, |ins, answer| {
            if ins == ins::IDENTITY {
                let signature = answer.len() - 3;
                answer[signature] ^= 1;
            }
        });
    symlink(
        lab.path("tapped/run/VM0001.sock"),
        lab.path("hub/run/B.sock"),
    )
    .unwrap();
    assert!(tapped.name().ends_with("tapped"));
    let listed = lab.keywriter(&["list", "--json"]).expect(0);
    assert!(listed.events("twins").is_empty(), "{listed:?}");
    let modules = listed.events("module");
    let claims: Vec<_> = modules
        .iter()
        .filter(|module| module["serial"] == "VM0001")
        .map(|module| (module["genuine"].as_str().unwrap(), &module["master"]))
        .collect();
    assert_eq!(
        claims,
        [
            ("yes", &true.into()),
            ("foreign-root", &false.into()),
            ("not-genuine", &false.into())
        ]
    );
    lab.keywriter(&["master", "show"])
        .expect(0)
        .says(&["active"]);
    lab.keywriter(&["journal", "VM0001"]).expect(0);
    lab.keywriter(&["clone"]).expect(0).says(&["1 done"]);
}
