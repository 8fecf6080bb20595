//! Decrypting: a module of the group opens the file key.

use crate::stanza::{Damaged, Sealed};
use age_core::format::{FileKey, Stanza};
use age_plugin::{
    Callbacks,
    identity::{Error, IdentityPluginV1},
};
use keywriter::{
    discovery::{Discovery, Kinds},
    folders::Folders,
    module::ModuleError,
    problem::{Problem, Reason},
    protocol::Status,
    share::{
        finder::{self, Found, Need},
        recipient::{PLUGIN, decode_identity},
    },
    survey::{Depth, Survey},
    transport::Location,
    trust,
};
use std::{cell::RefCell, collections::HashMap, io};
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
            let error = |stanza_index, message: String| Error::Stanza {
                file_index,
                stanza_index,
                message,
            };
            let known = stanzas.iter().enumerate();
            let known = known.filter_map(|(index, stanza)| Some((index, Sealed::read(stanza)?)));
            let (mut sealed, mut errors) = (Vec::new(), Vec::new());
            for (index, read) in known {
                match read {
                    Ok(own) => sealed.push((index, own)),
                    Err(Damaged) => errors.push(error(
                        index,
                        "the stanza is damaged, or of a later version".into(),
                    )),
                }
            }
            // The header is not as it was written: no stanza of it is opened.
            let unwrapped = if errors.is_empty() {
                self.unwrap(&sealed, &mut callbacks)?
            } else {
                Err(Vec::new())
            };
            match unwrapped {
                Ok(file_key) => {
                    file_keys.insert(file_index, Ok(file_key));
                }
                Err(changed) => {
                    errors.extend(changed.into_iter().map(|(index, text)| error(index, text)));
                    if !errors.is_empty() {
                        file_keys.insert(file_index, Err(errors));
                    }
                }
            }
        }
        Ok(file_keys)
    }
}

impl Modules {
    /// Returns the file key that any of a file's stanzas holds, or which of them cannot be opened by the module that has
    /// their key. What else keeps them closed is a message: the client goes on to its next identity.
    fn unwrap(
        &mut self,
        sealed: &[(usize, Sealed)],
        callbacks: &mut impl Callbacks<Error>,
    ) -> io::Result<Result<FileKey, Vec<(usize, String)>>> {
        loop {
            let (mut changed, mut closed) = (Vec::new(), Vec::new());
            for (index, sealed) in sealed {
                match self.try_unwrap(sealed, callbacks) {
                    // A stanza of another team is for that team's identity.
                    Ok(None) => {}
                    Ok(Some(file_key)) => return Ok(Ok(file_key)),
                    Err(failed) if failed.reason == Reason::NotAuthentic => {
                        changed.push((*index, failed.to_string()));
                    }
                    Err(failed) => closed.push(failed),
                }
            }
            let may_change = closed.iter().any(Failed::may_change);
            let mut texts: Vec<_> = closed.iter().map(Failed::to_string).collect();
            texts.dedup();
            let text = texts.join("\n");
            if changed.is_empty() && may_change {
                // A person may plug a module in, or unlock it on its keypad; without one, that is the end.
                let question = format!("KeyWriter: {text}");
                if let Ok(true) = callbacks.confirm(&question, "Try again", Some("Give up"))? {
                    continue;
                }
            }
            if !text.is_empty() {
                // A client that shows no messages says by itself that no identity matched.
                drop(callbacks.message(&text)?);
            }
            return Ok(Err(changed));
        }
    }

    /// Asks a module of each team: a stanza does not say whose it is. If one opens it, the others need not be here.
    /// Returns `None` if the stanza is for none of the teams.
    fn try_unwrap(
        &mut self,
        sealed: &Sealed,
        callbacks: &mut impl Callbacks<Error>,
    ) -> Result<Option<FileKey>, Failed> {
        let mut failed = None;
        for group in self.groups.clone() {
            match self.try_unwrap_in(group, sealed, callbacks) {
                Ok(Some(file_key)) => return Ok(Some(file_key)),
                Ok(None) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(None), Err)
    }

    /// Returns the file key, or `None` if the stanza is not for that team, or of an epoch that its module lacks.
    fn try_unwrap_in(
        &mut self,
        group: [u8; 16],
        sealed: &Sealed,
        callbacks: &mut impl Callbacks<Error>,
    ) -> Result<Option<FileKey>, Failed> {
        let found = self.of(group, callbacks)?;
        let serial = found.serial;
        let file_key = match sealed {
            Sealed::Classical(sealed) => found.module.file_unwrap(sealed),
            Sealed::Hybrid(sealed) => found.module.file_hybrid_unwrap(&sealed.fields()),
        };
        if let Err(ModuleError::Refused(Status::NotFound)) = file_key {
            return Ok(None);
        }
        let mut file_key = file_key.map_err(|error| {
            let failed = Failed::new(error);
            Failed {
                text: format!("{serial}: {}", failed.text),
                ..failed
            }
        })?;
        Ok(Some(FileKey::init_with_mut(|place| {
            place.copy_from_slice(&file_key);
            file_key.zeroize();
        })))
    }

    fn of(
        &mut self,
        group: [u8; 16],
        callbacks: &mut impl Callbacks<Error>,
    ) -> Result<&mut Found, Failed> {
        let is_able = |found: &Found| found.status.group == group;
        if !self.found.iter().any(is_able) {
            let found = finder::find(&mut ask_all(callbacks)?, None, Need::Group(group));
            self.found.push(found.map_err(Failed::new)?);
        }
        let mut found = self.found.iter_mut();
        found
            .find(|found| is_able(found))
            .ok_or_else(|| Failed::new(finder::NotFound::NoModule))
    }
}

/// Asks every module that is plugged in, as `keywriter` does.
fn ask_all(callbacks: &mut impl Callbacks<Error>) -> Result<Survey, Failed> {
    let folders = Folders::find(None).map_err(Failed::new)?;
    let root = trust::find(None, &folders).map_err(Failed::new)?;
    let root = root.map(|(root, _)| root);
    let discovery = Discovery::new(folders.run(), Kinds::All);
    let callbacks = RefCell::new(callbacks);
    let waits = |location: &Location| {
        let text = format!("waiting for {location}");
        // A client that is gone is noticed elsewhere.
        drop(callbacks.borrow_mut().message(&text));
    };
    Ok(Survey::of_all(
        &discovery,
        root.as_ref(),
        Depth::Facts,
        &waits,
    ))
}

/// Why there is no file key.
struct Failed {
    reason: Reason,
    /// What went wrong.
    text: String,
}

impl Failed {
    fn new<E: std::fmt::Display>(error: E) -> Self
    where
        for<'a> Problem: From<&'a E>,
    {
        Self {
            reason: Problem::from(&error).reason,
            text: error.to_string(),
        }
    }

    /// Returns whether a person at the modules can do something about it.
    const fn may_change(&self) -> bool {
        matches!(
            self.reason,
            Reason::NoModule | Reason::NoUnlockedModule | Reason::OtherGroup
        )
    }

    /// Returns what to do next.
    const fn advice(&self) -> &'static str {
        match self.reason {
            Reason::NoModule | Reason::Unplugged => "plug in a module of the group",
            Reason::NoUnlockedModule | Reason::Locked => {
                "unlock one on its keypad: SHIFT+KEY, the User PIN, KEY"
            }
            Reason::OtherGroup => "plug in and unlock a module of that group",
            Reason::NoRoot => {
                "get the root certificate from the supplier of your modules, then `keywriter root pin FILE`"
            }
            Reason::NotGenuine | Reason::ForeignRoot => {
                "use a genuine module; `keywriter list` shows which are"
            }
            Reason::NotAuthentic => "get the file again from its sender",
            Reason::NotPermitted => {
                "ask who runs the hub or this computer: the user needs the hub's folder, or to be allowed to use pcscd"
            }
            Reason::InUse | Reason::Interrupted => {
                "check that no other program uses the module, and try again"
            }
            _ => "`keywriter list` shows what is plugged in, and what is wrong with it",
        }
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.text, self.advice())
    }
}
