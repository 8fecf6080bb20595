//! The board's parts.

use crate::chip::Chip;
use hsm_core::{
    crypto::{
        CryptoError,
        drbg::{Entropy, HmacDrbg},
        health::HealthTested,
        rust_crypto::RustCrypto,
    },
    pin::MIN_COST,
    platform::{Board, Fault, Platform},
};
use hsm_flash::{Counter, Keys, Ring, Secret, keys};
use hsm_protocol::Serial;

/// The emulated board.
pub enum Qemu {}

impl Board for Qemu {
    type Crypto = RustCrypto;
    type Storage = Ring<Chip>;
    type Rng = HmacDrbg<HealthTested<Seeded>>;
    type Secret = Secret;
    type StoreKeys = Keys<Chip>;
    type Counter = Counter<Chip>;
}

/// Returns the parts of the board whose serial number follows the seed. A chip that is new gets its keys first.
pub fn platform(seed_and_serial: &[u8]) -> Option<Result<Platform<Qemu>, Fault>> {
    let (seed, serial) = seed_and_serial.split_first()?;
    let serial = Serial::parse(serial).ok()?;
    Some(parts(Seeded(u64::from(*seed)), serial))
}

fn parts(mut seeded: Seeded, serial: Serial) -> Result<Platform<Qemu>, Fault> {
    if Secret::read(&mut Chip).is_err() {
        keys::burn(&mut Chip, || {
            let [low, high, ..] = seeded.next().to_le_bytes();
            Ok(u16::from_le_bytes([low, high]))
        })?;
    }
    Ok(Platform {
        serial,
        pin_cost: MIN_COST,
        storage: Ring::power_up(Chip)?,
        rng: HmacDrbg::new(HealthTested::new(seeded), serial),
        secret: Secret::read(&mut Chip)?,
        store_keys: Keys::read(Chip)?,
        counter: Counter::new(Chip),
    })
}

/// Numbers that look random and are not: the same for the same seed (SplitMix64).
pub struct Seeded(u64);

impl Seeded {
    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Entropy for Seeded {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CryptoError> {
        for part in out.chunks_mut(8) {
            for (to, from) in part.iter_mut().zip(self.next().to_le_bytes()) {
                *to = from;
            }
        }
        Ok(())
    }
}
