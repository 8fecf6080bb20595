//! Flash and fuses in memory, with the units of the real ones. They outlast a reset of the machine, at any instruction: they
//! are in memory that no variable is in, so that start-up does not clear it.

use core::cell::RefCell;
use critical_section::Mutex;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use hsm_core::platform::Fault;
use hsm_flash::Fuses;

/// The only chip.
#[derive(Clone, Copy)]
pub struct Chip;

#[repr(C)]
struct Cells {
    /// Inverted: erased memory is then zero, which is how the machine starts.
    flash: [u8; BYTES],
    fuses: [u32; ROWS],
}

/// Where the cells are: the machine's third memory (PSRAM), of 16 MB.
const CELLS: usize = 0x8000_0000;

const BYTES: usize = 256 * 1024;
const ROWS: usize = 4096;

#[allow(unsafe_code, reason = "memory that no variable is in")]
fn with<T>(act: impl FnOnce(&mut Cells) -> T) -> T {
    static IN_USE: Mutex<RefCell<()>> = Mutex::new(RefCell::new(()));
    critical_section::with(|section| {
        let _alone = IN_USE.borrow_ref_mut(section);
        let cells = core::ptr::with_exposed_provenance_mut::<Cells>(CELLS);
        // SAFETY: the memory is there, is used here only, and by one at a time; any bits are cells.
        act(unsafe { &mut *cells })
    })
}

fn place(cells: &mut Cells, offset: u32, len: usize) -> Result<&mut [u8], NorFlashErrorKind> {
    let start = usize::try_from(offset).unwrap_or(usize::MAX);
    let range = start..start.saturating_add(len);
    let place = cells.flash.get_mut(range);
    place.ok_or(NorFlashErrorKind::OutOfBounds)
}

impl ErrorType for Chip {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Chip {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        check_read(self, offset, bytes.len())?;
        with(|cells| {
            let cells = place(cells, offset, bytes.len())?;
            for (to, from) in bytes.iter_mut().zip(cells) {
                *to = !*from;
            }
            Ok(())
        })
    }

    fn capacity(&self) -> usize {
        BYTES
    }
}

impl NorFlash for Chip {
    const WRITE_SIZE: usize = 256;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        check_erase(self, from, to)?;
        let len = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        with(|cells| {
            place(cells, from, len)?.fill(0);
            Ok(())
        })
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        check_write(self, offset, bytes.len())?;
        with(|cells| {
            for (to, from) in place(cells, offset, bytes.len())?.iter_mut().zip(bytes) {
                // Programming makes zeros of ones.
                *to |= !*from;
            }
            Ok(())
        })
    }
}

impl Fuses for Chip {
    fn read(&mut self, row: u16) -> Result<u32, Fault> {
        with(|cells| cells.fuses.get(usize::from(row)).copied().ok_or(Fault))
    }

    fn burn(&mut self, row: u16, bits: u32) -> Result<(), Fault> {
        with(|cells| {
            *cells.fuses.get_mut(usize::from(row)).ok_or(Fault)? |= bits;
            Ok(())
        })
    }
}
