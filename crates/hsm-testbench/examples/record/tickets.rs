//! Tickets, to the byte: a policy, a ticket that two custodians approve, what it allows, and what is refused.

use crate::{flip, script::Script};
use hsm_core::crypto::rust_crypto::RustCrypto;
use hsm_factory::Root;
use hsm_protocol::{
    Serial, Sha384Digest, Verifier,
    certificate::Chain,
    cloning::Options,
    command::ins,
    rekey::Rekey,
    settings::ModuleStatus,
    team::TeamAnswer,
    ticket::{Act, Copies, Receivers, Serials, Ticket},
};
use hsm_testbench::tickets;

pub(crate) fn all(root: &Root) {
    clones(root);
    rekey(root);
    refused(root);
}

const CUSTODIANS: [&str; 3] = ["SECOND-1", "SECOND-2", "SECOND-3"];
const UNLOCK: &str = "KEY 24681357 KEY";

/// A master whose group lets two of its three clones decide, all unlocked by their Administrators.
fn guarded<'a>(point: &str, section: &str, root: &'a Root) -> Script<'a> {
    let mut s = Script::new(point, section, root);
    s.master();
    s.done("MASTER-1", ins::CYCLE_BEGIN, 0, "000003");
    for serial in CUSTODIANS {
        s.module(serial);
        s.run(serial, 6);
    }
    let certificates = CUSTODIANS.map(|serial| certificate(&mut s, serial));
    let policy = hex::encode(tickets::policy(2, &certificates));
    s.send("MASTER-1", ins::POLICY, 0, &policy);
    s.keys("MASTER-1", "KEY+3:1s");
    s.done("MASTER-1", ins::POLICY, 0, &policy);
    let status = s.done("MASTER-1", ins::STATUS, 0, "");
    let epoch = status[2 * 17..2 * 29].to_owned();
    s.done("MASTER-1", ins::CYCLE_BEGIN, 0, "000003");
    for serial in CUSTODIANS {
        let letterbox = s.done(serial, ins::LETTERBOX, 0, "");
        let data = epoch.clone() + &letterbox;
        let letter = s.done("MASTER-1", ins::LETTER_WRITE, 1, &data);
        s.keys(serial, UNLOCK);
        s.done(serial, ins::LETTER_EPOCHS, 0, &letter);
    }
    s
}

fn certificate(s: &mut Script<'_>, serial: &str) -> Sha384Digest {
    let chain = hex::decode(s.done(serial, ins::CERTIFICATE, 0, "")).expect("hex");
    let chain = Chain::parse(&chain).expect("well formed");
    RustCrypto::sha384(&[chain.leaf().as_der()])
}

/// A ticket of that number for MASTER-1, as it is now.
fn ticket(s: &mut Script<'_>, number: u8, act: Act<'_>) -> String {
    let status = hex::decode(s.done("MASTER-1", ins::STATUS, 0, "")).expect("hex");
    let status = ModuleStatus::parse(&status).expect("well formed");
    let team = hex::decode(s.done("MASTER-1", ins::TEAM, 0, &"07".repeat(32))).expect("hex");
    let (fields, _signature) = team.split_last_chunk::<96>().expect("signed");
    let team = TeamAnswer::parse(fields).expect("well formed");
    let ticket = Ticket {
        number: [number; 16],
        group: status.group,
        epoch: status.epoch,
        master: certificate(s, "MASTER-1"),
        ledger: team.ledger,
        act,
    };
    hex::encode(tickets::wire(&ticket))
}

fn approve(s: &mut Script<'_>, serial: &str, ticket: &str) -> String {
    s.send(serial, ins::TICKET_APPROVE, 0, ticket);
    let code = tickets::code(&hex::decode(ticket).expect("hex"));
    s.keys(serial, &code);
    s.done(serial, ins::TICKET_APPROVE, 0, ticket)
}

fn present(s: &mut Script<'_>, serial: &str, ticket: &str, approval: &str) {
    let len = ticket.len() / 2;
    let data = format!("{len:04x}{ticket}{approval}");
    s.send(serial, ins::TICKET_PRESENT, 0, &data);
}

fn agreed(s: &mut Script<'_>, ticket: &str) -> Vec<String> {
    let approvals = ["SECOND-1", "SECOND-3"].map(|serial| approve(s, serial, ticket));
    for approval in &approvals {
        present(s, "MASTER-1", ticket, approval);
    }
    approvals.to_vec()
}

const fn copies(to: Receivers<'_>) -> Copies<'_> {
    Copies {
        options: Options {
            auto_lock: false,
            user_pin_policy: false,
            disable_master: false,
        },
        to,
    }
}

fn padded(serial: &str) -> [u8; Serial::MAX] {
    let mut padded = [0; Serial::MAX];
    padded[..serial.len()].copy_from_slice(serial.as_bytes());
    padded
}

fn clones(root: &Root) {
    let mut s = guarded(
        "two of three custodians allow one clone, and one by letter; a second one of either is refused",
        "6",
        root,
    );
    s.module("FOURTH-1");
    s.run("FOURTH-1", 2);
    let one = ticket(&mut s, 1, Act::Clone(copies(Receivers::Any(1))));
    agreed(&mut s, &one);
    s.done("MASTER-1", ins::CYCLE_BEGIN, 0, "000001");
    s.run("FOURTH-1", 6);
    s.module("FIFTH-1");
    s.run("FIFTH-1", 2);
    let named = [padded("FIFTH-1"), padded("SIXTH-1")];
    let named = Serials::new(&named).expect("ascending");
    let two = ticket(&mut s, 2, Act::Letter(copies(Receivers::Named(named))));
    agreed(&mut s, &two);
    s.done("MASTER-1", ins::CYCLE_BEGIN, 0, "000001");
    let letterbox = s.done("FIFTH-1", ins::LETTERBOX, 0, "");
    let letter = s.done("MASTER-1", ins::LETTER_WRITE, 0, &letterbox);
    s.send("MASTER-1", ins::LETTER_WRITE, 0, &letterbox);
    s.done("FIFTH-1", ins::LETTER_JOIN, 0, &letter);
    s.done("MASTER-1", ins::TEAM, 0, &"08".repeat(32));
    s.done("MASTER-1", ins::JOURNAL, 0, "");
    s.save("tickets/clones");
}

fn rekey(root: &Root) {
    let mut s = guarded(
        "a re-key needs its ticket, and a member takes the letter only with it",
        "6.4",
        root,
    );
    let status = s.done("MASTER-1", ins::STATUS, 0, "");
    let shared = status[2 * 17..2 * 29].to_owned();
    let lost = padded("LOST-1");
    s.send("MASTER-1", ins::REKEY, 0, &hex::encode(lost));
    let act = Act::Rekey(Rekey::parse(false, &lost).expect("well formed"));
    let one = ticket(&mut s, 1, act);
    let approvals = agreed(&mut s, &one);
    s.send("MASTER-1", ins::REKEY, 0, &hex::encode(padded("OTHER-1")));
    s.send("MASTER-1", ins::REKEY, 0, &hex::encode(lost));
    s.keys("MASTER-1", "KEY+2:1s");
    s.done("MASTER-1", ins::REKEY, 0, &hex::encode(lost));
    s.done("MASTER-1", ins::CYCLE_BEGIN, 0, "000001");
    let letterbox = s.done("SECOND-2", ins::LETTERBOX, 0, "");
    let letter = s.done("MASTER-1", ins::LETTER_WRITE, 1, &(shared + &letterbox));
    s.send("SECOND-2", ins::LETTER_EPOCHS, 0, &letter);
    for approval in &approvals {
        present(&mut s, "SECOND-2", &one, approval);
    }
    s.done("SECOND-2", ins::LETTER_EPOCHS, 0, &letter);
    s.done("SECOND-2", ins::TEAM, 0, &"07".repeat(32));
    s.save("tickets/rekey");
}

fn refused(root: &Root) {
    let mut s = guarded(
        "a code is for one ticket, an approval is whole and a custodian's, and who withdraws a ticket ends it",
        "6.3",
        root,
    );
    let shown = ticket(&mut s, 1, Act::Clone(copies(Receivers::Any(1))));
    let sent = ticket(&mut s, 2, Act::Clone(copies(Receivers::Any(250))));
    let code = tickets::code(&hex::decode(&shown).expect("hex"));
    s.send("SECOND-1", ins::TICKET_APPROVE, 0, &sent);
    s.send("SECOND-1", ins::TICKET_APPROVE, 0, &shown);
    for _ in 0..3 {
        s.keys("SECOND-1", &code);
        s.send("SECOND-1", ins::TICKET_APPROVE, 0, &sent);
    }
    s.send("MASTER-1", ins::TICKET_APPROVE, 0, &sent);
    s.send("SECOND-2", ins::TICKET_APPROVE, 0, &flip(&sent, 30));
    let approvals = agreed(&mut s, &sent);
    present(&mut s, "MASTER-1", &shown, &approvals[0]);
    let signature = approvals[0].len() / 2 - 90;
    present(&mut s, "MASTER-1", &sent, &flip(&approvals[0], signature));
    present(&mut s, "MASTER-1", &sent, &(approvals[0].clone() + "00"));
    s.done("MASTER-1", ins::CYCLE_BEGIN, 0, "000001");
    s.module("FOURTH-1");
    s.run("FOURTH-1", 2);
    let number = "02".repeat(16);
    s.send("MASTER-1", ins::TICKET_WITHDRAW, 0, &number);
    s.keys("MASTER-1", "KEY+5:1s");
    s.done("MASTER-1", ins::TICKET_WITHDRAW, 0, &number);
    s.run("FOURTH-1", 2);
    s.save("tickets/refused");
}
