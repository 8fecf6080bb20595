//! What the portal stores: licenses, their holders, links and mails.

use jiff::Timestamp;
use license_token::LicenseNumber;
use plain_text::shown;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{email::EmailAddress, language::Language, store::CLOCKS};

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
    /// The email address it was sold to, as [`EmailAddress`] writes it.
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
}

impl License {
    /// Returns a name for the license as it is now, which changes with everything that an operator does to it.
    pub fn version(&self) -> String {
        let parts = [self.state.as_str(), &self.email, &self.pin_hash];
        let text = format!("{}\0{}", parts.join("\0"), self.changed_at);
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
    /// Subject and text, sealed ([`crate::keys::PortalKeys`]).
    pub sealed: Vec<u8>,
}

/// A mail that only this instance may deliver, until its claim expires.
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
    /// Delivery attempts, including this one.
    pub attempts: i64,
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

/// What an operator's key permits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Scope {
    /// Sell licenses; of those that it may read: mail a new PIN, and remove registrations.
    Issue,
    /// Read the licenses that it sold.
    ReadOwn,
    /// Read all licenses, and the metrics.
    ReadAll,
    /// Revoke licenses that it may read.
    Revoke,
}

impl Scope {
    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issue => "issue",
            Self::ReadOwn => "read-own",
            Self::ReadAll => "read-all",
            Self::Revoke => "revoke",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Issue, Self::ReadOwn, Self::ReadAll, Self::Revoke]
            .into_iter()
            .find(|scope| scope.as_str() == text)
    }
}

/// An operator's key to be added.
#[derive(Clone)]
pub struct NewOperator {
    /// The operator's name.
    pub name: String,
    /// The SHA-256 of the key.
    pub hash: [u8; 32],
    /// What it permits.
    pub scopes: Vec<Scope>,
    /// When it expires; `None`: never.
    pub expires_at: Option<Timestamp>,
}

/// An operator's key as stored.
#[derive(Clone, Debug)]
pub struct Operator {
    /// The operator's name.
    pub name: String,
    /// The SHA-256 of the key.
    pub hash: Vec<u8>,
    /// What it permits.
    pub scopes: Vec<Scope>,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it expires; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub used_at: Option<Timestamp>,
}

impl Operator {
    /// Returns whether the key permits something.
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope)
    }

    /// Returns whose licenses the key may read: `Some(None)` everybody's, `Some(Some(_))` those of this seller.
    pub fn reads(&self) -> Option<Option<&str>> {
        if self.may(Scope::ReadAll) {
            return Some(None);
        }
        self.may(Scope::ReadOwn).then_some(Some(&*self.name))
    }

    /// Returns a line for a terminal.
    pub fn line(&self) -> String {
        let scopes: Vec<_> = self.scopes.iter().map(|scope| scope.as_str()).collect();
        let or = |time: Option<Timestamp>, never: &str| {
            time.map_or_else(|| never.to_owned(), |time| time.to_string())
        };
        format!(
            "{}  {}  added {}  expires {}  last used {}",
            shown(&self.name),
            scopes.join(","),
            self.created_at,
            or(self.expires_at, "never"),
            or(self.used_at, "never")
        )
    }
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

/// Another address for a license, with a new PIN.
#[derive(Clone)]
pub struct Handover {
    /// The license, as it was when the operator decided.
    pub license: License,
    /// The address from now on.
    pub email: String,
    /// The Argon2id hash of the new PIN.
    pub pin_hash: String,
    /// Whether it is somebody else's: then the license has to be activated again, and is registered nowhere.
    pub is_transfer: bool,
    /// The mail to the address before, and the one with the new PIN.
    pub mails: [NewMail; 2],
}

/// What an operator did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Signed in to the operators' pages.
    SignedIn,
    /// Sold a license.
    Sold,
    /// Mailed a new PIN.
    Resent,
    /// Revoked a license.
    Revoked,
    /// Undid a revocation.
    Restored,
    /// Corrected the email address of a license.
    Corrected,
    /// Gave a license to somebody else.
    Transferred,
    /// Exported what is known of a license and its holder.
    Exported,
    /// Erased what is known of the holder of a license.
    Erased,
    /// Removed registrations of a license.
    Unregistered,
    /// Added an operator's key.
    KeyAdded,
    /// Removed an operator's key.
    KeyRemoved,
}

impl Deed {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::SignedIn,
        Self::Sold,
        Self::Resent,
        Self::Revoked,
        Self::Restored,
        Self::Corrected,
        Self::Transferred,
        Self::Exported,
        Self::Erased,
        Self::Unregistered,
        Self::KeyAdded,
        Self::KeyRemoved,
    ];

    /// Returns the name that the database stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "signed-in",
            Self::Sold => "sold",
            Self::Resent => "resent",
            Self::Revoked => "revoked",
            Self::Restored => "restored",
            Self::Corrected => "corrected",
            Self::Transferred => "transferred",
            Self::Exported => "exported",
            Self::Erased => "erased",
            Self::Unregistered => "unregistered",
            Self::KeyAdded => "key-added",
            Self::KeyRemoved => "key-removed",
        }
    }

    /// The reverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|deed| deed.as_str() == text)
    }
}

/// An entry of the log of operators.
#[derive(Clone, Debug)]
pub struct Act {
    /// Its number; newer ones have higher numbers.
    pub id: i64,
    /// When it was done.
    pub at: Timestamp,
    /// Whose key did it; `None`: the command line.
    pub operator: Option<String>,
    /// What was done.
    pub deed: Deed,
    /// To which license.
    pub license: Option<String>,
    /// To what else: an installation, addresses, or the name of a key.
    pub detail: String,
}

impl Act {
    /// Returns a line for a terminal.
    pub fn line(&self) -> String {
        let operator = self.operator.as_deref().unwrap_or("(command line)");
        let license = self.license.as_deref().unwrap_or_default();
        let line = format!(
            "{}  {:<12}  {}  {license}  {}",
            self.at,
            self.deed.as_str(),
            shown(operator),
            shown(&self.detail)
        );
        line.trim_end().to_owned()
    }
}

/// Which licenses an operator wants to see.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only those in this state.
    pub state: Option<LicenseState>,
    /// Only those sold to this address.
    pub email: Option<EmailAddress>,
    /// Only those whose newest mail is in this state.
    pub mail: Option<MailState>,
    /// Only those that this operator sold.
    pub sold_by: Option<String>,
    /// Only those whose number, addresses, holder or company contain each of these words.
    pub words: Option<String>,
    /// Only this one.
    pub number: Option<LicenseNumber>,
    /// Only those after this number, in the order of numbers.
    pub after: Option<String>,
    /// How many at most.
    pub limit: u32,
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
    /// It is not: the license is registered on as many others as it allows.
    Full,
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
