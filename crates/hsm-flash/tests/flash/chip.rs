//! Chips whose power fails: NOR flash, erased in sectors and programmed in pages, and rows of fuses. What a cut
//! interrupts is *weak*: it reads either way, from now on, until it is erased or programmed as it should be.

use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use hsm_core::platform::Fault;
use hsm_flash::{
    Fuses,
    fuses::FULL,
    ring::{PAGE, SLOT},
};
use std::{
    cell::{Ref, RefCell, RefMut},
    rc::Rc,
};

/// A flash and rows of fuses, with one power supply.
#[derive(Clone)]
pub(crate) struct Chip(Rc<RefCell<Cells>>);

#[derive(Clone)]
pub(crate) struct Cells {
    flash: Vec<Cell>,
    /// Erasures of each sector.
    pub(crate) erased: Vec<u32>,
    fuses: Vec<u32>,
    weak_fuses: Vec<u32>,
    /// Sectors, pages and rows that were changed so far.
    pub(crate) steps: u32,
    /// At which step the power fails, and how much of that is still done: of 256.
    pub(crate) cut: Option<(u32, u8)>,
    pub(crate) is_dead: bool,
    pub(crate) weak: Weak,
    noise: u64,
    /// A byte whose bits cannot be programmed any more.
    pub(crate) worn: Option<u32>,
    /// A row whose fuses cannot be burnt any more.
    pub(crate) stuck: Option<u16>,
}

#[derive(Clone, Copy)]
struct Cell {
    value: u8,
    weak: u8,
}

/// How weak cells read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Weak {
    Zeros,
    Ones,
    Either,
}

pub(crate) const SECTOR: u32 = 4096;

/// How much of an interrupted step is done: of a head, all but its last byte, too.
pub(crate) const PARTS: [u8; 5] = [0, 1, 75, 100, 255];

impl Chip {
    pub(crate) fn new(slots: u32) -> Self {
        let bytes = usize::try_from(slots * SLOT).unwrap();
        Self(Rc::new(RefCell::new(Cells {
            flash: vec![
                Cell {
                    value: 0xFF,
                    weak: 0
                };
                bytes
            ],
            erased: vec![0; bytes / usize::try_from(SECTOR).unwrap()],
            fuses: vec![0; 4096],
            weak_fuses: vec![0; 4096],
            steps: 0,
            cut: None,
            is_dead: false,
            weak: Weak::Either,
            noise: 0x9E37_79B9_7F4A_7C15,
            worn: None,
            stuck: None,
        })))
    }

    /// Another chip that is in the same state.
    pub(crate) fn copy(&self) -> Self {
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    pub(crate) fn cells(&self) -> RefMut<'_, Cells> {
        self.0.borrow_mut()
    }

    pub(crate) fn look(&self) -> Ref<'_, Cells> {
        self.0.borrow()
    }

    /// Lets the power fail at a step from here.
    pub(crate) fn cut(&self, step: u32, part: u8) {
        let mut cells = self.cells();
        cells.cut = Some((cells.steps + step, part));
    }

    /// Gives the power back. Weak cells read in this way from now on.
    pub(crate) fn restore_power(&self, weak: Weak) {
        let mut cells = self.cells();
        cells.cut = None;
        cells.is_dead = false;
        cells.weak = weak;
    }

    pub(crate) fn steps(&self) -> u32 {
        self.look().steps
    }

    /// Every byte of the flash.
    pub(crate) fn dump(&self) -> Vec<u8> {
        self.look().flash.iter().map(|cell| cell.value).collect()
    }

    /// Puts an old copy of the flash back, as a thief would.
    pub(crate) fn put_back(&self, dump: &[u8]) {
        let whole = |value: &u8| Cell {
            value: *value,
            weak: 0,
        };
        self.cells().flash = dump.iter().map(whole).collect();
    }

    /// A row of fuses, as it is.
    pub(crate) fn row(&self, row: u16) -> u32 {
        self.look().fuses[usize::from(row)]
    }
}

impl Cells {
    /// Returns how much of a step is done, of 256, and fails if there is no power for it at all.
    fn step(&mut self) -> Result<u32, NorFlashErrorKind> {
        if self.is_dead {
            return Err(NorFlashErrorKind::Other);
        }
        let now = self.steps;
        self.steps += 1;
        match self.cut {
            Some((at, part)) if at == now => {
                self.is_dead = true;
                Ok(part.into())
            }
            _ => Ok(256),
        }
    }

    fn random(&mut self) -> u64 {
        self.noise ^= self.noise << 13;
        self.noise ^= self.noise >> 7;
        self.noise ^= self.noise << 17;
        self.noise
    }

    /// What weak bits read as this time.
    fn weak_bits(&mut self) -> u32 {
        match self.weak {
            Weak::Zeros => 0,
            Weak::Ones => u32::MAX,
            Weak::Either => u32::try_from(self.random() >> 32).unwrap(),
        }
    }

    fn end(&self) -> Result<(), NorFlashErrorKind> {
        if self.is_dead {
            Err(NorFlashErrorKind::Other)
        } else {
            Ok(())
        }
    }

    fn erase_sector(&mut self, sector: u32) -> Result<(), NorFlashErrorKind> {
        let part = self.step()?;
        self.erased[usize::try_from(sector).unwrap()] += 1;
        for cell in &mut self.flash[bytes(sector * SECTOR, SECTOR)] {
            *cell = match part {
                0 => *cell,
                256 => Cell {
                    value: 0xFF,
                    weak: 0,
                },
                // It may still read as it was, or as blank.
                1..128 => Cell {
                    weak: !cell.value,
                    ..*cell
                },
                _ => Cell {
                    value: 0xFF,
                    weak: 0xFF,
                },
            };
        }
        self.end()
    }

    fn program_page(&mut self, at: u32, page: &[u8]) -> Result<(), NorFlashErrorKind> {
        let part = self.step()?;
        for (number, (to, place)) in page.iter().zip(at..).enumerate() {
            let cell = &mut self.flash[usize::try_from(place).unwrap()];
            let kept = cell.value & !cell.weak;
            assert_eq!(
                kept & to,
                *to,
                "programmed where it was not erased, at {place:#X}"
            );
            if self.worn == Some(place) {
                continue;
            }
            if number < usize::try_from(part).unwrap() {
                *cell = Cell {
                    value: *to,
                    weak: 0,
                };
            } else if number == usize::try_from(part).unwrap() {
                cell.weak |= cell.value & !to;
            }
        }
        self.end()
    }
}

fn bytes(start: u32, len: u32) -> std::ops::Range<usize> {
    usize::try_from(start).unwrap()..usize::try_from(start + len).unwrap()
}

impl ErrorType for Chip {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Chip {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, into: &mut [u8]) -> Result<(), Self::Error> {
        check_read(self, offset, into.len())?;
        let mut cells = self.cells();
        cells.end()?;
        let len = u32::try_from(into.len()).unwrap();
        for (to, place) in into.iter_mut().zip(bytes(offset, len)) {
            let Cell { value, weak } = cells.flash[place];
            let [bits, ..] = cells.weak_bits().to_le_bytes();
            *to = value & !weak | bits & weak;
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        self.look().flash.len()
    }
}

impl NorFlash for Chip {
    const WRITE_SIZE: usize = 256;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        check_erase(self, from, to)?;
        let mut cells = self.cells();
        (from / SECTOR..to / SECTOR).try_for_each(|sector| cells.erase_sector(sector))
    }

    fn write(&mut self, offset: u32, data: &[u8]) -> Result<(), Self::Error> {
        check_write(self, offset, data.len())?;
        let mut cells = self.cells();
        let mut pages = (offset..).step_by(usize::try_from(PAGE).unwrap());
        data.chunks(usize::try_from(PAGE).unwrap())
            .try_for_each(|page| cells.program_page(pages.next().unwrap(), page))
    }
}

impl Fuses for Chip {
    fn read(&mut self, row: u16) -> Result<u32, Fault> {
        let mut cells = self.cells();
        cells.end().map_err(|_dead| Fault)?;
        let (value, weak) = (
            cells.fuses[usize::from(row)],
            cells.weak_fuses[usize::from(row)],
        );
        Ok(value & !weak | cells.weak_bits() & weak)
    }

    fn burn(&mut self, row: u16, bits: u32) -> Result<(), Fault> {
        assert_eq!(bits & !FULL, 0);
        let mut cells = self.cells();
        let part = cells.step().map_err(|_dead| Fault)?;
        if cells.stuck == Some(row) {
            return Ok(());
        }
        let row = usize::from(row);
        let fresh = bits & (!cells.fuses[row] | cells.weak_fuses[row]);
        match part {
            0 => {}
            256 => cells.weak_fuses[row] &= !bits,
            _ => cells.weak_fuses[row] |= fresh,
        }
        if part > 0 {
            cells.fuses[row] |= bits;
        }
        cells.end().map_err(|_dead| Fault)
    }
}
