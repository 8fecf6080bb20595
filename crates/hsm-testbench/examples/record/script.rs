//! The modules of a vector, step by step.

use hsm_factory::{Profile, Root};
use hsm_protocol::{
    apdu::encode_extended,
    command::{CLA, ins, write_install},
    limits,
    writer::Writer,
};
use hsm_testbench::{Forgetful, vector::Player};
use std::{fs, path::Path};

/// Who certifies a module.
#[derive(Clone, Copy)]
pub(crate) enum Under {
    Root,
    /// An authority that the root certified.
    Authority,
}

pub(crate) struct Script<'a> {
    pub(crate) player: Player,
    pub(crate) root: &'a Root,
}

impl<'a> Script<'a> {
    pub(crate) fn new(point: &str, section: &str, root: &'a Root) -> Self {
        Self {
            player: Player::record(point, section),
            root,
        }
    }

    pub(crate) fn module(&mut self, serial: &str) {
        self.certified(serial, Profile { is_virtual: true }, Under::Root);
    }

    pub(crate) fn certified(&mut self, serial: &str, profile: Profile, under: Under) {
        self.act("module", serial);
        self.done(serial, ins::GENERATE_KEY, 0, "");
        let request = hex::decode(self.done(serial, ins::READ_CSR, 0, "")).expect("hex");
        let chain = match under {
            Under::Root => self.root.certify(&request, profile, &mut Forgetful),
            Under::Authority => self
                .root
                .authorize("KeyWriter vector authority")
                .expect("an authority")
                .certify(&request, profile, &mut Forgetful),
        };
        let chain = chain.expect("certified");
        let mut data = vec![0; 2 + limits::CERTIFICATE + limits::CHAIN];
        let mut writer = Writer::new(&mut data);
        write_install(&mut writer, self.root.certificate_der(), &chain).expect("fits");
        let data = hex::encode(writer.written());
        self.done(serial, ins::INSTALL, 0, &data);
    }

    pub(crate) fn master(&mut self) {
        self.module("MASTER-1");
        self.keys("MASTER-1", "SHIFT+1 24681357 KEY 24681357 KEY");
        self.keys(
            "MASTER-1",
            "KEY+3 13572468 KEY 13572468 KEY KEY+5 15 SHIFT KEY+8 1 SHIFT",
        );
        self.keys("MASTER-1", "SHIFT:1s KEY 24681357 KEY");
    }

    /// Sets a module up and unlocks it as Administrator.
    pub(crate) fn used(&mut self, serial: &str) {
        self.keys(serial, "SHIFT+1 97531864 KEY 97531864 KEY SHIFT:1s");
        self.keys(serial, "KEY 97531864 KEY");
    }

    pub(crate) fn keys(&mut self, serial: &str, keys: &str) {
        self.act("keys", &format!("{serial} {keys}"));
    }

    /// Locks it, sets something in Admin mode, and unlocks it as Administrator.
    pub(crate) fn configured(&mut self, serial: &str, keys: &str) {
        self.act("unplug", serial);
        self.act("wait", &format!("{serial} 31"));
        self.act("plug", serial);
        self.keys(serial, &format!("KEY+1 24681357 KEY {keys} SHIFT:1s"));
        self.keys(serial, "KEY 24681357 KEY");
    }

    pub(crate) fn act(&mut self, what: &str, rest: &str) {
        self.player.act(what, rest).expect("can be done");
    }

    /// The response's data, of a command that succeeds.
    pub(crate) fn done(&mut self, serial: &str, ins: u8, p1: u8, data: &str) -> String {
        let (answer, word) = self.sent(serial, ins, p1, data);
        assert_eq!(word, "9000", "{serial} {ins:02x}");
        answer
    }

    /// The response's data, without its status word.
    pub(crate) fn send(&mut self, serial: &str, ins: u8, p1: u8, data: &str) -> String {
        self.sent(serial, ins, p1, data).0
    }

    pub(crate) fn sent(&mut self, serial: &str, ins: u8, p1: u8, data: &str) -> (String, String) {
        let mut apdu = vec![0; limits::COMMAND_APDU];
        let data = hex::decode(data).expect("hex");
        let len = encode_extended([CLA, ins, p1, 0], &data, &mut apdu).expect("fits");
        let mut answer = self
            .player
            .exchange(serial, &hex::encode(&apdu[..len]))
            .expect("sent");
        let word = answer.split_off(answer.len() - 4);
        (answer, word)
    }

    /// The first messages of a run.
    pub(crate) fn run(&mut self, secondary: &str, count: usize) -> Vec<String> {
        let steps = [
            (secondary, ins::OFFER),
            ("MASTER-1", ins::GRANT),
            (secondary, ins::CONSENT),
            ("MASTER-1", ins::PARCEL),
            (secondary, ins::COMMIT),
            ("MASTER-1", ins::COUNTERSIGN),
        ];
        let mut messages: Vec<String> = Vec::new();
        for (serial, instruction) in &steps[..count] {
            let before = messages.last().cloned().unwrap_or_default();
            messages.push(self.send(serial, *instruction, 0, &before));
        }
        messages
    }

    pub(crate) fn save(self, name: &str) {
        record(name, self.player.text());
    }
}

/// Writes a vector, unless there is one of this name.
pub(crate) fn record(name: &str, text: &str) {
    let path = Path::new("vectors").join(name).with_extension("txt");
    if path.exists() {
        println!("{} stays as it is", path.display());
        return;
    }
    fs::write(&path, text).expect("written");
    println!("{} recorded", path.display());
}
