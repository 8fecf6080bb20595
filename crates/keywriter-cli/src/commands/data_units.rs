//! `keywriter data-units encipher|decipher`

use super::{find, launch};
use crate::{
    args::{Args, DataUnitsChoices, DataUnitsCommand},
    failure::Failure,
    output,
};
use keywriter::{
    cipher::{self, Direction, Units},
    file::NewFile,
    protocol::{EncryptionMode, ModuleStatus},
};
use serde::Serialize;
use std::{fs::File, io, path::Path};

pub(crate) fn run(args: &Args, command: &DataUnitsCommand) -> Result<(), Failure> {
    launch(args)?;
    let (direction, choices) = match command {
        DataUnitsCommand::Encipher(choices) => (Direction::Encipher, choices),
        DataUnitsCommand::Decipher(choices) => (Direction::Decipher, choices),
    };
    let serial = choices.serial;
    let mut present = find(args, serial)?;
    let status = match present.facts.status {
        Some(status) => status,
        // Says why it is none.
        None => present
            .module
            .status()
            .map_err(|source| Failure::Module { serial, source })?,
    };
    let units = Units {
        size: choices.unit_size,
        first: choices.first,
        epoch: status.epoch,
    };
    let mut input = File::open(&choices.input).map_err(failure("read", &choices.input))?;
    let mut output = NewFile::begin(&choices.output).map_err(failure("write", &choices.output))?;
    let bytes = cipher::stream(
        &mut present.module,
        direction,
        units,
        &mut input,
        &mut output,
    )
    .map_err(|source| Failure::Cipher { serial, source })?;
    output.commit().map_err(failure("write", &choices.output))?;
    print(args, direction, choices, (&status, bytes))
}

fn failure(act: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let path = path.to_owned();
    move |source| Failure::File { act, path, source }
}

fn print(
    args: &Args,
    direction: Direction,
    choices: &DataUnitsChoices,
    (status, bytes): (&ModuleStatus, u64),
) -> Result<(), Failure> {
    let mode = match status.mode {
        EncryptionMode::Xts => "AES-256-XTS",
        EncryptionMode::Ecb => "AES-256-ECB",
    };
    let act = match direction {
        Direction::Encipher => "enciphered",
        Direction::Decipher => "deciphered",
    };
    if args.json {
        return output::json(&CipheredLine {
            event: act,
            serial: choices.serial.to_string(),
            file: choices.output.display().to_string(),
            bytes,
            mode,
            epoch: status.epoch,
            unit_size: choices.unit_size,
            first: choices.first,
            authenticated: false,
        });
    }
    output::line(&format!(
        "{act} {bytes} bytes with {mode}, epoch {}, into {}",
        status.epoch,
        choices.output.display()
    ))?;
    eprintln!("  not authenticated: a change to the file is not noticed");
    if status.mode == EncryptionMode::Ecb {
        eprintln!("  ECB: equal blocks show");
    }
    Ok(())
}

#[derive(Serialize)]
struct CipheredLine {
    event: &'static str,
    serial: String,
    file: String,
    bytes: u64,
    mode: &'static str,
    epoch: u32,
    unit_size: u16,
    first: u64,
    authenticated: bool,
}
