//! Counter and keys.

use crate::chip::{Chip, PARTS, Weak};
use hsm_core::platform::{Fault, ModuleSecret, Monotonic, StoreKeys};
use hsm_flash::{
    Counter, Fuses, Keys, Secret,
    fuses::{COUNTER, FULL, KEYS, SECRET},
    keys::{self, STORE_KEYS},
};

const NOISE: [Weak; 3] = [Weak::Zeros, Weak::Ones, Weak::Either];

/// Random words that are the same in every run.
fn random() -> impl FnMut() -> Result<u16, Fault> {
    let mut state = 1_u32;
    move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [.., low, high] = state.to_le_bytes();
        Ok(u16::from_le_bytes([low, high]))
    }
}

fn burnt() -> Chip {
    let mut chip = Chip::new(2);
    keys::burn(&mut chip, random()).unwrap();
    chip
}

#[test]
fn the_counter_counts_to_its_last_value_and_no_further() {
    let chip = Chip::new(2);
    let mut counter = Counter::new(chip.clone());
    assert_eq!(counter.last(), 69_120);
    counter.raise_to(0).unwrap();
    for value in 1..=100 {
        counter.raise_to(value).unwrap();
        assert_eq!(counter.value(), Ok(value));
        for wrong in [0, value.saturating_sub(2), value + 2] {
            assert!(wrong.abs_diff(value) <= 1 || counter.raise_to(wrong).is_err());
        }
    }
    for row in COUNTER.start..COUNTER.end - 1 {
        chip.clone().burn(row, FULL).unwrap();
    }
    for value in 69_097..=69_120 {
        counter.raise_to(value).unwrap();
    }
    assert_eq!(counter.value(), Ok(69_120));
    assert_eq!(counter.raise_to(69_121), Err(Fault));
    // No fuse of anything else was burnt.
    let others = (0..4096).filter(|row| !COUNTER.contains(row));
    assert!(others.map(|row| chip.row(row)).all(|fuses| fuses == 0));
}

#[test]
fn after_a_cut_the_counter_reads_the_old_value_or_the_new_and_what_was_raised_stays() {
    for start in [1, 23, 24, 25, 47] {
        for part in PARTS {
            for (first, later) in [(0, 1), (1, 0), (2, 2)] {
                let chip = Chip::new(2);
                let mut counter = Counter::new(chip.clone());
                (1..=start).for_each(|value| counter.raise_to(value).unwrap());
                chip.cut(0, part);
                counter.raise_to(start + 1).unwrap_err();
                chip.restore_power(NOISE[first]);
                let read = counter.value().unwrap();
                assert!((start..=start + 1).contains(&read));
                // The core raises it to the number of the blob that it takes, whatever it reads meanwhile.
                for taken in [start, start + 1] {
                    let chip = chip.copy();
                    let mut counter = Counter::new(chip.clone());
                    chip.restore_power(NOISE[later]);
                    counter.raise_to(taken).unwrap();
                    for weak in NOISE {
                        chip.restore_power(weak);
                        let value = counter.value().unwrap();
                        assert!((taken..=start + 1).contains(&value));
                    }
                    counter.raise_to(taken + 1).unwrap();
                    chip.restore_power(Weak::Zeros);
                    assert_eq!(counter.value(), Ok(taken + 1));
                }
            }
        }
    }
}

#[test]
fn a_counter_that_someone_has_disturbed_has_no_value() {
    let chip = Chip::new(2);
    let mut counter = Counter::new(chip.clone());
    (1..=30).for_each(|value| counter.raise_to(value).unwrap());
    let second = COUNTER.start + 1;
    for (row, bits) in [
        (second, 1 << 7),
        (second + 1, 1),
        (COUNTER.end - 1, 1 << 23),
    ] {
        let mut chip = chip.copy();
        chip.burn(row, bits).unwrap();
        assert_eq!(Counter::new(chip.clone()).value(), Err(Fault));
        assert_eq!(Counter::new(chip).raise_to(31), Err(Fault));
    }
    assert_eq!(Counter::new(Glitch(chip)).value(), Err(Fault));
}

/// A reading in which a fuse is missing.
struct Glitch(Chip);

impl Fuses for Glitch {
    fn read(&mut self, row: u16) -> Result<u32, Fault> {
        let burnt = self.0.read(row)?;
        Ok(if row == COUNTER.start {
            burnt & !(1 << 3)
        } else {
            burnt
        })
    }

    fn burn(&mut self, _: u16, _: u32) -> Result<(), Fault> {
        Ok(())
    }
}

#[test]
fn keys_differ_and_burn_half_of_the_fuses_of_each_row() {
    let mut chip = burnt();
    let secret = Secret::read(&mut chip).unwrap();
    let keys = Keys::read(chip.clone()).unwrap();
    let mut all: Vec<_> = (0..keys.count())
        .map(|n| *keys.expose(n).unwrap())
        .collect();
    all.push(*secret.expose());
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 33);
    assert_eq!(keys.expose(STORE_KEYS), Err(Fault));
    for row in SECRET.chain(KEYS) {
        assert_eq!(chip.row(row).count_ones(), 12);
    }
    // Each row counts.
    for row in SECRET {
        let mut other = chip.copy();
        other.burn(row, FULL).unwrap();
        assert!(Secret::read(&mut other).is_err());
    }
}

#[test]
fn a_key_depends_on_each_of_its_rows() {
    let make = |changed: u16| {
        let mut chip = Chip::new(2);
        let mut words = random();
        let mut row = SECRET.start;
        keys::burn(&mut chip, || {
            let flip = u16::from(row == changed);
            row = if row + 1 == SECRET.end {
                KEYS.start
            } else {
                row + 1
            };
            Ok(words()? ^ flip)
        })
        .unwrap();
        let secret = *Secret::read(&mut chip).unwrap().expose();
        let keys = Keys::read(chip).unwrap();
        let keys: Vec<_> = (0..STORE_KEYS).map(|n| *keys.expose(n).unwrap()).collect();
        (secret, keys)
    };
    let (secret, keys) = make(0);
    for row in [SECRET.start, SECRET.end - 1] {
        let changed = make(row);
        assert!(changed.0 != secret && changed.1 == keys);
    }
    for (row, key) in [
        (KEYS.start, 0),
        (KEYS.start + 21, 0),
        (KEYS.start + 22, 1),
        (KEYS.start + 31 * 22, 31),
    ] {
        let changed = make(row);
        let differ = (0..32).filter(|n| changed.1[*n] != keys[*n]);
        assert!(changed.0 == secret && differ.eq([key]), "row {row:#X}");
    }
}

#[test]
fn keys_are_destroyed_one_after_the_other() {
    let chip = burnt();
    let kept: Vec<_> = {
        let keys = Keys::read(chip.clone()).unwrap();
        (0..STORE_KEYS).map(|n| *keys.expose(n).unwrap()).collect()
    };
    let mut keys = Keys::read(chip.clone()).unwrap();
    for number in 1..STORE_KEYS {
        assert_eq!(keys.destroy_below(number + 1), Err(Fault));
        keys.destroy_below(number).unwrap();
        for mut keys in [
            Keys::read(chip.clone()).unwrap(),
            Keys::read(chip.copy()).unwrap(),
        ] {
            assert_eq!(keys.first(), Ok(number));
            assert_eq!(keys.expose(number - 1), Err(Fault));
            assert_eq!(keys.expose(number), Ok(&kept[usize::from(number)]));
        }
        assert_eq!(keys.expose(number - 1), Err(Fault));
        let rows = KEYS.start + 22 * u16::from(number - 1)..KEYS.start + 22 * u16::from(number);
        assert!(rows.map(|row| chip.row(row)).all(|fuses| fuses == FULL));
    }
    keys.destroy_below(STORE_KEYS).unwrap();
    assert_eq!(keys.first(), Err(Fault));
    assert_eq!(keys.destroy_below(STORE_KEYS + 1), Err(Fault));
}

#[test]
fn destroying_nothing_burns_as_many_fuses() {
    let chip = burnt();
    let mut keys = Keys::read(chip.clone()).unwrap();
    let mut steps = vec![];
    for number in [0, 1, 1, 2] {
        let before = chip.steps();
        keys.destroy_below(number).unwrap();
        steps.push(chip.steps() - before);
    }
    assert_eq!(steps, [22; 4]);
    assert_eq!(Keys::read(chip).unwrap().first(), Ok(2));
}

#[test]
fn fuses_that_do_not_burn_are_a_fault() {
    let chip = burnt();
    let mut keys = Keys::read(chip.clone()).unwrap();
    chip.cells().stuck = Some(KEYS.start + 21);
    assert_eq!(keys.destroy_below(1), Err(Fault));
    chip.cells().stuck = Some(COUNTER.start);
    assert_eq!(Counter::new(chip).raise_to(1), Err(Fault));
    let mut blank = Chip::new(2);
    blank.cells().stuck = Some(KEYS.start);
    assert_eq!(keys::burn(&mut blank, random()), Err(Fault));
}

#[test]
fn a_key_that_is_destroyed_in_part_counts_either_way_until_it_is_destroyed_again() {
    for step in 0..22 {
        for part in PARTS {
            let chip = burnt();
            let mut keys = Keys::read(chip.clone()).unwrap();
            let kept = *keys.expose(1).unwrap();
            chip.cut(step, part);
            keys.destroy_below(1).unwrap_err();
            for weak in NOISE {
                chip.restore_power(weak);
                let mut keys = Keys::read(chip.clone()).unwrap();
                assert!(keys.first().unwrap() <= 1);
                assert_eq!(keys.expose(1), Ok(&kept));
            }
            let mut keys = Keys::read(chip.clone()).unwrap();
            keys.destroy_below(1).unwrap();
            chip.restore_power(Weak::Zeros);
            assert_eq!(Keys::read(chip).unwrap().first(), Ok(1));
        }
    }
}

#[test]
fn a_chip_that_was_burnt_in_part_is_completed_or_refused() {
    let rows = u32::from(SECRET.end - SECRET.start + KEYS.end - KEYS.start);
    for step in (0..rows).step_by(61) {
        for part in PARTS {
            let mut chip = Chip::new(2);
            chip.cut(step, part);
            keys::burn(&mut chip, random()).unwrap_err();
            chip.restore_power(Weak::Zeros);
            assert!(Secret::read(&mut chip).is_err() || Keys::read(chip.clone()).is_err());
            let outcome = keys::burn(&mut chip, random());
            assert_eq!(
                outcome.is_ok(),
                Secret::read(&mut chip).is_ok() && Keys::read(chip).is_ok()
            );
        }
    }
    // Whole already: nothing is burnt.
    let mut chip = burnt();
    let before = chip.steps();
    keys::burn(&mut chip, || Err(Fault)).unwrap();
    assert_eq!(chip.steps(), before);
    assert_eq!(keys::burn(&mut Chip::new(2), || Err(Fault)), Err(Fault));
}
