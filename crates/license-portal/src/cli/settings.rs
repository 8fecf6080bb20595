//! Makes a portal from its options.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use license_token::SigningKey;
use tokio::sync::Notify;

use super::Options;
use crate::{
    clock::SystemClock,
    files::create_private_folder,
    keys,
    metrics::Metrics,
    pin_hash::PinHasher,
    portal::Portal,
    store::{self, Store},
};

impl Options {
    /// Creates the data folder, the portal key and the database, if they do not exist.
    pub(super) async fn create(&self) -> anyhow::Result<()> {
        let (data, key) = (self.data(), self.portal_key());
        create_private_folder(&data).with_context(|| format!("data folder {}", data.display()))?;
        keys::create_portal_key(&key).with_context(|| format!("portal key {}", key.display()))?;
        let store = Store::open(&self.database()).await.context("database")?;
        store.migrate().await.context("database")
    }

    /// Opens a portal that exists. A command in the wrong folder must not create another one.
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
            signer: self.signer()?,
            metrics: Metrics::default(),
            settings: self.settings()?,
            courier: self.courier()?,
            bell: Notify::new(),
        })
    }

    /// Returns the key that signs licenses.
    pub(super) fn signer(&self) -> anyhow::Result<SigningKey> {
        match &self.signing_key {
            Some(file) => {
                keys::signing_key(file).with_context(|| format!("signing key {}", file.display()))
            }
            None => Ok(SigningKey::development()),
        }
    }
}
