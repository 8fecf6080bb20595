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

/// The keys that everything but the module's identity is sealed under, one after the other. They never leave the chip
/// and differ from each other and from module to module. An erasure goes on to the next key and destroys the one
/// before: what was sealed under that one can never be opened again, not even by who opens the chip.
///
/// There are as many as the chip has room for in fuses. They are numbered from 0.
pub trait StoreKeys {
    /// Returns how many there are in all, at least 2.
    fn count(&self) -> u8;
    /// Returns the number of the first one that is not destroyed. One that was destroyed in part may count either way.
    fn first(&mut self) -> Result<u8, Fault>;
    /// Returns a key that is not destroyed. Which one is asked for must not show in the time that it takes.
    fn expose(&self, number: u8) -> Result<&[u8; 32], Fault>;
    /// Destroys all keys below that number, permanently.
    ///
    /// The number is a secret at the time of the call. So the same is done if they are destroyed already: the fuses of
    /// the last of them are burnt again, and below number 0 those of a spare one.
    fn destroy_below(&mut self, number: u8) -> Result<(), Fault>;
}

/// A number in hardware that only rises, up to a last value: a row of fuses.
pub trait Monotonic {
    /// Returns its value. A fuse whose burning was cut short may read either way, now or later: so this is the value
    /// that it was raised to last, or the next one if a raise was cut short.
    fn value(&mut self) -> Result<u64, Fault>;
    /// Raises it to that value, which is what it reads, or one more. Once this returns, it never reads less: the fuse
    /// of this value is burnt even if it reads as burnt.
    fn raise_to(&mut self, value: u64) -> Result<(), Fault>;
    /// Returns the highest value that it can be raised to.
    fn last(&self) -> u64;
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
    /// The keys of the store.
    type StoreKeys: StoreKeys;
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
    /// The keys of the store.
    pub store_keys: B::StoreKeys,
    /// The rollback counter.
    pub counter: B::Counter,
}
