//! Files with choices: this computer's state, and settings that are taken from one computer to another.

use crate::{file, text::shown_path};
use hsm_protocol::{Serial, cloning::Options};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The master and the choices, as this computer keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MasterState {
    /// The master.
    pub master: Serial,
    /// The choices.
    pub options: Options,
}

/// The choices that settings files carry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Copy the unattended auto-lock.
    pub auto_lock: bool,
    /// Copy the User PIN policy.
    pub user_pin_policy: bool,
}

/// Why a file with choices was not used. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// It cannot be read.
    #[error("cannot read {}", shown_path(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// It cannot be written.
    #[error("cannot write {}", shown_path(path))]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// There is no master yet.
    #[error("no master is set on this computer")]
    NoMaster,
    /// The text is wrong.
    #[error("{}: {what}", shown_path(path))]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        what: Wrong,
    },
}

/// What is wrong with a file's text.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Wrong {
    /// It is not JSON.
    #[error("not JSON")]
    NotJson(#[source] serde_json::Error),
    /// It is another kind of file.
    #[error("not a {expected} file")]
    OtherFormat {
        /// The format that was expected.
        expected: &'static str,
    },
    /// It comes from a newer program.
    #[error("version {found} is newer than this program knows ({known})")]
    NewerVersion {
        /// The file's version.
        found: u64,
        /// The version of this program.
        known: u64,
    },
    /// It has no version of this format.
    #[error("not a version of this format")]
    NoVersion,
    /// A field is unknown, missing, given twice, or has a value of another kind.
    #[error("its fields are not those of this format")]
    Fields(#[source] serde_json::Error),
}

impl MasterState {
    /// Reads this computer's state; without a file, returns [`SettingsError::NoMaster`].
    pub fn load(path: &Path) -> Result<Self, SettingsError> {
        let text = match fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(SettingsError::NoMaster);
            }
            read => read.map_err(|source| SettingsError::Read {
                path: path.to_owned(),
                source,
            })?,
        };
        let file: StateFile = STATE.parse(&text).map_err(|what| SettingsError::Wrong {
            path: path.to_owned(),
            what,
        })?;
        Ok(Self {
            master: file.master,
            options: Options {
                auto_lock: file.auto_lock,
                user_pin_policy: file.user_pin_policy,
                disable_master: file.disable_master,
            },
        })
    }

    /// Replaces this computer's state.
    pub fn save(&self, path: &Path) -> Result<(), SettingsError> {
        let file = StateFile {
            format: STATE.name.to_owned(),
            version: STATE.version,
            master: self.master,
            auto_lock: self.options.auto_lock,
            user_pin_policy: self.options.user_pin_policy,
            disable_master: self.options.disable_master,
        };
        write(path, &file)
    }

    /// Returns the choices that a settings file carries.
    pub const fn settings(&self) -> Settings {
        Settings {
            auto_lock: self.options.auto_lock,
            user_pin_policy: self.options.user_pin_policy,
        }
    }

    /// Returns the same state with the choices of a settings file.
    #[must_use]
    pub const fn with(mut self, settings: Settings) -> Self {
        self.options.auto_lock = settings.auto_lock;
        self.options.user_pin_policy = settings.user_pin_policy;
        self
    }
}

impl Settings {
    /// Reads a settings file.
    pub fn import(path: &Path) -> Result<Self, SettingsError> {
        let read = |source| SettingsError::Read {
            path: path.to_owned(),
            source,
        };
        let text = fs::read(path).map_err(read)?;
        Self::parse(&text).map_err(|what| SettingsError::Wrong {
            path: path.to_owned(),
            what,
        })
    }

    /// Writes a settings file.
    pub fn export(self, path: &Path) -> Result<(), SettingsError> {
        let file = SettingsFile {
            format: SETTINGS.name.to_owned(),
            version: SETTINGS.version,
            auto_lock: self.auto_lock,
            user_pin_policy: self.user_pin_policy,
        };
        write(path, &file)
    }

    fn parse(text: &[u8]) -> Result<Self, Wrong> {
        let file: SettingsFile = SETTINGS.parse(text)?;
        Ok(Self {
            auto_lock: file.auto_lock,
            user_pin_policy: file.user_pin_policy,
        })
    }
}

fn write(path: &Path, contents: &impl Serialize) -> Result<(), SettingsError> {
    let write = |source| SettingsError::Write {
        path: path.to_owned(),
        source,
    };
    let mut text = serde_json::to_vec(contents).map_err(|error| write(error.into()))?;
    text.push(b'\n');
    file::replace(path, &text).map_err(write)
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct SettingsFile {
    format: String,
    version: u64,
    auto_lock: bool,
    user_pin_policy: bool,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct StateFile {
    format: String,
    version: u64,
    #[serde(with = "as_text")]
    master: Serial,
    auto_lock: bool,
    user_pin_policy: bool,
    disable_master: bool,
}

/// The first two fields of a file of ours.
pub(crate) struct Format {
    pub(crate) name: &'static str,
    pub(crate) version: u64,
}

const SETTINGS: Format = Format {
    name: "keywriter-settings",
    version: 1,
};

const STATE: Format = Format {
    name: "keywriter-master",
    version: 1,
};

impl Format {
    /// Reads a file of this format and version.
    pub(crate) fn parse<T: DeserializeOwned>(&self, text: &[u8]) -> Result<T, Wrong> {
        let value: Value = serde_json::from_slice(text).map_err(Wrong::NotJson)?;
        let field = |name| value.get(name);
        if field("format").and_then(Value::as_str) != Some(self.name) {
            let expected = self.name;
            return Err(Wrong::OtherFormat { expected });
        }
        match field("version").and_then(Value::as_u64) {
            Some(found) if found > self.version => {
                let known = self.version;
                Err(Wrong::NewerVersion { found, known })
            }
            Some(found) if found == self.version => {
                serde_json::from_slice(text).map_err(Wrong::Fields)
            }
            Some(_) | None => Err(Wrong::NoVersion),
        }
    }
}

/// A value that is written as its text.
pub(crate) mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use std::{fmt::Display, str::FromStr};

    pub(crate) fn serialize<S: Serializer>(value: &impl Display, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(crate) fn deserialize<'de, T, D>(from: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        String::deserialize(from)?.parse().map_err(Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::with_sources;

    const GOOD: &str =
        r#"{"format":"keywriter-settings","version":1,"auto_lock":true,"user_pin_policy":false}"#;

    fn wrong(text: &str) -> String {
        with_sources(&Settings::parse(text.as_bytes()).unwrap_err())
    }

    #[test]
    fn a_settings_file_has_one_form() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        let settings = Settings {
            auto_lock: true,
            user_pin_policy: false,
        };
        settings.export(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{GOOD}\n"));
        assert_eq!(Settings::import(&path).unwrap(), settings);
    }

    #[test]
    fn every_wrong_file_has_its_own_error() {
        let file = |from: &str, to: &str| GOOD.replace(from, to);
        let double = format!("{GOOD}{GOOD}");
        for (text, expected) in [
            ("PIN", "not JSON"),
            (&double, "not JSON"),
            ("[]", "not a keywriter-settings file"),
            ("{}", "not a keywriter-settings file"),
            (
                &file("-settings", "-master"),
                "not a keywriter-settings file",
            ),
            (
                &file(":1", ":2"),
                "version 2 is newer than this program knows (1)",
            ),
            (&file(":1", ":0"), "not a version of this format"),
            (&file("}", r#","pin":"1"}"#), "unknown field `pin`"),
            (
                &file(r#""auto_lock":true,"#, ""),
                "missing field `auto_lock`",
            ),
            (&file("true", "1"), "invalid type: integer `1`"),
            (
                &file("}", r#","auto_lock":true}"#),
                "duplicate field `auto_lock`",
            ),
        ] {
            let error = wrong(text);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_state_reads_back_and_none_is_no_master() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keywriter/master.json");
        assert!(matches!(
            MasterState::load(&path),
            Err(SettingsError::NoMaster)
        ));
        let state = MasterState {
            master: "VM0001".parse().unwrap(),
            options: Options {
                disable_master: true,
                ..Options::default()
            },
        };
        state.save(&path).unwrap();
        assert_eq!(MasterState::load(&path).unwrap(), state);
    }

    #[test]
    fn imported_settings_leave_master_and_disabling_as_they_were() {
        let state = MasterState {
            master: "A".parse().unwrap(),
            options: Options {
                disable_master: true,
                auto_lock: true,
                user_pin_policy: false,
            },
        };
        let changed = state.with(Settings {
            auto_lock: false,
            user_pin_policy: true,
        });
        assert_eq!(changed.master, state.master);
        assert_eq!(
            changed.options,
            Options {
                disable_master: true,
                auto_lock: false,
                user_pin_policy: true
            }
        );
    }
}
