//! A stream's data units, through a module. Nothing is padded and nothing is authenticated: see [`share`](crate::share)
//! for encrypted files.

use crate::{
    module::{Command, ConnectedModule, ModuleError},
    pipeline::{Source, carry, fill, read_error},
};
use hsm_protocol::{
    EpochName,
    command::{DataUnits, ins},
    limits,
    writer::Writer,
};
use std::io::{self, Write};

/// Which way data units go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Plaintext in.
    Encipher,
    /// Ciphertext in.
    Decipher,
}

/// How a stream is cut into data units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Units {
    /// A unit's size, in bytes: a multiple of 16, not 0.
    pub size: u16,
    /// The number of the first unit.
    pub first: u64,
    /// The epoch whose key is used.
    pub epoch: EpochName,
}

/// Why a stream was not enciphered or deciphered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CipherError {
    /// The unit size is not allowed.
    #[error("a unit size of {0} bytes is not a multiple of 16 up to 61440")]
    UnitSize(u16),
    /// The input is empty.
    #[error("the input is empty")]
    Empty,
    /// The last block is not whole.
    #[error("the input's length is not a multiple of 16 bytes")]
    NotWhole,
    /// The module refused or failed.
    #[error(transparent)]
    Module(#[from] ModuleError),
    /// The input failed.
    #[error("cannot read the input")]
    Read(#[source] io::Error),
    /// The output failed.
    #[error("cannot write the output")]
    Write(#[source] io::Error),
    /// Unit numbers have 64 bits.
    #[error("the unit numbers exceed 64 bits")]
    Numbers,
}

/// Ciphers `input` into `output`. Returns how many bytes that were.
pub fn stream(
    module: &mut ConnectedModule,
    direction: Direction,
    units: Units,
    input: &mut dyn Source,
    output: &mut dyn Write,
) -> Result<u64, CipherError> {
    let unit = usize::from(units.size);
    if unit == 0 || unit % BLOCK != 0 || unit > limits::CIPHER_DATA {
        return Err(CipherError::UnitSize(units.size));
    }
    let p1 = match direction {
        Direction::Encipher => 0,
        Direction::Decipher => 1,
    };
    let per_command = limits::CIPHER_DATA / unit;
    let location = module.location().clone();
    let malformed = || CipherError::from(ModuleError::malformed(&location));
    let mut next = units.first;
    let mut total = 0;
    carry(
        module,
        Command::new(ins::CIPHER, p1, DataUnits::HEADER + per_command * unit),
        input,
        |input, data| {
            let (fields, room) = data
                .split_at_mut_checked(DataUnits::HEADER)
                .ok_or_else(malformed)?;
            let len = fill(input, room).map_err(|error| read_error(error, CipherError::Read))?;
            if len % BLOCK != 0 {
                return Err(CipherError::NotWhole);
            }
            if len == 0 {
                return Ok(None);
            }
            // A module wants the number after the last one to exist, too.
            let first = next;
            let count = u64::try_from(len.div_ceil(unit)).unwrap_or(u64::MAX);
            next = first.checked_add(count).ok_or(CipherError::Numbers)?;
            let header = DataUnits {
                epoch: units.epoch,
                unit_size: units.size,
                first,
                data: &[],
            };
            header
                .write(&mut Writer::new(fields))
                .map_err(|_full| malformed())?;
            Ok(Some((DataUnits::HEADER + len, len)))
        },
        |len, ciphered| {
            if ciphered.len() != len {
                return Err(malformed());
            }
            total += u64::try_from(len).unwrap_or(0);
            output.write_all(ciphered).map_err(CipherError::Write)
        },
    )?;
    if total == 0 {
        return Err(CipherError::Empty);
    }
    Ok(total)
}

const BLOCK: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{discovery::Connector, test_hub::world::World, transport::Location};

    /// In the module's epoch.
    const UNITS: Units = Units {
        size: 4096,
        first: 0,
        epoch: EpochName {
            number: 1,
            check: [0; 8],
        },
    };

    fn encipher(units: Units, input: &[u8]) -> Result<Vec<u8>, CipherError> {
        cipher(&World::new(&[]), Direction::Encipher, units, input)
    }

    fn cipher(
        world: &World,
        direction: Direction,
        units: Units,
        input: &[u8],
    ) -> Result<Vec<u8>, CipherError> {
        let line = world.open(&Location::Socket("/run/M.sock".into())).unwrap();
        let mut module = ConnectedModule::new(line);
        let epoch = module.status().unwrap().epoch;
        let mut output = Vec::new();
        let total = stream(
            &mut module,
            direction,
            Units { epoch, ..units },
            &mut &*input,
            &mut output,
        )?;
        assert_eq!(usize::try_from(total).unwrap(), output.len());
        Ok(output)
    }

    #[test]
    fn a_stream_of_any_number_of_commands_comes_out_whole() {
        for len in [
            16,
            4096,
            limits::CIPHER_DATA,
            limits::CIPHER_DATA + 16,
            3 * limits::CIPHER_DATA,
        ] {
            let input: Vec<u8> = (0..=250).cycle().take(len).collect();
            let world = World::new(&[]);
            let output = cipher(&world, Direction::Encipher, UNITS, &input).unwrap();
            assert!(output != input && output.len() == len);
            // Each unit by itself is enciphered as it is in the stream.
            let units = input.chunks(4096).zip(output.chunks(4096));
            for (first, (unit, enciphered)) in (0..).zip(units) {
                let alone = Units { first, ..UNITS };
                let deciphered = cipher(&world, Direction::Decipher, alone, enciphered).unwrap();
                assert!(deciphered == unit, "unit {first} of {len} bytes");
            }
        }
    }

    #[test]
    fn nothing_is_padded() {
        for len in [0, 15, 17, limits::CIPHER_DATA + 1] {
            let error = encipher(UNITS, &vec![0; len]).unwrap_err();
            let expected = matches!(error, CipherError::Empty | CipherError::NotWhole);
            assert!(expected, "{len}: {error}");
        }
    }

    #[test]
    fn unit_sizes_are_whole_blocks() {
        for size in [0, 15, 17, 61_456] {
            let error = encipher(Units { size, ..UNITS }, &[0; 32]).unwrap_err();
            assert!(matches!(error, CipherError::UnitSize(_)), "{size}");
        }
        assert!(
            encipher(
                Units {
                    size: 61_440,
                    ..UNITS
                },
                &[0; 32]
            )
            .is_ok()
        );
    }

    #[test]
    fn unit_numbers_do_not_wrap() {
        let last = Units {
            first: u64::MAX - 15,
            ..UNITS
        };
        assert!(encipher(last, &vec![0; limits::CIPHER_DATA]).is_ok());
        for first in [last.first + 1, last.first] {
            let units = Units { first, ..UNITS };
            let input = vec![0; limits::CIPHER_DATA + 16];
            let outcome = encipher(units, &input);
            assert!(matches!(outcome, Err(CipherError::Numbers)), "{first}");
        }
    }
}
