//! How many writes of the store a host may cause: flash and counter wear out, and a host may be hostile.

use hsm_protocol::limits;

/// What is left of the writes that one unlock allows. It ends with the session.
pub(crate) struct HostWrites {
    left: u16,
}

/// Permission for one write, which is counted already.
pub(crate) struct Spent(());

/// The host caused as many writes as one unlock allows.
pub(crate) struct NoneLeft;

impl Default for HostWrites {
    fn default() -> Self {
        Self {
            left: limits::HOST_WRITES,
        }
    }
}

impl HostWrites {
    /// Counts a write, before it is made.
    pub(crate) fn spend(&mut self) -> Result<Spent, NoneLeft> {
        self.left = self.left.checked_sub(1).ok_or(NoneLeft)?;
        Ok(Spent(()))
    }
}
