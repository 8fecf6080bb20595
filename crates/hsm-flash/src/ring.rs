//! The store's blob in NOR flash: a ring of slots, of which the newest whole one counts.
//!
//! A slot is the blob, and a page at its end, the head: a mark, a number that rises from slot to slot, the blob's length
//! and hash, and a hash of all that. A write erases the next slot, programs the blob, then the head; then it erases the slot
//! that it leaves, so no old copy stays and every slot is worn alike.
//!
//! Cells whose erasing or programming was cut short may read either way, now or later. So a slot is erased before it is
//! used unless this power-up has erased it, however blank it looks. And if anything but the newest slot is not blank, the
//! newest may be one that was cut short: a power-up then copies it to a slot that holds nothing, and erases the others
//! only when that is done.

use core::ops::Range;
use embedded_storage::nor_flash::NorFlash;
use hsm_core::{
    BLOB,
    platform::{Fault, Storage},
};
use sha2::{Digest, Sha256};

/// The unit of programming, in bytes.
pub const PAGE: u32 = 256;

/// A slot, in bytes: a block that flash chips erase at once.
pub const SLOT: u32 = 32 * 1024;

/// The store in a flash whose size is a number of slots, from 8 to 32.
pub struct Ring<F> {
    flash: F,
    slots: u32,
    newest: Option<Whole>,
    /// Which slots this power-up has erased, a bit each.
    erased: u32,
}

/// A slot that holds a whole blob.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Whole {
    slot: u32,
    number: u32,
    len: u32,
    hash: Hash,
}

type Hash = [u8; 32];

impl<F: NorFlash> Ring<F> {
    /// Finds the newest blob, and completes a write that a power cut interrupted.
    pub fn power_up(flash: F) -> Result<Self, Fault> {
        let capacity = u32::try_from(flash.capacity()).map_err(|_too_large| Fault)?;
        let slots = capacity.checked_div(SLOT).unwrap_or(0);
        let is_usable = (LEAST_SLOTS..=u32::BITS).contains(&slots)
            && F::READ_SIZE == 1
            && SLOT.is_multiple_of(as_u32(F::ERASE_SIZE))
            && PAGE.is_multiple_of(as_u32(F::WRITE_SIZE));
        if !is_usable {
            return Err(Fault);
        }
        let mut ring = Self {
            flash,
            slots,
            newest: None,
            erased: 0,
        };
        let mut wholes = 0;
        for slot in 0..slots {
            if let Some(whole) = ring.check(slot)? {
                wholes |= bit(slot);
                ring.newest = ring
                    .newest
                    .into_iter()
                    .chain([whole])
                    .max_by_key(|w| w.number);
            }
        }
        ring.complete(wholes)?;
        Ok(ring)
    }

    /// Returns the flash.
    pub fn into_flash(self) -> F {
        self.flash
    }

    /// Makes the newest slot the only one that is not blank. Those in `wholes` hold whole blobs, a bit each.
    fn complete(&mut self, wholes: u32) -> Result<(), Fault> {
        let mut used = 0;
        for slot in 0..self.slots {
            if !self.is_blank(slot)? {
                used |= bit(slot);
            }
        }
        if let Some(newest) = self.newest {
            if used == bit(newest.slot) {
                return Ok(());
            }
            self.copy(newest, wholes)?;
        }
        let newest = self.newest.map_or(0, |whole| bit(whole.slot));
        for slot in (0..self.slots).filter(|slot| used & bit(*slot) & !newest != 0) {
            self.erase(slot)?;
        }
        Ok(())
    }

    /// Copies a blob to a slot that holds no whole one.
    fn copy(&mut self, from: Whole, wholes: u32) -> Result<(), Fault> {
        let slot = (0..self.slots).find(|slot| wholes & bit(*slot) == 0);
        let to = Whole {
            slot: slot.ok_or(Fault)?,
            // More than that of a write which was cut short and does not count now.
            number: from.number.checked_add(2).ok_or(Fault)?,
            ..from
        };
        self.prepare(to.slot)?;
        let mut page = [0; PAGE_BYTES];
        let places = pages(start(from.slot), from.len).zip(pages(start(to.slot), to.len));
        for ((from, len), (to, _)) in places {
            let part = page.get_mut(..len).ok_or(Fault)?;
            self.read(from, part)?;
            self.program(to, part)?;
        }
        self.finish(to)
    }

    fn write(&mut self, blob: &[u8]) -> Result<(), Fault> {
        let left = self.newest;
        let number = left.map_or(0, |whole| whole.number);
        let whole = Whole {
            slot: left.map_or(0, |whole| next(whole.slot, self.slots)),
            number: number.checked_add(1).ok_or(Fault)?,
            len: as_u32(blob.len()),
            hash: Sha256::digest(blob).into(),
        };
        if whole.len > BODY {
            return Err(Fault);
        }
        self.prepare(whole.slot)?;
        for (part, (at, _)) in blob
            .chunks(PAGE_BYTES)
            .zip(pages(start(whole.slot), whole.len))
        {
            self.program(at, part)?;
        }
        self.finish(whole)?;
        left.map_or(Ok(()), |left| self.erase(left.slot))
    }

    /// Erases a slot unless this power-up has done so, and remembers that it is in use now.
    fn prepare(&mut self, slot: u32) -> Result<(), Fault> {
        if self.erased & bit(slot) == 0 {
            self.erase(slot)?;
        }
        self.erased &= !bit(slot);
        Ok(())
    }

    /// Programs the head of a slot whose blob is programmed, and checks both.
    fn finish(&mut self, whole: Whole) -> Result<(), Fault> {
        self.program(head_of(whole.slot), &head(&whole))?;
        if self.check(whole.slot)? != Some(whole) {
            return Err(Fault);
        }
        self.newest = Some(whole);
        Ok(())
    }

    /// Returns what is in a slot, if that is whole.
    fn check(&mut self, slot: u32) -> Result<Option<Whole>, Fault> {
        let mut bytes = [0; HEAD];
        self.read(head_of(slot), &mut bytes)?;
        let Some(whole) = parse(slot, &bytes) else {
            return Ok(None);
        };
        let mut hash = Sha256::new();
        let mut page = [0; PAGE_BYTES];
        for (at, len) in pages(start(slot), whole.len) {
            let part = page.get_mut(..len).ok_or(Fault)?;
            self.read(at, part)?;
            hash.update(part);
        }
        let is_whole = hash.finalize().as_slice() == whole.hash;
        Ok(is_whole.then_some(whole))
    }

    fn is_blank(&mut self, slot: u32) -> Result<bool, Fault> {
        let mut page = [0; PAGE_BYTES];
        for (at, _) in pages(start(slot), SLOT) {
            self.read(at, &mut page)?;
            if page != BLANK {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn read(&mut self, at: u32, into: &mut [u8]) -> Result<(), Fault> {
        self.flash.read(at, into).map_err(|_error| Fault)
    }

    fn erase(&mut self, slot: u32) -> Result<(), Fault> {
        let Range { start, end } = range(slot);
        self.flash.erase(start, end).map_err(|_error| Fault)?;
        self.erased |= bit(slot);
        Ok(())
    }

    fn program(&mut self, at: u32, part: &[u8]) -> Result<(), Fault> {
        let mut page = BLANK;
        page.get_mut(..part.len())
            .ok_or(Fault)?
            .copy_from_slice(part);
        self.flash.write(at, &page).map_err(|_error| Fault)
    }
}

impl<F: NorFlash> Storage for Ring<F> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault> {
        let Some(whole) = self.newest else {
            return Ok(0);
        };
        let len = usize::try_from(whole.len).map_err(|_too_large| Fault)?;
        let into = into.get_mut(..len).ok_or(Fault)?;
        Self::read(self, start(whole.slot), into)?;
        Ok(len)
    }

    fn replace(&mut self, blob: &[u8]) -> Result<(), Fault> {
        self.write(blob)
    }
}

/// Returns the bytes of a head.
fn head(whole: &Whole) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    let fields: [&[u8]; 4] = [
        &MARK,
        &whole.number.to_le_bytes(),
        &whole.len.to_le_bytes(),
        &whole.hash,
    ];
    let hash = fields.iter().fold(Sha256::new(), Sha256::chain_update);
    let check: Hash = hash.finalize().into();
    let bytes = fields.into_iter().flatten().chain(&check);
    for (to, from) in head.iter_mut().zip(bytes) {
        *to = *from;
    }
    head
}

/// Reads a head; `None` if it is not whole.
fn parse(slot: u32, bytes: &[u8; HEAD]) -> Option<Whole> {
    let (_mark, rest) = bytes.split_first_chunk::<4>()?;
    let (number, rest) = rest.split_first_chunk::<4>()?;
    let (len, rest) = rest.split_first_chunk::<4>()?;
    let whole = Whole {
        slot,
        number: u32::from_le_bytes(*number),
        len: u32::from_le_bytes(*len),
        hash: *rest.first_chunk()?,
    };
    (whole.len <= BODY && head(&whole) == *bytes).then_some(whole)
}

/// Returns the places and lengths of the pages from `start` that hold `len` bytes.
fn pages(start: u32, len: u32) -> impl Iterator<Item = (u32, usize)> {
    let full = (0..len).step_by(PAGE_BYTES);
    full.map(move |done| {
        let left = len.saturating_sub(done).min(PAGE);
        let at = start.saturating_add(done);
        (at, usize::try_from(left).unwrap_or(PAGE_BYTES))
    })
}

const fn next(slot: u32, slots: u32) -> u32 {
    let next = slot.saturating_add(1);
    if next < slots { next } else { 0 }
}

const fn start(slot: u32) -> u32 {
    slot.saturating_mul(SLOT)
}

const fn range(slot: u32) -> Range<u32> {
    start(slot)..start(slot).saturating_add(SLOT)
}

const fn head_of(slot: u32) -> u32 {
    start(slot).saturating_add(BODY)
}

const fn bit(slot: u32) -> u32 {
    1_u32.rotate_left(slot)
}

/// Lengths here are those of blobs and units of a flash.
fn as_u32(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

/// Each power cut in the head of a copy may leave one more slot that cannot be used for the next copy.
const LEAST_SLOTS: u32 = 8;

/// How much of a slot is for the blob.
const BODY: u32 = SLOT - PAGE;
const _: () = assert!(BLOB <= 127 * PAGE_BYTES, "the blob outgrew its slot");

const PAGE_BYTES: usize = 256;
const BLANK: [u8; PAGE_BYTES] = [0xFF; PAGE_BYTES];

/// What of the head's page is in use.
const HEAD: usize = 4 + 4 + 4 + 32 + 32;
const MARK: [u8; 4] = *b"KWr1";
