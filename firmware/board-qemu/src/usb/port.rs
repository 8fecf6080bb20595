//! The machine's first serial port (CMSDK UART), whose bytes stand for the interrupts of a USB controller.

#![allow(unsafe_code, reason = "registers of the port, and its interrupt")]

use cortex_m::{interrupt::InterruptNumber, peripheral::NVIC};

/// Skips what stood for messages before a reset: waits for the byte with which the test starts anew.
pub(crate) fn synchronize() {
    write(BAUD_RATE, 16);
    write(CONTROL, RECEIVES);
    while read(STATE) & FULL == 0 || read(DATA) & 0xFF != START {}
}

/// Lets it interrupt. What came before is taken now.
pub(crate) fn start() {
    write(CONTROL, RECEIVES | INTERRUPTS);
    receive();
    // SAFETY: the handler takes what it shares with the main loop within critical sections only.
    unsafe { NVIC::unmask(Received) }
}

#[cortex_m_rt::exception]
unsafe fn DefaultHandler(_: i16) {
    write(INTERRUPT, RECEIVED);
    receive();
}

fn receive() {
    while read(STATE) & FULL != 0 {
        read(DATA);
        crate::on_message();
    }
}

fn read(register: usize) -> u32 {
    let place = core::ptr::with_exposed_provenance::<u32>(PORT.wrapping_add(register));
    // SAFETY: a register of the port.
    unsafe { place.read_volatile() }
}

fn write(register: usize, value: u32) {
    let place = core::ptr::with_exposed_provenance_mut::<u32>(PORT.wrapping_add(register));
    // SAFETY: a register of the port.
    unsafe { place.write_volatile(value) }
}

#[derive(Clone, Copy)]
struct Received;

// SAFETY: it is the interrupt of the port's receiver on this machine, and always the same number.
unsafe impl InterruptNumber for Received {
    fn number(self) -> u16 {
        32
    }
}

/// The port's secure alias, and its registers.
const PORT: usize = 0x5020_0000;
const DATA: usize = 0x00;
const STATE: usize = 0x04;
const CONTROL: usize = 0x08;
const INTERRUPT: usize = 0x0C;
const BAUD_RATE: usize = 0x10;

/// Bits of the registers.
const FULL: u32 = 2;
const RECEIVES: u32 = 2;
const INTERRUPTS: u32 = 8;
const RECEIVED: u32 = 2;

/// The byte after which each one stands for a message.
const START: u32 = 0xFF;
