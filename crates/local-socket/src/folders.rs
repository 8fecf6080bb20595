//! Where this user's state is, and a hub's folder in it.

use hsm_protocol::frame::{HUB_DEFAULT, HUB_VARIABLE};
use std::{ffi::OsString, path::PathBuf};

/// Returns this user's folder for what programs keep: `XDG_STATE_HOME` if it names an absolute path, else what the system
/// has for that. `variable` looks up the environment.
pub fn state_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    // The specification (XDG Base Directory) says to ignore a relative path.
    let absolute = |name: &str| {
        variable(name)
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
    };
    absolute("XDG_STATE_HOME").or_else(|| of_this_system(absolute))
}

/// Returns the hub's folder: the named one, else the one in the environment, else the default one below the user's state
/// folder. Hub and hosts look it up in the same way.
pub fn hub_folder(
    named: Option<PathBuf>,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Option<PathBuf> {
    named
        .or_else(|| {
            variable(HUB_VARIABLE)
                .filter(|name| !name.is_empty())
                .map(PathBuf::from)
        })
        .or_else(|| {
            let mut folder = state_folder(variable)?;
            folder.extend(HUB_DEFAULT.split('/'));
            Some(folder)
        })
}

#[cfg(all(unix, not(target_vendor = "apple")))]
fn of_this_system(absolute: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    absolute("HOME").map(|home| home.join(".local/state"))
}

#[cfg(target_vendor = "apple")]
fn of_this_system(absolute: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    absolute("HOME").map(|home| home.join("Library/Application Support"))
}

/// `%LOCALAPPDATA%`: it stays on this computer, and other users cannot read it.
#[cfg(windows)]
fn of_this_system(_absolute: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    known_folders::get_known_folder_path(known_folders::KnownFolder::LocalAppData)
}

/// What to say where there is no state folder.
pub const NO_STATE_FOLDER: &str = if cfg!(windows) {
    "no folder for this user's state: Windows names no LocalAppData folder"
} else {
    "no folder for this user's state: neither XDG_STATE_HOME nor HOME names one"
};

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::path::Path;

    fn hub(named: Option<&str>, variables: &[(&str, &str)]) -> Option<PathBuf> {
        hub_folder(named.map(PathBuf::from), |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn the_hub_is_the_named_one_then_the_variables_then_the_users() {
        let all = [
            (HUB_VARIABLE, "/b"),
            ("XDG_STATE_HOME", "/c"),
            ("HOME", "/d"),
        ];
        assert_eq!(hub(Some("/a"), &all).as_deref(), Some(Path::new("/a")));
        assert_eq!(hub(None, &all).as_deref(), Some(Path::new("/b")));
        let below = hub(None, &all[1..]).unwrap();
        assert_eq!(below, Path::new("/c/keywriter/hub"));
        let below = hub(None, &all[2..]).unwrap();
        let of_system = if cfg!(target_vendor = "apple") {
            "/d/Library/Application Support/keywriter/hub"
        } else {
            "/d/.local/state/keywriter/hub"
        };
        assert_eq!(below, Path::new(of_system));
        assert_eq!(hub(None, &[]), None);
    }

    #[test]
    fn a_name_that_is_empty_and_a_relative_state_folder_are_ignored() {
        let variables = [(HUB_VARIABLE, ""), ("XDG_STATE_HOME", "c"), ("HOME", "/d")];
        assert!(hub(None, &variables).unwrap().starts_with("/d"));
    }
}
