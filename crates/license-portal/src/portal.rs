//! The portal: its parts, and what it is set to.

use std::{path::PathBuf, sync::Arc};

use ipnet::IpNet;
use license_token::{LicenseNumber, SigningKey};
use tokio::sync::Notify;

use crate::{
    clock::Clock,
    keys::PortalKeys,
    metrics::Metrics,
    model::{Attempt, Pace},
    pin_hash::{HashError, PinHasher},
    store::{Store, StoreError},
};

/// Everything that a request needs.
pub struct Portal {
    /// Where licenses are kept.
    pub store: Arc<dyn Store>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The portal's own keys.
    pub keys: PortalKeys,
    /// Compares PINs.
    pub hasher: PinHasher,
    /// Signs license tokens.
    pub signer: SigningKey,
    /// Counts what happened here.
    pub metrics: Metrics,
    /// What it is set to.
    pub settings: Settings,
    /// Rung when a mail was queued.
    pub bell: Notify,
}

/// What an operator sets.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people reach the portal, without a slash at the end. Mailed links begin with it.
    pub public_url: String,
    /// The support contact on every page.
    pub support_email: String,
    /// The support's phone number.
    pub support_phone: String,
    /// Who the mails come from.
    pub mail_from: String,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The folder of packages to download.
    pub packages: PathBuf,
    /// Partners on the purchase page.
    pub partners: Vec<Partner>,
    /// How long a mailed link is valid, in minutes.
    pub link_minutes: i64,
    /// How long a license token is current before the app has to refresh it, in days; 0: for ever.
    pub token_days: u16,
    /// How many installations of the app a license may be registered on.
    pub installations: u32,
    /// The paces of its throttles.
    pub paces: Paces,
}

/// Someone who sells licenses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partner {
    /// The name.
    pub name: String,
    /// Where it is.
    pub place: String,
    /// Its page.
    pub url: String,
}

/// How often what may be tried.
#[derive(Clone, Copy, Debug)]
pub struct Paces {
    /// PINs entered from one address.
    pub address: Pace,
    /// Wrong PINs for one license.
    pub license: Pace,
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
            mail_from: "KeyWriter <licenses@keywriter.example>".into(),
            trusted_proxies: Vec::new(),
            packages: PathBuf::from("packages"),
            partners: Vec::new(),
            link_minutes: 60,
            token_days: 365,
            installations: 5,
            paces: Paces::default(),
        }
    }
}

/// Why the portal did not do as asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Number, PIN and e-mail do not belong together, or the license is not in the right state. No more is told.
    #[error("refused")]
    Refused,
    /// The license is registered on as many installations as it may be; told only to who knows the PIN.
    #[error("registered on as many installations as the license allows: {most}")]
    Full {
        /// How many.
        most: u32,
    },
    /// Too often.
    #[error("to be tried again in {retry_after} seconds")]
    SlowDown {
        /// Seconds.
        retry_after: i64,
    },
    /// The PIN could not be compared now.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The operating system gave no randomness.
    #[error("no randomness")]
    Randomness(#[from] getrandom::Error),
    /// An operator entered what is no e-mail address.
    #[error("not an e-mail address")]
    NoAddress,
    /// An operator entered a holder that a token cannot name, or one for licenses that their holders activate themselves.
    #[error(
        "a holder needs activated licenses, a name, and at most 100 bytes each without control characters"
    )]
    NoHolder,
}

impl Portal {
    /// Pays for a PIN entered from an address for a license, whether the license exists or not.
    pub(crate) async fn pay(&self, address: &str, number: LicenseNumber) -> Result<(), Refusal> {
        self.take("address", address, self.settings.paces.address)
            .await?;
        self.take("license", &number.to_string(), self.settings.paces.license)
            .await
    }

    /// Gives a license's attempts back after a right PIN.
    pub(crate) async fn repay(&self, number: LicenseNumber) -> Result<(), Refusal> {
        Ok(self
            .store
            .forgive(&self.keys.bucket("license", &number.to_string()))
            .await?)
    }

    pub(crate) async fn take(&self, kind: &str, value: &str, pace: Pace) -> Result<(), Refusal> {
        match self
            .store
            .take(&self.keys.bucket(kind, value), pace, self.clock.now())
            .await?
        {
            Attempt::Paid => Ok(()),
            Attempt::Wait(milliseconds) => {
                self.metrics.slowed_down.add();
                Err(Refusal::SlowDown {
                    retry_after: milliseconds.saturating_add(999) / 1000,
                })
            }
        }
    }

    /// Whether browsers reach the portal over TLS.
    pub(crate) fn is_https(&self) -> bool {
        self.settings.public_url.starts_with("https://")
    }
}
