//! Conversion of rows to the portal's types.

use jiff::Timestamp;
use license_token::LicenseNumber;

use super::{StoreError, operators::scopes};
use crate::{
    language::Language,
    model::{
        Act, ClaimedMail, Deed, Delivery, Found, License, LicenseState, Link, MailState, Operator,
        Part,
    },
};

#[derive(sqlx::FromRow)]
pub(super) struct LicenseRow {
    number: String,
    email: String,
    language: String,
    state: String,
    pin_hash: String,
    issued_at: i64,
    changed_at: i64,
    activated_at: Option<i64>,
    sold_by: Option<String>,
    order_id: Option<i64>,
    seats: Option<i64>,
}

impl TryFrom<LicenseRow> for License {
    type Error = StoreError;

    fn try_from(row: LicenseRow) -> Result<Self, StoreError> {
        Ok(Self {
            number: number(&row.number)?,
            email: row.email,
            language: Language::parse(&row.language).ok_or(StoreError::Corrupt("language"))?,
            state: LicenseState::parse(&row.state).ok_or(StoreError::Corrupt("state"))?,
            pin_hash: row.pin_hash,
            issued_at: time(row.issued_at)?,
            changed_at: time(row.changed_at)?,
            activated_at: row.activated_at.map(time).transpose()?,
            sold_by: row.sold_by,
            order: row.order_id,
            seats: row.seats.map(seats).transpose()?,
        })
    }
}

/// A license and the newest mail about it.
#[derive(sqlx::FromRow)]
pub(super) struct ReportRow {
    #[sqlx(flatten)]
    license: LicenseRow,
    first_name: Option<String>,
    last_name: Option<String>,
    company: Option<String>,
    mail_kind: Option<String>,
    mail_state: Option<String>,
    mail_attempts: Option<i64>,
    mail_error: Option<String>,
}

impl TryFrom<ReportRow> for Found {
    type Error = StoreError;

    fn try_from(row: ReportRow) -> Result<Self, StoreError> {
        let delivery = match row.mail_kind.zip(row.mail_state) {
            None => None,
            Some((kind, state)) => Some(Delivery {
                kind,
                state: MailState::parse(&state).ok_or(StoreError::Corrupt("mail"))?,
                attempts: row.mail_attempts.unwrap_or_default(),
                error: row.mail_error,
            }),
        };
        let part = |part: Option<String>| part.unwrap_or_default();
        let name = format!("{} {}", part(row.first_name), part(row.last_name));
        Ok(Self {
            license: row.license.try_into()?,
            name: name.trim().to_owned(),
            company: part(row.company),
            delivery,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct LinkRow {
    license: String,
    expires_at: i64,
    opened_at: Option<i64>,
    used_at: Option<i64>,
}

impl TryFrom<LinkRow> for Link {
    type Error = StoreError;

    fn try_from(row: LinkRow) -> Result<Self, StoreError> {
        Ok(Self {
            number: number(&row.license)?,
            expires_at: time(row.expires_at)?,
            opened: row.opened_at.is_some(),
            used: row.used_at.is_some(),
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct MailRow {
    pub(super) id: i64,
    license: String,
    pub(super) recipient: String,
    sealed: Vec<u8>,
    attempts: i64,
    pub(super) order_id: Option<i64>,
}

impl MailRow {
    /// Makes a mail of what waits for one recipient.
    pub(super) fn with(self, others: Vec<Self>) -> ClaimedMail {
        let (recipient, attempts) = (self.recipient.clone(), self.attempts);
        let parts = std::iter::once(self).chain(others).map(|row| Part {
            id: row.id,
            number: row.license,
            sealed: row.sealed,
        });
        let mut parts: Vec<_> = parts.collect();
        parts.sort_by_key(|part| part.id);
        ClaimedMail {
            recipient,
            attempts,
            parts,
        }
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct ActRow {
    id: i64,
    at: i64,
    operator: Option<String>,
    act: String,
    license: Option<String>,
    detail: String,
}

impl TryFrom<ActRow> for Act {
    type Error = StoreError;

    fn try_from(row: ActRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            at: time(row.at)?,
            operator: row.operator,
            deed: Deed::parse(&row.act).ok_or(StoreError::Corrupt("act"))?,
            license: row.license,
            detail: row.detail,
        })
    }
}

#[derive(sqlx::FromRow)]
pub(super) struct OperatorRow {
    name: String,
    hash: Vec<u8>,
    scopes: String,
    created_at: i64,
    expires_at: Option<i64>,
    used_at: Option<i64>,
}

impl TryFrom<OperatorRow> for Operator {
    type Error = StoreError;

    fn try_from(row: OperatorRow) -> Result<Self, StoreError> {
        Ok(Self {
            name: row.name,
            hash: row.hash,
            scopes: scopes(&row.scopes)?,
            created_at: time(row.created_at)?,
            expires_at: row.expires_at.map(time).transpose()?,
            used_at: row.used_at.map(time).transpose()?,
        })
    }
}

pub(super) fn seats(count: i64) -> Result<u32, StoreError> {
    u32::try_from(count).map_err(|_range| StoreError::Corrupt("seats"))
}

pub(super) fn number(text: &str) -> Result<LicenseNumber, StoreError> {
    LicenseNumber::parse(text).map_err(|_slip| StoreError::Corrupt("license number"))
}

fn time(seconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_second(seconds).map_err(|_range| StoreError::Corrupt("time"))
}
