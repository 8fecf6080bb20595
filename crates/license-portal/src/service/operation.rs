//! What operators and partners do.

use jiff::Timestamp;
use license_token::{Installation, LicenseNumber, Pin};
use plain_text::shown;
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::{
    email::EmailAddress,
    keys::random,
    language::Language,
    mail::letter::Letter,
    model::{
        Deed, Delivery, Filter, Found, Handover, Holder, LicenseState, MailKind, MailState,
        NewMail, Operator, Registration,
    },
    portal::{Portal, Refusal},
};

/// A license as operators see it, without secrets.
#[derive(Serialize)]
pub struct LicenseReport {
    pub(crate) license: String,
    pub(crate) email: String,
    pub(crate) language: Language,
    pub(crate) state: LicenseState,
    #[serde(serialize_with = "as_text")]
    pub(crate) issued_at: Timestamp,
    #[serde(serialize_with = "as_text")]
    pub(crate) changed_at: Timestamp,
    #[serde(serialize_with = "as_text_or_null")]
    pub(crate) activated_at: Option<Timestamp>,
    /// The version that it shows: what changes the license may name it, to change nothing that is newer.
    pub(crate) version: String,
    /// Name and company of the holder; empty if not known.
    #[serde(skip)]
    pub(crate) held_by: [String; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sold_by: Option<String>,
    /// The order that it was sold with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order: Option<i64>,
    /// On how many computers it can be registered; `None`: on as many as the portal is set to.
    pub(crate) seats: Option<u32>,
    /// The newest mail about it, for 30 days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mail: Option<Delivery>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) holder: Option<Holder>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) registrations: Option<Vec<Registration>>,
}

impl LicenseReport {
    /// Returns its number.
    pub fn number(&self) -> &str {
        &self.license
    }

    /// Returns the operator whose key sold it.
    pub fn sold_by(&self) -> Option<&str> {
        self.sold_by.as_deref()
    }

    /// Returns a line for a terminal.
    pub fn line(&self) -> String {
        let mail = self.mail.as_ref().map_or_else(String::new, Delivery::line);
        format!(
            "{}  {:<9}  {}  {}{}",
            self.license,
            self.state.as_str(),
            self.issued_at,
            shown(&self.email),
            mail
        )
    }

    /// Returns its registrations, a line each for a terminal.
    pub fn registrations(&self) -> impl Iterator<Item = String> {
        let day = |time| {
            Timestamp::from_second(time).map_or_else(|_range| "?".into(), |time| time.to_string())
        };
        self.registrations.iter().flatten().map(move |one| {
            format!(
                "  {}  registered {}  last used {}",
                one.installation,
                day(one.first_at),
                day(one.last_at)
            )
        })
    }
}

impl Delivery {
    /// Returns what an operator should know about the mail, for the end of a line.
    fn line(&self) -> String {
        let error = self.error.as_deref().map(shown).unwrap_or_default();
        match self.state {
            MailState::Delivered => String::new(),
            MailState::Waiting if error.is_empty() => "  mail waiting".into(),
            MailState::Waiting => format!("  mail waiting: {error}"),
            MailState::Failed => format!("  mail failed: {error}"),
        }
    }
}

/// Writes a time as JSON has it.
fn as_text<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(time)
}

#[expect(clippy::ref_option, reason = "serde passes the field")]
fn as_text_or_null<S: Serializer>(time: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => to.collect_str(time),
        None => to.serialize_none(),
    }
}

impl From<Found> for LicenseReport {
    fn from(found: Found) -> Self {
        let license = found.license;
        Self {
            version: license.version(),
            license: license.number.to_string(),
            email: license.email,
            language: license.language,
            state: license.state,
            issued_at: license.issued_at,
            changed_at: license.changed_at,
            activated_at: license.activated_at,
            held_by: [found.name, found.company],
            sold_by: license.sold_by,
            order: license.order,
            seats: license.seats,
            mail: found.delivery,
            holder: None,
            registrations: None,
        }
    }
}

impl Portal {
    /// Gives a license a new PIN and mails it. The old PIN is no longer valid. `by`: the operator; `None`: the command
    /// line.
    pub async fn resend(&self, number: LicenseNumber, by: Option<&str>) -> Result<(), Refusal> {
        self.require_mail()?;
        let license = self.store.license(number).await?.ok_or(Refusal::Refused)?;
        let is_active = license.state == LicenseState::Active;
        let (pin_hash, mail) = self
            .new_pin(number, &license.email, license.language, is_active)
            .await?;
        if !self
            .store
            .replace_pin(number, &pin_hash, &mail, by, self.seconds())
            .await?
        {
            return Err(Refusal::Refused);
        }
        // Nobody has entered the new PIN yet.
        self.repay_everyone(number).await?;
        self.bell.notify_one();
        Ok(())
    }

    /// Revokes a license. Doing so again has no effect.
    pub async fn revoke(&self, number: LicenseNumber, by: Option<&str>) -> Result<(), Refusal> {
        self.store.license(number).await?.ok_or(Refusal::Refused)?;
        self.store.revoke(number, by, self.seconds()).await?;
        Ok(())
    }

    /// Returns all that the portal knows of a license and its holder, but secrets, as JSON. What was before the newest
    /// transfer is about somebody else.
    pub async fn export(
        &self,
        number: LicenseNumber,
        by: Option<&str>,
    ) -> Result<serde_json::Value, Refusal> {
        let report = self.show(number).await?;
        self.store
            .exported(Some(number), by, self.seconds())
            .await?;
        let acts = self.store.acts(None, Some(number), None, u32::MAX).await?;
        let mut log = Vec::new();
        for act in acts {
            let is_transfer = act.deed == Deed::Transferred;
            log.push(json!({
                "at": act.at.to_string(),
                "operator": act.operator,
                "act": act.deed.as_str(),
                "detail": if is_transfer { "" } else { &act.detail },
            }));
            if is_transfer {
                break;
            }
        }
        Ok(json!({ "license": report, "log": log }))
    }

    /// Revokes a license, and erases what is known of the person who has it. `seen`: the version of the license that the
    /// operator saw, if it was one: it must not have got to somebody else since. Doing so again has no effect.
    pub async fn erase(
        &self,
        number: LicenseNumber,
        seen: Option<&str>,
        by: Option<&str>,
    ) -> Result<(), Refusal> {
        let license = self.store.license(number).await?.ok_or(Refusal::Refused)?;
        if license.email.is_empty() {
            return Ok(());
        }
        let is_seen = seen.is_none_or(|seen| license.version() == seen);
        if !is_seen || !self.store.erase(&license, by, self.seconds()).await? {
            return Err(Refusal::Changed);
        }
        self.repay_everyone(number).await
    }

    /// Undoes a revocation. The license is as it was before, without its links.
    pub async fn restore(&self, number: LicenseNumber, by: Option<&str>) -> Result<(), Refusal> {
        self.store.license(number).await?.ok_or(Refusal::Refused)?;
        if self.store.restore(number, by, self.seconds()).await? {
            Ok(())
        } else {
            Err(Refusal::Changed)
        }
    }

    /// Gives a license another email address, and mails a new PIN to it and a notice to the one before. `seen`: the
    /// version of the license that the operator saw. A transfer is to somebody else, who has to activate it.
    pub async fn hand_over(
        &self,
        number: LicenseNumber,
        seen: &str,
        email: &EmailAddress,
        is_transfer: bool,
        by: Option<&str>,
    ) -> Result<(), Refusal> {
        self.require_mail()?;
        if email.needs_utf8() {
            self.require_utf8().await?;
        }
        let license = self.store.license(number).await?.ok_or(Refusal::Refused)?;
        if license.version() != seen {
            return Err(Refusal::Changed);
        }
        let language = license.language;
        let is_active = license.state == LicenseState::Active && !is_transfer;
        let (pin_hash, mail) = self
            .new_pin(number, email.as_str(), language, is_active)
            .await?;
        let notice = Letter::moved(language, number).text();
        let notice = NewMail {
            number,
            kind: MailKind::Notice,
            recipient: license.email.clone(),
            sealed: self.keys.seal(number, MailKind::Notice, &notice)?,
        };
        let handover = Handover {
            license,
            email: email.as_str().to_owned(),
            pin_hash,
            is_transfer,
            mails: [notice, mail],
        };
        if !self.store.hand_over(&handover, by, self.seconds()).await? {
            return Err(Refusal::Changed);
        }
        // Nobody has entered the new PIN yet.
        self.repay_everyone(number).await?;
        self.bell.notify_one();
        Ok(())
    }

    /// Removes one registration of a license, or all. A removed installation cannot refresh, but can register again.
    pub async fn forget(
        &self,
        number: LicenseNumber,
        installation: Option<Installation>,
        by: Option<&str>,
    ) -> Result<(), Refusal> {
        self.store.license(number).await?.ok_or(Refusal::Refused)?;
        let installation = installation.map(|installation| installation.to_string());
        self.store
            .forget(number, installation.as_deref(), by, self.seconds())
            .await?;
        Ok(())
    }

    /// Returns licenses in the order of their numbers.
    pub async fn list(&self, filter: &Filter) -> Result<Vec<LicenseReport>, Refusal> {
        let found = self.store.list(filter).await?;
        Ok(found.into_iter().map(LicenseReport::from).collect())
    }

    /// Returns as many licenses as the filter permits, and the number after which more follow, if there are more.
    pub async fn page(
        &self,
        filter: &Filter,
    ) -> Result<(Vec<LicenseReport>, Option<String>), Refusal> {
        let asked = Filter {
            limit: filter.limit.saturating_add(1),
            ..filter.clone()
        };
        let mut found = self.list(&asked).await?;
        let has_more = found.len() > filter.limit as usize;
        found.truncate(filter.limit as usize);
        let last = found.last().filter(|_| has_more);
        let next = last.map(|last| last.license.clone());
        Ok((found, next))
    }

    /// Records that an operator exports a table of licenses.
    pub async fn export_table(&self, by: Option<&str>) -> Result<(), Refusal> {
        Ok(self.store.exported(None, by, self.seconds()).await?)
    }

    /// Returns a license with its holder and its registrations.
    pub async fn show(&self, number: LicenseNumber) -> Result<LicenseReport, Refusal> {
        let filter = Filter {
            number: Some(number),
            limit: 1,
            ..Filter::default()
        };
        let found = self.store.list(&filter).await?.pop();
        let mut report = LicenseReport::from(found.ok_or(Refusal::Refused)?);
        report.holder = self.store.holder(number).await?;
        report.registrations = Some(self.store.registrations(number).await?);
        Ok(report)
    }

    /// The same, for an operator. A license that the key may not read does not exist for it.
    pub async fn show_to(
        &self,
        operator: &Operator,
        number: LicenseNumber,
    ) -> Result<LicenseReport, Refusal> {
        let seller = operator.reads().ok_or(Refusal::Refused)?;
        let report = self.show(number).await?;
        if seller.is_some() && report.sold_by() != seller {
            return Err(Refusal::Refused);
        }
        Ok(report)
    }

    /// Changes on how many computers a license can be registered; `None`: as many as the portal is set to. `seen`: the
    /// version of the license that the operator saw. Computers that are registered stay.
    pub async fn reseat(
        &self,
        number: LicenseNumber,
        seen: Option<&str>,
        seats: Option<u32>,
        by: Option<&str>,
    ) -> Result<(), Refusal> {
        if seats.is_some_and(|seats| !SEATS.contains(&seats)) {
            return Err(Refusal::Seats);
        }
        let license = self.store.license(number).await?.ok_or(Refusal::Refused)?;
        let is_seen = seen.is_none_or(|seen| license.version() == seen);
        if license.seats == seats && is_seen {
            return Ok(());
        }
        if !is_seen
            || !self
                .store
                .reseat(&license, seats, by, self.seconds())
                .await?
        {
            return Err(Refusal::Changed);
        }
        Ok(())
    }

    pub(super) async fn new_pin(
        &self,
        number: LicenseNumber,
        email: &str,
        language: Language,
        is_active: bool,
    ) -> Result<(String, NewMail), Refusal> {
        let pin = Pin::generate(random()?);
        let letter = Letter::license(language, number, &pin, is_active);
        let mail = NewMail {
            number,
            kind: MailKind::License,
            recipient: email.to_owned(),
            sealed: self.keys.seal(number, MailKind::License, &letter.text())?,
        };
        Ok((self.hasher.hash(pin).await?, mail))
    }

    /// Returns the current time in whole seconds, as the database stores it.
    pub(super) fn seconds(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}

/// On how many computers a license can be registered.
pub(crate) const SEATS: std::ops::RangeInclusive<u32> = 1..=10_000;
