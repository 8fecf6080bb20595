//! Modules on the bench beside their models: each deed is done to both, and everything that can be seen is compared.

use crate::{
    Crypto,
    deed::{Act, Deed},
    device::{Event, Kind, Model, Path},
    message::Message,
    pins,
    shared::Shared,
};
use hsm_core::{Link, keypad::Key, leds::Pattern, time::Millis};
use hsm_factory::Root;
use hsm_protocol::{
    EpochName,
    cloning::{Grant, Offer},
    reader::Reader,
    settings::EncryptionMode,
};
use hsm_testbench::{
    Bench,
    board::{Cut, Flash, Recorded},
    keys::{self, Stroke},
    observed::{Counter, Observed},
    scan::{Known, leaks},
};
use std::{cell::Cell, collections::BTreeMap, rc::Rc, sync::LazyLock};

/// Modules in a case.
pub(crate) const MODULES: usize = 3;

/// As a factory leaves them.
static MADE: LazyLock<Vec<(Flash, Recorded)>> = LazyLock::new(|| {
    let root = Root::generate("Test root").expect("random");
    let made = (0..MODULES).map(|index| {
        let bench = Bench::<Observed<Crypto>>::new(&serial(index), &root);
        (bench.flash.copy(), bench.recorded.copy())
    });
    made.collect()
});

/// The serial number of a case's module.
pub(crate) fn serial(index: usize) -> String {
    format!("MODULE-{}", index + 1)
}

/// Something that was enciphered.
pub(crate) struct Sample {
    pub(crate) epoch: u64,
    pub(crate) mode: EncryptionMode,
    pub(crate) plain: Vec<u8>,
    pub(crate) ciphered: Vec<u8>,
}

/// What was done and looked at so far.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) steps: u64,
    pub(crate) cases: u64,
    pub(crate) cuts: u64,
    pub(crate) writes: u64,
    /// Entries of a PIN that were compared.
    pub(crate) pins: u64,
    /// LEDs, status words and fields that were compared.
    pub(crate) comparisons: u64,
    pub(crate) host_bytes: u64,
    pub(crate) secrets: u64,
    /// How often each pattern, each status word and each rare thing was seen.
    pub(crate) seen: BTreeMap<String, u64>,
}

impl Totals {
    pub(crate) fn plus(mut self, other: Self) -> Self {
        self.steps += other.steps;
        self.cases += other.cases;
        self.cuts += other.cuts;
        self.writes += other.writes;
        self.pins += other.pins;
        self.comparisons += other.comparisons;
        self.host_bytes += other.host_bytes;
        self.secrets += other.secrets;
        for (what, count) in other.seen {
            *self.seen.entry(what).or_default() += count;
        }
        self
    }

    pub(crate) fn see(&mut self, what: impl Into<String>) {
        *self.seen.entry(what.into()).or_default() += 1;
    }
}

/// A case.
pub(crate) struct World {
    pub(crate) benches: Vec<Bench<Observed<Crypto>>>,
    pub(crate) models: Vec<Model>,
    /// What modules sent, by what it means.
    pub(crate) messages: Vec<(Message, Vec<u8>)>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) shared: Shared,
    /// The name of each epoch and the identity of its group, once they were seen.
    pub(crate) epochs: BTreeMap<u64, Whose>,
    /// The last receipts, once they were seen.
    pub(crate) receipts: BTreeMap<u64, Vec<u8>>,
    /// PINs compared on each path since its count last started anew.
    ledger: BTreeMap<(usize, Path), u8>,
    pub(crate) totals: Totals,
}

impl World {
    pub(crate) fn new() -> Self {
        let numbers = Rc::new(Cell::new(0));
        let bench = |(index, (flash, recorded)): (usize, &(Flash, Recorded))| {
            let mut bench = Bench::over(&serial(index), flash.copy(), recorded.copy());
            bench.host = Some(Vec::new());
            bench.flash.keep_blobs();
            bench
        };
        let model = |(index, (flash, _)): (usize, &(Flash, Recorded))| {
            Model::new(index, flash.counter(), Rc::clone(&numbers))
        };
        Self {
            benches: MADE.iter().enumerate().map(bench).collect(),
            models: MADE.iter().enumerate().map(model).collect(),
            messages: Vec::new(),
            samples: Vec::new(),
            shared: Shared::default(),
            epochs: BTreeMap::new(),
            receipts: BTreeMap::new(),
            ledger: BTreeMap::new(),
            totals: Totals {
                cases: 1,
                ..Totals::default()
            },
        }
    }

    /// Does a deed to a module and to its model. What differs is the error.
    pub(crate) fn act(&mut self, deed: &Deed) -> Result<(), String> {
        let index = deed.module;
        self.totals.steps += 1;
        let compared = Counter::slots_tried();
        self.models[index].events.clear();
        match deed.act {
            Act::PowerUp => return self.power_up(index, deed.then, deed.cut),
            Act::Restore(restore) => return self.power_up(index, Some(restore), deed.cut),
            _ => {}
        }
        self.benches[index]
            .flash
            .cut(deed.cut.unwrap_or(Cut::Before(u32::MAX)));
        self.perform(index, &deed.act)?;
        let compared = Counter::slots_tried() - compared;

        let events = std::mem::take(&mut self.models[index].events);
        let is_cut = self.run(index, &events, deed.cut)?;
        let done = match is_cut {
            None => events.len(),
            Some((at, false)) => at,
            Some((at, true)) => {
                // That write took effect, although it was not reported.
                let clears = |event: &&Event| matches!(event, Event::Cleared(_));
                at + 1 + events[at + 1..].iter().take_while(clears).count()
            }
        };
        let done = &events[..done];
        let expected = done.iter().map(|event| match event {
            Event::Compared(Path::User) => 2,
            Event::Compared(_) => 1,
            Event::Write(..) | Event::Cleared(_) => 0,
        });
        same("PINs compared", &compared, &expected.sum())?;
        self.enter(index, done)?;
        for seen in self
            .models
            .iter_mut()
            .flat_map(|model| model.seen.drain(..))
        {
            self.totals.see(seen);
        }
        if is_cut.is_some() {
            self.recover(index, deed.then)?;
        }
        self.look(index)
    }

    fn perform(&mut self, index: usize, act: &Act) -> Result<(), String> {
        match act {
            Act::Keys(text) => {
                for stroke in keys::parse(text).expect("keys") {
                    self.stroke(index, stroke)?;
                }
            }
            Act::Wait(milliseconds) => {
                for index in 0..MODULES {
                    self.wait(index, *milliseconds);
                }
            }
            Act::Plug => self.link(index, Link::Plugged),
            Act::Unplug => self.link(index, Link::Unplugged),
            Act::ResetLink => self.link(index, Link::Reset),
            Act::PowerUp | Act::Restore(_) => unreachable!("done elsewhere"),
            Act::Send(send, sending) => self.send(index, *send, *sending)?,
            Act::OpenChain => self.open_chain(index)?,
            Act::GetResponse => self.get_response(index)?,
            Act::Garbage(garbage) => self.garbage(index, *garbage)?,
        }
        Ok(())
    }

    /// After each key: the LEDs tell what they should, or that the store failed.
    fn stroke(&mut self, index: usize, stroke: Stroke) -> Result<(), String> {
        let (bench, model) = (&mut self.benches[index], &mut self.models[index]);
        let now = bench.now.0;
        let text = match stroke {
            Stroke::Press(key) => {
                model.press(key, now);
                name(key)
            }
            Stroke::Chord(a, b) => {
                model.chord(a, b, now);
                format!("{}+{}", name(a), name(b))
            }
            Stroke::Hold(key, milliseconds) => {
                model.hold(key, milliseconds, now);
                // Milliseconds of three digits: hub text is in seconds.
                let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
                format!("{}:{seconds}.{rest:03}s", name(key))
            }
            Stroke::HoldChord(a, b, milliseconds) => {
                model.hold_chord(a, b, milliseconds, now);
                let (seconds, rest) = (milliseconds / 1000, milliseconds % 1000);
                format!("{}+{}:{seconds}.{rest:03}s", name(a), name(b))
            }
        };
        let leds = bench.press(&text);
        self.totals.comparisons += 1;
        self.totals.see(leds.name());
        if bench.flash.was_cut() {
            return same(&format!("LEDs after {text}"), &leds, &Pattern::Fault);
        }
        same(&format!("LEDs after {text}"), &leds, &model.leds())
    }

    fn wait(&mut self, index: usize, milliseconds: u64) {
        let tick = if milliseconds > 45_000 { 500 } else { 50 };
        let (bench, model) = (&mut self.benches[index], &mut self.models[index]);
        let end = bench.now.0 + milliseconds;
        while bench.now.0 < end {
            let now = Millis((bench.now.0 + tick).min(end));
            bench.now = now;
            bench.module().tick(now);
            model.tick(now.0);
        }
    }

    fn link(&mut self, index: usize, link: Link) {
        let now = self.benches[index].now.0;
        self.benches[index].link(link);
        self.models[index].tick(now);
        self.models[index].link(link, now);
    }

    /// Keeps the books: no path compares more PINs than its limit before one matches or is set anew.
    pub(crate) fn enter(&mut self, index: usize, events: &[Event]) -> Result<(), String> {
        for event in events {
            match event {
                Event::Compared(path) => {
                    self.totals.pins += 1;
                    let limit = self.models[index].stored.limit(*path).max(match path {
                        Path::User | Path::Admin => 10,
                        Path::Recovery => 5,
                    });
                    let count = self.ledger.entry((index, *path)).or_default();
                    *count += 1;
                    if *count > limit {
                        return Err(format!("{count} PINs compared on the path {path:?}"));
                    }
                }
                Event::Cleared(path) => {
                    self.ledger.remove(&(index, *path));
                }
                Event::Write(..) => {}
            }
        }
        Ok(())
    }

    /// What everybody sees, at all modules.
    pub(crate) fn look(&mut self, index: usize) -> Result<(), String> {
        for index in 0..MODULES {
            let what = format!("LEDs of {}", serial(index));
            let leds = self.benches[index].leds();
            same(&what, &leds, &self.models[index].leds())?;
            self.totals.comparisons += 1;
            self.totals.see(leds.name());
        }
        self.poll(index)
    }

    /// No CSP crossed the host: no PIN, no epoch key and, if `all`, nothing else that a generator gave and no message published.
    pub(crate) fn assert_nothing_leaked(&mut self, all: bool) -> Result<(), String> {
        let mut secrets: Vec<Known> = Vec::new();
        for pin in pins::GOOD.iter().filter(|pin| pin.len() >= 8) {
            secrets.push(Known {
                name: format!("PIN {pin}"),
                bytes: pin.as_bytes().to_vec(),
            });
        }
        let public: Vec<[u8; 32]> = self
            .messages
            .iter()
            .filter_map(|(message, bytes)| match message {
                Message::Offer { .. } => Offer::parse(bytes).ok().map(|offer| *offer.nonce),
                Message::Grant { .. } => Grant::parse(bytes).ok().map(|grant| *grant.nonce),
                _ => None,
            })
            .chain(self.shared.salts())
            .collect();
        for (index, bench) in self.benches.iter().enumerate() {
            let draws = bench.recorded.all();
            for (number, draw) in draws.iter().enumerate() {
                let before = |back| number.checked_sub(back).map(|at| draws[at].len());
                let is_epoch_key = draw.len() == 48 && before(1) == Some(16);
                let is_link_key =
                    draw.len() == 32 && before(1) == Some(48) && before(2) == Some(16);
                let is_public = draw.len() < 32 || public.iter().any(|nonce| draw == nonce);
                if is_epoch_key || is_link_key || all && !is_public {
                    secrets.push(Known {
                        name: format!("draw {number} of {}", serial(index)),
                        bytes: draw.clone(),
                    });
                }
            }
        }
        self.totals.secrets += secrets.len() as u64;
        for bench in &self.benches {
            let host = bench.host.as_deref().unwrap_or_default();
            self.totals.host_bytes += host.len() as u64;
            let found = leaks(host, &secrets);
            if !found.is_empty() {
                return Err(format!("crossed the host: {found:?}"));
            }
        }
        Ok(())
    }

    /// A PIN that opens the module now, if its model knows one.
    pub(crate) fn pin(&self, index: usize, kind: Kind) -> Option<&str> {
        self.models[index]
            .stored
            .pins
            .get(&kind)
            .map(String::as_str)
    }
}

fn name(key: Key) -> String {
    match key {
        Key::Digit(digit) => digit.value().to_string(),
        Key::Key => "KEY".into(),
        Key::Shift => "SHIFT".into(),
    }
}

/// What a group and an epoch of it are known by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whose {
    pub(crate) group: [u8; 16],
    pub(crate) epoch: EpochName,
}

impl Whose {
    pub(crate) const SIZE: usize = 16 + EpochName::SIZE;

    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let mut reader = Reader::new(bytes);
        let group = reader.array().copied();
        let epoch = EpochName::read(&mut reader);
        match (group, epoch, reader.is_empty()) {
            (Ok(group), Ok(epoch), true) => Ok(Self { group, epoch }),
            _ => Err(format!("no group and epoch: {bytes:?}")),
        }
    }
}

/// An error that shows both.
pub(crate) fn same<T: PartialEq + std::fmt::Debug>(
    what: &str,
    module: &T,
    model: &T,
) -> Result<(), String> {
    if module == model {
        Ok(())
    } else {
        Err(format!(
            "{what}: the module {module:?}, the model {model:?}"
        ))
    }
}
