//! `keywriter settings export|import`

use super::yes_or_no;
use crate::{
    args::{Args, SettingsCommand},
    failure::Failure,
    output::{self, Event},
};
use keywriter::{
    file::RunFiles,
    settings::{MasterState, Settings},
    text::shown_path,
};
use std::path::Path;

pub(crate) fn run(args: &Args, command: &SettingsCommand) -> Result<(), Failure> {
    let path = args.folders()?.master();
    match command {
        SettingsCommand::Export { file } => {
            let settings = MasterState::load(&path)?.settings();
            let mut files = RunFiles::default();
            files.reads(&path);
            files
                .check(file)
                .map_err(|conflict| Failure::from(conflict).within(shown_path(file)))?;
            settings.export(file)?;
            print(args, "settings-exported", file, settings)
        }
        SettingsCommand::Import { file } => {
            // The file first: a wrong one is reported as such, whatever else is missing.
            let settings = Settings::import(file)?;
            MasterState::load(&path)?.with(settings).save(&path)?;
            print(args, "settings-imported", file, settings)
        }
    }
}

fn print(args: &Args, event: &'static str, file: &Path, settings: Settings) -> Result<(), Failure> {
    let Settings {
        auto_lock,
        user_pin_policy,
    } = settings;
    if args.json {
        return Event::new(event)
            .path("file", file)
            .with("auto_lock", auto_lock)
            .with("user_pin_policy", user_pin_policy)
            .print();
    }
    output::line(&format!(
        "{}: auto-lock {}, User PIN policy {}",
        shown_path(file),
        yes_or_no(auto_lock),
        yes_or_no(user_pin_policy)
    ))
}
