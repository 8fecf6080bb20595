//! `license-portal webhook`.

use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use plain_text::shown;

use super::{HookCommand, say};
use crate::{
    hook::{self, Teller},
    keys::{HookSecret, Typed},
    model::Hook,
    portal::Portal,
    store::StoreError,
};

pub(super) async fn run(portal: Portal, command: HookCommand) -> anyhow::Result<()> {
    let (store, now) = (portal.store.clone(), portal.clock.now());
    match command {
        HookCommand::Add { name, url } => add(&portal, name, &url).await?,
        HookCommand::List => {
            for hook in store.hooks().await? {
                say(hook.line())?;
            }
        }
        HookCommand::Remove { name } => {
            if !store.remove_hook(&name, now).await? {
                bail!("there is no webhook {}", shown(&name));
            }
        }
        HookCommand::Test { name } => {
            let teller = Teller::new(Arc::new(portal));
            match teller.test(&name).await? {
                None => bail!("there is no webhook {}", shown(&name)),
                Some(Ok(())) => say("the webhook answered")?,
                Some(Err(error)) => bail!(
                    "the webhook {} was not told: {error}; a running `serve` tries again",
                    shown(&name)
                ),
            }
        }
    }
    Ok(())
}

async fn add(portal: &Portal, name: String, url: &str) -> anyhow::Result<()> {
    let url = hook::address(url, portal.settings.webhook_private).map_err(|why| anyhow!(why))?;
    let (secret, now) = (HookSecret::generate()?, portal.clock.now());
    let hook = Hook {
        sealed: portal
            .keys
            .seal_typed(Typed::Hook(&name), secret.expose())?,
        name,
        url,
    };
    match portal.store.add_hook(&hook, now).await {
        Err(StoreError::Exists) => bail!("there is a webhook {} already", shown(&hook.name)),
        added => added?,
    }
    // It is shown this once: unread, it must not stay.
    if let Err(error) = say(secret.expose()) {
        portal.store.remove_hook(&hook.name, now).await?;
        return Err(error)
            .context("the secret could not be written, and the webhook was not added");
    }
    Ok(())
}
