//! Chooses deeds: mostly such as make sense where the model is, so that a case gets somewhere; some that make none.

use crate::{
    deed::{Act, Deed, Pick, Restore, Send, Sending},
    device::{Kind, State},
    files::{FileSend, Suite},
    pins,
    random::Random,
    team::Rekey,
    world::{MODULES, World},
};
use hsm_core::{BLOB, time::MINUTE};
use hsm_testbench::board::Cut;
use std::collections::VecDeque;

/// The deeds of a case, chosen one by one.
pub(crate) struct Generator {
    pub(crate) random: Random,
    pub(crate) planned: VecDeque<Deed>,
    /// Where most deeds go.
    pub(crate) favorite: usize,
}

impl Generator {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            random: Random::new(seed),
            planned: VecDeque::new(),
            favorite: 0,
        }
    }

    /// The next deed.
    pub(crate) fn next(&mut self, world: &World) -> Deed {
        if self.random.chance(3) {
            self.favorite = self.random.below(MODULES);
        }
        if self.planned.is_empty() {
            self.plan(world);
        }
        // Now and then something comes in between, or instead.
        let is_lost = self.random.chance(3);
        let planned = if self.random.chance(94) {
            self.planned.pop_front().filter(|_| !is_lost)
        } else {
            None
        };
        let mut deed = planned.unwrap_or_else(|| {
            let module = self.random.below(MODULES);
            at(module, self.anything(world))
        });
        let is_cut = self.random.chance(12)
            && matches!(
                deed.act,
                Act::Keys(_) | Act::Send(..) | Act::PowerUp | Act::Restore(_)
            )
            && !matches!(
                deed.act,
                Act::Send(Send::Status | Send::Identity | Send::SelfTest { .. }, _)
            );
        if is_cut {
            deed.cut = Some(self.cut());
            deed.then = self.random.chance(50).then(|| self.restore());
        }
        deed
    }

    /// In the first three writes.
    pub(crate) fn cut(&mut self) -> Cut {
        let number = u32::try_from(self.random.below(8)).expect("small");
        match self.random.below(3) {
            0 => Cut::Before(number),
            1 => Cut::During(number),
            _ => Cut::After(number),
        }
    }

    /// Mostly one of the newest blobs; sometimes two in one.
    pub(crate) fn restore(&mut self) -> Restore {
        let mut back = || {
            let depth = if self.random.chance(80) { 6 } else { 200 };
            self.random.below(depth)
        };
        let (back, other) = (back(), back());
        let at = self.random.below(BLOB);
        Restore {
            back,
            mixed: self.random.chance(10).then_some((other, at)),
            reads_burnt: self.random.chance(50),
        }
    }

    /// The last look at a module: whatever happened, a PIN that is still there opens what was enciphered.
    pub(crate) fn closing(world: &World, module: usize) -> Vec<Deed> {
        let mut acts = vec![Act::PowerUp];
        for (chord, kind) in [("SHIFT+KEY", Kind::User), ("KEY", Kind::Admin)] {
            if let Some(pin) = world.pin(module, kind) {
                acts.push(Act::Keys(format!("{chord} {} KEY", pins::keys(pin))));
                acts.extend((0..world.samples.len()).map(|back| whole(Send::Decipher(back))));
                acts.push(Act::PowerUp);
            }
        }
        acts.into_iter().map(|act| at(module, act)).collect()
    }

    fn plan(&mut self, world: &World) {
        let module = self.favorite;
        if self.random.chance(12) {
            return self.clone(world);
        }
        if self.random.chance(5) {
            return self.scenario(world);
        }
        let acts = match &world.models[module].state {
            _ if self.random.chance(6) => vec![self.anything(world)],
            State::Fresh { .. } => self.fresh(),
            State::Asleep => vec![self.keys_of(&["SHIFT:1s", "SHIFT:1s", "KEY", "SHIFT:0.9s"])],
            State::Standby { .. } => self.standby(world, module),
            State::Recovering(_) => vec![self.twice("", Some(world), module)],
            State::AdminMode { .. } => self.admin_mode(world, module),
            State::User { .. } => self.unlocked(world, module, false),
            State::Admin { .. } => self.unlocked(world, module, true),
        };
        let deeds = acts.into_iter().map(|act| at(module, act));
        self.planned.extend(deeds);
    }

    fn fresh(&mut self) -> Vec<Act> {
        match self.random.below(5) {
            0 => vec![Act::Send(Send::Offer, Sending::Whole)],
            1 => vec![self.secondary_command()],
            _ => vec![self.twice("SHIFT+1 ", None, 0)],
        }
    }

    fn standby(&mut self, world: &World, module: usize) -> Vec<Act> {
        let paths = [
            (5, ("KEY", Kind::Admin)),
            (7, ("KEY+1", Kind::Admin)),
            (8, ("SHIFT+KEY", Kind::User)),
            (2, ("SHIFT+KEY", Kind::SelfDestruct)),
            (3, ("KEY+4", Kind::Recovery)),
        ];
        let mut path = self.random.weighted(&paths);
        if world.pin(module, path.1).is_none() && self.random.chance(70) {
            path = self.random.weighted(&paths);
        }
        let right = world.pin(module, path.1).map(str::to_owned);
        let is_blocked = world.models[module].stored.is_blocked();
        match self.random.below(20) {
            // A streak of wrong ones, with the code in between.
            0 | 1 => (0..=self.random.below(11))
                .map(|_| self.enter(path.0, None))
                .collect(),
            2 => vec![Act::Keys("0:1s 2+7".into())],
            3 => vec![self.keys_of(&["0:1s", "47867243 KEY", "4786724", "KEY", "SHIFT+KEY 24"])],
            4 | 8 => self.plugs(),
            _ if is_blocked && self.random.chance(60) => {
                vec![Act::Keys("4 7 8 6 7 2 4 3 KEY".into())]
            }
            5..=7 => vec![self.enter(path.0, None)],
            _ => {
                let mut acts = vec![self.enter(path.0, right)];
                if path.1 == Kind::Recovery {
                    acts.push(self.twice("", Some(world), module));
                }
                acts
            }
        }
    }

    fn admin_mode(&mut self, world: &World, module: usize) -> Vec<Act> {
        let act = match self.random.below(18) {
            0 => self.twice("KEY+2 ", Some(world), module),
            1 | 2 | 16 | 17 => self.twice("KEY+3 ", Some(world), module),
            3 | 4 => self.twice("KEY+4 ", Some(world), module),
            5 => self.twice("KEY+6 ", Some(world), module),
            6 => self.keys_of(&[
                "SHIFT+3 SHIFT+3",
                "SHIFT+4 SHIFT+4",
                "SHIFT+6 SHIFT+6",
                "SHIFT+3 SHIFT+4",
                "SHIFT+3",
            ]),
            7 | 8 => self.keys_of(&["KEY+8 1 SHIFT", "KEY+8 1 SHIFT", "KEY+8 0 SHIFT"]),
            9 => self.keys_of(&["KEY+9 1 SHIFT", "KEY+9 2 SHIFT", "KEY+9 3 SHIFT"]),
            10 => self.keys_of(&[
                "KEY+5 05 SHIFT",
                "KEY+5 00 SHIFT",
                "KEY+5 04 SHIFT",
                "KEY+5 12 SHIFT",
            ]),
            11 => self.keys_of(&[
                "KEY+7 070 SHIFT",
                "KEY+7 081 SHIFT",
                "KEY+7 100 SHIFT",
                "KEY+7 161 SHIFT",
            ]),
            12 => self.keys_of(&[
                "7+0 02 SHIFT",
                "7+0 10 SHIFT",
                "0+7 04 SHIFT",
                "7+0 11 SHIFT",
                "7+0 00 SHIFT",
            ]),
            13 => self.keys_of(&[
                "SHIFT+5 KEY",
                "SHIFT+7 KEY",
                "SHIFT+8 KEY",
                "SHIFT+9 KEY",
                "2+0 KEY",
                "4+0 KEY",
                "SHIFT+5 SHIFT",
            ]),
            14 => self.keys_of(&["9+0 0 SHIFT", "0+9 1 SHIFT", "9+0 2 SHIFT"]),
            _ => self.keys_of(&["SHIFT:1s"]),
        };
        vec![act]
    }

    fn unlocked(&mut self, world: &World, module: usize, is_admin: bool) -> Vec<Act> {
        let samples = world.samples.len().max(1);
        let auto_lock = world.models[module].stored.auto_lock;
        match self.random.below(19) {
            12..=15 => (0..=self.random.below(4))
                .map(|_| self.file_act())
                .collect(),
            16 => self.many_files(),
            0 | 1 => vec![whole(Send::Encipher {
                is_epoch_known: true,
            })],
            2 | 3 => vec![whole(Send::Decipher(self.random.below(samples)))],
            4 if is_admin => vec![whole(Send::Journal(
                self.random.pick(&[0, 0, 1, 7, 8, 8, 11]),
            ))],
            4 | 5 if !is_admin => vec![self.twice("KEY+4 ", Some(world), module)],
            5 => vec![self.master_command()],
            6 if is_admin && self.random.chance(50) => {
                let mut acts = self.asked();
                acts.push(whole(Send::Offer));
                acts
            }
            6 if is_admin && self.random.chance(50) => vec![
                whole(Send::ClearTable),
                self.keys_of(&["KEY+4:1s", "KEY+4:1s", "KEY+1:1s", "KEY+4"]),
                whole(Send::ClearTable),
            ],
            17 | 18 if is_admin => self.rekey(),
            6 if is_admin => vec![self.secondary_command()],
            7 => self.plugs(),
            // Until just before or just after it locks by itself, with a poll or data in between.
            8 => auto_lock.map_or_else(Vec::new, |minutes| {
                let whole_time = u64::from(minutes) * MINUTE;
                let between = self.random.pick(&[
                    Send::Status,
                    Send::Encipher {
                        is_epoch_known: true,
                    },
                    Send::File(FileSend::Recipient(Suite::Classical)),
                    Send::File(FileSend::Begin {
                        is_size_right: true,
                    }),
                ]);
                let rest = self.random.pick(&[1_000, MINUTE, MINUTE + 500]);
                vec![
                    Act::Wait(whole_time - MINUTE),
                    whole(between),
                    Act::Wait(rest),
                ]
            }),
            _ => self.leave(),
        }
    }

    /// Mostly allowed by a person; now and then so often that the keyring is full.
    fn rekey(&mut self) -> Vec<Act> {
        let rekey = Rekey {
            may_drop: self.random.chance(30),
            retired: self
                .random
                .chance(50)
                .then(|| self.random.below(MODULES + 1)),
        };
        let keys = self.keys_of(&["KEY+2:1s", "KEY+2:1s", "KEY+2:1s", "KEY+2:1s", "KEY+1:1s"]);
        let times = self.random.pick(&[1, 1, 1, 1, 17]);
        let once = [whole(Send::Rekey(rekey)), keys, whole(Send::Rekey(rekey))];
        (0..times).flat_map(|_| once.clone()).collect()
    }

    fn leave(&mut self) -> Vec<Act> {
        match self.random.below(4) {
            0 => vec![Act::PowerUp],
            _ => vec![Act::Unplug, Act::Plug],
        }
    }

    pub(crate) fn plugs(&mut self) -> Vec<Act> {
        let wait = self.wait();
        let deed = self.random.weighted(&[(3, 0), (3, 1), (2, 2), (1, 3)]);
        match deed {
            0 => vec![Act::Unplug, wait],
            1 => vec![Act::Unplug, wait, Act::Plug],
            2 => vec![Act::ResetLink],
            _ => vec![Act::PowerUp],
        }
    }

    /// Mostly the last of its kind.
    pub(crate) fn message(&mut self) -> Pick {
        match self.random.below(50) {
            0 => Pick::Altered(0),
            1 => Pick::Short,
            2 => Pick::OtherVersion,
            3 => Pick::Last(1),
            4 => Pick::Last(self.random.below(4)),
            _ => Pick::Last(0),
        }
    }

    pub(crate) fn master_command(&mut self) -> Act {
        let run = self.random.pick(&[0, 3, 7]);
        let (message, options) = (self.message(), self.random.pick(&[0, 3, 4, 7, 8]));
        let secondaries = self.random.pick(&[0, 1, 2, 64, 65]);
        whole(match self.random.below(6) {
            0 => Send::CycleBegin {
                options,
                secondaries,
            },
            1 => Send::CycleEnd,
            2 => Send::Grant(run, message),
            3 => Send::Parcel(run, message),
            _ => Send::Seal(message),
        })
    }

    pub(crate) fn secondary_command(&mut self) -> Act {
        let message = self.message();
        whole(match self.random.below(3) {
            0 => Send::Offer,
            1 => Send::Consent(message),
            _ => Send::Commit(message),
        })
    }

    /// One entry of a PIN: the right one, or any.
    fn enter(&mut self, chord: &str, right: Option<String>) -> Act {
        let pin = right.unwrap_or_else(|| self.any_pin().into());
        Act::Keys(format!("{chord} {} KEY", pins::keys(&pin)))
    }

    fn any_pin(&mut self) -> &'static str {
        if self.random.chance(90) {
            self.random.pick(&pins::GOOD)
        } else {
            self.random.pick(&pins::BAD)
        }
    }

    /// A new PIN, twice; sometimes mistyped, broken off, or one that is set already.
    fn twice(&mut self, chord: &str, taken: Option<&World>, module: usize) -> Act {
        let mut pin = self.any_pin().to_owned();
        let kind = self
            .random
            .pick(&[Kind::Admin, Kind::User, Kind::Recovery, Kind::SelfDestruct]);
        if let Some(set) = taken
            .filter(|_| self.random.chance(12))
            .and_then(|world| world.pin(module, kind))
        {
            pin = set.into();
        }
        let first = pins::keys(&pin);
        let second = match self.random.below(12) {
            0 => pins::keys(self.any_pin()),
            1 => return Act::Keys(format!("{chord}{first} KEY {first}")),
            2 => return Act::Keys(format!("{chord}{first} KEY+5")),
            _ => first.clone(),
        };
        Act::Keys(format!("{chord}{first} KEY {second} KEY"))
    }

    fn keys_of(&mut self, of: &[&str]) -> Act {
        Act::Keys(self.random.pick(of).into())
    }

    pub(crate) fn wait(&mut self) -> Act {
        Act::Wait(self.random.weighted(&[
            (4, 50),
            (4, 1_500),
            (4, 2_000),
            (2, 9_950),
            (2, 10_000),
            (2, 10_050),
            (2, 29_500),
            (2, 30_000),
            (2, 30_050),
            (1, 31_000),
            (1, 5 * MINUTE),
            (1, 13 * MINUTE),
        ]))
    }
}

pub(crate) const fn whole(send: Send) -> Act {
    Act::Send(send, Sending::Whole)
}

/// Nothing cuts its power.
pub(crate) const fn at(module: usize, act: Act) -> Deed {
    let cut = None;
    Deed {
        module,
        act,
        cut,
        then: None,
    }
}
