//! The `keywriter` program: a command line over the `keywriter` library (docs/CLI.md).

// Not `forbid`: `system::closed` has a function run before `main`.
#![deny(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod args;
mod commands;
mod failure;
mod output;
mod pin;
mod progress;
mod system;
mod table;
mod words;

use args::{Args, Command};
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Args = plain_text::parse();
    if let Err(failure) = args.start_logging().and_then(|()| run(&args)) {
        failure.report(args.json);
        return failure.exit_code();
    }
    ExitCode::SUCCESS
}

fn run(args: &Args) -> Result<(), failure::Failure> {
    match &args.command {
        Command::List => commands::list::run(args),
        Command::Master(command) => commands::master::run(args, command),
        Command::Clone(choices) => commands::clone::run(args, choices),
        Command::Root(command) => commands::root::run(args, command),
        Command::Settings(command) => commands::settings::run(args, command),
        Command::Receipt(command) => commands::receipt::run(args, command),
        Command::Journal {
            serial,
            clear_table,
        } => commands::journal::run(args, *serial, *clear_table),
        Command::Team(command) => commands::team::run(args, command),
        Command::Ticket(command) => commands::ticket::run(args, command),
        Command::Letter(command) => commands::letter::run(args, command),
        Command::DataUnits(command) => commands::data_units::run(args, command),
        Command::Encrypt(choices) => commands::encrypt::run(args, choices),
        Command::Rewrap(choices) => commands::rewrap::run(args, choices),
        Command::Decrypt(choices) => commands::decrypt::run(args, choices),
        Command::Inspect { file } => commands::inspect::run(args, file),
        Command::Recipient(choices) => commands::recipient::run(args, choices),
        Command::Register(choices) => commands::register::run(args, choices),
        Command::Pin(command) => commands::pin::run(args, command),
        Command::License(command) => commands::license::run(args, command),
        Command::Completions { shell } => commands::usage::completions(*shell),
        Command::Man { folder } => commands::usage::man(folder),
    }
}
