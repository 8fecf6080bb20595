//! What both programs for the emulator share, QEMU's machine mps2-an505. Flash and fuses are in memory and the random
//! numbers are no secret: for tests only.
//!
//! | program | what is in it |
//! |---|---|
//! | `doors` | the firmware, with time and packets given by a test: instructions and the stack are measured |
//! | `usb` | the firmware in the emulator's own time, with an emulated USB controller and its interrupt |

#![no_std]

pub mod board;
pub mod chip;
pub mod files;

use cortex_m_semihosting::{debug, hprintln};

/// Ends the emulator, which says why.
pub fn fail(why: &str) -> ! {
    hprintln!("{}", why);
    debug::exit(debug::EXIT_FAILURE);
    loop {
        cortex_m::asm::wfi();
    }
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    hprintln!("{}", info);
    fail("it stops")
}
