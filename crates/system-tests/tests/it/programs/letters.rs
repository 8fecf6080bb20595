//! Modules that are elsewhere: three mails make a clone, and one brings a member its team's next epoch.

use super::{allowed, decrypt, encrypt, over_both, secondaries, serials};
use std::{fs, path::Path};
use system_tests::lab::{Lab, Over, Ran};

over_both!(
    three_mails_make_a_clone_and_each_may_be_lost,
    a_rekey_reaches_a_member_that_is_elsewhere_by_letter,
    a_module_in_use_is_replaced_by_letter_only_with_a_person,
    what_the_mail_harmed_is_named_and_nothing_is_done,
    letters_of_a_rekey_are_written_once_more_and_a_retired_module_gets_none,
);

/// Where a file is, as an argument.
fn file(lab: &Lab, name: &str) -> String {
    let path = lab.path(name);
    path.to_str().unwrap().to_owned()
}

fn letter(lab: &Lab, arguments: &[&str]) -> Ran {
    lab.keywriter(&[&["letter"], arguments, &["--json"]].concat())
}

fn three_mails_make_a_clone_and_each_may_be_lost(over: Over) {
    let lab = Lab::start(over, 2).with_master(&[]);
    let [request, letters, reply, again] =
        ["request.pem", "letters.pem", "reply.pem", "again.pem"].map(|name| file(&lab, name));
    letter(&lab, &["request", "VM0002", "-o", &request]).expect(0);
    // The first mail was lost.
    letter(&lab, &["request", "VM0002", "-o", &request]).expect(3);
    letter(&lab, &["request", "VM0002", "-o", &request, "--force"]).expect(0);
    let written = letter(&lab, &["write", "VM0001", &request, "-o", &letters]).expect(0);
    assert_eq!(written.events("letter-written")[0]["kind"], "join");
    // The second one was, too: it is written again, and the first one turns up after all.
    letter(&lab, &["write", "VM0001", &request, "-o", &again]).expect(0);
    let taken = letter(&lab, &["take", &again, "-o", &reply]).expect(0);
    assert_eq!(taken.events("letter-taken")[0]["already"], false);
    letter(&lab, &["take", &letters, "-o", &reply, "--force"])
        .expect(1)
        .says(&["VM0002", "module-locked"]);
    // An output that is there is noticed before the module is asked for anything.
    letter(&lab, &["take", &again, "-o", &letters])
        .expect(3)
        .says(&["file-exists"]);
    // The reply was lost: it is made again.
    fs::remove_file(lab.path("reply.pem")).unwrap();
    let taken = letter(&lab, &["take", &again, "-o", &reply]).expect(0);
    assert_eq!(taken.events("letter-taken")[0]["already"], true);
    let closed = letter(&lab, &["close", "VM0001", &reply]).expect(0);
    let receipt = closed.events("letter-closed")[0]["receipt"].clone();
    let root = file(&lab, "hub/run/root.pem");
    lab.keywriter(&[
        "receipt",
        "verify",
        receipt.as_str().unwrap(),
        "--root",
        &root,
    ])
    .expect(0)
    .says(&["VM0002", "VM0001"]);
    letter(&lab, &["close", "VM0001", &reply]).expect(0);

    encrypt(&lab, "VM0001", "far");
    lab.unlock_user("VM0002");
    decrypt(&lab, "VM0002", "far").expect(0);
    let members = lab.keywriter(&["team", "list", "--json"]).expect(0);
    let members = members.events("member");
    assert_eq!(members[0]["serial"], "VM0002");
    assert_eq!(members[0]["letterbox"], 2);
}

fn a_rekey_reaches_a_member_that_is_elsewhere_by_letter(over: Over) {
    let lab = Lab::start(over, 4).with_master(&[]);
    lab.keywriter(&["clone"]).expect(0);
    encrypt(&lab, "VM0001", "old");
    lab.hub(&["unplug", "VM0002"]);
    assert!(lab.shows(&["VM0001", "VM0003", "VM0004"].map(String::from)));
    let [letters, reply] = ["letters.pem", "reply.pem"].map(|name| file(&lab, name));
    let rekey = [
        "team",
        "rekey",
        "VM0001",
        "--json",
        "--without",
        "VM0004",
        "--letters",
        &letters,
    ];
    let ran = allowed(&lab, "VM0001", "KEY+2:1s", &rekey).expect(0);
    let written = ran.events("letter-written");
    let serials: Vec<_> = written
        .iter()
        .map(|event| event["serial"].clone())
        .collect();
    assert_eq!(serials, ["VM0002", "VM0003"]);
    assert!(written.iter().all(|event| event["kind"] == "epoch"));
    encrypt(&lab, "VM0001", "new");

    lab.hub(&["plug", "VM0002"]);
    assert!(lab.shows(&secondaries(1..=4)));
    lab.unlock_user("VM0002");
    decrypt(&lab, "VM0002", "new").expect(3);
    let taken = letter(&lab, &["take", &letters, "-o", &reply, "--to", "VM0002"]).expect(0);
    assert_eq!(taken.events("letter-taken")[0]["epoch"], 2);
    decrypt(&lab, "VM0002", "new").expect(0);
    decrypt(&lab, "VM0002", "old").expect(0);
    letter(&lab, &["close", "VM0001", &reply]).expect(0);
    let members = lab.keywriter(&["team", "list"]).expect(0);
    members.says(&["VM0002", "VM0003", "1 (behind)", "under way"]);
    let listed = lab.keywriter(&["team", "list", "--json"]).expect(0);
    for member in listed.events("member") {
        // One has answered its letter.
        let is_waited_for = member["serial"] == "VM0003";
        assert_eq!(member["letter_outstanding"], is_waited_for, "{member}");
        assert!(member["cycle"].is_u64());
    }

    // The lost module finds no letter of its own, and the others' do not open.
    lab.unlock_admin("VM0004");
    letter(
        &lab,
        &["take", &letters, "-o", &reply, "--force", "--to", "VM0004"],
    )
    .expect(3)
    .says(&["no-letter", "VM0002, VM0003"]);
    // Locked: it says what to do.
    letter(
        &lab,
        &["take", &letters, "-o", &reply, "--force", "--to", "VM0003"],
    )
    .expect(1)
    .says(&["VM0003", "no-unlocked-module", "User"]);
    lab.unlock_user("VM0003");
    letter(
        &lab,
        &["take", &letters, "-o", &reply, "--force", "--to", "VM0003"],
    )
    .expect(0);
    decrypt(&lab, "VM0003", "new").expect(0);
}

fn a_module_in_use_is_replaced_by_letter_only_with_a_person(over: Over) {
    let lab = Lab::start(over, 3).with_master(&[]);
    lab.set_up("VM0003");
    let [request, letters, reply] =
        ["request.pem", "letters.pem", "reply.pem"].map(|name| file(&lab, name));
    letter(&lab, &["request", "VM0003", "-o", &request]).expect(0);
    letter(&lab, &["write", "VM0001", &request, "-o", &letters]).expect(0);
    letter(&lab, &["take", &letters, "-o", &reply])
        .expect(1)
        .says(&["module-locked"]);
    assert!(!lab.path("reply.pem").exists());
    // For people, the line names the module once.
    lab.keywriter(&["letter", "take", &letters, "-o", &reply])
        .expect(1)
        .says(&["VM0003  failed: the module is locked\n"]);
    lab.unlock_admin("VM0003");
    let take = ["letter", "take", &letters, "-o", &reply, "--json"];
    allowed(&lab, "VM0003", "KEY+1:1s", &take).expect(0);
    letter(&lab, &["close", "VM0001", &reply]).expect(0);
    encrypt(&lab, "VM0001", "team");
    lab.unlock_user("VM0003");
    decrypt(&lab, "VM0003", "team").expect(0);
}

fn what_the_mail_harmed_is_named_and_nothing_is_done(over: Over) {
    let lab = Lab::start(over, 2).with_master(&[]);
    let [request, letters, reply] =
        ["request.pem", "letters.pem", "reply.pem"].map(|name| file(&lab, name));
    letter(&lab, &["request", "VM0002", "-o", &request]).expect(0);
    let text = fs::read_to_string(lab.path("request.pem")).unwrap();
    let write = |name: &str, text: &str| {
        fs::write(lab.path(name), text).unwrap();
        file(&lab, name)
    };
    let cut = write("cut.pem", &text[..text.len() / 2]);
    let harmed = write("harmed.pem", &changed(&text));
    let letter_write = |from: &str| letter(&lab, &["write", "VM0001", from, "-o", &letters]);
    letter_write(&cut)
        .expect(5)
        .says(&["mail-file-invalid", "cut.pem"]);
    letter_write(&harmed)
        .expect(5)
        .says(&["mail-not-verified", "harmed.pem"]);
    letter_write("/nonexistent.pem")
        .expect(6)
        .says(&["cannot-read"]);
    assert!(!Path::new(&letters).exists());
    letter_write(&request).expect(0);
    // A request is no letter, and a letter is no reply.
    letter(&lab, &["take", &request, "-o", &reply])
        .expect(3)
        .says(&["no-letter"]);
    letter(&lab, &["close", "VM0001", &letters])
        .expect(3)
        .says(&["no-letter"]);
    let text = fs::read_to_string(lab.path("letters.pem")).unwrap();
    let harmed = write("harmed.pem", &changed(&text));
    letter(&lab, &["take", &harmed, "-o", &reply])
        .expect(1)
        .says(&["mail-not-verified"]);
    // A mail program that adds text and other line ends harms nothing.
    let mail = write(
        "mail.pem",
        &format!(
            "From: a\r\n\r\n{}\r\n-- \r\nb\r\n",
            text.replace('\n', "\r\n")
        ),
    );
    letter(&lab, &["take", &mail, "-o", &reply]).expect(0);
}

fn letters_of_a_rekey_are_written_once_more_and_a_retired_module_gets_none(over: Over) {
    let lab = Lab::start(over, 4).with_master(&[]);
    lab.keywriter(&["clone"]).expect(0);
    let [first, second, again, reply] =
        ["first.pem", "second.pem", "again.pem", "reply.pem"].map(|name| file(&lab, name));
    let rekey = |without: &[&str], letters: &str| {
        let rekey = ["team", "rekey", "VM0001", "--json", "--letters", letters];
        let ran = allowed(&lab, "VM0001", "KEY+2:1s", &[&rekey[..], without].concat());
        serials(&ran.expect(0).events("letter-written"))
    };
    assert_eq!(
        rekey(&["--without", "VM0004"], &first),
        ["VM0002", "VM0003"]
    );
    // One of them has its letter, and the reply came.
    lab.unlock_user("VM0002");
    letter(&lab, &["take", &first, "-o", &reply, "--to", "VM0002"]).expect(0);
    letter(&lab, &["close", "VM0001", &reply]).expect(0);
    // The file was lost: who lacks the epoch gets a letter again, and the retired one is no failure.
    let write = ["write", "VM0001", "--members", "-o", &again];
    let ran = letter(&lab, &write).expect(0).says(&["VM0004 was retired"]);
    assert_eq!(serials(&ran.events("letter-written")), ["VM0003"]);
    // Neither is it at the next re-key, at which the other one, unlocked, has its letter at once.
    assert_eq!(rekey(&[], &second), ["VM0003"]);
    lab.unlock_user("VM0003");
    let take = ["take", &second, "-o", &reply, "--force", "--to", "VM0003"];
    let taken = letter(&lab, &take).expect(0).events("letter-taken");
    assert_eq!(taken[0]["epoch"], 3);
    let members = lab.keywriter(&["team", "list", "--json"]).expect(0);
    let members = members.events("member");
    let updated = members.iter().find(|member| member["serial"] == "VM0002");
    assert_eq!(updated.unwrap()["epoch"], 3);
    letter(&lab, &["close", "VM0001", &reply]).expect(0);
    let write = ["write", "VM0001", "--members", "-o", &again, "--force"];
    let ran = letter(&lab, &write).expect(0).says(&["VM0004 was retired"]);
    assert!(ran.events("letter-written").is_empty());
    // The request of the retired module itself is refused.
    let request = file(&lab, "request.pem");
    letter(&lab, &["request", "VM0004", "-o", &request]).expect(0);
    letter(
        &lab,
        &["write", "VM0001", &request, "-o", &again, "--force"],
    )
    .expect(1)
    .says(&["VM0004", "module-retired"]);
}

/// A letter of the text in the middle replaced by another one.
fn changed(text: &str) -> String {
    let middle = text.len() / 2;
    let (head, tail) = text.split_at(middle);
    let at = tail.find(|c: char| c.is_ascii_lowercase()).unwrap();
    let other = if tail.as_bytes()[at] == b'a' {
        "b"
    } else {
        "a"
    };
    format!("{head}{}{other}{}", &tail[..at], &tail[at + 1..])
}
