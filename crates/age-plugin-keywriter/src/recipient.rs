//! Encrypting: one stanza for each recipient, and a recipient is a whole team.

use crate::stanza;
use age_core::{
    format::{FileKey, Stanza},
    secrecy::ExposeSecret,
};
use age_plugin::{
    Callbacks,
    recipient::{Error, RecipientPluginV1},
};
use keywriter::share::{
    Recipient,
    recipient::{PLUGIN, decode_recipient, seal_file_key},
};
use std::{collections::HashSet, io};

/// The teams to encrypt to.
#[derive(Default)]
pub(crate) struct Team {
    recipients: Vec<(usize, Recipient)>,
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
        let recipient = decode_recipient(bytes)
            .map_err(|_malformed| damaged("the recipient is damaged, or of a later version"))?;
        self.recipients.push((index, recipient));
        Ok(())
    }

    fn add_identity(&mut self, index: usize, _: &str, _: &[u8]) -> Result<(), Error> {
        Err(Error::Identity {
            index,
            message: "a team's identity names its modules and holds no key to encrypt to; use its recipient (-r age1keywriter1...)".into(),
        })
    }

    fn labels(&mut self) -> HashSet<String> {
        HashSet::new()
    }

    fn wrap_file_keys(
        &mut self,
        file_keys: Vec<FileKey>,
        _: impl Callbacks<Error>,
    ) -> io::Result<Result<Vec<Vec<Stanza>>, Vec<Error>>> {
        let wrap = |file_key: &FileKey| {
            let stanzas = self.recipients.iter().map(|(index, recipient)| {
                let sealed = seal_file_key(recipient, file_key.expose_secret());
                sealed
                    .map(|sealed| stanza::write(&sealed))
                    .map_err(|error| {
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
