//! Where this computer's files are.

pub use local_socket::NO_STATE_FOLDER;

use hsm_protocol::frame::{ROOT_FILE, RUN_FOLDER};
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

/// Nothing names a folder for this user's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", NO_STATE_FOLDER)]
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
        let state = local_socket::state_folder(&variable).ok_or(NoHome)?;
        Ok(Self {
            hub: local_socket::hub_folder(hub, variable).ok_or(NoHome)?,
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

    /// Returns the file with the names that people gave to modules.
    pub fn nicknames(&self) -> PathBuf {
        self.preferences().with_file_name("nicknames.json")
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

    fn find(hub: Option<&str>, variables: &[(&str, &Path)]) -> Result<Folders, NoHome> {
        Folders::look_up(hub.map(PathBuf::from), |name| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| value.as_os_str().to_owned())
        })
    }

    #[test]
    fn a_named_hub_does_not_move_the_users_own_files() {
        // A path that is absolute on every system.
        let state = std::env::temp_dir();
        let folders = find(Some("a"), &[("XDG_STATE_HOME", &state)]).unwrap();
        assert_eq!(
            folders.master(),
            state.join("keywriter").join("master.json")
        );
        assert_eq!(
            folders.hub_root(),
            Path::new("a").join("run").join("root.pem")
        );
        let unnamed = find(None, &[("XDG_STATE_HOME", &state)]).unwrap();
        assert_eq!(unnamed.hub(), state.join("keywriter").join("hub"));
    }

    #[cfg(unix)]
    #[test]
    fn without_a_state_folder_there_are_no_folders() {
        assert_eq!(find(Some("/a"), &[]), Err(NoHome));
    }
}
