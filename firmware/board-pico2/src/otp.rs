//! The chip's fuses, row by row, without error correction: rows change one fuse at a time.

use hsm_core::platform::Fault;
use hsm_flash::{Fuses, fuses::FULL};
use rp235x_hal::{otp, rom_data};

/// The fuses.
#[derive(Clone, Copy)]
pub(crate) struct Otp;

impl Otp {
    /// Returns the chip's number, which is no secret.
    pub(crate) fn chip_number() -> Result<[u16; 4], Fault> {
        let mut number = [0; 4];
        for (row, word) in number.iter_mut().enumerate() {
            *word = otp::read_ecc_word(row).map_err(|_locked| Fault)?;
        }
        Ok(number)
    }
}

impl Fuses for Otp {
    fn read(&mut self, row: u16) -> Result<u32, Fault> {
        otp::read_raw_word(row.into()).map_err(|_locked| Fault)
    }

    #[allow(unsafe_code, reason = "the boot ROM's function")]
    fn burn(&mut self, row: u16, bits: u32) -> Result<(), Fault> {
        // The boot ROM refuses to clear a fuse: those that are burnt are asked for, too.
        let mut word = ((self.read(row)? | bits) & FULL).to_le_bytes();
        let command = u32::from(row) | WRITE;
        // SAFETY: the buffer has the four bytes of one row. The command is a raw write of that row.
        let outcome = critical_section::with(|_| unsafe {
            rom_data::otp_access(word.as_mut_ptr(), word.len(), command)
        });
        if outcome == 0 { Ok(()) } else { Err(Fault) }
    }
}

/// `IS_WRITE`, without `IS_ECC` (RP2350 data sheet § 5.4.8.21).
const WRITE: u32 = 0x1_0000;
