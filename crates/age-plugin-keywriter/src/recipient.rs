//! Encrypting: one stanza for each recipient; a recipient is a whole team.

use crate::stanza::Sealed;
use age_core::{
    format::{FileKey, Stanza},
    secrecy::ExposeSecret,
};
use age_plugin::{
    Callbacks,
    recipient::{Error, RecipientPluginV1},
};
use keywriter::share::{
    hybrid::{TeamRecipient, seal_hybrid},
    recipient::{PLUGIN, seal_file_key},
};
use std::{collections::HashSet, io};

/// The label of C2SP's age-plugin that keeps a file from being encrypted to a classical recipient as well.
const POST_QUANTUM: &str = "postquantum";

/// The teams to encrypt to.
#[derive(Default)]
pub(crate) struct Team {
    recipients: Vec<(usize, TeamRecipient)>,
}

impl Team {
    fn has_hybrid(&self) -> bool {
        let is_hybrid = |(_, to): &_| matches!(to, TeamRecipient::Hybrid(_));
        self.recipients.iter().any(is_hybrid)
    }

    /// Returns an error for each classical recipient if there is a post-quantum one too. Clients compare the labels of
    /// plugins; recipients of one plugin are compared here.
    fn mixed(&self) -> Vec<Error> {
        let classical = self
            .recipients
            .iter()
            .filter(|(_, to)| self.has_hybrid() && matches!(to, TeamRecipient::Classical(_)));
        classical
            .map(|(index, _)| Error::Recipient {
                index: *index,
                message:
                    "it is not post-quantum, but another recipient is: encrypt to one kind only"
                        .into(),
            })
            .collect()
    }
}

impl RecipientPluginV1 for Team {
    fn add_recipient(
        &mut self,
        index: usize,
        plugin_name: &str,
        bytes: &[u8],
    ) -> Result<(), Error> {
        let damaged = |message: &str| Error::Recipient {
            index,
            message: message.to_owned(),
        };
        if plugin_name != PLUGIN {
            return Err(damaged("it is another plugin's recipient"));
        }
        let recipient = TeamRecipient::decode(bytes)
            .map_err(|_malformed| damaged("the recipient is damaged, or of a later version"))?;
        self.recipients.push((index, recipient));
        Ok(())
    }

    fn add_identity(&mut self, index: usize, _: &str, _: &[u8]) -> Result<(), Error> {
        Err(Error::Identity {
            index,
            message: "a team's identity has no key to encrypt to: use its recipient (-r age1keywriter1...)"
                .into(),
        })
    }

    fn labels(&mut self) -> HashSet<String> {
        let label = self.has_hybrid().then(|| POST_QUANTUM.to_owned());
        label.into_iter().collect()
    }

    fn wrap_file_keys(
        &mut self,
        file_keys: Vec<FileKey>,
        _: impl Callbacks<Error>,
    ) -> io::Result<Result<Vec<Vec<Stanza>>, Vec<Error>>> {
        let mixed = self.mixed();
        if !mixed.is_empty() {
            return Ok(Err(mixed));
        }
        let wrap = |file_key: &FileKey| {
            let file_key = file_key.expose_secret();
            let stanzas = self.recipients.iter().map(|(index, recipient)| {
                let sealed = match recipient {
                    TeamRecipient::Classical(to) => {
                        seal_file_key(to, file_key).map(Sealed::Classical)
                    }
                    TeamRecipient::Hybrid(to) => seal_hybrid(to, file_key).map(Sealed::Hybrid),
                };
                sealed.map(|sealed| sealed.write()).map_err(|error| {
                    vec![Error::Recipient {
                        index: *index,
                        message: error.to_string(),
                    }]
                })
            });
            stanzas.collect::<Result<Vec<_>, _>>()
        };
        Ok(file_keys.iter().map(wrap).collect())
    }
}
