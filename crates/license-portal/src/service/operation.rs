//! What operators and partners do.

use jiff::Timestamp;
use license_token::{Holder as TokenHolder, Installation, LicenseNumber, Pin};
use plain_text::shown;
use serde::{Serialize, Serializer};
use serde_json::json;

use crate::{
    email::EmailAddress,
    keys::random,
    language::Language,
    mail::letter,
    model::{
        Deed, Delivery, Filter, Found, Handover, Holder, License, LicenseState, MailKind,
        MailState, NewMail, Operator, Registration,
    },
    portal::{Portal, Refusal},
    store::StoreError,
};

/// Licenses to issue.
#[derive(Clone, Debug)]
pub struct IssueOrder {
    /// The email address of the buyer.
    pub email: String,
    /// How many licenses; each is mailed separately.
    pub count: u32,
    /// Whether they are sold active, so that they need no activation.
    pub is_activated: bool,
    /// Name and company of the holder, for licenses that are sold active. Otherwise the holder fills in the form.
    pub holder: Option<(String, String)>,
    /// The language of the mails.
    pub language: Language,
    /// The operator whose key sells them; `None`: the command line.
    pub sold_by: Option<String>,
}

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
    /// The version that it shows.
    #[serde(skip)]
    pub(crate) version: String,
    /// Name and company of the holder; empty if not known.
    #[serde(skip)]
    pub(crate) held_by: [String; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) sold_by: Option<String>,
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
            mail: found.delivery,
            holder: None,
            registrations: None,
        }
    }
}

impl Portal {
    /// Issues licenses and queues their mails.
    pub async fn issue(&self, order: &IssueOrder) -> Result<Vec<LicenseNumber>, Refusal> {
        self.require_mail()?;
        let email = EmailAddress::parse(&order.email)?;
        if email.needs_utf8() {
            self.require_utf8().await?;
        }
        let is_named = order.holder.as_ref().is_none_or(|(name, company)| {
            order.is_activated && !name.is_empty() && TokenHolder::new(name, company).is_ok()
        });
        if !is_named {
            return Err(Refusal::NoHolder);
        }
        // The form asks for more, an order does not.
        let holder = order.holder.clone().map(|(first_name, company)| Holder {
            first_name,
            company,
            ..Holder::default()
        });
        loop {
            let mut sales = Vec::new();
            for _ in 0..order.count {
                sales.push(self.draw(email.as_str(), order).await?);
            }
            let issued = self.store.issue(&sales, holder.as_ref(), self.seconds());
            match issued.await {
                // A number is taken: draws others. With 75 random bits this does not happen in practice.
                Err(StoreError::Exists) => {}
                Err(error) => return Err(error.into()),
                Ok(()) => {
                    self.bell.notify_one();
                    let numbers = sales.iter().map(|(license, _mail)| license.number);
                    return Ok(numbers.collect());
                }
            }
        }
    }

    /// Draws a license with its PIN, and writes its mail.
    async fn draw(&self, email: &str, order: &IssueOrder) -> Result<(License, NewMail), Refusal> {
        let number = LicenseNumber::generate(random()?);
        let (pin_hash, mail) = self
            .new_pin(number, email, order.language, order.is_activated)
            .await?;
        let now = self.seconds();
        let license = License {
            number,
            email: email.to_owned(),
            language: order.language,
            state: if order.is_activated {
                LicenseState::Active
            } else {
                LicenseState::Issued
            },
            pin_hash,
            issued_at: now,
            changed_at: now,
            activated_at: order.is_activated.then_some(now),
            sold_by: order.sold_by.clone(),
        };
        Ok((license, mail))
    }

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
        self.store.exported(number, by, self.seconds()).await?;
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
        let notice = letter::moved(language, &self.settings, number);
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

    async fn new_pin(
        &self,
        number: LicenseNumber,
        email: &str,
        language: Language,
        is_active: bool,
    ) -> Result<(String, NewMail), Refusal> {
        let pin = Pin::generate(random()?);
        let text = letter::license(language, &self.settings, number, &pin, is_active);
        let mail = NewMail {
            number,
            kind: MailKind::License,
            recipient: email.to_owned(),
            sealed: self.keys.seal(number, MailKind::License, &text)?,
        };
        Ok((self.hasher.hash(pin).await?, mail))
    }

    /// Returns the current time in whole seconds, as the database stores it.
    fn seconds(&self) -> Timestamp {
        let now = self.clock.now();
        Timestamp::from_second(now.as_second()).unwrap_or(now)
    }
}
