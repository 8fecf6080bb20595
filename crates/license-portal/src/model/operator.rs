//! Operators: what their keys permit, what they look for, and what they did.

use jiff::Timestamp;
use license_token::LicenseNumber;
use plain_text::shown;

use super::{Event, License, LicenseState, MailState, NewMail};
use crate::email::EmailAddress;

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
    /// Changed on how many computers a license can be registered.
    Reseated,
    /// Added an operator's key.
    KeyAdded,
    /// Removed an operator's key.
    KeyRemoved,
    /// Added a webhook.
    HookAdded,
    /// Removed a webhook.
    HookRemoved,
}

impl Deed {
    /// All of them.
    pub const ALL: [Self; 15] = [
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
        Self::Reseated,
        Self::KeyAdded,
        Self::KeyRemoved,
        Self::HookAdded,
        Self::HookRemoved,
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
            Self::Reseated => "reseated",
            Self::KeyAdded => "key-added",
            Self::KeyRemoved => "key-removed",
            Self::HookAdded => "hook-added",
            Self::HookRemoved => "hook-removed",
        }
    }

    /// Returns what webhooks are told of it.
    pub fn event(self) -> Option<Event> {
        match self {
            Self::Sold => Some(Event::Issued),
            Self::Revoked | Self::Erased => Some(Event::Revoked),
            Self::Restored => Some(Event::Restored),
            Self::Transferred => Some(Event::Transferred),
            _ => None,
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
    /// Only those of this order.
    pub order: Option<i64>,
    /// Only this one.
    pub number: Option<LicenseNumber>,
    /// Only those after this number, in the order of numbers.
    pub after: Option<String>,
    /// How many at most.
    pub limit: u32,
}
