//! From license number and PIN to an active license.

use jiff::Timestamp;
use license_token::{LicenseNumber, Pin};
use zeroize::Zeroizing;

use crate::{
    clock::later,
    email::EmailAddress,
    keys::{LinkSecret, Typed},
    mail::letter::Letter,
    model::{Completion, Holder, License, LicenseState, LinkHash, MailKind, NewLink, NewMail},
    portal::{Portal, Refusal},
};

/// What a visitor with a ticket sees.
pub enum TicketPage {
    /// A link was mailed.
    Sent(License),
    /// The license is active.
    Active(License),
    /// The license is revoked.
    Revoked,
    /// The ticket is not ours, or has expired.
    Lapsed,
}

/// What a visitor with a mailed link sees.
pub enum LinkPage {
    /// A button.
    Button {
        /// When the link expires.
        expires_at: Timestamp,
    },
    /// The form, with what was typed into it before: the button was pressed.
    Form(License, Box<Holder>),
    /// The form was completed, through this link or another one.
    Done(License),
    /// The link has expired; the visitor can ask for a new one.
    Lapsed,
    /// The link is unknown, or can no longer be used.
    Unknown,
}

impl Portal {
    /// Checks email address, license number and PIN, and mails a link. Returns a ticket for the page that follows.
    ///
    /// It costs the same whichever of them is wrong.
    pub async fn activate(
        &self,
        address: &str,
        email: &EmailAddress,
        number: LicenseNumber,
        pin: Pin,
    ) -> Result<String, Refusal> {
        self.pay(address, number).await?;
        let license = self.store.license(number).await?;
        let hash = license.as_ref().map(|license| license.pin_hash.as_str());
        let matched = self.hasher.compare(hash, pin).await?;
        let license = license.filter(|license| license.email == email.as_str());
        let (Some(license), Some(_matched)) = (license, matched) else {
            self.metrics.refused.inc();
            return Err(Refusal::Refused);
        };
        self.repay(address, number).await?;
        if matches!(
            license.state,
            LicenseState::Issued | LicenseState::Verifying
        ) {
            self.mail_link(&license).await?;
        }
        let end = later(self.clock.now(), TICKET);
        Ok(self.keys.ticket(number, email.as_str(), end))
    }

    /// Returns what to show for a ticket.
    pub async fn ticket_page(&self, ticket: &str) -> Result<TicketPage, Refusal> {
        let Some(ticket) = self.keys.open_ticket(ticket, self.clock.now()) else {
            return Ok(TicketPage::Lapsed);
        };
        let license = self.store.license(ticket.number).await?;
        let license = license.filter(|license| self.keys.is_for(&ticket, &license.email));
        Ok(match license {
            None => TicketPage::Lapsed,
            Some(license) => match license.state {
                LicenseState::Issued | LicenseState::Verifying => TicketPage::Sent(license),
                LicenseState::Active => TicketPage::Active(license),
                LicenseState::Revoked => TicketPage::Revoked,
            },
        })
    }

    /// Mails another link for a ticket's license. Links that were mailed before stay valid.
    pub async fn resend_link(&self, ticket: &str) -> Result<(), Refusal> {
        match self.ticket_page(ticket).await? {
            TicketPage::Sent(license) => self.mail_link(&license).await,
            _ => Ok(()),
        }
    }

    /// Returns what to show for a link; changes nothing.
    pub async fn link_page(&self, secret: &str) -> Result<LinkPage, Refusal> {
        let Some(link) = self.store.link(LinkSecret::hash_of(secret)).await? else {
            return Ok(LinkPage::Unknown);
        };
        let Some(license) = self.store.license(link.number).await? else {
            return Ok(LinkPage::Unknown);
        };
        let is_lapsed = link.expires_at <= self.clock.now();
        Ok(match license.state {
            LicenseState::Active if !is_lapsed => LinkPage::Done(license),
            LicenseState::Verifying if is_lapsed => LinkPage::Lapsed,
            LicenseState::Verifying if link.opened => {
                let typed = self.draft(&license).await?;
                LinkPage::Form(license, Box::new(typed))
            }
            LicenseState::Verifying => LinkPage::Button {
                expires_at: link.expires_at,
            },
            LicenseState::Issued | LicenseState::Active | LicenseState::Revoked => {
                LinkPage::Unknown
            }
        })
    }

    /// Records that the link's button was pressed. Who has the link is the owner: wrong PINs that others entered for
    /// the license no longer count.
    pub async fn open_link(&self, address: &str, secret: &str) -> Result<(), Refusal> {
        let hash = LinkSecret::hash_of(secret);
        // If the link cannot be opened, the page that follows says why.
        if self.store.open_link(hash, self.clock.now()).await?
            && let Some(link) = self.store.link(hash).await?
        {
            self.repay(address, link.number).await?;
        }
        Ok(())
    }

    /// Keeps what was typed into the form of a link, for the next time that the form is shown.
    pub async fn keep(&self, secret: &str, typed: &Holder) -> Result<(), Refusal> {
        let hash = LinkSecret::hash_of(secret);
        let Some(link) = self.store.link(hash).await? else {
            return Ok(());
        };
        // A holder has only strings, so this does not fail.
        let text = Zeroizing::new(serde_json::to_string(typed).unwrap_or_default());
        let sealed = self.keys.seal_typed(Typed::License(link.number), &text)?;
        Ok(self
            .store
            .keep_draft(hash, &sealed, self.clock.now())
            .await?)
    }

    /// Returns what was typed into a license's form; empty fields if nothing was, or the portal key was lost since.
    async fn draft(&self, license: &License) -> Result<Holder, Refusal> {
        let sealed = self.store.draft(license.number).await?;
        let typed = sealed
            .and_then(|sealed| {
                self.keys
                    .open_typed(Typed::License(license.number), &sealed)
                    .ok()
            })
            .and_then(|text| serde_json::from_str(&text).ok());
        Ok(typed.unwrap_or_default())
    }

    /// Mails a new link for an expired one, to the same address.
    pub async fn renew_link(&self, secret: &str) -> Result<String, Refusal> {
        let hash: LinkHash = LinkSecret::hash_of(secret);
        let link = self.store.link(hash).await?.ok_or(Refusal::Refused)?;
        let license = self
            .store
            .license(link.number)
            .await?
            .ok_or(Refusal::Refused)?;
        if license.state != LicenseState::Verifying {
            return Err(Refusal::Refused);
        }
        self.mail_link(&license).await?;
        Ok(self.keys.ticket(
            license.number,
            &license.email,
            later(self.clock.now(), TICKET),
        ))
    }

    /// Completes the activation. Doing so again has no effect.
    pub async fn complete(&self, secret: &str, holder: &Holder) -> Result<(), Refusal> {
        match self
            .store
            .complete(LinkSecret::hash_of(secret), holder, self.clock.now())
            .await?
        {
            Completion::Activated => {
                self.metrics.activations.inc();
                Ok(())
            }
            Completion::AlreadyActivated => Ok(()),
            Completion::Refused => Err(Refusal::Refused),
        }
    }

    async fn mail_link(&self, license: &License) -> Result<(), Refusal> {
        self.require_mail()?;
        self.take(
            "mail",
            &license.number.to_string(),
            self.settings.paces.mail,
        )
        .await?;
        let now = self.clock.now();
        let secret = LinkSecret::generate()?;
        let expires_at = later(now, self.settings.link_minutes.saturating_mul(60));
        let link = NewLink {
            hash: LinkSecret::hash_of(secret.expose()),
            expires_at,
        };
        let text = Letter::verification(license.language, &secret, expires_at).text();
        let mail = NewMail {
            number: license.number,
            kind: MailKind::Verification,
            recipient: license.email.clone(),
            sealed: self
                .keys
                .seal(license.number, MailKind::Verification, &text)?,
        };
        // `false`: it was activated, revoked or handed over meanwhile; the page that follows shows it.
        if self.store.verify(license.number, &link, &mail, now).await? {
            self.bell.notify_one();
        }
        Ok(())
    }
}

/// How long a ticket is valid, in seconds.
const TICKET: i64 = 24 * 3600;
