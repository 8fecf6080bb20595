//! What a board supplies. Everything the core needs from the world comes in here or through the four doors.

use crate::crypto::{Provider, Rng};
use hsm_protocol::Serial;

/// The board failed: flash, generator or fuse. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault;

/// Non-volatile memory for one blob.
pub trait Storage {
    /// Reads the blob into the front of `into`; its length in bytes, 0 if none was ever written.
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault>;
    /// Replaces the blob atomically: after a power cut at any byte it is the old one or the new one.
    fn replace(&mut self, blob: &[u8]) -> Result<(), Fault>;
}

/// A secret that never leaves the chip and differs from module to module.
pub trait ModuleSecret {
    /// The secret.
    fn expose(&self) -> &[u8; 32];
}

/// A counter in hardware that only rises.
pub trait Monotonic {
    /// Its value.
    fn value(&mut self) -> Result<u64, Fault>;
    /// Raises it by one, durably.
    fn advance(&mut self) -> Result<(), Fault>;
}

/// Names the parts of a board.
pub trait Board {
    /// Cryptographic primitives.
    type Crypto: Provider;
    /// Non-volatile memory.
    type Storage: Storage;
    /// Random bytes: an SP 800-90A generator, such as [`crate::crypto::drbg::HmacDrbg`].
    type Rng: Rng;
    /// The chip's own secret.
    type Secret: ModuleSecret;
    /// The rollback counter.
    type Counter: Monotonic;
}

/// The parts of a board, put together.
#[allow(missing_debug_implementations, reason = "holds the module secret")]
pub struct Platform<B: Board> {
    /// Fixed when the board was made.
    pub serial: Serial,
    /// PBKDF2 iterations for PINs set on this module; chosen for its processor, at least [`crate::pin::MIN_COST`].
    pub pin_cost: u32,
    /// Non-volatile memory.
    pub storage: B::Storage,
    /// Random bytes.
    pub rng: B::Rng,
    /// The chip's own secret.
    pub secret: B::Secret,
    /// The rollback counter.
    pub counter: B::Counter,
}
