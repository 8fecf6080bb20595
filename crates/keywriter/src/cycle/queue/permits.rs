//! How many Offers may wait for the master: enough that it never waits, few enough that none grows too old.

use hsm_protocol::limits;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Permits to make Offers, shared by the workers of a cycle.
#[derive(Clone)]
pub(in crate::cycle) struct Permits(Arc<(Mutex<usize>, Condvar)>);

/// A permit to make one Offer, given back on drop.
pub(in crate::cycle) struct Permit(Permits);

impl Permits {
    pub(in crate::cycle) fn new() -> Self {
        Self(Arc::new((Mutex::new(limits::RUNS), Condvar::new())))
    }

    /// Waits for a permit.
    pub(in crate::cycle) fn acquire(&self) -> Permit {
        let (left, changed) = &*self.0;
        let left = left.lock().unwrap_or_else(PoisonError::into_inner);
        let mut left = changed
            .wait_while(left, |left| *left == 0)
            .unwrap_or_else(PoisonError::into_inner);
        *left -= 1;
        Permit(self.clone())
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let (left, changed) = &*self.0.0;
        *left.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        changed.notify_one();
    }
}
