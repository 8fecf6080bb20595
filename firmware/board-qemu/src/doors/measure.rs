//! Counts instructions, and finds how deep the stack was.

#![allow(
    unsafe_code,
    reason = "registers of a timer, and memory that is not in use"
)]

use cortex_m::register::msp;

/// What a measurement found.
#[derive(Clone, Copy)]
pub(crate) struct Reading {
    /// With QEMU's option `-icount shift=0`, an instruction takes a nanosecond; to the next 50.
    pub(crate) instructions: u64,
    /// In bytes, from the stack's beginning.
    pub(crate) stack: u32,
}

/// A measurement.
pub(crate) struct Meter(u32);

impl Meter {
    /// Paints the free stack, and starts the timer.
    pub(crate) fn start() -> Self {
        let top = msp::read();
        let mut place = bottom();
        while place < top.saturating_sub(MARGIN) {
            poke(place, PAINT);
            place = place.saturating_add(4);
        }
        poke(TIMER_RELOAD, u32::MAX);
        poke(TIMER_VALUE, u32::MAX);
        poke(TIMER_CONTROL, 1);
        Self(peek(TIMER_VALUE))
    }

    /// Reads the timer, and looks for the paint.
    pub(crate) fn stop(self) -> Reading {
        let ticks = self.0.saturating_sub(peek(TIMER_VALUE));
        let mut place = bottom();
        let top = peek(VECTORS);
        while place < top && peek(place) == PAINT {
            place = place.saturating_add(4);
        }
        Reading {
            instructions: u64::from(ticks).saturating_mul(INSTRUCTIONS),
            stack: top.saturating_sub(place),
        }
    }
}

/// Where the stack would meet the last variable.
fn bottom() -> u32 {
    u32::try_from(cortex_m_rt::heap_start().addr()).unwrap_or(u32::MAX)
}

#[allow(
    unsafe_code,
    reason = "registers of a timer, and memory that is not in use"
)]
fn poke(place: u32, value: u32) {
    let place = core::ptr::with_exposed_provenance_mut::<u32>(as_usize(place));
    // SAFETY: a register of the timer, or an aligned word between the last variable and the stack, which nothing uses.
    unsafe { place.write_volatile(value) }
}

#[allow(
    unsafe_code,
    reason = "registers of a timer, and memory that is not in use"
)]
fn peek(place: u32) -> u32 {
    let place = core::ptr::with_exposed_provenance::<u32>(as_usize(place));
    // SAFETY: a register of the timer, the vector table, or an aligned word that was painted or is the stack's.
    unsafe { place.read_volatile() }
}

fn as_usize(place: u32) -> usize {
    usize::try_from(place).unwrap_or(0)
}

/// What the stack's pointer may be below the one that was read, for this function's own calls.
const MARGIN: u32 = 256;
const PAINT: u32 = 0xC0DE_5AFE;

/// The first word of the vector table is where the stack begins.
const VECTORS: u32 = 0x1000_0000;

/// Timer 0 of the machine (CMSDK), at 20 MHz.
const TIMER_CONTROL: u32 = 0x5000_0000;
const TIMER_VALUE: u32 = 0x5000_0004;
const TIMER_RELOAD: u32 = 0x5000_0008;
const INSTRUCTIONS: u64 = 50;
