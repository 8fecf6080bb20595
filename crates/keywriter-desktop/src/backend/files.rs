//! This user's files.

use crate::model::{Preferences, Reason, Trouble};
use keywriter::{
    file,
    folders::Folders,
    genuine::{RootError, TrustedRoot},
    report::{self, Report},
    settings::{MasterState, Settings, SettingsError},
};
use std::{
    fs, io,
    path::Path,
    process::{Command, Stdio},
};

/// The master that was set on this computer.
pub(super) fn master(folders: &Folders) -> Result<Option<MasterState>, Trouble> {
    match MasterState::load(&folders.master()) {
        Ok(state) => Ok(Some(state)),
        Err(SettingsError::NoMaster) => Ok(None),
        Err(error) => Err((&error).into()),
    }
}

pub(super) fn save_master(folders: &Folders, state: Option<MasterState>) -> Result<(), Trouble> {
    let path = folders.master();
    match state {
        Some(state) => state.save(&path).map_err(|error| (&error).into()),
        None => match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Trouble::new(Reason::CannotWrite)
                    .about(&path.display())
                    .with(&error))
            }
            Ok(()) | Err(_) => Ok(()),
        },
    }
}

/// How the user likes it; a file that says nothing sensible is told and left alone.
pub(super) fn preferences(folders: &Folders) -> (Preferences, Option<Trouble>) {
    let path = folders.preferences();
    let trouble = |reason, error: &dyn std::error::Error| {
        Some(Trouble::new(reason).about(&path.display()).with(error))
    };
    match fs::read(&path) {
        Ok(text) => match serde_json::from_slice(&text) {
            Ok(preferences) => (preferences, None),
            Err(error) => (Preferences::default(), trouble(Reason::WrongFile, &error)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => (Preferences::default(), None),
        Err(error) => (Preferences::default(), trouble(Reason::CannotRead, &error)),
    }
}

pub(super) fn save_preferences(folders: &Folders, preferences: Preferences) -> Result<(), Trouble> {
    let path = folders.preferences();
    serde_json::to_vec(&preferences)
        .map_err(io::Error::other)
        .and_then(|text| file::replace(&path, &text))
        .map_err(|error| {
            Trouble::new(Reason::CannotWrite)
                .about(&path.display())
                .with(&error)
        })
}

pub(super) fn export(settings: Settings, path: &Path) -> Result<String, Trouble> {
    settings
        .export(path)
        .map_err(|error| Trouble::from(&error))?;
    Ok(path.display().to_string())
}

pub(super) fn import(path: &Path) -> Result<Settings, Trouble> {
    Settings::import(path).map_err(|error| (&error).into())
}

/// The root certificate, where there is one; it may be written by a hub that starts later.
pub(super) fn root(path: Option<&Path>) -> Result<Option<TrustedRoot>, Trouble> {
    let Some(path) = path else {
        return Ok(None);
    };
    match TrustedRoot::load(path) {
        Ok(root) => Ok(Some(root)),
        Err(RootError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Trouble::new(Reason::WrongFile)
            .about(&path.display())
            .with(&error)),
    }
}

/// A `.json` file, and beside it a page to print. Whatever ending was typed, neither takes the other's name.
pub(super) fn save_report(
    report: Option<&Report>,
    path: &Path,
    root: Option<&TrustedRoot>,
    language: report::Language,
) -> Result<String, Trouble> {
    let report = report.ok_or(Trouble::new(Reason::System))?;
    let data = path.with_extension("json");
    let page = path.with_extension("html");
    report.save(&data).map_err(|error| Trouble::from(&error))?;
    report
        .save_page(&page, root, language)
        .map_err(|error| Trouble::from(&error))?;
    Ok(data.display().to_string())
}

/// Shows a page in the user's browser, as the desktop has it.
pub(super) fn open_page(address: &str) -> Result<(), Trouble> {
    let opened = Command::new("xdg-open")
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match opened {
        Ok(mut child) => {
            // It ends by itself; somebody has to take note.
            std::thread::spawn(move || child.wait());
            Ok(())
        }
        Err(error) => Err(Trouble::new(Reason::NoBrowser).about(&address).with(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keywriter::Options;

    #[test]
    fn a_report_and_its_page_never_take_one_anothers_name() {
        let folder = tempfile::tempdir().unwrap();
        let report = Report::new(0, "VM0001".parse().unwrap(), Options::default());
        for typed in ["a.html", "a.json", "a"] {
            let path = folder.path().join(typed);
            let saved = save_report(Some(&report), &path, None, report::Language::English).unwrap();
            assert_eq!(saved, folder.path().join("a.json").display().to_string());
            let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
            assert!(read("a.json").starts_with('{') && read("a.html").starts_with("<!"));
        }
    }
}
