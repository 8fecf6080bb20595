//! Ciphering of data units (PROTOCOL § 2.7). Neither mode authenticates: that is the file format's affair.

use crate::{
    crypto::{Direction, Provider},
    vault::csp::Csps,
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
    let is_current = csps
        .keyring
        .current()
        .is_some_and(|(number, _)| number == units.epoch);
    if direction == Direction::Encipher && !is_current {
        return Err(Status::NotFound);
    }
    let buffer = out
        .reserve(units.data.len())
        .map_err(|_full| Status::TooLarge)?;
    buffer.copy_from_slice(units.data);
    let ciphered = match csps.settings.mode {
        EncryptionMode::Xts => {
            let key = epoch
                .derive_xts::<C>()
                .map_err(|_error| Status::MemoryFailure)?;
            let numbers = units.first..;
            buffer
                .chunks_mut(usize::from(units.unit_size))
                .zip(numbers)
                .try_for_each(|(unit, number)| C::xts(&key, u128::from(number), direction, unit))
        }
        EncryptionMode::Ecb => {
            let key = epoch
                .derive_ecb::<C>()
                .map_err(|_error| Status::MemoryFailure)?;
            C::ecb(&key, direction, buffer)
        }
    };
    ciphered.map_err(|_error| Status::Malformed)
}
