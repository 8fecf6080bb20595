//! The portal: its parts and its settings.

use std::{path::PathBuf, sync::Arc};

use ipnet::IpNet;
use license_token::LicenseNumber;
use tokio::sync::Notify;

use crate::{
    clock::Clock,
    email::NoAddress,
    keys::{PortalKeys, Signers},
    mail::courier::{Courier, CourierError},
    metrics::Metrics,
    model::{Attempt, Pace},
    pin_hash::{HashError, PinHasher},
    store::{Store, StoreError},
};

/// Everything that a request needs.
pub struct Portal {
    /// The database.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The portal's own keys.
    pub keys: PortalKeys,
    /// Compares PINs.
    pub hasher: PinHasher,
    /// Sign license tokens.
    pub signers: Signers,
    /// Counts what happened here.
    pub metrics: Metrics,
    /// Its settings.
    pub settings: Settings,
    /// Delivers mails, if the portal is configured to send any.
    pub courier: Option<Arc<dyn Courier>>,
    /// Notified when a mail was queued.
    pub bell: Notify,
}

/// The settings of an operator.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address where people reach the portal, without a slash at the end. Mailed links begin with it.
    pub public_url: String,
    /// The email address of the support, on every page.
    pub support_email: String,
    /// The phone number of the support.
    pub support_phone: String,
    /// Who runs the portal, for a link on every page.
    pub imprint_url: Option<String>,
    /// What becomes of personal data, for a link on every page.
    pub privacy_url: Option<String>,
    /// The sender of mails.
    pub mail_from: String,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpNet>,
    /// The folder with the packages to download.
    pub packages: PathBuf,
    /// The partners on the purchase page.
    pub partners: Vec<Partner>,
    /// How long a mailed link is valid, in minutes.
    pub link_minutes: i64,
    /// How many days a license token is current before the app has to refresh it; 0: for ever.
    pub token_days: u16,
    /// How many installations of the app a license can be registered on.
    pub installations: u32,
    /// Whether webhooks may be in a private network, and without HTTPS.
    pub webhook_private: bool,
    /// How often people may try what the portal limits.
    pub paces: Paces,
    /// What is not set, and without which no license can be sold.
    pub missing: Vec<Missing>,
}

/// A setting without which no license can be sold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Missing {
    /// The public URL: mailed links would lead nowhere.
    #[error("public_url is not set")]
    PublicUrl,
    /// A mail server.
    #[error("there is no way to send mail: neither smtp nor mail_folder is set")]
    Mail,
}

/// A company that sells licenses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// Its name.
    pub name: String,
    /// Its town or country.
    pub place: String,
    /// Its web page.
    pub url: String,
}

/// How often people may try what the portal limits.
#[derive(Clone, Copy, Debug)]
pub struct Paces {
    /// PINs entered from one network address.
    pub address: Pace,
    /// Wrong PINs for one license from one network address.
    pub license: Pace,
    /// Wrong PINs for one license from everywhere.
    pub everyone: Pace,
    /// Links mailed for one license.
    pub mail: Pace,
}

impl Default for Paces {
    fn default() -> Self {
        Self {
            address: Pace {
                burst: 20,
                every: 3_000,
            },
            license: Pace {
                burst: 5,
                every: 180_000,
            },
            everyone: Pace {
                burst: 200,
                every: 60_000,
            },
            mail: Pace {
                burst: 3,
                every: 300_000,
            },
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            public_url: "http://127.0.0.1:8480".into(),
            support_email: "support@keywriter.example".into(),
            support_phone: "+44 20 7946 0123".into(),
            imprint_url: None,
            privacy_url: None,
            mail_from: "KeyWriter <licenses@keywriter.example>".into(),
            trusted_proxies: Vec::new(),
            packages: PathBuf::from("packages"),
            partners: Vec::new(),
            link_minutes: 60,
            token_days: 365,
            installations: 5,
            webhook_private: false,
            paces: Paces::default(),
            missing: Vec::new(),
        }
    }
}

/// Why the portal refused a request.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// License number, PIN and email address do not match, or the license is in the wrong state. Which of them is not
    /// revealed.
    #[error("refused")]
    Refused,
    /// The license is registered on as many installations as it allows. Revealed only after a correct PIN.
    #[error("the license is registered on {most} installations already, as many as it allows")]
    Full {
        /// How many it allows.
        most: u32,
    },
    /// The app verifies with none of the portal's keys, or its license is signed with a key that the portal never had.
    #[error("the license or the app has another key than the portal")]
    OtherKey,
    /// An operator saw the license as it was before somebody changed it.
    #[error("the license was changed in the meantime, or is revoked")]
    Changed,
    /// Too many attempts.
    #[error("too many attempts; try again in {retry_after} seconds")]
    SlowDown {
        /// In how many seconds the next attempt is allowed.
        retry_after: i64,
    },
    /// A mail is needed, and the portal is not configured to send one.
    #[error("no mail can be sent: {0}")]
    NotConfigured(#[from] Missing),
    /// The PIN could not be hashed or compared.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system returned no random bytes.
    #[error("no random bytes")]
    Randomness(#[from] getrandom::Error),
    /// An operator entered an invalid email address.
    #[error(transparent)]
    NoAddress(#[from] NoAddress),
    /// The mail server does not deliver to addresses with other characters than ASCII before the `@`.
    #[error(
        "the mail server does not deliver to this address: it does not offer SMTPUTF8, which characters other than \
         ASCII before the @ need"
    )]
    NoUtf8,
    /// The mail server could not be asked.
    #[error("the mail server could not be asked whether it delivers to this address")]
    Courier(#[from] CourierError),
    /// An operator named a holder that a token cannot carry, or for licenses that are not sold active.
    #[error(
        "only a license that is sold active can have a holder; a name and a company have at most 100 bytes each"
    )]
    NoHolder,
    /// An operator entered on how many computers a license can be registered, and it cannot.
    #[error("a license can be registered on 1 to 10000 computers")]
    Seats,
    /// An operator gave a license the address that it has.
    #[error("the license already has this address")]
    SameAddress,
    /// An operator placed another order with the same key.
    #[error("another order was placed with this key; give a new order a new key")]
    OtherOrder,
}

/// Returns what names a license as one network address tries it.
fn client(address: &str, number: LicenseNumber) -> String {
    format!("{address} {number}")
}

impl Portal {
    /// Fails if a mail could not be sent, or its links would lead nowhere.
    pub(crate) fn require_mail(&self) -> Result<(), Refusal> {
        self.settings
            .missing
            .first()
            .map_or(Ok(()), |missing| Err((*missing).into()))
    }

    /// Fails if mails cannot be sent to an address whose local part is not ASCII.
    pub(crate) async fn require_utf8(&self) -> Result<(), Refusal> {
        match &self.courier {
            Some(courier) if courier.takes_utf8().await? => Ok(()),
            Some(_) => Err(Refusal::NoUtf8),
            None => Err(Missing::Mail.into()),
        }
    }

    /// Counts a PIN that was entered from an address for a license, whether the license exists or not. Who knows a
    /// number uses up the attempts of its own address, not those of the owner; all addresses together have many more.
    pub(crate) async fn pay(&self, address: &str, number: LicenseNumber) -> Result<(), Refusal> {
        let paces = self.settings.paces;
        self.take("address", address, paces.address).await?;
        self.take("client", &client(address, number), paces.license)
            .await?;
        self.take("license", &number.to_string(), paces.everyone)
            .await
    }

    /// Restores the attempts of a license after a correct PIN, or when its mailed link was used.
    pub(crate) async fn repay(&self, address: &str, number: LicenseNumber) -> Result<(), Refusal> {
        let mine = self.keys.bucket("client", &client(address, number));
        self.store.forgive(&mine).await?;
        self.repay_everyone(number).await
    }

    /// Restores the attempts that all addresses have together for a license.
    pub(crate) async fn repay_everyone(&self, number: LicenseNumber) -> Result<(), Refusal> {
        let everyones = self.keys.bucket("license", &number.to_string());
        Ok(self.store.forgive(&everyones).await?)
    }

    /// Takes an attempt out of a bucket.
    pub(crate) async fn take(&self, kind: &str, value: &str, pace: Pace) -> Result<(), Refusal> {
        match self
            .store
            .take(&self.keys.bucket(kind, value), pace, self.clock.now())
            .await?
        {
            Attempt::Paid => Ok(()),
            Attempt::Wait(milliseconds) => {
                self.metrics.slowed_down.inc();
                Err(Refusal::SlowDown {
                    retry_after: milliseconds.saturating_add(999) / 1000,
                })
            }
        }
    }

    /// Returns whether browsers reach the portal over HTTPS.
    pub(crate) fn is_https(&self) -> bool {
        self.settings.public_url.starts_with("https://")
    }
}
