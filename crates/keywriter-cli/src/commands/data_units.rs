//! `keywriter data-units encipher|decipher`

use super::{commit, find, mode_name, of_file, of_module, require_app_pin};
use crate::{
    args::{Args, DataUnitsChoices, DataUnitsCommand},
    failure::Failure,
    output::{self, Event},
};
use keywriter::{
    cipher::{self, CipherError, Direction, Units},
    file::{InputFile, NewFile, RunFiles},
    problem::Reason,
    protocol::{EncryptionMode, ModuleStatus},
    text::{counted, shown_path},
};

pub(crate) fn run(args: &Args, command: &DataUnitsCommand) -> Result<(), Failure> {
    require_app_pin(args)?;
    let (direction, choices) = match command {
        DataUnitsCommand::Encipher(choices) => (Direction::Encipher, choices),
        DataUnitsCommand::Decipher(choices) => (Direction::Decipher, choices),
    };
    let serial = choices.serial;
    let mut present = find(args, serial)?;
    let status = match present.facts.status {
        Some(status) => status,
        // The error says why there is none.
        None => present.module.status().map_err(of_module(serial))?,
    };
    let units = Units {
        size: choices.unit_size,
        first: choices.first,
        epoch: status.epoch,
    };
    let mut input =
        InputFile::open(&choices.input).map_err(of_file(Reason::CannotRead, &choices.input))?;
    let mut files = RunFiles::default();
    files.reads_open(input.file());
    files
        .check(&choices.output)
        .map_err(|conflict| Failure::from(conflict).within(shown_path(&choices.output)))?;
    let mut output =
        NewFile::begin(&choices.output).map_err(of_file(Reason::CannotWrite, &choices.output))?;
    let bytes = cipher::stream(
        &mut present.module,
        direction,
        units,
        &mut input,
        &mut output,
    )
    .map_err(|error| match error {
        CipherError::Module(error) => of_module(serial)(error),
        other => Failure::from(other).within(shown_path(&choices.input)),
    })?;
    commit(output, &choices.output, true)?;
    print(args, direction, choices, (&status, bytes))
}

fn print(
    args: &Args,
    direction: Direction,
    choices: &DataUnitsChoices,
    (status, bytes): (&ModuleStatus, u64),
) -> Result<(), Failure> {
    let mode = mode_name(status.mode);
    let act = match direction {
        Direction::Encipher => "enciphered",
        Direction::Decipher => "deciphered",
    };
    if args.json {
        return Event::new(act)
            .text("serial", choices.serial)
            .path("file", &choices.output)
            .with("bytes", bytes)
            .with("mode", mode)
            .epoch(status.epoch)
            .with("unit_size", choices.unit_size)
            .with("first", choices.first)
            .with("authenticated", false)
            .print();
    }
    output::line(&format!(
        "{act} {} with {mode}, epoch {}, into {}",
        counted(bytes, "byte", "bytes"),
        status.epoch,
        shown_path(&choices.output)
    ))?;
    output::note("  not authenticated: a change to the file is not noticed\n");
    if status.mode == EncryptionMode::Ecb {
        output::note("  ECB: equal blocks show\n");
    }
    Ok(())
}
