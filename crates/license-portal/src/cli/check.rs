//! `license-portal check-config` and `test-mail`.

use anyhow::{Context as _, bail, ensure};
use plain_text::shown;

use super::{Options, say, settings::check_signers};
use crate::{
    email::EmailAddress,
    keys,
    mail::courier::Parcel,
    store::{self, Store},
};

/// Prints what is configured, and every problem with it. Creates nothing.
pub(super) async fn config(options: &Options) -> anyhow::Result<()> {
    let file = options.config.as_ref();
    let file = file.map_or("none".into(), |file| file.display().to_string());
    say(shown(&format!("configuration file: {file}")))?;
    let data = options.data();
    say(shown(&format!("data folder: {}", data.display())))?;
    let mut problems = Vec::new();
    match options.settings() {
        Ok(settings) => {
            problems.extend(settings.missing.iter().map(ToString::to_string));
            if options.public_url.is_some() {
                say(format_args!("public URL: {}", settings.public_url))?;
            }
        }
        Err(error) => problems.push(format!("{error:#}")),
    }
    if options.smtp.is_some()
        && let Err(error) = options.courier()
    {
        problems.push(format!("{error:#}"));
    }
    match options.anchor() {
        Ok(anchor) if anchor.is_development() => problems.push(
            "development is set: only development builds of the app accept the licenses".into(),
        ),
        Ok(anchor) => say(format_args!("signing key: its public key is {anchor}"))?,
        Err(error) => problems.push(format!("{error:#}")),
    }
    let key = options.portal_key();
    if let Err(error) = keys::portal_keys(&key) {
        problems.push(format!("portal key {}: {error}", key.display()));
    }
    if let Err(error) = database(options).await {
        problems.push(format!("database: {error:#}"));
    }
    for problem in &problems {
        say(format_args!("problem: {}", shown(problem)))?;
    }
    ensure!(problems.is_empty(), "the configuration has problems");
    Ok(say("the configuration is complete")?)
}

async fn database(options: &Options) -> anyhow::Result<()> {
    let url = options.database();
    match store::file(&url)? {
        Some(file) if !file.exists() => bail!("{} does not exist", file.display()),
        _ => {
            let store = Store::open(&url).await?;
            // Without one, there is no wrong key; a key that cannot be read was a problem above.
            match options.signers() {
                Ok(signers) if !store.anchors().await?.is_empty() => {
                    check_signers(&store, &signers).await
                }
                Ok(_) | Err(_) => Ok(()),
            }
        }
    }
}

/// Sends a mail at once.
pub(super) async fn mail(options: &Options, to: &EmailAddress) -> anyhow::Result<()> {
    let settings = options.settings()?;
    let Some(courier) = options.courier()? else {
        bail!("there is no way to send mail: set smtp");
    };
    let text = format!(
        "This is a test of the license portal {}.\n",
        settings.public_url
    );
    let parcel = Parcel {
        id: 0,
        reference: "test",
        from: &settings.mail_from,
        to: to.as_str(),
        subject: "License portal test",
        text: &text,
        html: None,
    };
    courier.deliver(&parcel).await?;
    say(format_args!("the mail server accepted a mail to {to}"))
        .context("the mail server accepted the mail, but that could not be printed")
}
