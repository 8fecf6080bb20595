//! A stream's data units, through a module. Nothing is padded and nothing is authenticated: the file format is that of
//! its own part of the product.

use crate::module::{ConnectedModule, Direction, ModuleError};
use hsm_protocol::{command::DataUnits, limits};
use std::io::{self, Read, Write};

/// How a stream is cut into data units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Units {
    /// A unit's size, in bytes: a multiple of 16, not 0.
    pub size: u16,
    /// The number of the first unit.
    pub first: u64,
    /// The epoch whose key is used.
    pub epoch: u32,
}

/// Why a stream was not ciphered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CipherError {
    /// The unit size is none.
    #[error("a unit size of {0} bytes is not a multiple of 16 up to 61440")]
    UnitSize(u16),
    /// There is nothing to cipher.
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
    #[error("the unit numbers run out")]
    Numbers,
}

impl CipherError {
    /// What to do next.
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::UnitSize(_) => "choose another with --unit-size",
            Self::Empty | Self::NotWhole => {
                "data units are not padded: give whole blocks of 16 bytes"
            }
            Self::Module(error) => error.advice(),
            Self::Read(_) => "see that the file exists and that this user may read it",
            Self::Write(_) => "see that there is room, and that this user may write there",
            Self::Numbers => "choose a lower number with --first",
        }
    }

    /// Whether the input, not a module or the system, is at fault.
    pub const fn is_bad_file(&self) -> bool {
        matches!(self, Self::Empty | Self::NotWhole)
    }
}

/// Ciphers `input` into `output`, a command's worth at a time; how many bytes.
pub fn stream(
    module: &mut ConnectedModule,
    direction: Direction,
    units: Units,
    input: &mut impl Read,
    output: &mut impl Write,
) -> Result<u64, CipherError> {
    let unit = usize::from(units.size);
    if unit == 0 || unit % BLOCK != 0 || unit > limits::CIPHER_DATA {
        return Err(CipherError::UnitSize(units.size));
    }
    let per_command = limits::CIPHER_DATA / unit;
    let mut buffer = vec![0; per_command * unit];
    let (mut first, mut total) = (units.first, 0);
    loop {
        let len = fill(input, &mut buffer).map_err(CipherError::Read)?;
        let Some(data) = buffer.get(..len).filter(|data| !data.is_empty()) else {
            break;
        };
        if len % BLOCK != 0 {
            return Err(CipherError::NotWhole);
        }
        let command = DataUnits {
            epoch: units.epoch,
            unit_size: units.size,
            first,
            data,
        };
        let ciphered = module.cipher(direction, &command)?;
        output.write_all(&ciphered).map_err(CipherError::Write)?;
        total += u64::try_from(len).map_err(|_overlong| CipherError::Numbers)?;
        if len < buffer.len() {
            break;
        }
        let used = u64::try_from(per_command).map_err(|_overlong| CipherError::Numbers)?;
        first = first.checked_add(used).ok_or(CipherError::Numbers)?;
    }
    if total == 0 {
        return Err(CipherError::Empty);
    }
    Ok(total)
}

/// Reads until the buffer is full or the input ends.
fn fill(input: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut used = 0;
    while let Some(rest) = buffer.get_mut(used..).filter(|rest| !rest.is_empty()) {
        match input.read(rest) {
            Ok(0) => break,
            Ok(count) => used += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(used)
}

const BLOCK: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{discovery::Connector, scripted::world::World, transport::Place};

    const UNITS: Units = Units {
        size: 4096,
        first: 0,
        epoch: 1,
    };

    /// The module of these tests inverts each bit.
    fn cipher(units: Units, input: &[u8]) -> Result<Vec<u8>, CipherError> {
        let world = World::new(&[]);
        let line = world.open(&Place::Socket("/run/M.sock".into())).unwrap();
        let mut output = Vec::new();
        let total = stream(
            &mut ConnectedModule::new(line),
            Direction::Encipher,
            units,
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
            let output = cipher(UNITS, &input).unwrap();
            assert!(output.iter().zip(&input).all(|(a, b)| *a == !*b) && output.len() == len);
        }
    }

    #[test]
    fn nothing_is_padded() {
        for len in [0, 15, 17, limits::CIPHER_DATA + 1] {
            let error = cipher(UNITS, &vec![0; len]).unwrap_err();
            assert!(error.is_bad_file(), "{len}: {error}");
        }
    }

    #[test]
    fn unit_sizes_are_whole_blocks() {
        for size in [0, 15, 17, 61_456] {
            let error = cipher(Units { size, ..UNITS }, &[0; 32]).unwrap_err();
            assert!(matches!(error, CipherError::UnitSize(_)), "{size}");
        }
        assert!(
            cipher(
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
            first: u64::MAX - 14,
            ..UNITS
        };
        let input = vec![0; limits::CIPHER_DATA + 16];
        let outcome = cipher(last, &input);
        assert!(matches!(outcome, Err(CipherError::Numbers)));
    }
}
