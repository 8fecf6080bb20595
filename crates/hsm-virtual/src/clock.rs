//! The time that modules are told: real, or moved by hand.

use hsm_core::time::Millis;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Instant,
};

/// A hub's clock.
#[derive(Debug)]
pub enum Clock {
    /// The time since the hub started.
    Real(Instant),
    /// Moves only when a request says so.
    Manual(AtomicU64),
}

impl Clock {
    /// Real time.
    pub fn real() -> Self {
        Self::Real(Instant::now())
    }

    /// Time that stands still.
    pub const fn manual() -> Self {
        Self::Manual(AtomicU64::new(0))
    }

    /// What the clock shows.
    pub fn now(&self) -> Millis {
        Millis(match self {
            Self::Real(start) => u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            Self::Manual(now) => now.load(Ordering::SeqCst),
        })
    }

    /// Lets `milliseconds` pass, in steps small enough for every time-out; `tick` is called after each.
    pub fn pass(&self, milliseconds: u64, mut tick: impl FnMut()) {
        let mut left = milliseconds;
        while left > 0 {
            let step = left.min(STEP);
            match self {
                Self::Real(_) => std::thread::sleep(std::time::Duration::from_millis(step)),
                Self::Manual(now) => {
                    now.fetch_add(step, Ordering::SeqCst);
                }
            }
            tick();
            left -= step;
        }
    }
}

/// How often modules are ticked, in milliseconds.
pub const STEP: u64 = 50;
