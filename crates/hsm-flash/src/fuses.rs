//! Rows of fuses: what a board supplies, and which row is for what.

use core::ops::Range;
use hsm_core::platform::Fault;

/// One-time programmable rows of 24 fuses. A fuse is burnt once and for all.
pub trait Fuses {
    /// Reads a row; a burnt fuse reads as one.
    fn read(&mut self, row: u16) -> Result<u32, Fault>;
    /// Burns fuses of a row: all ones of `bits`, also those that read as burnt.
    fn burn(&mut self, row: u16, bits: u32) -> Result<(), Fault>;
}

/// All fuses of a row.
pub const FULL: u32 = 0xFF_FFFF;

/// How many fuses a row has.
pub const FUSES: u16 = 24;

/// The rows of the chip's secret: a page of its own.
pub const SECRET: Range<u16> = 0x0C0..0x100;

/// The rows of the store keys, and of a spare one.
pub const KEYS: Range<u16> = 0x100..0x3D6;

/// The rows of the counter.
pub const COUNTER: Range<u16> = 0x400..0xF40;
