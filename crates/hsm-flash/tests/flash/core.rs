//! The module's core over flash and fuses.

use crate::chip::{Chip, Weak};
use hsm_core::{
    Link, Module,
    crypto::{
        CryptoError,
        drbg::{Entropy, HmacDrbg},
    },
    keypad::KeyEvent,
    leds::Pattern,
    pin::MIN_COST,
    platform::{Board, Fault, Monotonic, Platform},
    time::Millis,
};
use hsm_flash::{Counter, Keys, Ring, Secret, keys};
use hsm_virtual::{
    aws_lc::AwsLc,
    keys::{Stroke, parse},
};

enum ChipBoard {}

impl Board for ChipBoard {
    type Crypto = AwsLc;
    type Storage = Ring<Chip>;
    type Rng = HmacDrbg<Counting, AwsLc>;
    type Secret = Secret;
    type StoreKeys = Keys<Chip>;
    type Counter = Counter<Chip>;
}

/// Bytes that differ from each other, which is all that these tests need.
struct Counting(u64);

impl Entropy for Counting {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        for byte in out {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            [.., *byte] = self.0.to_le_bytes();
        }
        Ok(())
    }
}

/// A module on its board, and a hand at its keypad.
struct Hand {
    module: Module<ChipBoard>,
    now: Millis,
}

impl Hand {
    fn power_up(chip: &Chip) -> Result<Self, Fault> {
        let serial = "KW-F001".parse().expect("a serial number");
        let platform = Platform {
            serial,
            pin_cost: MIN_COST,
            storage: Ring::power_up(chip.clone())?,
            rng: HmacDrbg::new(Counting(chip.steps().into()), serial),
            secret: Secret::read(&mut chip.clone())?,
            store_keys: Keys::read(chip.clone())?,
            counter: Counter::new(chip.clone()),
        };
        let mut module = Module::power_up(platform);
        let now = Millis(0);
        module.link(Link::Plugged, now);
        Ok(Self { module, now })
    }

    fn press(&mut self, text: &str) -> Pattern {
        for stroke in parse(text).expect("keys") {
            let (keys, held) = match stroke {
                Stroke::Press(key) => (vec![key], 0),
                Stroke::Hold(key, held) => (vec![key], held),
                Stroke::Chord(first, second) => (vec![first, second], 0),
                Stroke::HoldChord(first, second, held) => (vec![first, second], held),
            };
            for key in &keys {
                self.module.key(KeyEvent::Down(*key), self.now);
            }
            self.now.0 += held + 10;
            self.module.tick(self.now);
            for key in keys.into_iter().rev() {
                self.module.key(KeyEvent::Up(key), self.now);
            }
        }
        // What blinks once is over.
        self.now.0 += 3000;
        self.module.tick(self.now);
        self.module.leds()
    }
}

fn set_up() -> Chip {
    let mut chip = Chip::new(8);
    let mut state = 7_u16;
    let words = || {
        state = state.wrapping_mul(25_173).wrapping_add(13_849);
        Ok(state)
    };
    keys::burn(&mut chip, words).unwrap();
    let mut hand = Hand::power_up(&chip).unwrap();
    assert_eq!(hand.press(""), Pattern::Shipment);
    assert_eq!(
        hand.press("SHIFT+1 24681357 KEY 24681357 KEY"),
        Pattern::AdminMode
    );
    assert_eq!(
        hand.press("KEY+3 13572468 KEY 13572468 KEY"),
        Pattern::AdminMode
    );
    hand.press("SHIFT:1s");
    chip
}

#[test]
fn a_chip_gives_twenty_thousand_unlocks() {
    let chip = set_up();
    let counter = || Counter::new(chip.clone());
    let mut most = 0;
    for keys in ["KEY 24681357 KEY", "SHIFT+KEY 13572468 KEY"] {
        let mut hand = Hand::power_up(&chip).unwrap();
        // Once after a power-up, which is when it takes most, and once more.
        for _ in 0..2 {
            let before = counter().value().unwrap();
            assert_eq!(hand.press(keys), Pattern::Unlocked);
            most = most.max(counter().value().unwrap() - before);
            hand.module.link(Link::Unplugged, hand.now);
            hand.module.link(Link::Plugged, hand.now);
            assert_eq!(hand.press(""), Pattern::Standby);
        }
    }
    assert!(counter().last() / most >= 20_000, "{most} steps each");
}

#[test]
fn a_module_unlocks_after_a_power_cut_at_any_step_of_an_unlock() {
    let chip = set_up();
    let whole = chip.copy();
    let from = whole.steps();
    let mut hand = Hand::power_up(&whole).unwrap();
    assert_eq!(hand.press("KEY 24681357 KEY"), Pattern::Unlocked);
    let steps = whole.steps() - from;
    for (step, part) in (0..steps)
        .step_by(3)
        .zip([0, 1, 200, 255].into_iter().cycle())
    {
        let chip = chip.copy();
        chip.cut(step, part);
        // The cut may come while it powers up.
        if let Ok(mut hand) = Hand::power_up(&chip) {
            assert_ne!(
                hand.press("KEY 24681357 KEY"),
                Pattern::Unlocked,
                "step {step}"
            );
        }
        chip.restore_power([Weak::Zeros, Weak::Ones, Weak::Either][usize::from(part) % 3]);
        let mut hand = Hand::power_up(&chip).unwrap();
        assert_eq!(
            hand.press("KEY 24681357 KEY"),
            Pattern::Unlocked,
            "step {step}, {part} of 256"
        );
    }
}

#[test]
fn an_old_copy_of_the_flash_gives_no_attempt_back() {
    let chip = set_up();
    let old = chip.dump();
    let mut hand = Hand::power_up(&chip).unwrap();
    assert_eq!(hand.press("KEY 11223344 KEY"), Pattern::Standby);
    chip.put_back(&old);
    let mut hand = Hand::power_up(&chip).unwrap();
    assert_eq!(hand.press(""), Pattern::Fault);
}

#[test]
fn a_reset_leaves_nothing_of_the_old_store_and_destroys_its_key() {
    use hsm_core::platform::StoreKeys;
    let chip = set_up();
    let old = chip.dump();
    let mut hand = Hand::power_up(&chip).unwrap();
    hand.press("0:3s 2+7");
    assert_eq!(hand.press(""), Pattern::Reset);
    assert_eq!(Keys::read(chip.clone()).unwrap().first(), Ok(1));
    let now = chip.dump();
    let slot_of = |flash: &[u8]| {
        let mut slots = flash.chunks(32_768).enumerate();
        let mut used = slots
            .by_ref()
            .filter(|(_, slot)| slot.iter().any(|byte| *byte != 0xFF));
        let (number, slot) = used.next().expect("a slot");
        assert!(used.next().is_none());
        (number, slot.to_vec())
    };
    assert_ne!(slot_of(&old), slot_of(&now));
}
