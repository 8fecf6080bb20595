//! The modules' time: real, or advanced by requests.

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
    /// Advances only by holds and by requests to wait.
    Manual(AtomicU64),
}

impl Clock {
    /// Creates a clock of real time.
    pub fn real() -> Self {
        Self::Real(Instant::now())
    }

    /// Creates a manual clock.
    pub const fn manual() -> Self {
        Self::Manual(AtomicU64::new(0))
    }

    /// Returns the modules' time.
    pub fn now(&self) -> Millis {
        Millis(match self {
            Self::Real(start) => u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
            Self::Manual(now) => now.load(Ordering::SeqCst),
        })
    }

    /// Lets `milliseconds` pass in small steps, so that no time-out is missed; calls `tick` after each.
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

/// The time between two ticks, in milliseconds.
pub const STEP: u64 = 50;
