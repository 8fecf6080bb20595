//! Two modules, a master and a secondary, and everything that can happen to them: keys, commands, time, plugs, power
//! cuts, old stores. Inputs are short programs; a login with a known PIN is one instruction, so that the fuzzer can log
//! in.

use crate::{
    keypad::{key_of, press},
    stage::{self, CheapBench, has_failed},
};
use hsm_core::{Link, keypad::KeyEvent, time::Millis};
use hsm_protocol::{
    command::ins,
    identity::LockState,
    limits,
    self_test::{SelfTestReport, Stopped},
    settings::ModuleStatus,
};
use hsm_testbench::{
    board::Cut,
    relay::{self, Message},
};

/// Runs an input.
pub fn run(data: &[u8]) {
    let mut bytes = data.iter().copied();
    let mut stage = Stage {
        modules: [stage::locked, stage::delivered].map(|module| Box::new(Watched::new(module()))),
        carried: Vec::new(),
    };
    // More instructions find nothing that two shorter inputs do not.
    for _ in 0..INSTRUCTIONS {
        if stage.instruction(&mut bytes).is_none() {
            break;
        }
    }
    for watched in &mut stage.modules {
        watched.power_up();
    }
}

const INSTRUCTIONS: usize = 128;

/// Keys that one instruction types; it selects them by index.
pub const PHRASES: [&str; 34] = [
    "KEY 24681357 KEY",
    "SHIFT+KEY 13572468 KEY",
    "SHIFT+KEY 27182818 KEY",
    "KEY+1 24681357 KEY",
    "KEY+4 31415926 KEY",
    "SHIFT:1s",
    "KEY 99999999 KEY",
    "SHIFT+KEY 99999999 KEY",
    "KEY+4 99999999 KEY",
    "47867243 KEY",
    "0:1s 2+7",
    "SHIFT+1 24681357 KEY 24681357 KEY",
    "KEY+3 13572468 KEY 13572468 KEY",
    "KEY+4 31415926 KEY 31415926 KEY",
    "KEY+6 27182818 KEY 27182818 KEY",
    "KEY+2 11223344 KEY 11223344 KEY",
    "KEY 11223344 KEY",
    "KEY+4 55667788 KEY 55667788 KEY",
    "SHIFT+KEY 55667788 KEY",
    "SHIFT+3 SHIFT+3",
    "SHIFT+4 SHIFT+4",
    "SHIFT+6 SHIFT+6",
    "KEY+5 05 SHIFT",
    "KEY+7 081 SHIFT",
    "KEY+8 1 SHIFT",
    "KEY+8 0 SHIFT",
    "KEY+9 2 SHIFT",
    "7+0 02 SHIFT",
    "SHIFT+5 KEY",
    "2+0 KEY",
    "KEY+4",
    "SHIFT+KEY 1357",
    "9+0 0 SHIFT",
    "4+0 KEY",
];

/// Instructions: the low seven bits of a byte, modulo their number. The high bit selects the module.
pub mod op {
    /// Press a key: which.
    pub const DOWN: u8 = 0;
    /// Release a key: which.
    pub const UP: u8 = 1;
    /// Type a phrase: which.
    pub const TYPE: u8 = 2;
    /// Let time pass at once: a number, and by how many bits it is shifted to the left.
    pub const PASS: u8 = 3;
    /// Plug in, unplug or reset: which.
    pub const LINK: u8 = 4;
    /// Cut the power, and power up.
    pub const POWER: u8 = 5;
    /// Cut the power later: at which operation of the memory, before (even) or after it.
    pub const CUT: u8 = 6;
    /// Send a command: instruction, P1, a length, data.
    pub const COMMAND: u8 = 7;
    /// Send a command with the last answer as its data: instruction, P1.
    pub const CARRY: u8 = 8;
    /// Send raw bytes as an APDU: a length, bytes.
    pub const RAW: u8 = 9;
    /// Make a step of a cloning run with the last answer: which message, which run.
    pub const RELAY: u8 = 10;
    /// Replace the store by the one at the last such instruction, and power up.
    pub const ROLL_BACK: u8 = 11;
    /// How many there are.
    pub const COUNT: u8 = 12;
}

struct Stage {
    modules: [Box<Watched>; 2],
    carried: Vec<u8>,
}

/// A module, and what is known about it.
struct Watched {
    module: CheapBench,
    old: Vec<u8>,
    /// Power was cut or the store was exchanged, so it may refuse to work.
    was_damaged: bool,
}

impl Stage {
    fn instruction(&mut self, bytes: &mut impl Iterator<Item = u8>) -> Option<()> {
        let what = bytes.next()?;
        let which = usize::from(what >> 7);
        let watched = self.modules.get_mut(which)?;
        let now = watched.module.now;
        match (what & 0x7F) % op::COUNT {
            op::DOWN => watched
                .module
                .module()
                .key(KeyEvent::Down(key_of(bytes.next()?)), now),
            op::UP => watched
                .module
                .module()
                .key(KeyEvent::Up(key_of(bytes.next()?)), now),
            op::TYPE => {
                let phrase = PHRASES[usize::from(bytes.next()?) % PHRASES.len()];
                press(&mut watched.module, phrase);
            }
            op::PASS => {
                let milliseconds = u64::from(bytes.next()?) << (bytes.next()? & 31);
                watched.module.now = Millis(now.0.saturating_add(milliseconds));
                let now = watched.module.now;
                watched.module.module().tick(now);
            }
            op::LINK => watched.module.link(match bytes.next()? % 3 {
                0 => Link::Plugged,
                1 => Link::Unplugged,
                _ => Link::Reset,
            }),
            op::POWER => watched.power_up(),
            op::CUT => {
                let when = bytes.next()?;
                let operation = u32::from(when >> 1 & 7);
                watched.module.flash.cut(if when & 1 == 0 {
                    Cut::Before(operation)
                } else {
                    Cut::After(operation)
                });
                watched.was_damaged = true;
            }
            op::COMMAND => {
                let [ins, p1, len] = [bytes.next()?, bytes.next()?, bytes.next()?];
                let data: Vec<u8> = bytes.take(len.into()).collect();
                self.command(which, ins, p1, &data);
            }
            op::CARRY => {
                let [ins, p1] = [bytes.next()?, bytes.next()?];
                let data = std::mem::take(&mut self.carried);
                self.command(which, ins, p1, &data);
            }
            op::RAW => {
                let len = usize::from(bytes.next()?);
                let apdu: Vec<u8> = bytes.take(len).collect();
                let answer = watched.module.raw(&apdu);
                assert!((2..=limits::RESPONSE_APDU).contains(&answer.len()));
                // Another command would break a chain.
                return Some(());
            }
            op::RELAY => {
                let message = Message::ALL[usize::from(bytes.next()?) % Message::ALL.len()];
                let run = bytes.next()?;
                let [master, secondary] = &mut self.modules;
                let [master, secondary] = [&mut master.module, &mut secondary.module];
                let sent = relay::step(master, secondary, run, message, &self.carried);
                self.carried = sent.unwrap_or_default();
            }
            _ => {
                let now = watched.module.flash.blob();
                let old = std::mem::replace(&mut watched.old, now);
                watched.was_damaged = true;
                watched.module.flash.set_blob(old);
                watched.power_up();
            }
        }
        self.modules.iter_mut().for_each(|watched| watched.check());
        Some(())
    }

    fn command(&mut self, which: usize, ins: u8, p1: u8, data: &[u8]) {
        let ins = ins::ALL[usize::from(ins) % ins::ALL.len()];
        if let Some(watched) = self.modules.get_mut(which)
            && let Ok(answer) = watched.module.command(ins, p1, data)
        {
            self.carried = answer;
        }
    }
}

const SELECT: [u8; 5] = [0, ins::SELECT, 4, 0, 0];

impl Watched {
    fn new(module: CheapBench) -> Self {
        let old = module.flash.blob();
        Self {
            module,
            old,
            was_damaged: false,
        }
    }

    /// Powers up, and checks that the module is locked.
    fn power_up(&mut self) {
        self.module.power_up();
        self.check();
        if !has_failed(&mut self.module) {
            assert_ne!(self.module.lock_state(), LockState::Unlocked);
        }
    }

    /// Checks what must always hold.
    fn check(&mut self) {
        // Ends a chain that was in progress.
        self.module.raw(&SELECT);
        let has_failed = has_failed(&mut self.module);
        let report = self.module.command(ins::SELF_TEST, 0, &[]);
        let report = SelfTestReport::parse(&report.expect("a report")).expect("a report");
        // Cheap primitives pass every test.
        assert_eq!(report.stopped, has_failed.then_some(Stopped::ByFault));
        if self.was_damaged {
            return;
        }
        assert!(!has_failed, "the store was not damaged");
        let is_unlocked = self.module.lock_state() == LockState::Unlocked;
        let status = self.module.command(ins::STATUS, 0, &[]);
        assert_eq!(status.is_ok(), is_unlocked, "{status:?}");
        if let Ok(bytes) = status {
            ModuleStatus::parse(&bytes).expect("a status");
        }
    }
}
