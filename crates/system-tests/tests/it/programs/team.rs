//! A module is lost: the team is re-keyed without it, and goes on.

use super::{allowed, decrypt, encrypt, over_both, serials};
use std::{fs, thread};
use system_tests::lab::{Lab, Over, Ran};

over_both!(
    a_lost_module_reads_nothing_new_and_the_others_go_on,
    a_clone_that_is_locked_is_named_until_it_has_the_epoch,
    who_may_not_rekey_is_told_so,
);

fn rekeyed(lab: &Lab, options: &[&str]) -> Ran {
    let arguments = [&["team", "rekey", "VM0001", "--json"], options].concat();
    allowed(lab, "VM0001", "KEY+2:1s", &arguments).expect(0)
}

fn a_lost_module_reads_nothing_new_and_the_others_go_on(over: Over) {
    let lab = Lab::start(over, 3).with_master(&[]);
    lab.keywriter(&["clone"]).expect(0);
    encrypt(&lab, "VM0001", "old");
    let before = lab
        .keywriter(&["recipient", "--module", "VM0001"])
        .expect(0);
    let events = rekeyed(&lab, &["--without", "VM0003"]).events("rekeyed");
    assert_eq!(events[0]["epoch"], 2);
    assert_eq!(events[0]["without"][0], "VM0003");
    assert!(events[0]["dropped"].is_null());
    encrypt(&lab, "VM0001", "new");
    let after = lab
        .keywriter(&["recipient", "--module", "VM0001"])
        .expect(0);
    assert_ne!(before.out, after.out);

    lab.unlock_admin("VM0002");
    decrypt(&lab, "VM0002", "new")
        .expect(3)
        .says(&["VM0002", "epoch", "clone"]);
    let clone = ["clone", "--json", "--to", "VM0002"];
    let cloned = allowed(&lab, "VM0002", "KEY+1:1s", &clone).expect(0);
    assert_eq!(serials(&cloned.events("done")), ["VM0002"]);
    lab.unlock_user("VM0002");
    for name in ["old", "new"] {
        decrypt(&lab, "VM0001", name).expect(0);
        decrypt(&lab, "VM0002", name).expect(0);
        assert_eq!(
            fs::read(lab.path(&format!("{name}-by-VM0002"))).unwrap(),
            name.as_bytes()
        );
    }

    lab.unlock_admin("VM0003");
    decrypt(&lab, "VM0003", "old").expect(0);
    decrypt(&lab, "VM0003", "new").expect(3);
    let clone = ["clone", "--json", "--to", "VM0003"];
    let refused = allowed(&lab, "VM0003", "KEY+1:1s", &clone);
    assert_eq!(refused.events("failed")[0]["reason"], "module-retired");
}

fn a_clone_that_is_locked_is_named_until_it_has_the_epoch(over: Over) {
    let lab = Lab::start(over, 2).with_master(&[]);
    lab.keywriter(&["clone"]).expect(0);
    rekeyed(&lab, &[]);
    let failed = lab
        .keywriter(&["clone", "--json"])
        .expect(3)
        .events("failed");
    assert_eq!(failed[0]["serial"], "VM0002");
    assert_eq!(failed[0]["reason"], "secondary-older-epoch");
    lab.unlock_admin("VM0002");
    allowed(&lab, "VM0002", "KEY+1:1s", &["clone"]).expect(0);
    let done = lab.keywriter(&["clone", "--json"]).expect(0).events("done");
    assert_eq!(done[0]["already"], true);
}

fn who_may_not_rekey_is_told_so(over: Over) {
    let lab = Lab::start(over, 2).with_master(&[]);
    lab.keywriter(&["clone"]).expect(0);
    let rekey = |serial| lab.keywriter(&["team", "rekey", serial]).expect(3);
    rekey("VM0002").says(&["VM0002", "locked"]);
    lab.unlock_user("VM0002");
    rekey("VM0002").says(&["VM0002", "Administrator"]);
    lab.hub(&["unplug", "VM0002"]);
    assert!(lab.shows(&["VM0001".into()]));
    lab.hub(&["plug", "VM0002"]);
    assert!(lab.shows(&["VM0001".into(), "VM0002".into()]));
    lab.unlock_admin("VM0002");
    rekey("VM0002").says(&["VM0002", "may not re-key", "made the team"]);
    lab.keywriter(&["team", "rekey", "VM0001", "--without", "VM0001"])
        .expect(3)
        .says(&["VM0001", "same module"]);
    let refused = thread::scope(|scope| {
        scope.spawn(|| {
            assert!(lab.asks("VM0001"), "it never asked");
            lab.hub(&["unplug", "VM0001"]);
        });
        lab.keywriter(&["team", "rekey", "VM0001", "--without", "VM0077"])
    });
    refused.says(&["not in the journal of VM0001: VM0077"]);
}
