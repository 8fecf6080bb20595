//! What the portal stores: licenses, their holders, links and mails.

mod hook;
mod operator;
mod order;

use jiff::Timestamp;
use license_token::LicenseNumber;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use hook::{Event, Hook, HookNotice, HookState};
pub use operator::{Act, Deed, Filter, Handover, NewOperator, Operator, Scope};
pub use order::{NewOrder, Placed, Placing, Repeat, Sale};

use crate::{language::Language, store::CLOCKS};

/// The state of a license: `issued → verifying → active`, and from each of them to `revoked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LicenseState {
    /// Sold; license number and PIN were mailed.
    Issued,
    /// License number and PIN were entered; a link was mailed.
    Verifying,
    /// The form that the link leads to was completed: the app can register.
    Active,
    /// Withdrawn by an operator: no app can register or refresh.
    Revoked,
}

impl LicenseState {
    /// Returns the name that the database stores.
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
    /// The email address it was sold to, as [`EmailAddress`](crate::email::EmailAddress) writes it.
    pub email: String,
    /// The language of its mails.
    pub language: Language,
    /// Its state.
    pub state: LicenseState,
    /// The Argon2id hash of its PIN, as a PHC string.
    pub pin_hash: String,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When its state or PIN last changed.
    pub changed_at: Timestamp,
    /// When it became active.
    pub activated_at: Option<Timestamp>,
    /// The operator whose key sold it; `None`: it was sold on the command line.
    pub sold_by: Option<String>,
    /// The order that it was sold with; `None`: it is older than orders.
    pub order: Option<i64>,
    /// On how many computers it can be registered; `None`: on as many as the portal is set to.
    pub seats: Option<u32>,
}

impl License {
    /// Returns a name for the license as it is now, which changes with everything that an operator does to it.
    pub fn version(&self) -> String {
        let parts = [self.state.as_str(), &self.email, &self.pin_hash];
        let text = format!(
            "{}\0{}\0{:?}",
            parts.join("\0"),
            self.changed_at,
            self.seats
        );
        let hash: [u8; 32] = Sha256::digest(text).into();
        hex::encode(hash.get(..16).unwrap_or_default())
    }
}

/// The holder of a license: the fields of the form *Complete your activation*.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct Holder {
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// Company name; empty for a person without one.
    pub company: String,
    /// Company email address; empty without a company.
    pub company_email: String,
    /// Phone number.
    pub phone: String,
    /// Address line.
    pub address: String,
    /// City.
    pub city: String,
    /// Postcode; empty where there are none.
    pub postcode: String,
    /// Country, ISO 3166-1 alpha-2.
    pub country: String,
}

/// The SHA-256 of the secret in a mailed link.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LinkHash(pub [u8; 32]);

/// A mailed link.
#[derive(Clone)]
pub struct Link {
    /// The license that it activates.
    pub number: LicenseNumber,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Whether its button was pressed.
    pub opened: bool,
    /// Whether the form that it leads to was completed.
    pub used: bool,
}

/// A link to be mailed.
#[derive(Clone)]
pub struct NewLink {
    /// Its hash.
    pub hash: LinkHash,
    /// When it expires.
    pub expires_at: Timestamp,
}

/// The kinds of mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailKind {
    /// License number and PIN.
    License,
    /// The link that completes an activation.
    Verification,
    /// That an address no longer belongs to a license.
    Notice,
}

impl MailKind {
    /// Returns the name that the database stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::License => "license",
            Self::Verification => "verification",
            Self::Notice => "notice",
        }
    }
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MailState {
    /// It waits for its first or its next attempt.
    Waiting,
    /// The mail server accepted it.
    Delivered,
    /// It cannot be delivered, and is not tried again.
    Failed,
}

impl MailState {
    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Waiting, Self::Delivered, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == text)
    }
}

/// The newest mail about a license.
#[derive(Clone, Debug, Serialize)]
pub struct Delivery {
    /// Its kind: `license` or `verification`.
    pub kind: String,
    /// What became of it.
    pub state: MailState,
    /// How often it was tried.
    pub attempts: i64,
    /// Why the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A mail to be queued.
#[derive(Clone)]
pub struct NewMail {
    /// The license that it is about.
    pub number: LicenseNumber,
    /// Its kind.
    pub kind: MailKind,
    /// Its recipient.
    pub recipient: String,
    /// What it says, sealed ([`crate::keys::PortalKeys`]).
    pub sealed: Vec<u8>,
}

/// A mail that only this instance may deliver, until its claim expires.
#[derive(Clone)]
pub struct ClaimedMail {
    /// Its recipient.
    pub recipient: String,
    /// Delivery attempts, including this one.
    pub attempts: i64,
    /// What waits for this recipient with one order, the oldest first; never empty.
    pub parts: Vec<Part>,
}

/// A part of a mail: what is to be said of one license.
#[derive(Clone)]
pub struct Part {
    /// Its number in the outbox.
    pub id: i64,
    /// The license.
    pub number: String,
    /// What is to be said, sealed.
    pub sealed: Vec<u8>,
}

impl ClaimedMail {
    /// Returns the number that names it at the mail server.
    pub fn id(&self) -> i64 {
        self.parts.first().map_or(0, |part| part.id)
    }
}

/// The outcome of completing an activation.
pub enum Completion {
    /// The license is now active.
    Activated,
    /// The same link completed it before.
    AlreadyActivated,
    /// The link is unknown, expired or replaced, or its license is revoked.
    Refused,
}

/// How many attempts a bucket holds, and how fast it refills.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Attempts in a full bucket.
    pub burst: u32,
    /// Milliseconds until the next attempt is added.
    pub every: i64,
}

/// The outcome of asking a bucket for an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The attempt was taken out of the bucket.
    Paid,
    /// The bucket is empty; try again after so many milliseconds.
    Wait(i64),
}

/// What the database holds, for `/metrics`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Counts {
    /// Issued licenses.
    pub issued: i64,
    /// Licenses that wait for their link to be used.
    pub verifying: i64,
    /// Active licenses.
    pub active: i64,
    /// Revoked licenses.
    pub revoked: i64,
    /// Mails that wait for delivery.
    pub mails_waiting: i64,
    /// Waiting mails that failed at least once.
    pub mails_failing: i64,
    /// Mails that cannot be delivered.
    pub mails_undeliverable: i64,
}

/// A license that was looked for.
#[derive(Clone)]
pub struct Found {
    /// The license.
    pub license: License,
    /// The name of its holder; empty if not known.
    pub name: String,
    /// The company of its holder; empty if there is none.
    pub company: String,
    /// The newest mail about it.
    pub delivery: Option<Delivery>,
}

/// An installation of the app that a license is registered on.
#[derive(Clone, Debug, Serialize, sqlx::FromRow)]
pub struct Registration {
    /// The identity of the installation, in hexadecimal digits.
    pub installation: String,
    /// When it first registered, in seconds since 1970.
    pub first_at: i64,
    /// When it last registered or refreshed, in seconds since 1970.
    pub last_at: i64,
}

/// Whether an installation was registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// It is registered.
    Yes,
    /// It is not: the license is registered on as many others as it allows, which are so many.
    Full(u32),
    /// The license is not active.
    NotActive,
}

impl Pace {
    /// Returns by how many milliseconds a clock that emptied a bucket may have been ahead: as much as the clocks of two
    /// instances may differ, but never so much that the next attempt takes longer than filling an empty bucket.
    pub(crate) fn lead(self) -> i64 {
        let rest = self
            .every
            .saturating_mul(i64::from(self.burst.saturating_sub(1)));
        rest.min(1000 * CLOCKS)
    }

    /// Returns how long to wait for the next attempt if an empty bucket will be full at `full_at`. Times are in
    /// milliseconds.
    pub fn wait(self, full_at: i64, now: i64) -> Attempt {
        let capacity = self
            .every
            .saturating_mul(i64::from(self.burst.saturating_sub(1)));
        Attempt::Wait(full_at.saturating_sub(now).saturating_sub(capacity).max(1))
    }
}
