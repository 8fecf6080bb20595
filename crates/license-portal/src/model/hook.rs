//! Webhooks: addresses that are told what happens to licenses.

use plain_text::shown;

/// What webhooks are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A license was sold.
    Issued,
    /// A license was activated by its holder.
    Activated,
    /// A license was revoked, or the data of its holder erased.
    Revoked,
    /// A revocation was undone.
    Restored,
    /// A license got to somebody else.
    Transferred,
    /// An operator tries the webhook.
    Test,
}

impl Event {
    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Activated => "activated",
            Self::Revoked => "revoked",
            Self::Restored => "restored",
            Self::Transferred => "transferred",
            Self::Test => "test",
        }
    }
}

/// A webhook to be added.
#[derive(Clone)]
pub struct Hook {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
    /// The secret that signs what it is told, sealed.
    pub sealed: Vec<u8>,
}

/// A webhook, and how far it was told.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct HookState {
    /// Its name.
    pub name: String,
    /// Its address.
    pub url: String,
    /// How many events it was told, in the last 30 days.
    pub told: i64,
    /// How many wait.
    pub waiting: i64,
    /// How many were given up, in the last 30 days.
    pub failed: i64,
    /// What went wrong last.
    pub last_error: Option<String>,
}

/// Something that this instance tells a webhook.
#[derive(Clone, sqlx::FromRow)]
pub struct HookNotice {
    /// Its number.
    pub id: i64,
    /// The name of the webhook.
    pub hook: String,
    /// What happened.
    pub event: String,
    /// To which license.
    pub license: Option<String>,
    /// When, in seconds since 1970.
    pub at: i64,
    /// Attempts, including this one.
    pub attempts: i64,
    /// The address of the webhook.
    pub url: String,
    /// Its secret, sealed.
    pub sealed: Vec<u8>,
}

impl HookState {
    /// Returns a line for a terminal.
    pub fn line(&self) -> String {
        let error = self.last_error.as_deref().unwrap_or_default();
        let line = format!(
            "{}  {}  told {}  waiting {}  given up {}  {}",
            shown(&self.name),
            shown(&self.url),
            self.told,
            self.waiting,
            self.failed,
            shown(error)
        );
        line.trim_end().to_owned()
    }
}
