//! The program `factory`, of who makes hardware modules: the root of trust, certificates, the register of what was
//! certified (docs/HARDWARE.md).
//!
//! | file | what is in it |
//! |---|---|
//! | `folder` | the factory's folder: its files, and how they are written |
//! | `key` | where private keys are kept: sealed by age, or in a token |
//! | `root` | the root of trust |
//! | `certify` | a module's certificate |

#![forbid(unsafe_code)]

mod arguments;
mod certify;
mod folder;
mod key;
mod root;

use crate::{
    arguments::{Arguments, Command, RootCommand},
    folder::Folder,
};
use anyhow::{Context, Result};
use hsm_factory::RegisterFile;
use std::{fs, io, process::ExitCode};

fn main() -> ExitCode {
    match run(plain_text::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("factory: {}", plain_text::shown(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> Result<()> {
    let folder = Folder::new(arguments.folder);
    match arguments.command {
        Command::Root(RootCommand::New { name, keeper }) => {
            root::make(&folder, &name, &keeper.keeper())?;
        }
        Command::Root(RootCommand::Show) => {}
        Command::Certify(choices) => {
            let location = choices.place.location();
            let location = location.context("name the module's reader, USB port or socket")?;
            let root = root::open(&folder, &choices.opener.opener())?;
            let mut register = RegisterFile::new(folder.register());
            certify::certify(&root, &mut register, choices.serial, &location)?;
            println!("{} is certified", choices.serial);
            return Ok(());
        }
        Command::List => return list(&folder),
    }
    println!("{}", root::trusted(&folder)?.summary());
    Ok(())
}

/// Prints serial numbers and when they were certified.
fn list(folder: &Folder) -> Result<()> {
    let text = match fs::read_to_string(folder.register()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        text => text?,
    };
    for line in text.lines() {
        let (rest, _key) = line.rsplit_once(' ').unwrap_or((line, ""));
        println!("{}", plain_text::shown(rest));
    }
    Ok(())
}
