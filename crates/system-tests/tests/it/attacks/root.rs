//! Modules under a root that this computer does not know, or under another one than it trusts.

use std::{fs, path::Path};
use system_tests::lab::{Lab, Over, Ran};

/// A lab whose hub vouches for nothing, as with modules in readers of this computer; an unlocked master.
fn unknown() -> Lab {
    let lab = Lab::start(Over::Socket, 2);
    fs::rename(lab.path("hub/run/root.pem"), lab.path("root.pem")).unwrap();
    lab.set_up("VM0001");
    lab.unlock_admin("VM0001");
    fs::write(lab.path("a"), "text").unwrap();
    fs::write(lab.path("units"), [0; 64]).unwrap();
    lab
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Every command that works with a module, as a script runs it.
fn all(lab: &Lab, check: impl Fn(Ran)) {
    let (a, units, out) = (lab.path("a"), lab.path("units"), lab.path("out"));
    let (a, units, out) = (text(&a), text(&units), text(&out));
    for command in [
        &["encrypt", "--force", a][..],
        &["recipient"],
        &["recipient", "--post-quantum"],
        &["master", "set", "VM0001"],
        &["clone"],
        &["journal", "VM0001"],
        &["data-units", "encipher", "VM0001", units, out],
    ] {
        check(lab.keywriter(command));
    }
}

fn fingerprint(lab: &Lab, file: &str) -> String {
    let file = lab.path(file);
    let shown = lab.keywriter(&["root", "show", "--root", text(&file), "--json"]);
    let shown = shown.expect(0).events("root");
    shown[0]["sha256"].as_str().unwrap().to_owned()
}

#[test]
fn without_a_terminal_an_unknown_root_is_refused_and_then_pinned_on_purpose() {
    let lab = unknown();
    lab.keywriter(&[
        "master",
        "set",
        "VM0001",
        "--root",
        text(&lab.path("root.pem")),
    ])
    .expect(0);
    let known = fingerprint(&lab, "root.pem");
    all(&lab, |ran| {
        ran.expect(3).says(&[&known, "keywriter root pin"]);
    });
    assert!(!lab.path("a.kw").exists() && !lab.path("out").exists());
    // `list` is how one finds out.
    lab.keywriter(&["list"])
        .expect(0)
        .says(&["unknown-root", &known]);
    lab.keywriter(&["root", "pin", text(&lab.path("root.pem"))])
        .expect(0);
    all(&lab, |ran| {
        ran.expect(0);
    });
    lab.keywriter(&["decrypt", text(&lab.path("a.kw")), "--force"])
        .expect(0);
}

#[test]
fn another_root_than_the_pinned_one_is_refused_with_both_fingerprints() {
    let lab = unknown();
    let other = Lab::start(Over::Socket, 1);
    fs::copy(other.path("hub/run/root.pem"), lab.path("other.pem")).unwrap();
    lab.keywriter(&[
        "master",
        "set",
        "VM0001",
        "--root",
        text(&lab.path("root.pem")),
    ])
    .expect(0);
    lab.keywriter(&["root", "pin", text(&lab.path("other.pem"))])
        .expect(0);
    let (shown, trusted) = (
        fingerprint(&lab, "root.pem"),
        fingerprint(&lab, "other.pem"),
    );
    all(&lab, |ran| {
        assert_eq!(ran.code, 3, "{ran:?}");
        ran.says(&["another root of trust", &shown, &trusted]);
    });
    lab.keywriter(&["list"]).expect(0).says(&[&shown, &trusted]);
    // It is not replaced by the way.
    lab.keywriter(&["root", "pin", text(&lab.path("root.pem"))])
        .expect(3)
        .says(&[&shown, &trusted, "keywriter root forget"]);
    lab.keywriter(&["root", "forget"])
        .expect(0)
        .says(&["forgotten", "trusts no root now"]);
    fs::copy(lab.path("root.pem"), lab.path("hub/run/root.pem")).unwrap();
    lab.keywriter(&["root", "forget"]).expect(0).says(&[
        "no root was pinned",
        &shown,
        "hub/run/root.pem",
    ]);
    lab.keywriter(&["root", "pin", text(&lab.path("root.pem"))])
        .expect(0);
    lab.keywriter(&["recipient"]).expect(0);
}

#[test]
fn a_hub_folder_in_which_others_write_vouches_for_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let lab = Lab::start(Over::Socket, 1);
    lab.set_up("VM0001");
    lab.unlock_user("VM0001");
    lab.keywriter(&["recipient"]).expect(0);
    for mode in [0o777, 0o775] {
        fs::set_permissions(lab.path("hub/run"), fs::Permissions::from_mode(mode)).unwrap();
        let run = lab.path("hub/run");
        lab.keywriter(&["recipient"]).expect(3).says(&[
            text(&run),
            "chmod go-w",
            "keywriter root pin",
        ]);
        let refused = lab.keywriter(&["recipient", "--json"]).expect(3);
        assert_eq!(refused.events("error")[0]["reason"], "hub-open");
    }
    let root = lab.path("hub/run/root.pem");
    lab.keywriter(&["root", "pin", text(&root)]).expect(0);
    lab.keywriter(&["recipient"]).expect(0);
}
