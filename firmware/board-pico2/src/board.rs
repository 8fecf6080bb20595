//! The board's parts.

use crate::{flash::Flash, otp::Otp, trng::Trng};
use hsm_core::{
    crypto::{
        drbg::{Entropy, HmacDrbg},
        health::HealthTested,
        rust_crypto::RustCrypto,
    },
    platform::{Board, Fault, Platform},
};
use hsm_flash::{Counter, Keys, Ring, Secret, keys};
use hsm_protocol::Serial;

/// A Raspberry Pi Pico 2.
pub(crate) enum Pico {}

impl Board for Pico {
    type Crypto = RustCrypto;
    type Storage = Ring<Flash>;
    type Rng = HmacDrbg<HealthTested<Trng>>;
    type Secret = Secret;
    type StoreKeys = Keys<Otp>;
    type Counter = Counter<Otp>;
}

/// Returns the board's parts. A chip without secrets gets them, for ever, if a person asks for that; otherwise it is a
/// fault.
pub(crate) fn platform(trng: Trng, flash: Flash, is_asked: bool) -> Result<Platform<Pico>, Fault> {
    let mut entropy = HealthTested::new(trng);
    if is_asked && Secret::read(&mut Otp).is_err() {
        keys::burn(&mut Otp, || {
            let mut word = [0; 2];
            entropy.fill(&mut word).map_err(|_broken| Fault)?;
            Ok(u16::from_le_bytes(word))
        })?;
    }
    let serial = serial()?;
    Ok(Platform {
        serial,
        pin_cost: PIN_COST,
        storage: Ring::power_up(flash)?,
        rng: HmacDrbg::new(entropy, serial),
        secret: Secret::read(&mut Otp)?,
        store_keys: Keys::read(Otp)?,
        counter: Counter::new(Otp),
    })
}

/// Returns the chip's number in hexadecimal digits.
fn serial() -> Result<Serial, Fault> {
    let mut text = [0; 16];
    let words = Otp::chip_number()?;
    let nibbles = words
        .iter()
        .flat_map(|word| [12, 8, 4, 0].map(|by| word >> by & 0xF));
    for (to, nibble) in text.iter_mut().zip(nibbles) {
        let digit = char::from_digit(nibble.into(), 16).ok_or(Fault)?;
        *to = u8::try_from(digit.to_ascii_uppercase()).map_err(|_never| Fault)?;
    }
    Serial::parse(&text).map_err(|_malformed| Fault)
}

/// Half a second for each PIN, by an estimate.
const PIN_COST: u32 = 10_000;
