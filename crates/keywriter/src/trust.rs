//! The root of trust that this computer believes, and where it has it from (docs/CLI.md, "The root of trust").
//!
//! Whoever holds the root's key decides which modules are genuine, so no root is believed because a module shows it.

use crate::{
    file,
    folders::Folders,
    genuine::{RootError, TrustedRoot},
};
use std::{
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Where the root comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RootSource {
    /// A file that was named for this command.
    Named(PathBuf),
    /// This user's state folder: the user said once that it is the right one.
    Pinned(PathBuf),
    /// A virtual hub's folder that belongs to this user.
    Hub(PathBuf),
}

impl RootSource {
    /// Returns its name in JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Named(_) => "named",
            Self::Pinned(_) => "pinned",
            Self::Hub(_) => "hub",
        }
    }

    /// Returns the file.
    pub fn path(&self) -> &Path {
        match self {
            Self::Named(path) | Self::Pinned(path) | Self::Hub(path) => path,
        }
    }
}

/// Why a root was not pinned, or not forgotten.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PinRootError {
    /// The pinned root cannot be read.
    #[error(transparent)]
    Root(#[from] RootError),
    /// Another one is pinned.
    #[error("this computer trusts {}, and not {}", .pinned.summary(), .other.summary())]
    OtherPinned {
        /// The one that is pinned.
        pinned: TrustedRoot,
        /// The one that was to be pinned.
        other: TrustedRoot,
    },
    /// The file cannot be written or removed.
    #[error("cannot write the pinned root")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Finds the root: the named one, else the pinned one, else that of a hub that belongs to this user. A hub where others
/// may write is refused, not passed over.
pub fn find(
    named: Option<&Path>,
    folders: &Folders,
) -> Result<Option<(TrustedRoot, RootSource)>, RootError> {
    if let Some(path) = named {
        return Ok(Some((
            TrustedRoot::load(path)?,
            RootSource::Named(path.to_owned()),
        )));
    }
    let path = folders.pinned_root();
    if let Some(root) = load(&path)? {
        return Ok(Some((root, RootSource::Pinned(path))));
    }
    let path = folders.hub_root();
    if !path.exists() {
        return Ok(None);
    }
    let run = folders.run();
    let places = [folders.hub(), &run, &path];
    if let Some(open) = places
        .into_iter()
        .find(|path| !file::belongs_to_this_user(path))
    {
        return Err(RootError::HubOpen {
            path: open.to_owned(),
        });
    }
    Ok(load(&path)?.map(|root| (root, RootSource::Hub(path))))
}

/// Makes a root the one that this computer trusts from now on. It does not take the place of another.
pub fn pin(folders: &Folders, root: &TrustedRoot) -> Result<PathBuf, PinRootError> {
    let path = folders.pinned_root();
    match load(&path)? {
        Some(pinned) if pinned == *root => Ok(path),
        Some(pinned) => Err(PinRootError::OtherPinned {
            pinned,
            other: root.clone(),
        }),
        None => match write_new(&path, root) {
            Ok(()) => Ok(path),
            Err(source) => Err(PinRootError::Write { path, source }),
        },
    }
}

/// Forgets the pinned root; returns whether there was one.
pub fn forget(folders: &Folders) -> Result<bool, PinRootError> {
    let path = folders.pinned_root();
    match fs::remove_file(&path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(PinRootError::Write { path, source }),
    }
}

fn load(path: &Path) -> Result<Option<TrustedRoot>, RootError> {
    match TrustedRoot::load(path) {
        Err(RootError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        loaded => loaded.map(Some),
    }
}

/// Another program that pins at the same time wins or loses; nothing is replaced.
fn write_new(path: &Path, root: &TrustedRoot) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = file::NewFile::begin(path)?;
    file.write_all(root.to_pem()?.as_bytes())?;
    file.commit_new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_hub::module::trusted_root;

    /// A user's folders below a temporary one, with a hub whose root is the first.
    fn folders() -> (tempfile::TempDir, Folders) {
        let folder = tempfile::tempdir().unwrap();
        let hub = folder.path().join("hub");
        fs::create_dir_all(hub.join("run")).unwrap();
        let folders = Folders::below(folder.path(), &hub);
        fs::write(folders.hub_root(), trusted_root(0).to_pem().unwrap()).unwrap();
        (folder, folders)
    }

    #[test]
    fn the_named_root_comes_first_then_the_pinned_one_then_the_hubs() {
        let (folder, folders) = folders();
        let (root, source) = find(None, &folders).unwrap().unwrap();
        assert_eq!((root, source.name()), (trusted_root(0), "hub"));
        pin(&folders, &trusted_root(1)).unwrap();
        let (root, source) = find(None, &folders).unwrap().unwrap();
        assert_eq!((root, source.name()), (trusted_root(1), "pinned"));
        let named = folder.path().join("named.pem");
        fs::write(&named, trusted_root(0).to_pem().unwrap()).unwrap();
        let (root, source) = find(Some(&named), &folders).unwrap().unwrap();
        assert_eq!((root, source.name()), (trusted_root(0), "named"));
    }

    #[test]
    fn a_pinned_root_is_replaced_only_on_purpose() {
        let (_folder, folders) = folders();
        pin(&folders, &trusted_root(0)).unwrap();
        pin(&folders, &trusted_root(0)).unwrap();
        let error = pin(&folders, &trusted_root(1)).unwrap_err().to_string();
        for root in [trusted_root(0), trusted_root(1)] {
            assert!(error.contains(&root.fingerprint()), "{error}");
        }
        assert!(forget(&folders).unwrap() && !forget(&folders).unwrap());
        pin(&folders, &trusted_root(1)).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_hub_where_others_may_write_vouches_for_nothing() {
        use std::{fs::Permissions, os::unix::fs::PermissionsExt};
        for name in ["", "run", "run/root.pem"] {
            for mode in [0o777, 0o702, 0o720, 0o770] {
                let (_folder, folders) = folders();
                let path = folders.hub().join(name);
                fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
                let found = find(None, &folders);
                let is_refused =
                    matches!(&found, Err(RootError::HubOpen { path: open }) if *open == path);
                assert!(is_refused, "{name:?} {mode:o} {found:?}");
                // What is pinned does not depend on it.
                pin(&folders, &trusted_root(1)).unwrap();
                assert!(find(None, &folders).unwrap().is_some());
            }
        }
    }

    #[test]
    fn a_damaged_pinned_root_is_an_error_and_not_none() {
        let (_folder, folders) = folders();
        let path = pin(&folders, &trusted_root(0)).unwrap();
        fs::write(path, "").unwrap();
        assert!(find(None, &folders).is_err());
        assert!(pin(&folders, &trusted_root(0)).is_err());
    }
}
