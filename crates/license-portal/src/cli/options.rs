//! The options of a portal.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use ipnet::IpNet;
use serde::Deserialize;

use crate::{
    mail::{
        courier::{Courier, FolderCourier, SmtpCourier},
        outbox::DELIVERY,
    },
    model::Pace,
    portal::{Missing, Paces, Partner, Settings},
};

/// The options of every command. Each can also be set in the configuration file, under its name with underscores.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[command(next_help_heading = "Options of the portal")]
pub struct Options {
    /// Configuration file (default: portal.toml in the data folder, or else /etc/license-portal/portal.toml)
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_CONFIG",
        value_name = "FILE"
    )]
    #[serde(skip)]
    pub config: Option<PathBuf>,
    /// Folder of the portal key, the SQLite file, the outbox and the packages (default: portal-data)
    #[arg(long, global = true, env = "LICENSE_PORTAL_DATA", value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Address where people reach the portal, such as `https://licenses.example.com`; mailed links begin with it
    #[arg(long, global = true, env = "LICENSE_PORTAL_URL", value_name = "URL")]
    pub public_url: Option<String>,
    /// Mail server: `smtps://USER:PASSWORD@HOST:465`, `smtp://USER:PASSWORD@HOST:587?tls=required` or `smtp://HOST:25`
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_SMTP",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub smtp: Option<String>,
    /// Write mails to the folder outbox and print them, instead of sending them: for evaluation
    #[arg(long, global = true, env = "LICENSE_PORTAL_MAIL_FOLDER")]
    pub mail_folder: bool,
    /// Sender of the mails (default: KeyWriter <licenses@keywriter.example>)
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_FROM",
        value_name = "ADDRESS"
    )]
    pub mail_from: Option<String>,
    /// Email address of the support, on every page and in every mail (default: support@keywriter.example)
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_SUPPORT_EMAIL",
        value_name = "ADDRESS"
    )]
    pub support_email: Option<String>,
    /// Phone number of the support (default: +44 20 7946 0123)
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_SUPPORT_PHONE",
        value_name = "NUMBER"
    )]
    pub support_phone: Option<String>,
    /// Page that says who runs the portal (imprint), for a link on every page
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_IMPRINT_URL",
        value_name = "HTTPS URL"
    )]
    pub imprint_url: Option<String>,
    /// Page that says what becomes of personal data, for a link on every page
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_PRIVACY_URL",
        value_name = "HTTPS URL"
    )]
    pub privacy_url: Option<String>,
    /// Database: sqlite:FILE or postgres://… (default: portal.sqlite in the data folder)
    #[arg(
        long,
        global = true,
        env = "DATABASE_URL",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub database: Option<String>,
    /// Key that all instances of the portal share (default: portal.key in the data folder)
    #[arg(long, global = true, env = "LICENSE_PORTAL_KEY", value_name = "FILE")]
    pub portal_key: Option<PathBuf>,
    /// Key that signs licenses: 64 hexadecimal digits, mode 0600
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_SIGNING_KEY",
        value_name = "FILE"
    )]
    pub signing_key: Option<PathBuf>,
    /// Earlier signing keys, the newest first, for apps that do not know the present one yet
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_OLD_SIGNING_KEYS",
        value_delimiter = ',',
        value_name = "FILE"
    )]
    pub old_signing_key: Vec<PathBuf>,
    /// Sign with the published development key, which only development builds of the app accept: for evaluation
    #[arg(long, global = true, env = "LICENSE_PORTAL_DEVELOPMENT")]
    pub development: bool,
    /// Address to listen on (default: 127.0.0.1:8480)
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_LISTEN",
        value_name = "ADDRESS"
    )]
    pub listen: Option<SocketAddr>,
    /// Proxies whose X-Forwarded-For is trusted, such as 127.0.0.1/32
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_name = "NETWORK"
    )]
    pub trusted_proxy: Vec<IpNet>,
    /// Folder with the packages to download (default: packages in the data folder)
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_PACKAGES",
        value_name = "DIR"
    )]
    pub packages: Option<PathBuf>,
    /// File with the partners on the purchase page, one per line: NAME | PLACE | HTTPS URL [default: partners.txt in
    /// the data folder]
    #[arg(
        long,
        global = true,
        env = "LICENSE_PORTAL_PARTNERS",
        value_name = "FILE"
    )]
    pub partners: Option<PathBuf>,
    /// Minutes that a mailed link is valid, 5 to 10080 (default: 60)
    #[arg(long, global = true, value_name = "N")]
    pub link_minutes: Option<i64>,
    /// Days after which the app has to refresh its license; 0: never (default: 365)
    #[arg(long, global = true, value_name = "N")]
    pub token_days: Option<u16>,
    /// Installations of the app that a license can be registered on (default: 5)
    #[arg(long, global = true, value_name = "N")]
    pub installations: Option<u32>,
    /// Permit webhooks in a private network and without HTTPS
    #[arg(long, global = true, env = "LICENSE_PORTAL_WEBHOOK_PRIVATE")]
    pub webhook_private: bool,
    /// PINs that can be entered from one address at once (default: 20)
    #[arg(long, global = true, value_name = "N")]
    pub address_burst: Option<u32>,
    /// Milliseconds until one more PIN can be entered from that address (default: 3000)
    #[arg(long, global = true, value_name = "N")]
    pub address_every: Option<i64>,
}

impl Options {
    /// Returns the data folder.
    pub fn data(&self) -> PathBuf {
        self.data.clone().unwrap_or_else(|| DATA.into())
    }

    /// Returns the address to listen on.
    pub fn listen(&self) -> SocketAddr {
        let default = || SocketAddr::from((Ipv4Addr::LOCALHOST, 8480));
        self.listen.unwrap_or_else(default)
    }

    /// Returns the file with the portal key.
    pub fn portal_key(&self) -> PathBuf {
        let default = || self.data().join("portal.key");
        self.portal_key.clone().unwrap_or_else(default)
    }

    /// Returns the URL of the database.
    pub fn database(&self) -> String {
        let default = || format!("sqlite:{}", self.data().join("portal.sqlite").display());
        self.database.clone().unwrap_or_else(default)
    }

    /// Checks the options, and returns them as the settings of a portal.
    pub fn settings(&self) -> anyhow::Result<Settings> {
        let defaults = Settings::default();
        let mut missing = Vec::new();
        if self.public_url.is_none() {
            missing.push(Missing::PublicUrl);
        }
        if self.smtp.is_none() && !self.mail_folder {
            missing.push(Missing::Mail);
        }
        let or = |given: &Option<String>, default: String| given.clone().unwrap_or(default);
        let public_url = self.public_url.as_deref().map(origin).transpose()?;
        let mail_from = or(&self.mail_from, defaults.mail_from);
        mail_from
            .parse::<lettre::message::Mailbox>()
            .context("mail_from")?;
        let address = Pace {
            burst: at_least(
                1,
                self.address_burst.unwrap_or(defaults.paces.address.burst),
                "address_burst",
            )?,
            every: at_least(
                1,
                self.address_every.unwrap_or(defaults.paces.address.every),
                "address_every",
            )?,
        };
        let link_minutes = self.link_minutes.unwrap_or(defaults.link_minutes);
        ensure!(
            (5..=10_080).contains(&link_minutes),
            "link_minutes must be 5 to 10080"
        );
        Ok(Settings {
            public_url: public_url.unwrap_or(defaults.public_url),
            support_email: or(&self.support_email, defaults.support_email),
            support_phone: or(&self.support_phone, defaults.support_phone),
            imprint_url: page("imprint_url", self.imprint_url.as_ref())?,
            privacy_url: page("privacy_url", self.privacy_url.as_ref())?,
            mail_from,
            trusted_proxies: self.trusted_proxy.clone(),
            packages: self
                .packages
                .clone()
                .unwrap_or_else(|| self.data().join("packages")),
            partners: self.partners()?,
            link_minutes,
            token_days: self.token_days.unwrap_or(defaults.token_days),
            installations: at_least(
                1,
                self.installations.unwrap_or(defaults.installations),
                "installations",
            )?,
            webhook_private: self.webhook_private,
            paces: Paces {
                address,
                ..defaults.paces
            },
            missing,
        })
    }

    /// Returns the way to send mails, if there is one.
    pub fn courier(&self) -> anyhow::Result<Option<Arc<dyn Courier>>> {
        Ok(match &self.smtp {
            Some(_) if self.mail_folder => bail!("smtp and mail_folder exclude each other"),
            Some(url) => Some(Arc::new(SmtpCourier::new(url, DELIVERY)?)),
            None if self.mail_folder => {
                let folder = self.data().join("outbox");
                Some(Arc::new(
                    FolderCourier::new(folder).context("outbox folder")?,
                ))
            }
            None => None,
        })
    }

    fn partners(&self) -> anyhow::Result<Vec<Partner>> {
        let default = || self.data().join("partners.txt");
        let file = self.partners.clone().unwrap_or_else(default);
        read_partners(&file, self.partners.is_some())
            .with_context(|| format!("partners {}", file.display()))
    }

    /// Takes from `other` what is not set here.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            config: self.config,
            data: self.data.or(other.data),
            public_url: self.public_url.or(other.public_url),
            smtp: self.smtp.or(other.smtp),
            mail_folder: self.mail_folder || other.mail_folder,
            mail_from: self.mail_from.or(other.mail_from),
            support_email: self.support_email.or(other.support_email),
            support_phone: self.support_phone.or(other.support_phone),
            imprint_url: self.imprint_url.or(other.imprint_url),
            privacy_url: self.privacy_url.or(other.privacy_url),
            database: self.database.or(other.database),
            portal_key: self.portal_key.or(other.portal_key),
            signing_key: self.signing_key.or(other.signing_key),
            old_signing_key: either(self.old_signing_key, other.old_signing_key),
            development: self.development || other.development,
            listen: self.listen.or(other.listen),
            trusted_proxy: either(self.trusted_proxy, other.trusted_proxy),
            packages: self.packages.or(other.packages),
            partners: self.partners.or(other.partners),
            link_minutes: self.link_minutes.or(other.link_minutes),
            token_days: self.token_days.or(other.token_days),
            installations: self.installations.or(other.installations),
            webhook_private: self.webhook_private || other.webhook_private,
            address_burst: self.address_burst.or(other.address_burst),
            address_every: self.address_every.or(other.address_every),
        }
    }
}

/// Checks the address of a page that every page links to.
fn page(name: &str, url: Option<&String>) -> anyhow::Result<Option<String>> {
    ensure!(
        url.is_none_or(|url| url.starts_with("https://")),
        "{name} must begin with https://"
    );
    Ok(url.cloned())
}

/// Returns the second list if the first is empty.
fn either<T>(first: Vec<T>, second: Vec<T>) -> Vec<T> {
    if first.is_empty() { second } else { first }
}

fn at_least<T: Copy + PartialOrd + std::fmt::Display>(
    least: T,
    value: T,
    name: &str,
) -> anyhow::Result<T> {
    ensure!(value >= least, "{name} must be at least {least}");
    Ok(value)
}

/// Checks an origin, `https://host` or `http://host:port`, and removes a slash at its end.
fn origin(url: &str) -> anyhow::Result<String> {
    let url = url.trim_end_matches('/');
    let host = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    if !host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '@', ' '])) {
        bail!("public_url must look like https://licenses.example.com");
    }
    Ok(url.to_owned())
}

fn read_partners(file: &Path, is_required: bool) -> anyhow::Result<Vec<Partner>> {
    let text = match fs::read_to_string(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound && !is_required => String::new(),
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

/// The data folder if none is given.
const DATA: &str = "portal-data";

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
    fn what_is_missing_or_out_of_range_is_found() {
        let settings = Options::default().settings().unwrap();
        assert_eq!(settings.missing, [Missing::PublicUrl, Missing::Mail]);
        let wrong = Options {
            installations: Some(0),
            ..Options::default()
        };
        assert!(wrong.settings().is_err());
        let wrong = Options {
            imprint_url: Some("javascript:alert(1)".into()),
            ..Options::default()
        };
        assert!(wrong.settings().is_err());
    }

    #[test]
    fn the_shipped_file_sets_only_what_there_is() {
        let shipped = include_str!("../../deploy/portal.toml");
        // Every option is in it, and commented out but for the data folder.
        let text: String = shipped
            .lines()
            .map(|line| {
                line.strip_prefix('#')
                    .filter(|line| line.contains(" = "))
                    .unwrap_or(line)
            })
            .fold(String::new(), |text, line| text + line + "\n");
        let all: Options = toml::from_str(&text).unwrap();
        assert!(all.settings().unwrap().missing.is_empty());
        let set: Options = toml::from_str(shipped).unwrap();
        assert_eq!(set.data, Some("/var/lib/license-portal".into()));
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
