//! A clone of another group that is presented as a clone of this master.

use std::thread;
use system_tests::lab::{Lab, Over};

#[test]
fn a_clone_from_before_the_master_was_replaced_is_another_teams() {
    let lab = Lab::start(Over::Socket, 3).with_master(&[]);
    lab.keywriter(&["clone", "--to", "VM0002"]).expect(0);
    // VM0003 replaces the keys of VM0001, which keeps its serial number, its certificate and its journal.
    lab.set_up("VM0003");
    lab.unlock_admin("VM0003");
    lab.keywriter(&["master", "set", "VM0003"]).expect(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(lab.asks("VM0001"), "it never asked");
            assert_eq!(lab.press("VM0001", "KEY+1:1s"), "confirmed");
        });
        lab.keywriter(&["clone", "--to", "VM0001"]).expect(0);
    });
    lab.hub(&["unplug", "VM0003"]);
    let admin = hsm_testbench::ADMIN_PIN;
    lab.press(
        "VM0001",
        &format!("KEY+1 {admin} KEY KEY+8 1 SHIFT SHIFT:1s"),
    );
    lab.unlock_admin("VM0001");
    lab.keywriter(&["master", "set", "VM0001"]).expect(0);
    let cloned = lab.keywriter(&["clone", "--json"]).expect(3);
    let failed = cloned.events("failed");
    assert_eq!(failed[0]["serial"], "VM0002");
    assert_eq!(failed[0]["reason"], "secondary-other-team");
}
