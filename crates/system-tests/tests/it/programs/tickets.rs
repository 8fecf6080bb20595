//! Two people must agree: a team with a quorum, its tickets on paper's way from screen to screen, and what is refused
//! without them.

use super::{allowed, decrypt, encrypt, over_both, secondaries};
use std::{fs, path::Path};
use system_tests::lab::{Lab, Over, Ran};

over_both!(
    nobody_clones_alone_once_two_of_three_must_agree,
    a_rekey_with_its_ticket_reaches_a_member_that_is_elsewhere,
);

/// Where a file is, as an argument.
fn file(lab: &Lab, name: &str) -> String {
    let path = lab.path(name);
    path.to_str().unwrap().to_owned()
}

/// A team of four whose policy lets two of VM0002, VM0003 and VM0004 decide, all unlocked by their Administrators.
fn guarded(over: Over, modules: u16) -> Lab {
    let lab = Lab::start(over, modules).with_master(&[]);
    let custodians = ["VM0002", "VM0003", "VM0004"];
    let to = custodians.map(|serial| ["--to", serial]).concat();
    lab.keywriter(&[&["clone"][..], &to].concat()).expect(0);
    let named = custodians.map(|serial| ["--custodian", serial]).concat();
    let policy = ["team", "policy", "VM0001", "--json", "--quorum", "2"];
    let policy = [&policy[..], &named].concat();
    let ran = allowed(&lab, "VM0001", "KEY+3:1s", &policy).expect(0);
    assert_eq!(ran.events("policy")[0]["custodians"], 3);
    // Each learns it by letter.
    let mut requests = Vec::new();
    for serial in custodians {
        let request = file(&lab, &format!("{serial}.request"));
        lab.keywriter(&["letter", "request", serial, "-o", &request])
            .expect(0);
        requests.push(request);
    }
    let requests: Vec<_> = requests.iter().map(String::as_str).collect();
    let [letters, reply] = ["policy.pem", "policy.reply"].map(|name| file(&lab, name));
    let write = ["letter", "write", "VM0001", "-o", &letters];
    lab.keywriter(&[&write[..], &requests].concat()).expect(0);
    for serial in custodians {
        lab.unlock_admin(serial);
    }
    lab.keywriter(&["letter", "take", &letters, "-o", &reply])
        .expect(0);
    lab.keywriter(&["letter", "close", "VM0001", &reply])
        .expect(0);
    lab
}

/// Approves a ticket: the code is read from another screen, and typed on the keypad.
fn approve(lab: &Lab, serial: &str, ticket: &str) -> Ran {
    let shown = lab
        .keywriter(&["ticket", "show", ticket, "--json"])
        .expect(0);
    let code = shown.events("ticket")[0]["code"].clone();
    let keys = format!("{} KEY", code.as_str().unwrap());
    allowed(lab, serial, &keys, &["ticket", "approve", serial, ticket])
}

fn nobody_clones_alone_once_two_of_three_must_agree(over: Over) {
    let lab = guarded(over, 6);
    encrypt(&lab, "VM0001", "secret");
    lab.keywriter(&["clone", "--to", "VM0005"])
        .expect(1)
        .says(&["VM0005", "the team's policy wants a ticket"]);
    let ticket = file(&lab, "ticket.pem");
    let new = ["ticket", "new", "clone", "VM0001", "-o", &ticket];
    lab.keywriter(&[&new[..], &["--to", "VM0005"]].concat())
        .expect(0)
        .says(&["2 custodians"]);
    lab.keywriter(&["ticket", "show", &ticket])
        .expect(0)
        .says(&["clone to VM0005, once", "VM0001", "nobody yet", "code"]);

    // On a phone: the address of the portal's page, as a QR code.
    let portal = "https://licenses.example";
    let qr = ["ticket", "show", &ticket, "--qr", "--portal", portal];
    lab.keywriter(&qr)
        .expect(0)
        .says(&["licenses.example/ticket", "█▀▀▀▀▀█"]);
    let shown = lab.keywriter(&[&qr[..], &["--json"]].concat()).expect(0);
    let address = shown.events("ticket")[0]["address"].clone();
    let page = format!("{portal}/ticket#AQkB");
    assert!(address.as_str().unwrap().starts_with(&page), "{address}");
    let qr = ["ticket", "show", &ticket, "--qr", "--portal", "http://a.b"];
    lab.keywriter(&qr).expect(2).says(&["http://a.b"]);

    let clone = ["clone", "--to", "VM0005", "--ticket", &ticket];
    lab.keywriter(&clone)
        .expect(1)
        .says(&["nobody has approved the ticket yet"]);
    // The master is none of them, a member that was cloned before is, and one is not enough.
    lab.keywriter(&["ticket", "approve", "VM0001", &ticket])
        .expect(3)
        .says(&["VM0001", "no custodian"]);
    approve(&lab, "VM0003", &ticket).expect(0);
    let clone = ["clone", "--to", "VM0005", "--ticket", &ticket];
    lab.keywriter(&clone)
        .expect(1)
        .says(&["counts 1 of 2 approvals", "wants a ticket"]);

    // The second custodian is elsewhere: it gets the ticket by mail, and mails it back.
    let mailed = file(&lab, "mailed.pem");
    let text = fs::read_to_string(Path::new(&ticket)).unwrap();
    let (request, _) = text
        .split_once("-----BEGIN KEYWRITER TICKET APPROVAL")
        .unwrap();
    fs::write(&mailed, format!("Please approve:\n\n{request}\n-- \nA")).unwrap();
    approve(&lab, "VM0004", &mailed).expect(0);
    // What else was in the file is there still.
    let kept = file(&lab, "kept.pem");
    let letters = fs::read_to_string(lab.path("policy.pem")).unwrap();
    fs::write(&kept, format!("{request}{letters}")).unwrap();
    approve(&lab, "VM0002", &kept).expect(0);
    let now = fs::read_to_string(&kept).unwrap();
    assert!(now.contains(&letters) && now.contains("KEYWRITER TICKET APPROVAL"));
    let other = [
        "clone", "--to", "VM0006", "--ticket", &ticket, "--ticket", &mailed,
    ];
    lab.keywriter(&other)
        .expect(1)
        .says(&["VM0006", "allows something else"]);
    let clone = [
        "clone", "--to", "VM0005", "--ticket", &ticket, "--ticket", &mailed,
    ];
    lab.keywriter(&clone).expect(0);
    lab.unlock_user("VM0005");
    decrypt(&lab, "VM0005", "secret").expect(0);
    let shown = lab
        .keywriter(&["ticket", "show", &ticket, "--json"])
        .expect(0);
    let hash = shown.events("ticket")[0]["ticket"].clone();
    let journal = lab.keywriter(&["journal", "VM0001", "--json"]).expect(0);
    assert!(journal.out.contains(hash.as_str().unwrap()));
    lab.keywriter(&["team", "show", "VM0001"]).expect(0).says(&[
        "2 of 3",
        "VM0002, VM0003, VM0004",
        "tickets used  1",
    ]);

    // Who decides, and what people call the members.
    lab.keywriter(&["team", "name", "VM0003", "Ada's"])
        .expect(0);
    let list = ["team", "list", "--module", "VM0001"];
    lab.keywriter(&list)
        .expect(0)
        .says(&["Ada's", "(custodian)"]);
    lab.keywriter(&["list"]).expect(0).says(&["NAME", "Ada's"]);
    let listed = lab.keywriter(&[&list[..], &["--json"]].concat()).expect(0);
    for member in listed.events("member") {
        let is_custodian = member["serial"] != "VM0005";
        assert_eq!(member["custodian"], is_custodian, "{member}");
        assert_eq!(member["retired"], false);
        let is_by_ticket = member["ticket"] == hash;
        assert_eq!(is_by_ticket, member["serial"] == "VM0005", "{member}");
    }
    lab.keywriter(&["team", "name", "VM0003"])
        .expect(0)
        .says(&["no name any more"]);

    // Cut off on its way, or something else.
    fs::write(&mailed, &text[..text.len() - 60]).unwrap();
    lab.keywriter(&["ticket", "show", &mailed]).expect(5);
    lab.keywriter(&["ticket", "show", &file(&lab, "policy.pem")])
        .expect(3)
        .says(&["no ticket"]);
}

fn a_rekey_with_its_ticket_reaches_a_member_that_is_elsewhere(over: Over) {
    let lab = guarded(over, 4);
    let [ticket, letters, reply] = ["t.pem", "l.pem", "r.pem"].map(|name| file(&lab, name));
    let rekey = ["team", "rekey", "VM0001", "--json", "--without", "VM0002"];
    lab.keywriter(&rekey).expect(3).says(&["ticket-needed"]);
    let new = ["ticket", "new", "rekey", "VM0001", "-o", &ticket];
    lab.keywriter(&[&new[..], &["--without", "VM0002"]].concat())
        .expect(0);
    for serial in ["VM0003", "VM0004"] {
        approve(&lab, serial, &ticket).expect(0);
    }
    for serial in ["VM0003", "VM0004"] {
        lab.hub(&["unplug", serial]);
    }
    assert!(lab.shows(&["VM0001", "VM0002"].map(String::from)));
    let with = ["--ticket", &ticket, "--letters", &letters];
    allowed(&lab, "VM0001", "KEY+2:1s", &[&rekey[..], &with].concat()).expect(0);
    encrypt(&lab, "VM0001", "new");
    for serial in ["VM0003", "VM0004"] {
        lab.hub(&["plug", serial]);
    }
    assert!(lab.shows(&secondaries(1..=4)));
    lab.unlock_user("VM0003");
    lab.unlock_user("VM0004");
    // The letters carry the ticket: a member shows it to its module by itself.
    let take = ["letter", "take", &letters, "-o", &reply, "--to", "VM0004"];
    lab.keywriter(&take).expect(0);
    decrypt(&lab, "VM0004", "new").expect(0);
    // Without it, the module refuses.
    let text = fs::read_to_string(Path::new(&letters)).unwrap();
    let (_, bare) = text.split_once("-----BEGIN KEYWRITER LETTER-----").unwrap();
    let bare = format!("-----BEGIN KEYWRITER LETTER-----{bare}");
    fs::write(&letters, bare).unwrap();
    let take = [
        "letter", "take", &letters, "-o", &reply, "--force", "--to", "VM0003",
    ];
    lab.keywriter(&take)
        .expect(1)
        .says(&["VM0003", "wants a ticket"]);
}
