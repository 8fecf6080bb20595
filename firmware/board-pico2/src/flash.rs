//! The flash beside the chip: its last 256 KB.
//!
//! The program runs from the same flash. While a function of the boot ROM erases or programs it, nothing else may be read
//! from there: interrupts wait.

#![allow(
    unsafe_code,
    reason = "functions of the boot ROM, and memory-mapped flash"
)]

use core::cell::UnsafeCell;
use embedded_storage::nor_flash::{
    ErrorType, NorFlash, NorFlashErrorKind, ReadNorFlash, check_erase, check_read, check_write,
};
use rp235x_hal::rom_data;

/// The part of the flash that is the store's. There is one.
pub(crate) struct Flash(());

impl Flash {
    pub(crate) fn new() -> Self {
        SETUP.copy();
        Self(())
    }
}

impl ErrorType for Flash {
    type Error = NorFlashErrorKind;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;

    fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Self::Error> {
        check_read(self, offset, bytes.len())?;
        for (byte, place) in bytes.iter_mut().zip(MAPPED + START + offset..) {
            let place = core::ptr::with_exposed_provenance::<u8>(as_usize(place));
            // SAFETY: within the flash, which is mapped there and always readable; programming changes it behind the
            // compiler's back, so the read is volatile.
            *byte = unsafe { place.read_volatile() };
        }
        Ok(())
    }

    fn capacity(&self) -> usize {
        as_usize(SIZE)
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = 256;
    const ERASE_SIZE: usize = 4096;

    fn erase(&mut self, from: u32, to: u32) -> Result<(), Self::Error> {
        check_erase(self, from, to)?;
        alone(|| {
            // SAFETY: the flash takes commands, nothing reads it meanwhile, and the range is the store's.
            unsafe {
                rom_data::flash_range_erase(START + from, as_usize(to - from), BLOCK, ERASE_BLOCK);
            }
        });
        Ok(())
    }

    fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Self::Error> {
        check_write(self, offset, bytes.len())?;
        alone(|| {
            // SAFETY: as above; the bytes are in memory, not in the flash: the ring hands over pages on its stack.
            unsafe { rom_data::flash_range_program(START + offset, bytes.as_ptr(), bytes.len()) }
        });
        Ok(())
    }
}

/// Lets the flash take commands for a moment.
fn alone(act: impl FnOnce()) {
    critical_section::with(|_| {
        // SAFETY: interrupts are off and the second core was never started. Each function of the boot ROM leaves the flash
        // readable when it returns.
        unsafe {
            rom_data::connect_internal_flash();
            rom_data::flash_exit_xip();
        }
        act();
        // SAFETY: as above.
        unsafe { rom_data::flash_flush_cache() };
        SETUP.run();
    });
}

/// The boot ROM's function that makes reading fast again. It lies in memory that must not be executed: a copy is run.
struct Setup(UnsafeCell<[u32; 64]>);

// SAFETY: written once, before interrupts and without a second core; only executed afterwards.
unsafe impl Sync for Setup {}

static SETUP: Setup = Setup(UnsafeCell::new([0; 64]));

impl Setup {
    fn copy(&self) {
        let from = core::ptr::with_exposed_provenance::<[u32; 64]>(as_usize(BOOT_RAM));
        // SAFETY: the boot ROM leaves the function there (RP2350 data sheet § 5.4.3). Nothing else refers to the copy yet.
        unsafe { self.0.get().write(from.read_volatile()) };
    }

    fn run(&self) {
        let thumb = self.0.get().addr() | 1;
        // SAFETY: a function without arguments that is independent of its place, in Thumb code.
        let setup = unsafe { core::mem::transmute::<usize, extern "C" fn()>(thumb) };
        setup();
    }
}

fn as_usize(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Where the store begins in the flash of a Pico 2, 4 MB, and its size.
const START: u32 = 0x40_0000 - SIZE;
const SIZE: u32 = 256 * 1024;

/// Where the flash is read.
const MAPPED: u32 = 0x1000_0000;

const BOOT_RAM: u32 = 0x400E_0000;

/// A block of 32 KB, and the command that erases one.
const BLOCK: u32 = 32 * 1024;
const ERASE_BLOCK: u8 = 0x52;
