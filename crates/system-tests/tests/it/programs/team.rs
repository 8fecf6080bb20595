//! A module is lost: the team is re-keyed without it, and goes on.

use super::{allowed, decrypt, encrypt, over_both, serials};
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    thread,
};
use system_tests::lab::{Lab, Over, Ran};

over_both!(
    a_lost_module_reads_nothing_new_and_the_others_go_on,
    a_clone_that_is_locked_is_named_until_it_has_the_epoch,
    who_may_not_rekey_is_told_so,
    files_of_before_are_brought_into_the_new_epoch,
    members_that_are_plugged_in_have_the_epoch_at_once,
    another_computer_learns_in_one_file_who_is_in_the_team,
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

fn files_of_before_are_brought_into_the_new_epoch(over: Over) {
    let lab = Lab::start(over, 3).with_master(&[]);
    lab.keywriter(&["clone"]).expect(0);
    let folder = lab.path("files");
    fs::create_dir(&folder).unwrap();
    // Three chunks and a bit, one byte, nothing; fast ones and one from inside the module.
    let texts = [
        ("long", vec![7_u8; 3 * 61_440 + 5]),
        ("short", vec![1]),
        ("empty", Vec::new()),
        ("inside", vec![9; 61_440]),
    ];
    for (name, text) in &texts {
        let path = folder.join(name);
        fs::write(&path, text).unwrap();
        let path = path.to_str().unwrap();
        let inside = if *name == "inside" {
            &["--in-module"][..]
        } else {
            &[]
        };
        let encrypt = [&["encrypt", path, "--module", "VM0001"], inside].concat();
        lab.keywriter(&encrypt).expect(0);
        fs::remove_file(path).unwrap();
    }
    let sealed = |name: &str| folder.join(format!("{name}.kw"));
    let before = texts
        .each_ref()
        .map(|(name, _)| fs::read(sealed(name)).unwrap());
    // Only root may give a file to somebody else.
    let is_given = chown(sealed("long"), Some(1), Some(1)).is_ok();
    fs::set_permissions(sealed("long"), fs::Permissions::from_mode(0o640)).unwrap();
    rekeyed(&lab, &["--without", "VM0003"]);
    let path = folder.to_str().unwrap();
    let rewrap = ["rewrap", path, "--module", "VM0001", "--json"];
    let dry = [&rewrap[..], &["--dry-run"]].concat();
    let dry = lab.keywriter(&dry).expect(0).events("rewrapped");
    assert!(
        dry.iter()
            .all(|event| event["from"] == 1 && event["to"] == 2)
    );
    assert_eq!(dry.len(), 4);
    let now = texts
        .each_ref()
        .map(|(name, _)| fs::read(sealed(name)).unwrap());
    assert!(now == before, "a dry run changed something");

    // A file that was harmed stays, and is named; the others are done.
    let mut harmed = before[1].clone();
    *harmed.last_mut().unwrap() ^= 1;
    fs::write(sealed("harmed"), &harmed).unwrap();
    let ran = lab.keywriter(&rewrap).expect(1).says(&["harmed.kw"]);
    let done = ran.events("rewrapped");
    assert_eq!(done.len(), 4);
    assert!(done.iter().all(|event| event["done"] == true));
    assert_eq!(fs::read(sealed("harmed")).unwrap(), harmed);
    fs::remove_file(sealed("harmed")).unwrap();
    let metadata = fs::metadata(sealed("long")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o777, 0o640);
    if is_given {
        assert_eq!((metadata.uid(), metadata.gid()), (1, 1));
    }
    for ((name, text), old) in texts.iter().zip(&before) {
        let anew = fs::read(sealed(name)).unwrap();
        assert_eq!(anew.len(), old.len(), "{name}");
        assert!(anew[60..] != old[60..], "{name}: its chunks are others");
        let out = lab.path(&format!("{name}.out"));
        let file = sealed(name);
        let [file, to] = [&file, &out].map(|path| path.to_str().unwrap());
        let arguments = ["decrypt", file, "-o", to];
        lab.keywriter(&[&arguments[..], &["--module", "VM0001"]].concat())
            .expect(0);
        assert_eq!(&fs::read(&out).unwrap(), text, "{name}");
    }
    // The lost module reads none of them, and nothing is left to do.
    lab.unlock_user("VM0003");
    let long = sealed("long");
    let lost = ["decrypt", long.to_str().unwrap(), "--module", "VM0003"];
    lab.keywriter(&lost).expect(3).says(&["VM0003", "epoch"]);
    let again = lab.keywriter(&rewrap).expect(0).events("rewrapped");
    assert!(
        again
            .iter()
            .all(|event| event["done"] == false && event["from"] == 2)
    );
}

fn members_that_are_plugged_in_have_the_epoch_at_once(over: Over) {
    let lab = Lab::start(over, 4).with_master(&[]);
    lab.keywriter(&["clone"]).expect(0);
    lab.unlock_user("VM0002");
    lab.unlock_admin("VM0003");
    let letters = lab.path("letters.pem");
    let ran = rekeyed(&lab, &["--letters", letters.to_str().unwrap()]);
    let taken = ran.events("letter-taken");
    assert_eq!(serials(&taken), ["VM0002", "VM0003"]);
    assert_eq!(serials(&ran.events("letter-closed")), ["VM0002", "VM0003"]);
    // The one that is locked finds a letter.
    assert_eq!(serials(&ran.events("letter-written")), ["VM0004"]);
    encrypt(&lab, "VM0001", "new");
    decrypt(&lab, "VM0002", "new").expect(0);
    decrypt(&lab, "VM0003", "new").expect(0);
    lab.unlock_user("VM0004");
    decrypt(&lab, "VM0004", "new").expect(3);
}

fn another_computer_learns_in_one_file_who_is_in_the_team(over: Over) {
    let lab = Lab::start(over, 3).with_master(&[]);
    let [file, there] = ["team.pem", "there"].map(|name| {
        let path = lab.path(name);
        path.to_str().unwrap().to_owned()
    });
    lab.keywriter(&["team", "export", &file])
        .expect(3)
        .says(&["no receipts"]);
    lab.keywriter(&["clone"]).expect(0);
    let ran = lab
        .keywriter(&["team", "export", &file, "--json"])
        .expect(0);
    let exported = ran.events("team-exported");
    assert_eq!(
        (&exported[0]["members"], &exported[0]["letterboxes"]),
        (&2.into(), &2.into())
    );
    lab.keywriter(&["team", "export", &file])
        .expect(3)
        .says(&["already exists"]);
    let import = ["team", "import", &file, "--receipts", &there, "--json"];
    for new in [2, 0] {
        let ran = lab.keywriter(&import).expect(0);
        assert_eq!(ran.events("team-imported")[0]["new"], new);
    }
    let listed = lab.keywriter(&["team", "list", "--receipts", &there, "--json"]);
    assert_eq!(
        serials(&listed.expect(0).events("member")),
        ["VM0002", "VM0003"]
    );

    // One receipt is not what its module signed: the other one is learned all the same.
    let text = fs::read_to_string(lab.path("team.pem")).unwrap();
    let line = text.lines().nth(12).unwrap();
    let other: String = line.chars().rev().collect();
    fs::write(lab.path("team.pem"), text.replacen(line, &other, 1)).unwrap();
    let elsewhere = lab.path("elsewhere");
    let import = [
        "team",
        "import",
        &file,
        "--receipts",
        elsewhere.to_str().unwrap(),
        "--json",
    ];
    let ran = lab.keywriter(&import).expect(0).says(&["1 receipt"]);
    let imported = ran.events("team-imported");
    assert_eq!(
        (&imported[0]["members"], &imported[0]["refused"]),
        (&1.into(), &1.into())
    );
    // None of them is.
    let mut begins = false;
    let mut changed = String::new();
    for line in text.lines() {
        if begins {
            changed.extend(line.chars().rev());
        } else {
            changed.push_str(line);
        }
        changed.push('\n');
        begins = line.contains("BEGIN KEYWRITER RECEIPT");
    }
    fs::write(lab.path("team.pem"), changed).unwrap();
    lab.keywriter(&import).expect(5).says(&["team.pem"]);
}
