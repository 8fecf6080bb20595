//! A number that only rises: how many fuses are burnt, one after the other.

use crate::fuses::{COUNTER, FULL, FUSES, Fuses};
use hsm_core::platform::{Fault, Monotonic};

/// The counter.
pub struct Counter<F>(F);

impl<F: Fuses> Counter<F> {
    /// Returns the counter in these fuses.
    pub const fn new(fuses: F) -> Self {
        Self(fuses)
    }
}

impl<F: Fuses> Monotonic for Counter<F> {
    /// Reads every row. Fuses that are burnt out of turn, or a reading that someone has disturbed, are a fault: no value
    /// would be right.
    fn value(&mut self) -> Result<u64, Fault> {
        let mut value = 0;
        let mut is_over = false;
        for row in COUNTER {
            let burnt = self.0.read(row)?;
            let count = burnt.trailing_ones();
            let is_in_turn = burnt == FULL.unbounded_shr(WIDTH.saturating_sub(count));
            if !is_in_turn || is_over && count > 0 {
                return Err(Fault);
            }
            is_over = count < WIDTH;
            value = u64::from(count).saturating_add(value);
        }
        Ok(value)
    }

    fn raise_to(&mut self, value: u64) -> Result<(), Fault> {
        // A fuse that was burnt in part may read as burnt now, and not when the value was chosen.
        if value > self.last() || self.value()?.abs_diff(value) > 1 {
            return Err(Fault);
        }
        // The counter of a new module is at 0, which no fuse stands for.
        let Some(fuse) = value.checked_sub(1) else {
            return Ok(());
        };
        let (row, fuse) = place(fuse).ok_or(Fault)?;
        self.0.burn(row, 1_u32.unbounded_shl(fuse))?;
        if self.value()? >= value {
            Ok(())
        } else {
            Err(Fault)
        }
    }

    fn last(&self) -> u64 {
        let rows = COUNTER.end.saturating_sub(COUNTER.start);
        u64::from(rows).saturating_mul(u64::from(FUSES))
    }
}

/// Returns the row of a fuse, and its number there.
fn place(fuse: u64) -> Option<(u16, u32)> {
    let row = u16::try_from(fuse.checked_div(FUSES.into())?).ok()?;
    let in_row = u32::try_from(fuse.checked_rem(FUSES.into())?).ok()?;
    Some((COUNTER.start.checked_add(row)?, in_row))
}

const WIDTH: u32 = 24;
