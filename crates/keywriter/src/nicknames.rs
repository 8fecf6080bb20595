//! The names that people give to modules. They stay on this computer, and prove nothing.

use crate::file;
use hsm_protocol::Serial;
use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// A name for some modules, by serial number.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Nicknames(BTreeMap<String, String>);

/// The most characters of a name.
const MOST: usize = 40;

/// Why names are not read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NicknamesError {
    /// The file cannot be read.
    #[error("cannot read {}", crate::text::shown_path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file holds something else.
    #[error("{} holds no names of modules", crate::text::shown_path(path))]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {}", crate::text::shown_path(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl Nicknames {
    /// Reads a file. Without one, no module has a name.
    pub fn load(path: &Path) -> Result<Self, NicknamesError> {
        let path = || path.to_owned();
        match fs::read(path()) {
            Ok(text) => serde_json::from_slice(&text).map_err(|source| NicknamesError::Invalid {
                path: path(),
                source,
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(NicknamesError::Read {
                path: path(),
                source,
            }),
        }
    }

    /// Writes a file, whole or not at all.
    pub fn save(&self, path: &Path) -> Result<(), NicknamesError> {
        serde_json::to_vec(self)
            .map_err(io::Error::other)
            .and_then(|text| file::replace(path, &text))
            .map_err(|source| NicknamesError::Write {
                path: path.to_owned(),
                source,
            })
    }

    /// Returns a module's name; empty if it has none.
    pub fn of(&self, serial: Serial) -> &str {
        self.0.get(serial.as_str()).map_or("", String::as_str)
    }

    /// Gives a module a name, or takes it away with an empty one. What cannot be shown in a line is left out.
    pub fn set(&mut self, serial: Serial, name: &str) {
        let letters = name.trim().chars().filter(|letter| !letter.is_control());
        let name: String = letters.take(MOST).collect();
        if name.is_empty() {
            self.0.remove(serial.as_str());
        } else {
            self.0.insert(serial.to_string(), name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_a_file_of_something_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/nicknames.json");
        assert_eq!(Nicknames::load(&path).unwrap(), Nicknames::default());
        let (one, two) = ("KW-1".parse().unwrap(), "KW-2".parse().unwrap());
        let mut names = Nicknames::default();
        names.set(one, "  Ada\u{7} at home ");
        names.set(two, &"x".repeat(99));
        assert_eq!((names.of(one), names.of(two).len()), ("Ada at home", MOST));
        names.set(two, " ");
        assert_eq!(names.of(two), "");
        names.save(&path).unwrap();
        assert_eq!(Nicknames::load(&path).unwrap(), names);
        fs::write(&path, "[1]").unwrap();
        assert!(matches!(
            Nicknames::load(&path),
            Err(NicknamesError::Invalid { .. })
        ));
        assert_eq!(fs::read_to_string(&path).unwrap(), "[1]");
    }
}
