//! Longer plans: cloning runs, and what only a certain order of deeds brings to light.

use crate::{
    deed::{Act, Deed, Restore, Send, Sending},
    device::Kind,
    generate::{Generator, at, whole},
    pins,
    world::{MODULES, World},
};
use hsm_core::time::MINUTE;
use hsm_testbench::board::Cut;

impl Generator {
    /// One run, or a cycle that clones twice to the same module.
    pub(crate) fn clone(&mut self, world: &World) {
        let master = self.favorite;
        let secondary = (master + 1 + self.random.below(MODULES - 1)) % MODULES;
        let masters = world
            .pin(master, Kind::Admin)
            .unwrap_or_default()
            .to_owned();
        self.enter_admin_mode(master, &masters);
        self.keys(master, "KEY+8 1 SHIFT");
        self.unlock(master, &masters);
        let is_used = world.pin(secondary, Kind::Admin);
        if let Some(pin) = is_used {
            self.unlock(secondary, pin);
        }
        let options = u8::try_from(self.random.below(8)).expect("small");
        let secondaries = self.random.pick(&[1, 1, 2, 2, 3]);
        if self.random.chance(90) {
            let begin = Send::CycleBegin {
                options,
                secondaries,
            };
            self.planned.push_back(at(master, whole(begin)));
        }
        self.relay(master, secondary, is_used.is_some());
        if self.random.chance(25) {
            // It has the master's PINs now.
            self.unlock(secondary, &masters);
            self.relay(master, secondary, true);
        }
        if self.random.chance(40) {
            self.planned
                .push_back(at(secondary, whole(Send::LastReceipt)));
        }
    }

    fn relay(&mut self, master: usize, secondary: usize, is_used: bool) {
        let run = self.random.pick(&[0, 0, 3, 7]);
        if is_used {
            let acts = self.asked();
            self.planned
                .extend(acts.into_iter().map(|act| at(secondary, act)));
        }
        let sends = [
            (secondary, Send::Offer),
            (master, Send::Grant(run, self.message())),
            (secondary, Send::Consent(self.message())),
            (master, Send::Parcel(run, self.message())),
            (secondary, Send::Commit(self.message())),
            (master, Send::Seal(self.message())),
        ];
        for (module, send) in sends {
            let sending = if self.random.chance(90) {
                Sending::Whole
            } else {
                Sending::Links(2 + self.random.below(4))
            };
            self.planned.push_back(at(module, Act::Send(send, sending)));
        }
    }

    /// The host asks, and a person mostly allows it; the host is to ask again.
    pub(crate) fn asked(&mut self) -> Vec<Act> {
        let mut acts = vec![whole(Send::Offer)];
        if self.random.chance(20) {
            acts.push(self.wait());
        }
        let keys = [
            (16, "KEY+1:1s"),
            (2, "1+KEY:2s"),
            (1, "KEY+1:0.9s KEY+1:1.1s"),
            (1, "KEY+1:0.9s"),
            (1, "KEY+4:1s"),
            (1, "KEY+1:1s 5"),
            (1, "SHIFT+1:1s"),
        ];
        acts.push(Act::Keys(self.random.weighted(&keys).into()));
        match self.random.below(12) {
            0 => acts.push(self.wait()),
            1 => acts.extend([Act::Unplug, Act::Plug]),
            2 => acts.push(Act::ResetLink),
            3 => acts.push(whole(Send::Identity)),
            _ => {}
        }
        acts
    }

    /// Something that takes more than luck.
    pub(crate) fn scenario(&mut self, world: &World) {
        let module = self.favorite;
        let Some(admin) = world.pin(module, Kind::Admin) else {
            return;
        };
        let stored = &world.models[module].stored;
        let free: Vec<&str> = pins::GOOD
            .into_iter()
            .filter(|pin| !stored.pins.values().any(|set| set == pin))
            .filter(|pin| pins::meets(stored.policy, pin))
            .collect();
        let &[first, second, ..] = free.as_slice() else {
            return;
        };
        let (one, two) = (pins::keys(first), pins::keys(second));
        self.enter_admin_mode(module, admin);
        match self.random.below(8) {
            // The User PIN's last attempt is cut, and the limit raised.
            0 => {
                self.keys(
                    module,
                    &format!("KEY+3 {one} KEY {one} KEY 7+0 02 SHIFT SHIFT:1s"),
                );
                self.keys(module, &format!("SHIFT+KEY {two} KEY"));
                self.cut_keys(module, &format!("SHIFT+KEY {two} KEY"));
                self.enter_admin_mode(module, admin);
                self.keys(module, "7+0 10 SHIFT SHIFT:1s");
                self.keys(module, &format!("SHIFT+KEY {one} KEY"));
            }
            // A policy takes the User PIN away.
            1 => {
                self.keys(module, &format!("KEY+3 {one} KEY {one} KEY"));
                self.keys(module, "KEY+7 070 SHIFT SHIFT:1s");
                self.keys(module, &format!("SHIFT+KEY {one} KEY"));
            }
            // A Recovery PIN is used twice.
            2 => {
                self.keys(module, &format!("KEY+4 {one} KEY {one} KEY SHIFT:1s"));
                self.keys(module, &format!("KEY+4 {one} KEY {two} KEY {two} KEY"));
                self.keys(module, &format!("KEY+4 {one} KEY"));
                self.keys(module, &format!("SHIFT+KEY {two} KEY"));
            }
            // The User chooses the Self-Destruct PIN.
            3 => {
                self.keys(
                    module,
                    &format!("KEY+6 {one} KEY {one} KEY KEY+3 {two} KEY {two} KEY SHIFT:1s"),
                );
                self.keys(module, &format!("SHIFT+KEY {two} KEY"));
                self.keys(module, &format!("KEY+4 {one} KEY {one} KEY"));
            }
            // It is left alone; a poll in between is no use of it, ciphered data is.
            4 => {
                self.keys(
                    module,
                    &format!("KEY+3 {one} KEY {one} KEY KEY+5 05 SHIFT SHIFT:1s"),
                );
                self.keys(module, &format!("SHIFT+KEY {one} KEY"));
                let is_epoch_known = true;
                let between = [Send::Status, Send::Encipher { is_epoch_known }];
                let rest = self.random.pick(&[MINUTE, MINUTE + 500]);
                for act in [
                    Act::Wait(4 * MINUTE),
                    whole(self.random.pick(&between)),
                    Act::Wait(rest),
                ] {
                    self.planned.push_back(at(module, act));
                }
            }
            // A blob of a write that was cut is kept, the one before put back, and something else written: then comes the
            // one that was kept.
            5 | 6 => self.rollback(module, &one, admin),
            // The Admin PIN's attempts run out, and the last one is cut.
            _ => {
                self.keys(module, "SHIFT:1s");
                for failures in 1..10 {
                    self.keys(module, &format!("KEY {one} KEY"));
                    if matches!(failures, 5 | 8) {
                        self.keys(module, "47867243 KEY");
                    }
                }
                self.cut_keys(module, &format!("KEY {one} KEY"));
                self.unlock(module, admin);
            }
        }
    }

    fn rollback(&mut self, module: usize, wrong: &str, admin: &str) {
        self.keys(module, "SHIFT:1s");
        let writes = [
            format!("KEY {wrong} KEY"),
            format!("SHIFT+KEY {wrong} KEY"),
            "0:1s 2+7".into(),
        ];
        let (first, second) = (
            self.random.pick(&[0, 0, 1, 2]),
            self.random.pick(&[0, 0, 1, 2]),
        );
        for _ in 0..3 {
            self.planned.push_back(Deed {
                module,
                act: Act::Keys(writes[first].clone()),
                cut: Some(Cut::After(0)),
                then: Some(Restore {
                    back: 1,
                    mixed: None,
                    reads_burnt: false,
                }),
            });
            self.keys(module, &writes[second]);
            let kept = Restore {
                back: 1 + self.random.below(4),
                mixed: None,
                reads_burnt: self.random.chance(50),
            };
            self.planned.push_back(at(module, Act::Restore(kept)));
        }
        self.unlock(module, admin);
    }

    /// From whatever it is.
    fn unlock(&mut self, module: usize, admin: &str) {
        self.lock(module);
        self.keys(module, &format!("KEY {} KEY", pins::keys(admin)));
    }

    fn enter_admin_mode(&mut self, module: usize, admin: &str) {
        self.lock(module);
        self.keys(module, &format!("KEY+1 {} KEY", pins::keys(admin)));
    }

    fn lock(&mut self, module: usize) {
        self.planned.push_back(at(module, Act::PowerUp));
    }

    fn keys(&mut self, module: usize, text: &str) {
        self.planned.push_back(at(module, Act::Keys(text.into())));
    }

    fn cut_keys(&mut self, module: usize, text: &str) {
        let cut = Some(self.cut());
        let act = Act::Keys(text.into());
        let then = self.random.chance(50).then(|| self.restore());
        self.planned.push_back(Deed {
            module,
            act,
            cut,
            then,
        });
    }
}
