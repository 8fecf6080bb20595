//! Decrypting: a module of the group opens the file key.

use crate::stanza::{Damaged, Sealed};
use age_core::format::{FileKey, Stanza};
use age_plugin::{
    Callbacks,
    identity::{Error, IdentityPluginV1},
};
use keywriter::{
    discovery::{Connector, Discovery, Kinds},
    folders::Folders,
    genuine::TrustedRoot,
    module::ModuleError,
    share::{
        finder::{self, Found, Need},
        recipient::{PLUGIN, decode_identity},
    },
    survey::{Depth, Survey, survey},
};
use std::{collections::HashMap, io};
use zeroize::Zeroize;

/// The groups whose modules are asked.
#[derive(Default)]
pub(crate) struct Modules {
    groups: Vec<[u8; 16]>,
    found: Vec<Found>,
}

impl IdentityPluginV1 for Modules {
    fn add_identity(&mut self, index: usize, plugin_name: &str, bytes: &[u8]) -> Result<(), Error> {
        let damaged = |message: &str| Error::Identity {
            index,
            message: message.to_owned(),
        };
        if plugin_name != PLUGIN {
            return Err(damaged("it is another plugin's identity"));
        }
        let group = decode_identity(bytes)
            .map_err(|_malformed| damaged("the identity is damaged, or of a later version"))?;
        self.groups.push(group);
        Ok(())
    }

    fn unwrap_file_keys(
        &mut self,
        files: Vec<Vec<Stanza>>,
        mut callbacks: impl Callbacks<Error>,
    ) -> io::Result<HashMap<usize, Result<FileKey, Vec<Error>>>> {
        let mut file_keys = HashMap::new();
        for (file_index, stanzas) in files.iter().enumerate() {
            let mut errors = Vec::new();
            for (stanza_index, stanza) in stanzas.iter().enumerate() {
                let error = |message: String| Error::Stanza {
                    file_index,
                    stanza_index,
                    message,
                };
                let sealed = match Sealed::read(stanza) {
                    None => continue,
                    Some(Err(Damaged)) => {
                        errors.push(error("it is damaged, or of a later version".into()));
                        continue;
                    }
                    Some(Ok(sealed)) => sealed,
                };
                // Another team's stanza is left to that team's identity.
                if !self.groups.contains(&sealed.to().0) {
                    continue;
                }
                match self.unwrap(&sealed, &mut callbacks)? {
                    Ok(file_key) => {
                        file_keys.insert(file_index, Ok(file_key));
                        errors.clear();
                        break;
                    }
                    Err(message) => errors.push(error(message)),
                }
            }
            if !errors.is_empty() {
                file_keys.insert(file_index, Err(errors));
            }
        }
        Ok(file_keys)
    }
}

impl Modules {
    /// The file key, or why there is none, as a sentence.
    fn unwrap(
        &mut self,
        sealed: &Sealed,
        callbacks: &mut impl Callbacks<Error>,
    ) -> io::Result<Result<FileKey, String>> {
        loop {
            let failed = match self.try_unwrap(sealed) {
                Ok(file_key) => return Ok(Ok(file_key)),
                Err(failed) => failed,
            };
            let text = failed.to_string();
            if !failed.may_change() {
                return Ok(Err(text));
            }
            // Whoever is there may plug a module in, or unlock it on its keypad; where nobody can be asked, that is the end.
            let question = format!("KeyWriter: {text}");
            match callbacks.confirm(&question, "Try again", Some("Give up"))? {
                Ok(true) => {}
                Ok(false) | Err(_) => return Ok(Err(text)),
            }
        }
    }

    fn try_unwrap(&mut self, sealed: &Sealed) -> Result<FileKey, Failed> {
        let (group, epoch) = sealed.to();
        let found = self.of(group, epoch)?;
        let serial = found.serial;
        let file_key = match sealed {
            Sealed::Classical(sealed) => found.module.file_unwrap(sealed),
            Sealed::Hybrid(sealed) => found.module.file_hybrid_unwrap(&sealed.fields()),
        };
        let mut file_key = file_key.map_err(|source| Failed::Module(serial.to_string(), source))?;
        Ok(FileKey::init_with_mut(|place| {
            place.copy_from_slice(&file_key);
            file_key.zeroize();
        }))
    }

    fn of(&mut self, group: [u8; 16], epoch: u32) -> Result<&mut Found, Failed> {
        let is_able = |found: &Found| found.status.group == group && epoch <= found.status.epoch;
        if !self.found.iter().any(is_able) {
            let need = Need::Key { group, epoch };
            self.found.push(finder::find(&mut ask_all()?, None, need)?);
        }
        let mut found = self.found.iter_mut();
        found
            .find(|found| is_able(found))
            .ok_or(Failed::NotFound(finder::NotFound::NoModule))
    }
}

/// Every module that is plugged in, looked for as `keywriter` does.
fn ask_all() -> Result<Survey, Failed> {
    let system = |error: &dyn std::error::Error| Failed::System(error.to_string());
    let folders = Folders::find(None).map_err(|error| system(&error))?;
    let root = folders.hub_root();
    let root = if root.exists() {
        Some(TrustedRoot::load(&root).map_err(|error| system(&error))?)
    } else {
        None
    };
    let discovery = Discovery::new(folders.run(), Kinds::All);
    let places = discovery.places();
    Ok(survey(&discovery, places, root.as_ref(), Depth::Facts))
}

/// Why there is no file key.
enum Failed {
    NotFound(finder::NotFound),
    Module(String, ModuleError),
    System(String),
}

impl Failed {
    /// Whether somebody at the modules can do something about it.
    const fn may_change(&self) -> bool {
        match self {
            Self::NotFound(error) => matches!(
                error,
                finder::NotFound::NoModule
                    | finder::NotFound::Locked(_)
                    | finder::NotFound::OtherGroup { .. }
            ),
            Self::Module(..) | Self::System(_) => false,
        }
    }
}

impl From<finder::NotFound> for Failed {
    fn from(error: finder::NotFound) -> Self {
        Self::NotFound(error)
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFound(error) => write!(f, "{error}; {}", error.advice()),
            Self::Module(serial, error) => write!(f, "{serial}: {error}; {}", error.advice()),
            Self::System(text) => f.write_str(text),
        }
    }
}
