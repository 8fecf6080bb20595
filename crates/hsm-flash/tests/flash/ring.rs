//! The ring of slots.

use crate::chip::{Chip, PARTS, SECTOR, Weak};
use embedded_storage::nor_flash::{ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash};
use hsm_core::{
    BLOB,
    platform::{Fault, Storage},
};
use hsm_flash::{Ring, ring::SLOT};

const SLOTS: u32 = 8;

/// A blob that no other number has, and whose bits are of both kinds.
fn blob(number: u8) -> Vec<u8> {
    let bytes = (0..BLOB).map(|at| u8::try_from(at % 251).unwrap().wrapping_mul(7));
    bytes.map(|byte| byte ^ number).collect()
}

fn read(ring: &mut Ring<Chip>) -> Vec<u8> {
    let mut bytes = vec![0; BLOB];
    let len = Storage::read(ring, &mut bytes).unwrap();
    bytes.truncate(len);
    bytes
}

fn power_up(chip: &Chip) -> Ring<Chip> {
    Ring::power_up(chip.clone()).unwrap()
}

/// A chip with so many blobs written, the last one of that number.
fn written(blobs: u8) -> Chip {
    let chip = Chip::new(SLOTS);
    let mut ring = power_up(&chip);
    for number in 1..=blobs {
        ring.replace(&blob(number)).unwrap();
    }
    chip
}

/// How often a blob lies in the flash, as far as its first page shows.
fn copies(chip: &Chip, number: u8) -> usize {
    let (dump, blob) = (chip.dump(), blob(number));
    let pages = dump.chunks(256).filter(|page| *page == &blob[..256]);
    pages.count()
}

#[test]
fn what_is_replaced_is_read_and_the_former_is_gone() {
    let chip = Chip::new(SLOTS);
    assert!(read(&mut power_up(&chip)).is_empty());
    for number in 1..=8 {
        let mut ring = power_up(&chip);
        ring.replace(&blob(number)).unwrap();
        assert!(read(&mut ring) == blob(number));
        assert!(read(&mut power_up(&chip)) == blob(number));
        assert_eq!((copies(&chip, number), copies(&chip, number - 1)), (1, 0));
    }
    let mut ring = power_up(&chip);
    for len in [0, 1, 255, 256, 257] {
        let short = &blob(1)[..len];
        ring.replace(short).unwrap();
        assert!(read(&mut ring) == short && read(&mut power_up(&chip)) == short);
    }
}

#[test]
fn after_a_cut_at_any_point_it_is_the_old_blob_or_the_new_and_stays_so() {
    // A write at once after a power-up, and one after others.
    for is_first in [true, false] {
        let start = written(2);
        let mut ring = power_up(&start);
        if !is_first {
            (3..12).for_each(|number| ring.replace(&blob(number)).unwrap());
        }
        let (old, new) = (read(&mut ring), blob(99));
        let before = start.copy();
        let from = start.steps();
        ring.replace(&new).unwrap();
        let steps = start.steps() - from;
        assert!(steps > 110);

        let (mut olds, mut news) = (0, 0);
        // Pages of the blob are all alike.
        for step in (0..steps).filter(|step| *step < 20 || *step > steps - 20 || step % 16 == 0) {
            for part in PARTS {
                for (first, later) in [
                    (Weak::Zeros, Weak::Ones),
                    (Weak::Ones, Weak::Zeros),
                    (Weak::Either, Weak::Either),
                ] {
                    let chip = before.copy();
                    // The ring as it was: it knows what it has erased.
                    let mut ring = power_up(&chip);
                    if !is_first {
                        ring = written_before(&chip);
                    }
                    chip.cut(step, part);
                    ring.replace(&new).unwrap_err();
                    chip.restore_power(first);
                    let found = read(&mut power_up(&chip));
                    assert!(found == old || found == new, "step {step}, {part} of 256");
                    if found == new {
                        news += 1;
                    } else {
                        olds += 1;
                    }

                    // Whatever weak cells read as later, it is that blob, and the only one in the flash.
                    chip.restore_power(later);
                    let mut ring = power_up(&chip);
                    assert!(read(&mut ring) == found, "step {step}, {part} of 256");
                    assert_eq!(copies(&chip, 99), usize::from(found == new));
                    ring.replace(&blob(100)).unwrap();
                    ring.replace(&blob(101)).unwrap();
                    assert!(read(&mut power_up(&chip)) == blob(101));
                }
            }
        }
        assert!(olds > 0 && news > 0);
    }
}

/// A ring that has written since its power-up, on a chip that is as the writes have left it: three blobs go round.
fn written_before(chip: &Chip) -> Ring<Chip> {
    let mut ring = power_up(chip);
    let last = read(&mut ring);
    for number in 0..SLOTS {
        ring.replace(&blob(u8::try_from(number).unwrap())).unwrap();
    }
    ring.replace(&last).unwrap();
    ring
}

#[test]
fn a_cut_while_a_power_up_completes_a_write_loses_nothing() {
    let whole = written(2);
    let before = whole.copy();
    let from = whole.steps();
    power_up(&whole).replace(&blob(9)).unwrap();
    let head = whole.steps() - from - 9;
    // In the head, and while the former slot is erased.
    for (step, part) in [
        (head, 75),
        (head, 255),
        (head + 1, 0),
        (head + 1, 100),
        (head + 8, 255),
    ] {
        for completing in (0..140).filter(|step| !(12..100).contains(step)) {
            for (first, then) in [(Weak::Ones, Weak::Zeros), (Weak::Zeros, Weak::Ones)] {
                let chip = before.copy();
                let mut ring = power_up(&chip);
                chip.cut(step, part);
                ring.replace(&blob(9)).unwrap_err();
                chip.restore_power(first);
                chip.cut(
                    completing,
                    [75, 100, 200][usize::try_from(completing).unwrap() % 3],
                );
                drop(Ring::power_up(chip.clone()));
                chip.restore_power(then);
                // Once a power-up was completed, it stays as that has found it.
                let found = read(&mut power_up(&chip));
                let is_known = found == blob(9) || step == head && found == blob(2);
                assert!(is_known, "{step} {part} {completing}");
                for weak in [Weak::Zeros, Weak::Ones, Weak::Either] {
                    chip.restore_power(weak);
                    assert!(
                        read(&mut power_up(&chip)) == found,
                        "{step} {part} {completing}"
                    );
                }
            }
        }
    }
}

#[test]
fn three_cuts_in_a_row_lose_nothing() {
    let whole = written(2);
    let before = whole.copy();
    let from = whole.steps();
    power_up(&whole).replace(&blob(9)).unwrap();
    let head = whole.steps() - from - 9;
    // Where it hurts: in a head, in the first sector that is erased after it, in one that comes later.
    let cuts = [(head, 75), (head + 1, 100), (head + 9, 100), (0, 100)];
    let reads = [Weak::Ones, Weak::Zeros];
    for choice in 0..cuts.len().pow(2) * reads.len().pow(3) {
        let (mut left, chip) = (choice, before.copy());
        let mut choose = |count: usize| {
            let chosen = left % count;
            left /= count;
            chosen
        };
        let mut ring = power_up(&chip);
        chip.cut(head, 75);
        ring.replace(&blob(9)).unwrap_err();
        for _ in 0..2 {
            chip.restore_power(reads[choose(2)]);
            let (step, part) = cuts[choose(4)];
            chip.cut(step, part);
            drop(Ring::power_up(chip.clone()));
        }
        chip.restore_power(reads[choose(2)]);
        let found = read(&mut power_up(&chip));
        assert!(found == blob(9) || found == blob(2), "choice {choice}");
        for weak in [Weak::Zeros, Weak::Ones] {
            chip.restore_power(weak);
            assert!(read(&mut power_up(&chip)) == found, "choice {choice}");
        }
    }
}

#[test]
fn every_sector_is_worn_alike() {
    let chip = Chip::new(SLOTS);
    let mut ring = power_up(&chip);
    for number in 0..300_u32 {
        let [number, ..] = number.to_le_bytes();
        ring.replace(&blob(number)).unwrap();
    }
    let erased = chip.look().erased.clone();
    assert_eq!(
        erased.len(),
        usize::try_from(SLOTS * SLOT / SECTOR).unwrap()
    );
    let (least, most) = (erased.iter().min().unwrap(), erased.iter().max().unwrap());
    assert!(most - least <= 1 && *most <= 39, "{least} to {most}");
}

#[test]
fn a_page_that_cannot_be_programmed_is_a_fault_and_the_old_blob_stays() {
    for place in [SLOT * 2, SLOT * 3 - 256, SLOT * 3 - 256 + 40] {
        let chip = written(2);
        chip.cells().worn = Some(place);
        let mut ring = power_up(&chip);
        assert_eq!(ring.replace(&blob(3)), Err(Fault));
        let after = chip.copy();
        assert!(read(&mut power_up(&after)) == blob(2), "worn at {place:#X}");
        // The slot is erased again before it is used again.
        chip.cells().worn = None;
        ring.replace(&blob(4)).unwrap();
        assert!(read(&mut power_up(&chip)) == blob(4));
    }
}

#[test]
fn other_damage_is_not_taken_for_a_blob() {
    let chip = written(2);
    // Someone changes one bit of the newest slot, at each field of the head and in the blob.
    for at in [
        0,
        BLOB - 1,
        32_768 - 256,
        32_768 - 252,
        32_768 - 248,
        32_768 - 244,
    ] {
        let chip = chip.copy();
        let place = SLOT + u32::try_from(at).unwrap();
        let page = place / 256 * 256;
        let mut bytes = vec![0; 256];
        let mut flash = chip.clone();
        ReadNorFlash::read(&mut flash, page, &mut bytes).unwrap();
        let byte = &mut bytes[usize::try_from(place - page).unwrap()];
        *byte &= byte.wrapping_sub(1);
        flash.write(page, &bytes).unwrap();
        assert!(read(&mut power_up(&chip)).is_empty(), "at {at}");
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let chip = written(1);
    let mut ring = power_up(&chip);
    let too_long = vec![0; usize::try_from(SLOT).unwrap() - 255];
    assert_eq!(ring.replace(&too_long), Err(Fault));
    assert_eq!(Storage::read(&mut ring, &mut [0; 10]), Err(Fault));
    assert!(read(&mut ring) == blob(1));
    for slots in [0, 7, 33] {
        assert!(Ring::power_up(Chip::new(slots)).is_err());
    }
    assert!(Ring::power_up(Coarse(Chip::new(SLOTS))).is_err());
}

/// A flash that erases more at once than a slot.
struct Coarse(Chip);

impl ErrorType for Coarse {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Coarse {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, into: &mut [u8]) -> Result<(), Self::Error> {
        ReadNorFlash::read(&mut self.0, offset, into)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl NorFlash for Coarse {
    const WRITE_SIZE: usize = 256;
    const ERASE_SIZE: usize = 65_536;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        self.0.erase(from, to)
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        self.0.write(offset, bytes)
    }
}
