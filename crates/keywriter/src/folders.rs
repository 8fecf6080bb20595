//! Where this computer's files are (XDG Base Directory).

use hsm_protocol::frame::{HUB_DEFAULT, HUB_VARIABLE, ROOT_FILE, RUN_FOLDER};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The folders of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folders {
    hub: PathBuf,
    own: PathBuf,
}

/// Neither `XDG_STATE_HOME` nor `HOME` names a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no folder for this user's state: neither XDG_STATE_HOME nor HOME names one")]
pub struct NoHome;

impl Folders {
    /// Looks them up in the environment; `hub` is the hub's folder if the user named one.
    pub fn find(hub: Option<PathBuf>) -> Result<Self, NoHome> {
        Self::look_up(hub, |name| std::env::var_os(name))
    }

    fn look_up(
        hub: Option<PathBuf>,
        variable: impl Fn(&str) -> Option<OsString>,
    ) -> Result<Self, NoHome> {
        // The specification says to ignore a relative path.
        let absolute = |name| {
            variable(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        let state = absolute("XDG_STATE_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
            .ok_or(NoHome)?;
        let named = hub.or_else(|| {
            variable(HUB_VARIABLE)
                .filter(|name| !name.is_empty())
                .map(PathBuf::from)
        });
        Ok(Self {
            hub: named.unwrap_or_else(|| state.join(HUB_DEFAULT)),
            own: state.join("keywriter"),
        })
    }

    /// Returns the folder of the hub's module sockets.
    pub fn run(&self) -> PathBuf {
        self.hub.join(RUN_FOLDER)
    }

    /// Returns the file of the root certificate of the hub's modules.
    pub fn hub_root(&self) -> PathBuf {
        self.run().join(ROOT_FILE)
    }

    /// Returns the file of the root certificate that this user trusts.
    pub fn pinned_root(&self) -> PathBuf {
        self.own.join(ROOT_FILE)
    }

    /// Returns the file with the master and the choices.
    pub fn master(&self) -> PathBuf {
        self.own.join("master.json")
    }

    /// Returns the folder of receipts, unless the user names another.
    pub fn receipts(&self) -> PathBuf {
        self.own.join("receipts")
    }

    /// Returns the folder of the letterboxes of modules.
    pub fn letterboxes(&self) -> PathBuf {
        self.own.join("letterboxes")
    }

    /// Returns the folder of the recipients that modules told.
    pub fn recipients(&self) -> PathBuf {
        self.own.join("recipients")
    }

    /// Returns the file with the license and the app's PIN.
    pub fn license(&self) -> PathBuf {
        self.own.join("license.json")
    }

    /// Returns the file with the preferences of the desktop app.
    pub fn preferences(&self) -> PathBuf {
        self.own.join("desktop.json")
    }

    #[cfg(test)]
    pub(crate) fn below(state: &Path, hub: &Path) -> Self {
        Self {
            hub: hub.to_owned(),
            own: state.join("keywriter"),
        }
    }

    /// Returns the hub's folder.
    pub fn hub(&self) -> &Path {
        &self.hub
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(hub: Option<&str>, variables: &[(&str, &str)]) -> Result<Folders, NoHome> {
        Folders::look_up(hub.map(PathBuf::from), |name| {
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
        assert_eq!(find(Some("/a"), &all).unwrap().hub(), Path::new("/a"));
        assert_eq!(find(None, &all).unwrap().hub(), Path::new("/b"));
        assert_eq!(
            find(None, &all[1..]).unwrap().hub(),
            Path::new("/c/keywriter/hub")
        );
        assert_eq!(
            find(None, &all[2..]).unwrap().hub(),
            Path::new("/d/.local/state/keywriter/hub")
        );
        assert_eq!(find(None, &[]), Err(NoHome));
    }

    #[test]
    fn a_named_hub_does_not_move_the_users_own_files() {
        let folders = find(Some("/a"), &[("XDG_STATE_HOME", "/c")]).unwrap();
        assert_eq!(folders.master(), Path::new("/c/keywriter/master.json"));
        assert_eq!(folders.hub_root(), Path::new("/a/run/root.pem"));
    }

    #[test]
    fn a_relative_state_folder_is_ignored() {
        let folders = find(None, &[("XDG_STATE_HOME", "c"), ("HOME", "/d")]).unwrap();
        assert_eq!(
            folders.receipts(),
            Path::new("/d/.local/state/keywriter/receipts")
        );
    }
}
