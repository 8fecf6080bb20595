//! Delivers queued mails. A mail is deleted from the database only after it was delivered.
//!
//! An instance claims a mail for longer than a delivery can take, so two instances never deliver it at once. If an
//! instance dies after the delivery and before recording it, the mail is sent again with the same Message-ID: mails
//! are delivered at least once.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    clock::later,
    keys::{LinkSecret, random},
    mail::courier::{Courier, Parcel},
    model::ClaimedMail,
    portal::{Portal, Refusal},
};

/// Delivers the mails of one instance.
pub struct Postman {
    portal: Arc<Portal>,
    courier: Arc<dyn Courier>,
    name: String,
}

impl Postman {
    /// Makes one with a random name, which marks its claims.
    pub fn new(portal: Arc<Portal>, courier: Arc<dyn Courier>) -> Result<Self, getrandom::Error> {
        let name = u64::from_le_bytes(random()?);
        Ok(Self {
            portal,
            courier,
            name: format!("{name:016x}"),
        })
    }

    /// Delivers until `stop` is set, and finishes the batch in progress.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut rounds = 0_u32;
        while !*stop.borrow() {
            match self.round().await {
                Ok(0) => {}
                Ok(_some) => continue,
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
                () = self.portal.bell.notified() => {}
                () = tokio::time::sleep(PAUSE) => {}
                _changed = stop.changed() => {}
            }
        }
    }

    /// Delivers a batch of mails that are due. Returns how many.
    pub async fn round(&self) -> Result<usize, Refusal> {
        let now = self.portal.clock.now();
        let mails = self
            .portal
            .store
            .claim(&self.name, now, later(now, CLAIM), BATCH)
            .await?;
        for mail in &mails {
            self.deliver(mail).await?;
        }
        Ok(mails.len())
    }

    async fn deliver(&self, mail: &ClaimedMail) -> Result<(), Refusal> {
        let portal = &*self.portal;
        let outcome = match portal.keys.open(&mail.number, &mail.sealed) {
            Err(error) => Err(error.to_string()),
            Ok(letter) => {
                let (subject, text) = letter.split_once('\n').unwrap_or(("KeyWriter", &letter));
                let [a, b, c, d, ..] = LinkSecret::hash_of(&mail.number).0;
                let parcel = Parcel {
                    id: mail.id,
                    reference: &format!("{:08x}", u32::from_be_bytes([a, b, c, d])),
                    from: &portal.settings.mail_from,
                    to: &mail.recipient,
                    subject,
                    text,
                };
                self.courier
                    .deliver(&parcel)
                    .await
                    .map_err(|error| error.to_string())
            }
        };
        let now = portal.clock.now();
        match outcome {
            Ok(()) => {
                portal.metrics.mails_delivered.inc();
                if !portal.store.delivered(mail.id, &self.name, now).await? {
                    tracing::warn!(
                        mail = mail.id,
                        "the mail was replaced, or claimed by another instance, during its delivery"
                    );
                }
            }
            Err(error) => {
                portal.metrics.mails_failed.inc();
                tracing::warn!(
                    mail = mail.id,
                    attempts = mail.attempts,
                    error,
                    "cannot deliver a mail"
                );
                portal
                    .store
                    .failed(
                        mail.id,
                        &self.name,
                        later(now, backoff(mail.attempts)),
                        &error,
                    )
                    .await?;
            }
        }
        Ok(())
    }
}

/// Returns the seconds until the next attempt: 10, 20, 40 … up to an hour.
fn backoff(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 9)).unwrap_or_default();
    (10_i64 << doublings).min(3600)
}

/// How long a delivery may take.
pub const DELIVERY: Duration = Duration::from_secs(30);

/// How long a batch is claimed, in seconds: longer than all its deliveries can take.
const CLAIM: i64 = 300;
const BATCH: u32 = 8;
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
    fn a_claim_outlasts_a_batch_of_slow_deliveries() {
        assert!(u64::try_from(CLAIM).unwrap() > DELIVERY.as_secs() * u64::from(BATCH));
    }
}
