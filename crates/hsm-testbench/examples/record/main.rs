//! Records the vectors below `vectors/`. Released ones are never recorded anew: where one fails, the code is wrong.
//!
//! `cargo run -p hsm-testbench --example record`

#![expect(clippy::expect_used, reason = "a recording that fails is not written")]

mod letters;
mod script;
mod tickets;

use hsm_core::crypto::rust_crypto::RustCrypto;
use hsm_factory::{Profile, Root};
use hsm_protocol::command::{AID, ins};
use hsm_testbench::{attestation, board, receipts, secrets::Drawn, vector::Player};
use script::{Script, Under, record};
use std::fs;

fn main() {
    let root = root("vectors/v1/root-key.pem");
    good(&root);
    for (point, section, name, play) in REFUSALS {
        let mut script = Script::new(point, section, &root);
        script.master();
        script.module("SECOND-1");
        script.send("MASTER-1", ins::CYCLE_BEGIN, 0, "000001");
        play(&mut script);
        script.save(&format!("cloning/{name}"));
    }
    who_may(&root);
    letters::all(&root);
    tickets::all(&root);
    shapes(&root);
    answers(&root);
    for rule in attestation::rules() {
        record(&format!("attestation/{}", rule.name), &rule.text());
    }
    for rule in receipts::rules() {
        record(&format!("receipts/{}", rule.name), &rule.text());
    }
}

fn good(root: &Root) {
    let mut good = Script::new(
        "a master clones to a module in Shipment State, to the byte",
        "4",
        root,
    );
    good.master();
    good.module("SECOND-1");
    good.done("MASTER-1", ins::CYCLE_BEGIN, 0, "030001");
    let last = good.run("SECOND-1", 6);
    good.done("MASTER-1", ins::COUNTERSIGN, 0, &last[4]);
    good.done("SECOND-1", ins::LAST_RECEIPT, 0, "");
    good.done("MASTER-1", ins::JOURNAL, 0, "");
    good.done("MASTER-1", ins::CYCLE_END, 0, "");
    good.keys("SECOND-1", "SHIFT+KEY 13572468 KEY");
    let status = good.done("SECOND-1", ins::STATUS, 0, "");
    // Of the current epoch, in units of 32 bytes, the first of them the seventh.
    let head = status[2 * 17..2 * 29].to_owned() + "00200000000000000007";
    let units = head.clone() + &"a5".repeat(48);
    let ciphered = good.done("MASTER-1", ins::CIPHER, 0, &units);
    let plain = good.done("SECOND-1", ins::CIPHER, 1, &(head + &ciphered));
    assert_eq!(plain, "a5".repeat(48));
    secrets(&good.player, &last);
    good.save("v1/clone-from-shipment");
}

/// The point, its section, the file's name, and what is done once a cycle has begun.
type Refusal = (
    &'static str,
    &'static str,
    &'static str,
    fn(&mut Script<'_>),
);

const REFUSALS: [Refusal; 19] = [
    (
        "a master refuses an Offer of another version",
        "4.2",
        "offer-of-another-version",
        |s| {
            let offer = s.send("SECOND-1", ins::OFFER, 0, "");
            s.send("MASTER-1", ins::GRANT, 0, &format!("02{}", &offer[2..]));
        },
    ),
    (
        "a master refuses an Offer whose kind is that of another message",
        "3.4",
        "offer-of-another-kind",
        |s| {
            let offer = s.send("SECOND-1", ins::OFFER, 0, "");
            s.send("MASTER-1", ins::GRANT, 0, &format!("0102{}", &offer[4..]));
        },
    ),
    (
        "a master refuses an Offer of another suite",
        "3.4",
        "offer-of-another-suite",
        |s| {
            let offer = s.send("SECOND-1", ins::OFFER, 0, "");
            s.send("MASTER-1", ins::GRANT, 0, &format!("010102{}", &offer[6..]));
        },
    ),
    (
        "a receipt whose statement was changed is not one that the master expects",
        "4.7",
        "statement-changed",
        |s| {
            let messages = s.run("SECOND-1", 5);
            s.send("MASTER-1", ins::COUNTERSIGN, 0, &flip(&messages[4], 20));
            s.send("MASTER-1", ins::COUNTERSIGN, 0, &messages[4]);
        },
    ),
    (
        "a virtual master gives nothing to a hardware module",
        "4.3",
        "virtual-and-hardware",
        |s| {
            s.certified("HARDWARE-1", Profile { is_virtual: false }, Under::Root);
            let offer = s.done("HARDWARE-1", ins::OFFER, 0, "");
            s.send("MASTER-1", ins::GRANT, 0, &offer);
        },
    ),
    (
        "a module that an authority certified becomes a clone, and one in Reset",
        "4.1",
        "below-an-authority-and-reset",
        |s| {
            s.certified("SECOND-2", Profile { is_virtual: true }, Under::Authority);
            s.run("SECOND-2", 6);
            s.keys("SECOND-2", "0:1s 2+7");
            s.run("SECOND-2", 6);
        },
    ),
    (
        "the last countersignature of a cycle that disables its master ends both",
        "4.7",
        "master-disabled",
        |s| {
            s.done("MASTER-1", ins::CYCLE_BEGIN, 0, "040001");
            s.run("SECOND-1", 6);
            s.send("MASTER-1", ins::CYCLE_END, 0, "");
            s.send("MASTER-1", ins::CYCLE_BEGIN, 0, "000001");
        },
    ),
    (
        "a master refuses an Offer with a byte behind it",
        "4.2",
        "offer-with-a-byte-behind",
        |s| {
            let offer = s.send("SECOND-1", ins::OFFER, 0, "");
            s.send("MASTER-1", ins::GRANT, 0, &format!("{offer}00"));
        },
    ),
    (
        "a secondary refuses a Grant whose ciphertext was changed",
        "4.3",
        "grant-changed",
        |s| {
            let messages = s.run("SECOND-1", 2);
            s.send("SECOND-1", ins::CONSENT, 0, &flip(&messages[1], 200));
        },
    ),
    (
        "a master refuses a Consent that was changed, and the run is over",
        "4.4",
        "consent-changed",
        |s| {
            let messages = s.run("SECOND-1", 3);
            s.send("MASTER-1", ins::PARCEL, 0, &flip(&messages[2], 20));
            s.send("MASTER-1", ins::PARCEL, 0, &messages[2]);
        },
    ),
    (
        "a secondary refuses a Parcel that was changed, and stays as it was",
        "4.5",
        "parcel-changed",
        |s| {
            let messages = s.run("SECOND-1", 4);
            s.send("SECOND-1", ins::COMMIT, 0, &flip(&messages[3], 30));
            s.send("SECOND-1", ins::COMMIT, 0, &messages[3]);
            s.send("SECOND-1", ins::STATUS, 0, "");
        },
    ),
    ("a Parcel is given once", "4.5", "parcel-twice", |s| {
        let messages = s.run("SECOND-1", 4);
        s.send("MASTER-1", ins::PARCEL, 0, &messages[2]);
    }),
    (
        "a Receipt that was changed is not sealed; the right one still is",
        "4.7",
        "receipt-changed",
        |s| {
            let messages = s.run("SECOND-1", 5);
            s.send(
                "MASTER-1",
                ins::COUNTERSIGN,
                0,
                &flip(&messages[4], messages[4].len() / 2 - 1),
            );
            s.send("MASTER-1", ins::COUNTERSIGN, 0, &messages[4]);
        },
    ),
    (
        "a master does not clone to itself",
        "4.3",
        "same-module",
        |s| {
            s.send("MASTER-1", ins::OFFER, 0, "");
            s.keys("MASTER-1", "KEY+1:1s");
            let offer = s.send("MASTER-1", ins::OFFER, 0, "");
            s.send("MASTER-1", ins::GRANT, 0, &offer);
        },
    ),
    (
        "the next epoch retires a module, ends the cycle, and is made only if a person holds KEY+2",
        "2.12",
        "rekeyed-without-a-module",
        |s| {
            s.run("SECOND-1", 6);
            s.module("SECOND-2");
            s.run("SECOND-2", 6);
            let retired = hex::encode("SECOND-1") + &"00".repeat(8);
            s.send("MASTER-1", ins::REKEY, 0, &retired);
            s.keys("MASTER-1", "KEY+2:1s");
            s.done("MASTER-1", ins::REKEY, 0, &retired);
            s.send("MASTER-1", ins::CYCLE_END, 0, "");
            s.done("MASTER-1", ins::CYCLE_BEGIN, 0, "000001");
            for (serial, last) in [("SECOND-1", 2), ("SECOND-2", 6)] {
                s.keys(serial, "KEY 24681357 KEY");
                s.send(serial, ins::OFFER, 0, "");
                s.keys(serial, "KEY+1:1s");
                s.run(serial, last);
            }
            s.keys("SECOND-2", "KEY 24681357 KEY");
            s.done("SECOND-2", ins::STATUS, 0, "");
            s.send("SECOND-2", ins::REKEY, 0, "");
        },
    ),
    (
        "a module in use is replaced only if a person holds KEY+1 on it, and once",
        "2.10",
        "replaced-with-a-person",
        |s| {
            s.used("SECOND-1");
            s.send("SECOND-1", ins::OFFER, 0, "");
            s.keys("SECOND-1", "KEY+1:1s");
            s.run("SECOND-1", 6);
            s.keys("SECOND-1", "KEY 24681357 KEY");
            s.send("SECOND-1", ins::OFFER, 0, "");
        },
    ),
    (
        "without a person, or after another key, nothing replaces a module in use",
        "2.10",
        "replaced-without-a-person",
        |s| {
            s.used("SECOND-1");
            s.send("SECOND-1", ins::OFFER, 0, "");
            s.keys("SECOND-1", "KEY+4:1s");
            s.send("SECOND-1", ins::OFFER, 0, "");
            s.keys("SECOND-1", "KEY+1:1s");
            s.act("reset", "SECOND-1");
            s.send("SECOND-1", ins::OFFER, 0, "");
            s.keys("SECOND-1", "KEY+1:1s");
            s.act("wait", "SECOND-1 30");
            s.send("SECOND-1", ins::OFFER, 0, "");
            s.send("SECOND-1", ins::STATUS, 0, "");
        },
    ),
    (
        "a run ends thirty seconds after its last message",
        "4.8",
        "run-timed-out",
        |s| {
            let messages = s.run("SECOND-1", 2);
            s.act("wait", "SECOND-1 31");
            s.send("SECOND-1", ins::CONSENT, 0, &messages[1]);
        },
    ),
    (
        "a reset ends the run, not the unlock",
        "2.1",
        "reset-ends-the-run",
        |s| {
            let messages = s.run("SECOND-1", 3);
            s.act("reset", "MASTER-1");
            s.send("MASTER-1", ins::PARCEL, 0, &messages[2]);
            s.send("MASTER-1", ins::STATUS, 0, "");
        },
    ),
];

fn who_may(root: &Root) {
    let foreign = root_of_another_name();
    let mut script = Script::new(
        "modules under different roots refuse each other",
        "4.1",
        root,
    );
    script.master();
    script.root = &foreign;
    script.module("FOREIGN-1");
    script.send("MASTER-1", ins::CYCLE_BEGIN, 0, "000001");
    let offer = script.send("FOREIGN-1", ins::OFFER, 0, "");
    script.send("MASTER-1", ins::GRANT, 0, &offer);
    script.save("cloning/foreign-root");

    let mut script = Script::new("who may begin a cycle, and with what", "2.4", root);
    script.module("MASTER-1");
    script.send("MASTER-1", ins::CYCLE_BEGIN, 0, "000001");
    script.keys("MASTER-1", "SHIFT+1 24681357 KEY 24681357 KEY");
    script.keys("MASTER-1", "KEY+3 13572468 KEY 13572468 KEY");
    script.keys("MASTER-1", "SHIFT:1s SHIFT+KEY 13572468 KEY");
    script.send("MASTER-1", ins::CYCLE_BEGIN, 0, "000001");
    script.send("MASTER-1", ins::OFFER, 0, "");
    script.save("cloning/who-may");

    let mut script = Script::new(
        "cloning is disabled until the Administrator enables it",
        "4.3",
        root,
    );
    script.module("MASTER-1");
    script.keys(
        "MASTER-1",
        "SHIFT+1 24681357 KEY 24681357 KEY SHIFT:1s KEY 24681357 KEY",
    );
    script.send("MASTER-1", ins::CYCLE_BEGIN, 0, "000001");
    script.save("cloning/disabled-by-default");
}

fn shapes(root: &Root) {
    let mut script = Script::new(
        "shapes of commands: short, extended, chained, and what is none",
        "2.1",
        root,
    );
    script.module("MODULE-1");
    let aid = hex::encode(AID);
    for apdu in [
        format!("00a404000b{aid}"),
        format!("00a404000b{aid}00"),
        format!("00a4040000000b{aid}0000"),
        format!("10a4040005{}", &aid[..10]),
        format!("00a4040006{}00", &aid[10..]),
        "00a404000100".into(),
        "8012000008".into(),
        "00c0000010".into(),
        "00c0000000".into(),
        "80120100".into(),
        "80120200".into(),
        "80120001".into(),
        "8012000001".into(),
        "801200".into(),
        "8012000002ff".into(),
        "80990000".into(),
        "81120000".into(),
        "90100000021122".into(),
        "8012000000".into(),
    ] {
        script.player.exchange("MODULE-1", &apdu).expect("hex");
    }
    script.save("apdu/shapes");
}

/// Records what the run's modules drew, and what follows from it.
fn secrets(player: &Player, messages: &[String]) {
    let messages: Vec<Vec<u8>> = messages
        .iter()
        .map(|message| hex::decode(message).expect("hex"))
        .collect();
    let [master, secondary] = ["MASTER-1", "SECOND-1"].map(|serial| player.draws(serial));
    let at = |draws: &[Vec<u8>], nonce: &[u8]| {
        let found = draws.iter().position(|draw| draw == nonce);
        found.expect("the nonce was drawn")
    };
    // The secondary draws nonce, scalar, seed; the master scalar, message, nonce.
    let second = at(&secondary, &messages[0][4..36]);
    let first = at(&master, &messages[1][3..35]);
    let drawn = Drawn {
        secondary_scalar: array(&secondary[second + 1]),
        secondary_seed: array(&secondary[second + 2]),
        master_scalar: array(&master[first - 2]),
        master_message: array(&master[first - 1]),
        module_secret: board::secret("MASTER-1"),
        admin_pin: b"24681357".to_vec(),
        user_pin: b"13572468".to_vec(),
    };
    record(
        "secrets/clone-from-shipment",
        &drawn.text::<RustCrypto>(&messages),
    );
}

fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.try_into().expect("of that size")
}

/// The answers of a module to what a host asks for, each once.
fn answers(root: &Root) {
    let mut script = Script::new(
        "identity, status, journal, files and data units, in both modes",
        "2",
        root,
    );
    script.master();
    script.module("SECOND-1");
    let challenge = "c0".repeat(32);
    script.done("MASTER-1", ins::IDENTITY, 0, &challenge);
    script.done("MASTER-1", ins::SELF_TEST, 1, "");
    script.done("MASTER-1", ins::CYCLE_BEGIN, 0, "030001");
    script.run("SECOND-1", 6);
    for page in [0, 8] {
        script.done("MASTER-1", ins::JOURNAL, page, &challenge);
    }
    script.keys("SECOND-1", "SHIFT+KEY 13572468 KEY");
    for mode in ["1", "2"] {
        script.configured("MASTER-1", &format!("KEY+9 {mode} SHIFT"));
        let status = script.done("MASTER-1", ins::STATUS, 0, &challenge);
        assert_eq!(&status[58..60], &format!("0{mode}"));
        let header = script.done("MASTER-1", ins::FILE_BEGIN, 0, "00000020");
        let first = format!("{header}{:016x}00{}", 0, "a5".repeat(32));
        let first = script.done("MASTER-1", ins::FILE_SEAL, 0, &first);
        let last = format!("{header}{:016x}01{}", 1, "5a".repeat(7));
        script.done("MASTER-1", ins::FILE_SEAL, 0, &last);
        script.done("SECOND-1", ins::FILE_IDENTIFY, 0, &header);
        let chunk = format!("{header}{:016x}{first}", 0);
        script.done("SECOND-1", ins::FILE_OPEN, 0, &chunk);
        let units = format!("{}0020{:016x}{}", &status[34..58], 7, "a5".repeat(48));
        script.done("MASTER-1", ins::CIPHER, 0, &units);
    }
    for p1 in [0, 1] {
        script.done("MASTER-1", ins::FILE_RECIPIENT, p1, &challenge);
    }
    // Whose they are, then header and key of each.
    let fast = script.done("MASTER-1", ins::FILE_BEGIN, 1, "000000200002");
    let headers = [&fast[56..176], &fast[240..360]].concat();
    script.done("SECOND-1", ins::FILE_IDENTIFY, 1, &headers);
    let foreign = format!("{}00{}", &headers[..16], &headers[18..120]);
    script.done("SECOND-1", ins::FILE_IDENTIFY, 1, &foreign);
    script.configured("MASTER-1", "9+0 0 SHIFT");
    for (ins, data) in [
        (ins::FILE_BEGIN, "000000200002"),
        (ins::FILE_IDENTIFY, &headers[..120]),
    ] {
        let (_, word) = script.sent("MASTER-1", ins, 1, data);
        assert_eq!(word, "9812");
    }
    script.send("MASTER-1", ins::REKEY, 0, "");
    script.keys("MASTER-1", "KEY+2:1s");
    script.done("MASTER-1", ins::REKEY, 0, "");
    script.save("apdu/answers");
}

/// Changes one bit of a message in hex.
fn flip(message: &str, byte: usize) -> String {
    let mut bytes = hex::decode(message).expect("hex");
    bytes[byte] ^= 1;
    hex::encode(bytes)
}

fn root(path: &str) -> Root {
    if let Ok(pem) = fs::read_to_string(path) {
        return Root::from_pem(&pem).expect("a root");
    }
    let root = Root::generate("KeyWriter vector root").expect("a root");
    fs::write(path, root.to_pem().expect("PEM").as_bytes()).expect("written");
    root
}

fn root_of_another_name() -> Root {
    Root::generate("Another vector root").expect("a root")
}
