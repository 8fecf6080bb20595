//! Ciphering of data units (PROTOCOL § 2.7). Neither mode authenticates: the file format does.

use crate::{
    crypto::{Direction, Provider},
    vault::csp::{
        contents::Csps,
        epoch_keys::{EcbKey, XtsKey},
    },
};
use hsm_protocol::{Status, command::DataUnits, settings::EncryptionMode, writer::Writer};

/// Ciphers consecutive units with the key of their epoch, in the module's mode. Only the current epoch enciphers.
pub(crate) fn run<C: Provider>(
    csps: &Csps,
    direction: Direction,
    units: &DataUnits<'_>,
    out: &mut Writer<'_>,
) -> Result<(), Status> {
    let epoch = csps.keyring.epoch(units.epoch).ok_or(Status::NotFound)?;
    let is_current = csps.keyring.current().name == units.epoch;
    if direction == Direction::Encipher && !is_current {
        return Err(Status::NotFound);
    }
    let buffer = out
        .reserve(units.data.len())
        .map_err(|_full| Status::TooLarge)?;
    buffer.copy_from_slice(units.data);
    match csps.settings.mode {
        EncryptionMode::Xts => XtsKey::with::<C, _>(&epoch.key, |key| {
            buffer
                .chunks_mut(usize::from(units.unit_size))
                .zip(units.first..)
                .try_for_each(|(unit, number)| {
                    C::xts(key.expose(), u128::from(number), direction, unit)
                })
        }),
        EncryptionMode::Ecb => {
            EcbKey::with::<C, _>(&epoch.key, |key| C::ecb(key.expose(), direction, buffer))
        }
    }
    .map_err(|_error| Status::MemoryFailure)?
    .map_err(|_error| Status::Malformed)
}
