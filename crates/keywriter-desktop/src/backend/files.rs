//! Reads and writes this user's files.

use super::now;
use crate::model::{Language, Nicknames, PastCycle, Preferences, Problem, Reason};
use keywriter::{
    file,
    folders::Folders,
    genuine::TrustedRoot,
    receipt,
    report::{self, Report},
    settings::{MasterState, Settings, SettingsError},
    text::shown_path,
    trust,
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

/// Reads which master is set on this computer.
pub(super) fn master(folders: &Folders) -> Result<Option<MasterState>, Problem> {
    match MasterState::load(&folders.master()) {
        Ok(state) => Ok(Some(state)),
        Err(SettingsError::NoMaster) => Ok(None),
        Err(error) => Err((&error).into()),
    }
}

pub(super) fn save_master(folders: &Folders, state: Option<MasterState>) -> Result<(), Problem> {
    let path = folders.master();
    match state {
        Some(state) => state.save(&path).map_err(|error| (&error).into()),
        None => match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Problem::new(Reason::CannotWrite)
                    .about(shown_path(&path))
                    .because(&error))
            }
            Ok(()) | Err(_) => Ok(()),
        },
    }
}

/// Reads the preferences. A file that cannot be understood is reported and left unchanged.
pub(super) fn preferences(folders: &Folders) -> (Preferences, Option<Problem>) {
    read(&folders.preferences())
}

pub(super) fn save_preferences(folders: &Folders, preferences: Preferences) -> Result<(), Problem> {
    save(&folders.preferences(), &preferences)
}

/// Reads the names of devices. A file that cannot be understood is reported and left unchanged.
pub(super) fn nicknames(folders: &Folders) -> (Nicknames, Option<Problem>) {
    match Nicknames::load(&folders.nicknames()) {
        Ok(names) => (names, None),
        Err(error) => (Nicknames::default(), Some((&error).into())),
    }
}

pub(super) fn save_nicknames(folders: &Folders, nicknames: &Nicknames) -> Result<(), Problem> {
    let saved = nicknames.save(&folders.nicknames());
    saved.map_err(|error| (&error).into())
}

fn read<T: DeserializeOwned + Default>(path: &Path) -> (T, Option<Problem>) {
    let problem = |reason, error: &dyn std::error::Error| {
        Some(Problem::new(reason).about(shown_path(path)).because(error))
    };
    match fs::read(path) {
        Ok(text) => match serde_json::from_slice(&text) {
            Ok(value) => (value, None),
            Err(error) => (T::default(), problem(Reason::SettingsInvalid, &error)),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => (T::default(), None),
        Err(error) => (T::default(), problem(Reason::CannotRead, &error)),
    }
}

fn save(path: &Path, value: &impl Serialize) -> Result<(), Problem> {
    serde_json::to_vec(value)
        .map_err(io::Error::other)
        .and_then(|text| file::replace(path, &text))
        .map_err(|error| {
            Problem::new(Reason::CannotWrite)
                .about(shown_path(path))
                .because(&error)
        })
}

/// Returns the portal that this app last registered at.
pub(super) fn portal(folders: &Folders) -> Option<String> {
    read_portal(&portal_file(folders))
}

pub(super) fn keep_portal(folders: &Folders, address: &str) -> io::Result<()> {
    write_portal(&portal_file(folders), address)
}

fn read_portal(path: &Path) -> Option<String> {
    let address = fs::read_to_string(path).ok()?;
    Some(address.trim().to_owned()).filter(|address| !address.is_empty())
}

fn write_portal(path: &Path, address: &str) -> io::Result<()> {
    file::replace(path, format!("{address}\n").as_bytes())
}

fn portal_file(folders: &Folders) -> PathBuf {
    folders.license().with_file_name("portal.txt")
}

pub(super) fn export(settings: Settings, path: &Path) -> Result<PathBuf, Problem> {
    settings
        .export(path)
        .map_err(|error| Problem::from(&error))?;
    Ok(path.to_owned())
}

pub(super) fn import(path: &Path) -> Result<Settings, Problem> {
    Settings::import(path).map_err(|error| (&error).into())
}

/// Finds the root certificate: the named one, the pinned one or the hub's. A hub that starts later may write it.
pub(super) fn root(
    named: Option<&Path>,
    folders: &Folders,
) -> Result<Option<TrustedRoot>, Problem> {
    match trust::find(named, folders) {
        Ok(found) => Ok(found.map(|(root, _)| root)),
        Err(error) => Err((&error).into()),
    }
}

/// Writes the report as a `.json` file and as a page to print, whatever extension was typed.
/// Makes the report of a past cycle of its receipts. What failed then is not known any more.
pub(super) fn past_report(cycle: &PastCycle) -> Result<Report, Problem> {
    let receipts = cycle.receipts.iter();
    let receipts = receipts.map(|path| receipt::load(path).map_err(|error| Problem::from(&error)));
    Ok(Report {
        receipts: receipts.collect::<Result<_, _>>()?,
        ..Report::new(now(), cycle.master, cycle.options)
    })
}

pub(super) fn save_report(
    report: &Report,
    path: &Path,
    root: Option<&TrustedRoot>,
    language: report::Language,
) -> Result<PathBuf, Problem> {
    let data = path.with_extension("json");
    let page = path.with_extension("html");
    report.save(&data).map_err(|error| Problem::from(&error))?;
    report
        .save_page(&page, root, language)
        .map_err(|error| Problem::from(&error))?;
    Ok(data)
}

/// Opens a page in the user's default browser.
pub(super) fn open_page(address: &str) -> Result<(), Problem> {
    open(address.as_ref()).map_err(|error| {
        Problem::new(Reason::NoBrowser)
            .about(address)
            .because(&error)
    })
}

/// Opens the manual in the user's browser: the one that was installed with the app, or else the one on the web.
pub(super) fn open_manual(language: Language) -> Result<(), Problem> {
    let language = match language {
        Language::English => "en",
        Language::German => "de",
        Language::French => "fr",
    };
    let installed = Path::new(INSTALLED_MANUAL)
        .join(language)
        .join("index.html");
    if installed.is_file() {
        open_file(&installed)
    } else {
        open_page(&format!("{WEB_MANUAL}/{language}/"))
    }
}

/// Where a package puts the manual: a folder for each language.
const INSTALLED_MANUAL: &str = "/usr/share/doc/keywriter/manual";

/// Where the manual is on the web: `KEYWRITER_MANUAL` when the app is built.
const WEB_MANUAL: &str = match option_env!("KEYWRITER_MANUAL") {
    Some(address) => address,
    None => "https://keywriter.example/manual",
};

/// Opens a file in the program that the user prefers for it.
pub(super) fn open_file(file: &Path) -> Result<(), Problem> {
    open(file.as_os_str()).map_err(|error| {
        Problem::new(Reason::NoBrowser)
            .about(shown_path(file))
            .because(&error)
    })
}

/// Opens the folder of a file in the user's file manager.
pub(super) fn show_in_folder(file: &Path) -> Result<(), Problem> {
    let folder = file.parent().unwrap_or(file);
    open(folder.as_ref()).map_err(|error| {
        Problem::new(Reason::CannotRead)
            .about(shown_path(folder))
            .because(&error)
    })
}

#[cfg(not(target_os = "linux"))]
fn open(what: &OsStr) -> io::Result<()> {
    opener::open(what).map_err(io::Error::other)
}

#[cfg(target_os = "linux")]
fn open(what: &OsStr) -> io::Result<()> {
    use std::process::{Command, Stdio};
    let mut child = Command::new("xdg-open")
        .arg(what)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    // Reaps the child when it ends.
    std::thread::spawn(move || child.wait());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_portal_that_was_registered_at_is_read_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("keywriter/portal.txt");
        assert_eq!(read_portal(&path), None);
        write_portal(&path, "https://one.example/kw").unwrap();
        assert_eq!(
            read_portal(&path).as_deref(),
            Some("https://one.example/kw")
        );
        write_portal(&path, "").unwrap();
        assert_eq!(read_portal(&path), None);
    }
}
