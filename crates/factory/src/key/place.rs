//! Which key in which token: what a file says of a key that the folder does not have itself.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A token, as a person names it.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The token's driver, a PKCS #11 module.
    pub(crate) module: PathBuf,
    /// The token's label.
    pub(crate) label: String,
}

/// A key in a token, as its file says.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// The PKCS #11 module.
    pub(crate) module: PathBuf,
    /// The token's label.
    pub(crate) label: String,
    /// The token's serial number: another token with that label is not taken for it.
    pub(crate) serial: String,
    /// The key's `CKA_ID`, hexadecimal.
    pub(crate) id: String,
}

impl Entry {
    /// Reads the file; nothing, if there is none.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let what = || format!("{} is damaged", plain_text::shown_path(path));
        let text = fs::read_to_string(path).with_context(what)?;
        serde_json::from_str(&text).map(Some).with_context(what)
    }

    /// Returns the file's text.
    pub(crate) fn to_text(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// Returns the token.
    pub(crate) fn place(&self) -> Place {
        Place {
            module: self.module.clone(),
            label: self.label.clone(),
        }
    }
}
