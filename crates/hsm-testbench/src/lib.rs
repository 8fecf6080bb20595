//! Modules on a bench: the real core over a board in memory, whose power can be cut and whose generator the test supplies;
//! hands at its keypad, a factory that certifies it, and a relay between two of them. For tests, and never shipped.

#![forbid(unsafe_code)]
#![allow(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a bench: what is not as a test expects ends the test"
)]

pub mod attestation;
pub mod board;
pub mod broken;
pub mod by_hand;
pub mod files;
pub mod hybrid;
pub mod letters;
pub mod observed;
pub mod pair;
pub mod receipts;
pub mod relay;
pub mod scan;
pub mod secrets;
pub mod tickets;
pub mod trace;
pub mod vector;

pub use hsm_virtual::keys;

use board::{Cut, Flash, MemoryBoard, Recorded};
use hsm_core::{Link, Module, crypto::Provider, keypad::KeyEvent, leds::Pattern, time::Millis};
use hsm_factory::{Profile, Register, RegisterError, Root};
use hsm_protocol::{
    EpochName, Status,
    apdu::encode_extended,
    certificate::RequestedKey,
    command::{CLA, ins},
    identity::{LockState, SignedIdentity},
    limits,
    settings::ModuleStatus,
};
use hsm_virtual::{
    keys::Stroke,
    manufacture::{self, ManufactureError},
};
use std::{fs::File, io::Write};

/// Notes what cannot be tested on this computer: `cargo xtask test` lists it, for a test that passes says nothing.
pub fn not_tested(what: &str) {
    println!("NOT TESTED: {what}");
    if let Some(path) = std::env::var_os("KEYWRITER_NOT_TESTED") {
        let file = File::options().create(true).append(true).open(path);
        writeln!(file.expect("opened"), "{what}").expect("written");
    }
}

/// Whether every bit is to be tried where, otherwise, some stand for others of their kind: `cargo xtask test --all` asks
/// for that.
pub fn is_thorough() -> bool {
    std::env::var_os("KEYWRITER_THOROUGH").is_some()
}

/// A register that forgets: a test makes the same module as often as it needs it.
#[derive(Clone, Copy, Debug)]
pub struct Forgetful;

impl Register for Forgetful {
    fn enter(&mut self, _: &RequestedKey<'_>) -> Result<(), RegisterError> {
        Ok(())
    }
}

/// A module on the bench, with what is around it.
pub struct Bench<C: Provider> {
    module: Option<Module<MemoryBoard<C>>>,
    serial: String,
    /// What its memory holds, and when its power fails.
    pub flash: Flash,
    /// What its generator gave.
    pub recorded: Recorded,
    /// What its clock shows.
    pub now: Millis,
    /// Every byte that crosses the host in either direction, if it is to be recorded.
    pub host: Option<Vec<u8>>,
    response: Vec<u8>,
}

/// The Admin PIN that [`Bench::set_up`] sets.
pub const ADMIN_PIN: &str = "24681357";

/// The User PIN that [`Bench::set_up`] sets.
pub const USER_PIN: &str = "13572468";

/// The Recovery PIN that [`Bench::set_all_pins`] sets.
pub const RECOVERY_PIN: &str = "31415926";

/// The Self-Destruct PIN that [`Bench::set_all_pins`] sets.
pub const SELF_DESTRUCT_PIN: &str = "27182818";

impl<C: Provider> Bench<C> {
    /// Makes a certified virtual module in Shipment State, plugged in.
    pub fn new(serial: &str, root: &Root) -> Self {
        let mut bench = Self::bare(serial);
        bench
            .certify(root, Profile { is_virtual: true })
            .expect("certified");
        bench
    }

    /// Makes a module that is not certified.
    pub fn bare(serial: &str) -> Self {
        Self::over(serial, Flash::default(), Recorded::default())
    }

    /// Gives the module its key and its certificate.
    pub fn certify(&mut self, root: &Root, profile: Profile) -> Result<(), ManufactureError> {
        manufacture::certify(self.module(), root, profile, &mut Forgetful)
    }

    /// Puts chips of any module together with the secret of `serial`; plugged in.
    pub fn over(serial: &str, flash: Flash, recorded: Recorded) -> Self {
        let mut bench = Self {
            module: None,
            serial: serial.into(),
            flash,
            recorded,
            now: Millis(1_000),
            host: None,
            response: vec![0; limits::RESPONSE_APDU],
        };
        bench.power_up();
        bench
    }

    /// Makes an independent copy of the module, at its next power-up.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        Self::over(&self.serial, self.flash.copy(), self.recorded.copy())
    }

    /// Drops the module as a power cut does, and powers it up again, plugged in.
    pub fn power_up(&mut self) {
        self.power_up_until(None);
    }

    /// Does the same, with a power cut planned.
    pub fn power_up_until(&mut self, cut: Option<Cut>) {
        self.module = None;
        self.flash.restore_power();
        if let Some(cut) = cut {
            self.flash.cut(cut);
        }
        let platform = board::platform(&self.serial, &self.flash, &self.recorded);
        let mut module = Module::power_up(platform);
        module.link(Link::Plugged, self.now);
        self.module = Some(module);
    }

    /// Returns its serial number.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// Returns the module itself.
    pub fn module(&mut self) -> &mut Module<MemoryBoard<C>> {
        self.module.as_mut().expect("powered up")
    }

    /// Types keys, written as in docs/HUB.md; returns what the LEDs show in the end.
    pub fn press(&mut self, text: &str) -> Pattern {
        for stroke in keys::parse(text).expect("keys") {
            match stroke {
                Stroke::Press(key) => {
                    self.key(KeyEvent::Down(key));
                    self.key(KeyEvent::Up(key));
                }
                Stroke::Chord(first, second) => {
                    self.key(KeyEvent::Down(first));
                    self.key(KeyEvent::Down(second));
                    self.key(KeyEvent::Up(second));
                    self.key(KeyEvent::Up(first));
                }
                Stroke::Hold(key, milliseconds) => {
                    self.key(KeyEvent::Down(key));
                    self.pass(milliseconds);
                    self.key(KeyEvent::Up(key));
                }
                Stroke::HoldChord(first, second, milliseconds) => {
                    self.key(KeyEvent::Down(first));
                    self.key(KeyEvent::Down(second));
                    self.pass(milliseconds);
                    self.key(KeyEvent::Up(second));
                    self.key(KeyEvent::Up(first));
                }
            }
        }
        self.leds()
    }

    /// Lets time pass, with the ticks that a board gives.
    pub fn pass(&mut self, milliseconds: u64) {
        let end = self.now.0 + milliseconds;
        while self.now.0 < end {
            self.now = Millis((self.now.0 + 50).min(end));
            let now = self.now;
            self.module().tick(now);
        }
    }

    /// Returns what the LEDs show.
    pub fn leds(&mut self) -> Pattern {
        self.module().leds()
    }

    /// Changes the link: plugged, unplugged or reset.
    pub fn link(&mut self, link: Link) {
        let now = self.now;
        self.module().link(link, now);
    }

    /// Sends an APDU as it is; returns the response with its status word.
    pub fn raw(&mut self, apdu: &[u8]) -> Vec<u8> {
        let mut response = std::mem::take(&mut self.response);
        let now = self.now;
        let len = self.module().apdu(apdu, now, &mut response);
        let answer = response[..len].to_vec();
        self.response = response;
        if let Some(host) = &mut self.host {
            host.extend_from_slice(apdu);
            host.extend_from_slice(&answer);
        }
        answer
    }

    /// Sends a command of this application; returns its data, or the status that refused it.
    pub fn command(&mut self, ins: u8, p1: u8, data: &[u8]) -> Result<Vec<u8>, Status> {
        let mut apdu = vec![0; limits::COMMAND_APDU];
        let len = encode_extended([CLA, ins, p1, 0], data, &mut apdu).expect("fits");
        let response = self.raw(&apdu[..len]);
        let (data, word) = response.split_last_chunk::<2>().expect("a status word");
        match Status::from_word(u16::from_be_bytes(*word)).expect("a known status") {
            Status::Success => Ok(data.to_vec()),
            other => Err(other),
        }
    }

    /// Has the module make an Offer. If it asks for a person, one is there and allows it.
    pub fn offer(&mut self) -> Result<Vec<u8>, Status> {
        match self.command(ins::OFFER, 0, &[]) {
            Err(Status::NeedsPerson) => {
                assert_eq!(self.press("KEY+1:1s"), Pattern::Confirmed);
                self.command(ins::OFFER, 0, &[])
            }
            answer => answer,
        }
    }

    /// From Shipment: Admin PIN, User PIN, cloning enabled; ends locked.
    pub fn set_up(&mut self) {
        assert_eq!(
            self.press(&format!("SHIFT+1 {ADMIN_PIN} KEY {ADMIN_PIN} KEY")),
            Pattern::AdminPinStored
        );
        assert_eq!(
            self.press(&format!("KEY+3 {USER_PIN} KEY {USER_PIN} KEY")),
            Pattern::Stored
        );
        assert_eq!(self.press("KEY+8 1 SHIFT"), Pattern::Stored);
        assert_eq!(self.press("SHIFT:1s"), Pattern::Standby);
    }

    /// From Shipment: as [`Self::set_up`], with the Recovery and the Self-Destruct PIN besides.
    pub fn set_all_pins(&mut self) {
        self.set_up();
        self.configure(&format!("KEY+4 {RECOVERY_PIN} KEY {RECOVERY_PIN} KEY"));
        self.configure(&format!(
            "KEY+6 {SELF_DESTRUCT_PIN} KEY {SELF_DESTRUCT_PIN} KEY"
        ));
    }

    /// From Standby: stores something in Admin mode; ends locked.
    pub fn configure(&mut self, keys: &str) {
        assert_eq!(
            self.press(&format!("KEY+1 {ADMIN_PIN} KEY")),
            Pattern::AdminMode
        );
        assert_eq!(self.press(keys), Pattern::Stored, "{keys}");
        assert_eq!(self.press("SHIFT:1s"), Pattern::Standby);
    }

    /// Unlocks as Administrator.
    pub fn unlock_admin(&mut self) {
        assert_eq!(
            self.press(&format!("KEY {ADMIN_PIN} KEY")),
            Pattern::Unlocked
        );
    }

    /// Unlocks as User.
    pub fn unlock_user(&mut self) {
        assert_eq!(
            self.press(&format!("SHIFT+KEY {USER_PIN} KEY")),
            Pattern::Unlocked
        );
    }

    /// Returns the lock state that IDENTITY reports.
    pub fn lock_state(&mut self) -> LockState {
        let bytes = self.command(ins::IDENTITY, 0, &[7; 32]);
        let identity =
            SignedIdentity::parse(&bytes.expect("answers")).map(|signed| signed.identity);
        identity.expect("an identity").lock
    }

    /// Returns the STATUS of an unlocked module.
    pub fn status(&mut self) -> ModuleStatus {
        let bytes = self.command(ins::STATUS, 0, &[]).expect("unlocked");
        ModuleStatus::parse(&bytes).expect("a status")
    }

    /// Returns the epoch that enciphers; of a locked module, which tells none and takes none, a name that no epoch has.
    pub fn epoch(&mut self) -> EpochName {
        let none = EpochName {
            number: 1,
            check: [0; 8],
        };
        let status = self.command(ins::STATUS, 0, &[]);
        status.map_or(none, |bytes| {
            ModuleStatus::parse(&bytes).expect("a status").epoch
        })
    }

    fn key(&mut self, event: KeyEvent) {
        let now = self.now;
        self.module().key(event, now);
    }
}
