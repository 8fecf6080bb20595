//! Makes a portal from its options.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path, sync::Arc};

use anyhow::{Context as _, bail, ensure};
use license_token::{Anchor, SigningKey};
use tokio::sync::Notify;

use super::Options;
use crate::{
    clock::{Clock as _, SystemClock},
    files::create_private_folder,
    keys::{self, Signers},
    metrics::Metrics,
    pin_hash::PinHasher,
    portal::Portal,
    store::{self, Store},
};

impl Options {
    /// Fails for root where the data folder belongs to another user: what root creates there, the service cannot open.
    pub(super) fn require_owner(&self) -> anyhow::Result<()> {
        let data = self.data();
        let owner = match fs::metadata(&data) {
            Ok(folder) => folder.uid(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                return Err(error).with_context(|| format!("data folder {}", data.display()));
            }
        };
        ensure!(
            may_write(rustix::process::geteuid().as_raw(), owner),
            "the data folder {} belongs to another user than root; run the command as that user: `runuser -u \
             license-portal -- license-portal …`",
            data.display()
        );
        Ok(())
    }

    /// Creates the data folder, the portal key and the database, if they do not exist.
    pub(super) async fn create(&self) -> anyhow::Result<()> {
        let (data, key) = (self.data(), self.portal_key());
        create_private_folder(&data).with_context(|| format!("data folder {}", data.display()))?;
        keys::create_portal_key(&key).with_context(|| format!("portal key {}", key.display()))?;
        let store = Store::open(&self.database()).await.context("database")?;
        store.migrate().await.context("database")
    }

    /// Opens a portal that exists, to sign licenses: the key must be the portal's; the first one ever used becomes it.
    pub(super) async fn open_to_sign(&self) -> anyhow::Result<Portal> {
        let mut portal = self.open().await?;
        let (store, signers) = (&portal.store, self.signers()?);
        store
            .sign_first(&signers.anchors(), SystemClock.now())
            .await
            .context("database")?;
        check_signers(store, &signers).await?;
        portal.signers = signers;
        Ok(portal)
    }

    /// Opens a portal that exists, without the keys that sign. A command in the wrong folder must not create another
    /// one.
    pub(super) async fn open(&self) -> anyhow::Result<Portal> {
        let key = self.portal_key();
        let database = store::file(&self.database()).context("database")?;
        for file in database.iter().chain([&key]) {
            if !file.exists() {
                bail!(
                    "there is no portal: {} does not exist. Give the portal's --config or --data, or create one with \
                     `license-portal init`",
                    file.display()
                );
            }
        }
        let keys =
            keys::portal_keys(&key).with_context(|| format!("portal key {}", key.display()))?;
        let store = Store::open(&self.database()).await.context("database")?;
        store.migrate().await.context("database")?;
        Ok(Portal {
            store,
            clock: Arc::new(SystemClock),
            keys,
            hasher: PinHasher::new()?,
            signers: Signers::none(),
            metrics: Metrics::default(),
            settings: self.settings()?,
            courier: self.courier()?,
            bell: Notify::new(),
        })
    }

    /// Returns the keys that sign licenses.
    pub(super) fn signers(&self) -> anyhow::Result<Signers> {
        match &self.signing_key {
            Some(_) if self.development => {
                bail!("signing_key and development exclude each other")
            }
            Some(file) => {
                let newest = signing_key(file)?;
                Ok(Signers::new(newest, self.old_signing_keys()?))
            }
            None if self.development && !self.old_signing_key.is_empty() => {
                bail!("old_signing_key and development exclude each other")
            }
            None if self.development => Ok(Signers::development()),
            None => bail!(
                "signing_key is not set. For evaluation, `development` signs with the published key, which only \
                 development builds of the app accept"
            ),
        }
    }

    /// Returns the earlier keys that are configured.
    pub(super) fn old_signing_keys(&self) -> anyhow::Result<Vec<SigningKey>> {
        self.old_signing_key
            .iter()
            .map(|file| signing_key(file))
            .collect()
    }

    /// Returns the newest public key.
    pub(super) fn anchor(&self) -> anyhow::Result<Anchor> {
        let anchors = self.signers()?.anchors();
        anchors.first().copied().context("no signing key")
    }
}

/// Fails unless the portal signs with the configured key: with another one, apps would not accept its licenses.
pub(super) async fn check_signers(store: &Store, signers: &Signers) -> anyhow::Result<()> {
    let (configured, known) = (signers.anchors(), store.anchors().await?);
    let name = |anchor: Option<&Anchor>| anchor.map_or_else(|| "none".into(), Anchor::to_string);
    let (newest, signs) = (configured.first(), known.first());
    if newest != signs {
        bail!(
            "wrong signing key: its public key is {}, and this portal signs licenses with {}. To change the key: \
             `license-portal signing-key rotate`",
            name(newest),
            name(signs)
        );
    }
    if let Some(stranger) = configured.iter().find(|anchor| !known.contains(anchor)) {
        bail!(
            "an old signing key whose licenses this portal does not refresh: its public key is {stranger}, which \
             was forgotten, or never signed licenses here. Remove it from old_signing_key"
        );
    }
    Ok(())
}

/// Whether what a user creates in a folder can be opened by the folder's owner. Others than root can create nothing.
fn may_write(user: u32, owner: u32) -> bool {
    user != 0 || owner == 0
}

fn signing_key(file: &Path) -> anyhow::Result<SigningKey> {
    keys::signing_key(file).with_context(|| format!("signing key {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_creates_nothing_in_the_folder_of_another_user() {
        assert!(may_write(0, 0) && may_write(100, 100) && may_write(100, 0));
        assert!(!may_write(0, 100));
    }
}
