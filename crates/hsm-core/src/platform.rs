//! What a board supplies. Everything that the core needs from outside comes through these traits or the four doors.

use crate::crypto::{Provider, Rng};
use hsm_protocol::Serial;

/// The board failed: flash, generator or fuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault;

/// Non-volatile memory for one blob.
pub trait Storage {
    /// Reads the blob into the front of `into`. Returns its length in bytes, 0 if none was ever written.
    fn read(&mut self, into: &mut [u8]) -> Result<usize, Fault>;
    /// Replaces the blob atomically: after a power cut at any byte it is the old one or the new one.
    fn replace(&mut self, blob: &[u8]) -> Result<(), Fault>;
}

/// A secret that never leaves the chip and differs from module to module.
pub trait ModuleSecret {
    /// Returns the secret.
    fn expose(&self) -> &[u8; 32];
}

/// A counter in hardware that only rises.
pub trait Monotonic {
    /// Returns its value.
    fn value(&mut self) -> Result<u64, Fault>;
    /// Raises it by one, permanently.
    fn advance(&mut self) -> Result<(), Fault>;
}

/// The types of a board's parts.
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

/// The parts of a board.
#[allow(missing_debug_implementations, reason = "holds the module secret")]
pub struct Platform<B: Board> {
    /// The module's serial number, fixed when the board was made.
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
