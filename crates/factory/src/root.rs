//! The root of trust: made once, its key kept, opened to certify.

use crate::{
    folder::{Folder, Name},
    key::{
        Keeper, Opener, P384,
        place::Entry,
        sealed,
        token::{self, Token, TokenKey},
    },
};
use anyhow::{Context, Result, bail};
use hsm_factory::{Root, RootKey};
use hsm_protocol::{EcPoint, Sha384Digest, Signature};
use keywriter::genuine::TrustedRoot;
use std::{error::Error, fs};

const ROOT: Name = Name("root");

/// Makes a root. Its key is never in a file that is not sealed. What a power cut left is finished or replaced, unless
/// something was certified.
pub(crate) fn make(folder: &Folder, name: &str, keeper: &Keeper) -> Result<()> {
    let _lock = folder.lock()?;
    if let Some(key) = folder.key(ROOT) {
        bail!("there is a root already: {}", plain_text::shown_path(&key));
    }
    if folder.has_entries()? {
        bail!(
            "{} has entries, so there was a root: put {} back, or {}",
            plain_text::shown_path(&folder.register()),
            plain_text::shown_path(&folder.sealed(ROOT)),
            plain_text::shown_path(&folder.token(ROOT))
        );
    }
    let public = folder.public(ROOT);
    match keeper {
        Keeper::Age(recipients) => {
            let root = Root::generate(name)?;
            let sealed = sealed::seal(root.to_pem()?.as_bytes(), recipients)?;
            folder.put(&public, root.certificate_pem()?.as_bytes())?;
            folder.add(&folder.sealed(ROOT), &sealed)
        }
        Keeper::Token(place, pin) => {
            let key = token::make(folder, ROOT, (&P384, name), (place, pin))?;
            let root = Root::certified(InToken(key), name)?;
            folder.put(&public, root.certificate_pem()?.as_bytes())?;
            folder.rename(&folder.begun(ROOT), &folder.token(ROOT))
        }
    }
}

/// Opens the root.
pub(crate) fn open(folder: &Folder, opener: &Opener) -> Result<Root<Box<dyn RootKey>>> {
    let Some(path) = folder.key(ROOT) else {
        bail!("there is no key of a root: {}", none(folder));
    };
    let what = || format!("cannot use {}", plain_text::shown_path(&path));
    let public = folder.public(ROOT);
    if let Some(entry) = Entry::read(&folder.token(ROOT))? {
        let key = Token::of(&entry, &opener.pin)?.key(&entry, &P384)?;
        let certificate = fs::read_to_string(&public)
            .with_context(|| format!("cannot read {}", plain_text::shown_path(&public)))?;
        let root = Root::known(InToken(key), &certificate).with_context(what)?;
        return Ok(root.boxed());
    }
    if opener.identities.is_empty() {
        bail!(
            "{} is sealed: name a file with an identity of age that opens it (-i FILE)",
            plain_text::shown_path(&path)
        );
    }
    let pem = sealed::open(&path, &opener.identities).with_context(what)?;
    let root = Root::from_pem(std::str::from_utf8(&pem).with_context(what)?).with_context(what)?;
    let certificate = root.certificate_pem()?;
    if !public.exists() {
        // The sealed file has it, too.
        folder.add(&public, certificate.as_bytes())?;
    }
    if trusted(folder)?.to_pem()? != certificate {
        bail!("root.pem is another root's than root.age: put the one back that belongs to it");
    }
    Ok(root.boxed())
}

/// A root's key in a token.
struct InToken(TokenKey);

impl RootKey for InToken {
    fn public(&self) -> EcPoint {
        // A point of this length was asked for.
        self.0.point().try_into().unwrap_or([0; 97])
    }

    fn sign(&self, hash: &Sha384Digest) -> Result<Signature, Box<dyn Error + Send + Sync>> {
        Ok(self.0.sign(hash)?.as_slice().try_into()?)
    }
}

/// Returns the root as everyone knows it.
pub(crate) fn trusted(folder: &Folder) -> Result<TrustedRoot> {
    if folder.key(ROOT).is_none() && !folder.has_entries()? {
        bail!("there is no root yet: {}", none(folder));
    }
    Ok(TrustedRoot::load(&folder.public(ROOT))?)
}

/// Says what is missing.
fn none(folder: &Folder) -> String {
    format!(
        "neither {} nor {} is there. `factory root new` makes one",
        plain_text::shown_path(&folder.sealed(ROOT)),
        plain_text::shown_path(&folder.token(ROOT))
    )
}

#[cfg(test)]
mod tests;
