//! Delivers queued mails. A mail is deleted from the database only after it was delivered.
//!
//! An instance claims a mail for longer than a delivery can take, so two instances never deliver it at once. If an
//! instance dies after the delivery and before recording it, the mail is sent again with the same Message-ID: mails
//! are delivered at least once.

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};

use crate::{
    clock::later,
    keys::{LinkSecret, random},
    mail::{
        courier::{Courier, Parcel},
        letter,
    },
    model::ClaimedMail,
    portal::{Portal, Refusal},
    store::{CLOCKS, LONGEST_PAUSE},
};

/// Delivers the mails of one instance, several at once. Clones deliver for the same instance.
#[derive(Clone)]
pub struct Postman {
    portal: Arc<Portal>,
    courier: Arc<dyn Courier>,
    name: Arc<str>,
}

impl Postman {
    /// Makes one with a random name, which marks its claims.
    pub fn new(portal: Arc<Portal>, courier: Arc<dyn Courier>) -> Result<Self, getrandom::Error> {
        let name = u64::from_le_bytes(random()?);
        Ok(Self {
            portal,
            courier,
            name: format!("{name:016x}").into(),
        })
    }

    /// Delivers until `stop` is set, and finishes the deliveries in progress.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut deliveries = JoinSet::new();
        let mut rounds = 0_u32;
        while !*stop.borrow() {
            match self.claim(AT_ONCE.saturating_sub(deliveries.len())).await {
                Ok(mails) if mails.is_empty() => {}
                Ok(mails) => {
                    self.start(&mut deliveries, mails);
                    continue;
                }
                Err(error) => tracing::warn!(%error, "cannot read the outbox"),
            }
            if rounds.is_multiple_of(PRUNE_EVERY)
                && let Err(error) = self.portal.store.prune(self.portal.clock.now()).await
            {
                tracing::warn!(%error, "cannot delete old rows from the database");
            }
            rounds = rounds.wrapping_add(1);
            // Only this instance is notified; the others look every few seconds.
            tokio::select! {
                Some(ended) = deliveries.join_next() => log(ended),
                () = self.portal.bell.notified() => {}
                () = tokio::time::sleep(PAUSE) => {}
                _changed = stop.changed() => {}
            }
        }
        while let Some(ended) = deliveries.join_next().await {
            log(ended);
        }
    }

    /// Delivers mails that are due, as many as one instance delivers at once without the places kept for links, and
    /// waits for all of them. Returns how many.
    pub async fn round(&self) -> Result<usize, Refusal> {
        let mut deliveries = JoinSet::new();
        let mails = self.claim(AT_ONCE).await?;
        let count = mails.len();
        self.start(&mut deliveries, mails);
        while let Some(ended) = deliveries.join_next().await {
            ended.unwrap_or(Ok(()))?;
        }
        Ok(count)
    }

    /// Claims mails for this many free places. The last of them are kept for mails that somebody waits for.
    async fn claim(&self, free: usize) -> Result<Vec<ClaimedMail>, Refusal> {
        let (limit, urgent) = match free.saturating_sub(KEPT) {
            0 => (free, true),
            limit => (limit, false),
        };
        let now = self.portal.clock.now();
        let claim = self
            .portal
            .store
            .claim(&self.name, now, later(now, CLAIM), limit, urgent);
        Ok(claim.await?)
    }

    fn start(&self, deliveries: &mut JoinSet<Result<(), Refusal>>, mails: Vec<ClaimedMail>) {
        for mail in mails {
            let postman = self.clone();
            deliveries.spawn(async move { postman.deliver(&mail).await });
        }
    }

    async fn deliver(&self, mail: &ClaimedMail) -> Result<(), Refusal> {
        let portal = &*self.portal;
        let opened = mail
            .parts
            .iter()
            .map(|part| portal.keys.open(&part.number, &part.sealed));
        let opened: Result<Vec<_>, _> = opened.collect();
        let outcome = match opened {
            Err(error) => Err((error.to_string(), false)),
            Ok(parts) => {
                let written = letter::write(&portal.settings, &parts);
                let number = mail.parts.first().map_or("", |part| &part.number);
                let [a, b, c, d, ..] = LinkSecret::hash_of(number).0;
                let parcel = Parcel {
                    id: mail.id(),
                    reference: &format!("{:08x}", u32::from_be_bytes([a, b, c, d])),
                    from: &portal.settings.mail_from,
                    to: &mail.recipient,
                    subject: &written.subject,
                    text: &written.text,
                    html: written.html.as_ref().map(|html| html.as_str()),
                };
                self.courier
                    .deliver(&parcel)
                    .await
                    .map_err(|error| (error.to_string(), error.is_final()))
            }
        };
        let now = portal.clock.now();
        match outcome {
            Ok(()) => {
                portal.metrics.mails_delivered.inc();
                if !portal.store.delivered(mail, &self.name, now).await? {
                    tracing::warn!(
                        mail = mail.id(),
                        "the mail was replaced, or claimed by another instance, during its delivery"
                    );
                }
            }
            Err((error, is_final)) => {
                portal.metrics.mails_failed.inc();
                tracing::warn!(
                    mail = mail.id(),
                    attempts = mail.attempts,
                    error,
                    is_final,
                    "cannot deliver a mail"
                );
                let (store, by) = (&portal.store, &self.name);
                if is_final {
                    store.gave_up(mail, by, now, &error).await?;
                } else {
                    let next = later(now, backoff(mail.attempts));
                    store.failed(mail, by, next, &error).await?;
                }
            }
        }
        Ok(())
    }
}

/// Reports a delivery whose outcome could not be recorded; its claim expires.
fn log(ended: Result<Result<(), Refusal>, JoinError>) {
    match ended {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::warn!(%error, "cannot record a delivery"),
        Err(error) => tracing::error!(%error, "a delivery ended unexpectedly"),
    }
}

/// Returns the seconds until the next attempt: 10, 20, 40 … up to an hour.
pub(crate) fn backoff(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 9)).unwrap_or_default();
    (10_i64 << doublings).min(LONGEST_PAUSE)
}

/// How long a delivery may take.
pub const DELIVERY: Duration = Duration::from_secs(30);

/// How long a mail is claimed, in seconds: longer than its delivery can take by the clock of any instance.
const CLAIM: i64 = CLOCKS + 60;
/// How many mails one instance delivers at once.
const AT_ONCE: usize = 8;
/// How many of these places are kept for mails that somebody waits for.
const KEPT: usize = 2;
const PAUSE: Duration = Duration::from_secs(2);
/// How many pauses there are between two prunings: about ten minutes.
const PRUNE_EVERY: u32 = 300;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_that_fails_waits_longer_each_time_and_never_more_than_an_hour() {
        assert_eq!(
            [1, 2, 3, 9, 10, 1000].map(backoff),
            [10, 20, 40, 2560, 3600, 3600]
        );
    }

    #[test]
    fn a_claim_outlasts_a_slow_delivery() {
        let by_a_clock_ahead = u64::try_from(CLAIM - CLOCKS).unwrap();
        assert!(by_a_clock_ahead >= 2 * DELIVERY.as_secs());
    }
}
