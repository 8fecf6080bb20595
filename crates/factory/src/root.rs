//! The factory's folder: `root.pem` is for everyone, `root.age` has the root's key and is sealed, `register` says what was
//! certified.

use crate::sealed;
use anyhow::{Context, Result, bail};
use hsm_factory::Root;
use keywriter::genuine::TrustedRoot;
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// The folder.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    /// Makes a root. Its key is never in a file that is not sealed.
    pub(crate) fn make(&self, name: &str, recipients: &[String]) -> Result<()> {
        fs::create_dir_all(&self.0).context("cannot make the factory's folder")?;
        for path in [self.key(), self.certificate()] {
            if path.exists() {
                bail!("there is a root already: {}", plain_text::shown_path(&path));
            }
        }
        let root = Root::generate(name)?;
        let sealed = sealed::seal(root.to_pem()?.as_bytes(), recipients)?;
        // First the key: a certificate without a key is of no use.
        self.keep(&self.key(), &sealed)?;
        self.keep(&self.certificate(), root.certificate_pem()?.as_bytes())
    }

    /// Opens the root.
    pub(crate) fn open(&self, identities: &[PathBuf]) -> Result<Root> {
        let key = self.key();
        let what = || format!("cannot open {}", plain_text::shown_path(&key));
        let pem = sealed::open(&key, identities).with_context(what)?;
        let text = std::str::from_utf8(&pem).with_context(what)?;
        let root = Root::from_pem(text).with_context(what)?;
        if self.trusted()?.to_pem()? != root.certificate_pem()? {
            bail!("root.pem is another root's than root.age: put the one back that belongs to it");
        }
        Ok(root)
    }

    /// Returns the root as everyone knows it.
    pub(crate) fn trusted(&self) -> Result<TrustedRoot> {
        Ok(TrustedRoot::load(&self.certificate())?)
    }

    /// Returns the path of the register.
    pub(crate) fn register(&self) -> PathBuf {
        self.0.join("register")
    }

    fn certificate(&self) -> PathBuf {
        self.0.join("root.pem")
    }

    fn key(&self) -> PathBuf {
        self.0.join("root.age")
    }

    /// Writes a new file, whole or not at all.
    fn keep(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let what = || format!("cannot write {}", plain_text::shown_path(path));
        let mut file = tempfile::NamedTempFile::new_in(&self.0).with_context(what)?;
        file.write_all(bytes).with_context(what)?;
        file.as_file().sync_all().with_context(what)?;
        file.persist_noclobber(path).with_context(what)?;
        Ok(())
    }
}
