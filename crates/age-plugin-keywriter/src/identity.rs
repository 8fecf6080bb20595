//! Decrypting: a module of the group opens the file key.

use crate::stanza::{Damaged, Sealed};
use age_core::format::{FileKey, Stanza};
use age_plugin::{
    Callbacks,
    identity::{Error, IdentityPluginV1},
};
use keywriter::{
    discovery::{Discovery, Kinds},
    error::with_sources,
    folders::Folders,
    module::ModuleError,
    problem::{Problem, Reason},
    protocol::Status,
    share::{
        finder::{self, Need},
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
    /// Every module that is plugged in: asked once, and again when the user says that something has changed.
    survey: Option<Survey>,
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
        if !self.groups.contains(&group) {
            self.groups.push(group);
        }
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
                    Ok(file_key) => return Ok(Ok(file_key)),
                    Err(failures) => {
                        for failed in failures {
                            if failed.reason == Reason::NotAuthentic {
                                changed.push((*index, failed.to_string()));
                            } else {
                                closed.push(failed);
                            }
                        }
                    }
                }
            }
            let may_change = closed.iter().any(Failed::may_change);
            // What keeps one stanza closed may keep the others closed, too.
            let mut texts = Vec::new();
            for text in closed.iter().map(Failed::to_string) {
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
            let text = texts.join("\n");
            if changed.is_empty() && may_change {
                // A person may plug a module in, or unlock it on its keypad; without one, that is the end.
                let question = format!("KeyWriter: {text}");
                if let Ok(true) = callbacks.confirm(&question, "Try again", Some("Give up"))? {
                    self.survey = None;
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

    /// Asks a module of each team: a stanza does not say whose it is. If one opens it, the others need not be here; else
    /// returns what failed, which is nothing if the stanza is for none of the teams.
    fn try_unwrap(
        &mut self,
        sealed: &Sealed,
        callbacks: &mut impl Callbacks<Error>,
    ) -> Result<FileKey, Vec<Failed>> {
        let survey = match &mut self.survey {
            Some(survey) => survey,
            none => none.insert(ask_all(callbacks).map_err(|failed| vec![failed])?),
        };
        let mut failures = Vec::new();
        for group in &self.groups {
            match try_unwrap_in(survey, *group, sealed) {
                Ok(Some(file_key)) => return Ok(file_key),
                Ok(None) => {}
                Err(failed) => failures.push(failed),
            }
        }
        Err(failures)
    }
}

/// Returns the file key, or `None` if the stanza is not for that team, or of an epoch that its module lacks.
fn try_unwrap_in(
    survey: &mut Survey,
    group: [u8; 16],
    sealed: &Sealed,
) -> Result<Option<FileKey>, Failed> {
    let present =
        finder::find(survey, None, Need::Group(group)).map_err(|error| Failed::new(&error))?;
    let file_key = match sealed {
        Sealed::Classical(sealed) => present.module.file_unwrap(sealed),
        Sealed::Hybrid(sealed) => present.module.file_hybrid_unwrap(&sealed.fields()),
    };
    if let Err(ModuleError::Refused(Status::NotFound)) = file_key {
        return Ok(None);
    }
    let mut file_key = file_key.map_err(|error| {
        let failed = Failed::new(&error.into_pulled_out());
        Failed {
            text: format!("{}: {}", present.facts.serial, failed.text),
            ..failed
        }
    })?;
    Ok(Some(FileKey::init_with_mut(|place| {
        place.copy_from_slice(&file_key);
        file_key.zeroize();
    })))
}

/// Asks every module that is plugged in, as `keywriter` does.
fn ask_all(callbacks: &mut impl Callbacks<Error>) -> Result<Survey, Failed> {
    let folders = Folders::find(None).map_err(|error| Failed::new(&error))?;
    let root = trust::find(None, &folders).map_err(|error| Failed::new(&error))?;
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
    fn new<E: std::error::Error + 'static>(error: &E) -> Self
    where
        for<'a> Problem: From<&'a E>,
    {
        Self {
            reason: Problem::from(error).reason,
            text: with_sources(error),
        }
    }

    /// Returns whether a person at the modules can do something about it.
    const fn may_change(&self) -> bool {
        matches!(
            self.reason,
            Reason::NoModule
                | Reason::NoUnlockedModule
                | Reason::OtherGroup
                | Reason::Locked
                | Reason::Unplugged
                | Reason::InUse
                | Reason::NoAnswer
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
                "ask who runs the hub or this computer: the user needs the hub's folder, the right to use pcscd, or \
                 KeyWriter's udev rule for modules on USB"
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

#[cfg(test)]
mod tests {
    use super::*;
    use age_core::{
        plugin::{Error as PluginError, Result as PluginResult},
        secrecy::SecretString,
    };
    use keywriter::share::SealedFileKey;

    /// A client whose user gives up; what it was told and asked.
    #[derive(Default)]
    struct Client {
        messages: Vec<String>,
        questions: Vec<String>,
    }

    impl Callbacks<Error> for Client {
        fn message(&mut self, text: &str) -> PluginResult<()> {
            self.messages.push(text.to_owned());
            Ok(Ok(()))
        }

        fn confirm(&mut self, text: &str, _: &str, _: Option<&str>) -> PluginResult<bool> {
            self.questions.push(text.to_owned());
            Ok(Ok(false))
        }

        fn request_public(&mut self, _: &str) -> PluginResult<String> {
            Ok(Err(PluginError::Fail))
        }

        fn request_secret(&mut self, _: &str) -> PluginResult<SecretString> {
            Ok(Err(PluginError::Fail))
        }

        fn error(&mut self, _: Error) -> PluginResult<()> {
            Ok(Ok(()))
        }
    }

    #[test]
    fn what_keeps_every_stanza_closed_for_every_team_is_said_and_asked_once() {
        let mut modules = Modules {
            groups: vec![[1; 16], [2; 16]],
            // No module is plugged in.
            survey: Some(Survey::default()),
        };
        let sealed = |index| {
            let sealed = SealedFileKey {
                to: [0; 16],
                ephemeral: [4; 97],
                cipher: [0; 16],
                tag: [0; 16],
            };
            (index, Sealed::Classical(sealed))
        };
        let mut client = Client::default();
        let stanzas = [sealed(0), sealed(1)];
        let unwrapped = modules.unwrap(&stanzas, &mut client).unwrap();
        assert!(unwrapped.is_err_and(|changed| changed.is_empty()));
        let text = "no module found; plug in a module of the group";
        assert_eq!(client.messages, [text]);
        assert_eq!(client.questions, [format!("KeyWriter: {text}")]);
    }
}
