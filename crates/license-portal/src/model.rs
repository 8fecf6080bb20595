//! What the portal keeps: licenses, their holders, links and mails.

use jiff::Timestamp;
use license_token::LicenseNumber;
use serde::{Deserialize, Serialize};

use crate::language::Language;

/// Where a license stands. `issued → verifying → active`, and from each to `revoked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LicenseState {
    /// Sold; number and PIN were mailed.
    Issued,
    /// Number and PIN were entered; a link was mailed.
    Verifying,
    /// The form behind the link was completed: the app may register.
    Active,
    /// Withdrawn by an operator: nothing registers any more.
    Revoked,
}

impl LicenseState {
    /// As the database stores it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Verifying => "verifying",
            Self::Active => "active",
            Self::Revoked => "revoked",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Issued, Self::Verifying, Self::Active, Self::Revoked]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// A license as stored.
#[derive(Clone)]
pub struct License {
    /// Its number.
    pub number: LicenseNumber,
    /// Whom it was sold to; in small letters.
    pub email: String,
    /// The language of its mails.
    pub language: Language,
    /// Where it stands.
    pub state: LicenseState,
    /// Argon2id, PHC text.
    pub pin_hash: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When its state or PIN last changed.
    pub changed_at: Timestamp,
    /// When it became active.
    pub activated_at: Option<Timestamp>,
}

/// Who holds a license: the form *Complete your activation*.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, sqlx::FromRow)]
pub struct Holder {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Company name.
    pub company: String,
    /// Company email address.
    pub company_email: String,
    /// Phone number.
    pub phone: String,
    /// Address line.
    pub address: String,
    /// City.
    pub city: String,
    /// Postcode.
    pub postcode: String,
    /// Country, ISO 3166-1 alpha-2.
    pub country: String,
}

/// The SHA-256 of a mailed link's secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LinkHash(pub [u8; 32]);

/// A mailed link.
#[derive(Clone)]
pub struct Link {
    /// The license that it activates.
    pub number: LicenseNumber,
    /// When it lapses.
    pub expires_at: Timestamp,
    /// Whether its button was pressed.
    pub opened: bool,
    /// Whether the form behind it was completed.
    pub used: bool,
}

/// A link that is about to be mailed.
#[derive(Clone)]
pub struct NewLink {
    /// Its hash.
    pub hash: LinkHash,
    /// When it lapses.
    pub expires_at: Timestamp,
}

/// What a mail is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKind {
    /// License number and PIN.
    License,
    /// The link that completes an activation.
    Verification,
}

impl MailKind {
    /// As the database stores it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::License => "license",
            Self::Verification => "verification",
        }
    }
}

/// A mail that is about to be queued.
#[derive(Clone)]
pub struct NewMail {
    /// The license that it is about.
    pub number: LicenseNumber,
    /// What it is about.
    pub kind: MailKind,
    /// Its recipient.
    pub recipient: String,
    /// Subject and text, sealed ([`crate::keys::PortalKeys`]).
    pub sealed: Vec<u8>,
}

/// A mail that this instance alone may deliver, until its claim lapses.
#[derive(Clone)]
pub struct ClaimedMail {
    /// Its number in the outbox.
    pub id: i64,
    /// The license that it is about.
    pub number: String,
    /// Its recipient.
    pub recipient: String,
    /// Subject and text, sealed.
    pub sealed: Vec<u8>,
    /// Deliveries tried, with this one.
    pub attempts: i64,
}

/// How a form behind a link ended.
pub enum Completion {
    /// Now active.
    Activated,
    /// It was completed before, through the same link.
    AlreadyActivated,
    /// The link is unknown, lapsed or was replaced, or its license is revoked.
    Refused,
}

/// How many attempts a bucket holds, and how fast it fills.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Attempts at once.
    pub burst: u32,
    /// Milliseconds for another one.
    pub every: i64,
}

/// An attempt at a throttle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Paid for.
    Paid,
    /// To be tried again after so many milliseconds.
    Wait(i64),
}

/// A picture of the whole for `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Counts {
    /// Licenses issued and not touched since.
    pub issued: i64,
    /// Licenses whose link was mailed.
    pub verifying: i64,
    /// Active licenses.
    pub active: i64,
    /// Revoked licenses.
    pub revoked: i64,
    /// Mails waiting.
    pub mails_waiting: i64,
    /// Mails that failed at least once and wait.
    pub mails_failing: i64,
}

/// What an operator looks for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// In this state.
    pub state: Option<LicenseState>,
    /// Sold to this address.
    pub email: Option<String>,
    /// Numbers behind this one, in the order of numbers.
    pub after: Option<String>,
    /// At most so many.
    pub limit: u32,
}

/// An installation of the app that registered.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub struct Registration {
    /// The installation's identity, hex.
    pub installation: String,
    /// First registered; seconds since 1970.
    pub first_at: i64,
    /// Last registered or refreshed; seconds since 1970.
    pub last_at: i64,
}

/// Whether an installation was noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is in the books.
    Yes,
    /// It is not, and as many as the license allows are.
    Full,
    /// The license is not active.
    NotActive,
}

impl Pace {
    /// How long an attempt that found the bucket empty has to wait, where the bucket is full at `full_at`
    /// (milliseconds).
    pub fn wait(self, full_at: i64, now: i64) -> Attempt {
        let capacity = self
            .every
            .saturating_mul(i64::from(self.burst.saturating_sub(1)));
        Attempt::Wait(full_at.saturating_sub(now).saturating_sub(capacity).max(1))
    }
}
