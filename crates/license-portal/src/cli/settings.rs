//! Makes a portal from the options of the command line.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use clap::Args;
use ipnet::IpNet;
use license_token::SigningKey;
use tokio::sync::Notify;

use super::Place;
use crate::{
    clock::SystemClock,
    files::create_private_folder,
    keys,
    metrics::Metrics,
    model::Pace,
    pin_hash::PinHasher,
    portal::{Paces, Partner, Portal, Settings},
    store::Store,
};

/// The options of `serve`.
#[derive(Args, Clone)]
pub struct ServeOptions {
    /// Address to listen on
    #[arg(
        long,
        env = "LICENSE_PORTAL_LISTEN",
        default_value = "127.0.0.1:8480",
        value_name = "ADDRESS"
    )]
    pub listen: SocketAddr,
    /// Key that signs licenses: 64 hexadecimal digits, mode 0600 [default: the published development key]
    #[arg(long, env = "LICENSE_PORTAL_SIGNING_KEY", value_name = "FILE")]
    pub signing_key: Option<PathBuf>,
    /// Mail server: `smtps://USER:PASSWORD@HOST:465`, `smtp://USER:PASSWORD@HOST:587?tls=required` or `smtp://HOST:25`
    /// [default: none; mails are written to the folder outbox, and printed]
    #[arg(
        long,
        env = "LICENSE_PORTAL_SMTP",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub smtp: Option<String>,
    /// Sender of the mails
    #[arg(
        long,
        env = "LICENSE_PORTAL_FROM",
        default_value = "KeyWriter <licenses@keywriter.example>",
        value_name = "ADDRESS"
    )]
    pub mail_from: String,
    /// Proxies whose X-Forwarded-For is trusted, such as 127.0.0.1/32
    #[arg(
        long,
        env = "LICENSE_PORTAL_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_name = "NETWORK"
    )]
    pub trusted_proxy: Vec<IpNet>,
    /// Folder with the packages to download [default: packages in the data folder]
    #[arg(long, env = "LICENSE_PORTAL_PACKAGES", value_name = "DIR")]
    pub packages: Option<PathBuf>,
    /// File with the partners on the purchase page, one per line: NAME | PLACE | HTTPS URL [default: partners.txt in the
    /// data folder]
    #[arg(long, env = "LICENSE_PORTAL_PARTNERS", value_name = "FILE")]
    pub partners: Option<PathBuf>,
    /// Minutes that a mailed link is valid
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(i64).range(5..=10_080))]
    pub link_minutes: i64,
    /// Days after which the app has to refresh its license; 0: never
    #[arg(long, default_value_t = 365)]
    pub token_days: u16,
    /// Installations of the app that a license can be registered on
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub installations: u32,
    /// PINs that can be entered from one address at once
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub address_burst: u32,
    /// Milliseconds until one more PIN can be entered from that address
    #[arg(long, default_value_t = 3_000, value_parser = clap::value_parser!(i64).range(1..))]
    pub address_every: i64,
}

impl Place {
    /// Opens the database and makes a portal, for every command but `serve`.
    pub(super) async fn portal(&self) -> anyhow::Result<Portal> {
        create_private_folder(&self.data)
            .with_context(|| format!("data folder {}", self.data.display()))?;
        let key = self
            .portal_key
            .clone()
            .unwrap_or_else(|| self.data.join("portal.key"));
        let keys =
            keys::portal_keys(&key).with_context(|| format!("portal key {}", key.display()))?;
        let url = match &self.database {
            Some(url) => url.clone(),
            None => format!("sqlite:{}", self.data.join("portal.sqlite").display()),
        };
        let store = Store::open(&url).await.context("database")?;
        store.migrate().await.context("database")?;
        Ok(Portal {
            store,
            clock: Arc::new(SystemClock),
            keys,
            hasher: PinHasher::new()?,
            signer: SigningKey::development(),
            metrics: Metrics::default(),
            settings: Settings {
                public_url: origin(&self.public_url)?,
                support_email: self.support_email.clone(),
                support_phone: self.support_phone.clone(),
                packages: self.data.join("packages"),
                ..Settings::default()
            },
            bell: Notify::new(),
        })
    }

    /// Makes a portal for `serve`.
    pub(super) async fn serving(&self, options: &ServeOptions) -> anyhow::Result<Portal> {
        let mut portal = self.portal().await?;
        if let Some(file) = &options.signing_key {
            portal.signer = keys::signing_key(file)
                .with_context(|| format!("signing key {}", file.display()))?;
        }
        let settings = &mut portal.settings;
        settings.mail_from.clone_from(&options.mail_from);
        settings
            .mail_from
            .parse::<lettre::message::Mailbox>()
            .context("--mail-from")?;
        settings.trusted_proxies.clone_from(&options.trusted_proxy);
        if let Some(folder) = &options.packages {
            settings.packages.clone_from(folder);
        }
        let partners = options
            .partners
            .clone()
            .unwrap_or_else(|| self.data.join("partners.txt"));
        settings.partners = read_partners(&partners, options.partners.is_some())
            .with_context(|| format!("partners {}", partners.display()))?;
        settings.link_minutes = options.link_minutes;
        settings.token_days = options.token_days;
        settings.installations = options.installations;
        let address = Pace {
            burst: options.address_burst,
            every: options.address_every,
        };
        settings.paces = Paces {
            address,
            ..settings.paces
        };
        Ok(portal)
    }

    pub(super) fn outbox(&self) -> PathBuf {
        self.data.join("outbox")
    }
}

/// Checks an origin, `https://host` or `http://host:port`, and removes a slash at its end.
fn origin(url: &str) -> anyhow::Result<String> {
    let url = url.trim_end_matches('/');
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    if !host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' '])) {
        bail!("--public-url must look like https://licenses.example.com");
    }
    Ok(url.to_owned())
}

fn read_partners(file: &Path, is_required: bool) -> anyhow::Result<Vec<Partner>> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !is_required => String::new(),
        text => text?,
    };
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    let partners = lines.map(|line| {
        let parts: Vec<_> = line.split('|').map(str::trim).collect();
        match parts.as_slice() {
            [name, place, url] if url.starts_with("https://") => Ok(Partner {
                name: (*name).into(),
                place: (*place).into(),
                url: (*url).into(),
            }),
            _ => bail!("expected NAME | PLACE | HTTPS URL, not {line}"),
        }
    });
    partners.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_url_is_only_an_origin() {
        assert_eq!(origin("https://a.example/").unwrap(), "https://a.example");
        assert_eq!(
            origin("http://127.0.0.1:8480").unwrap(),
            "http://127.0.0.1:8480"
        );
        for wrong in [
            "",
            "a.example",
            "https://",
            "https://a/b",
            "https://u@a",
            "ftp://a",
        ] {
            assert!(origin(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn partners_are_read_line_by_line_and_only_with_https() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("partners.txt");
        assert_eq!(read_partners(&file, false).unwrap(), []);
        assert!(read_partners(&file, true).is_err());
        fs::write(
            &file,
            "# ours\n\nExample Ltd | London | https://example.com\n",
        )
        .unwrap();
        let [partner] = &read_partners(&file, true).unwrap()[..] else {
            panic!()
        };
        assert_eq!(
            (partner.name.as_str(), partner.place.as_str()),
            ("Example Ltd", "London")
        );
        fs::write(&file, "Example Ltd | London | javascript:alert(1)\n").unwrap();
        assert!(read_partners(&file, true).is_err());
    }
}
