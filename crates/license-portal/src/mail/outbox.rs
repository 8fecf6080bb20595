//! Delivers what is queued. A mail leaves the database only after the courier took it.
//!
//! An instance claims a mail for longer than a delivery can take, so no two deliver it at once. One that dies between
//! delivery and the note of it makes the mail go out again, with the same Message-ID: at least once, never lost.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use crate::{
    clock::later,
    keys::{LinkSecret, random},
    mail::courier::{Courier, Parcel},
    model::ClaimedMail,
    portal::{Portal, Refusal},
};

/// Delivers for one instance.
pub struct Postman {
    portal: Arc<Portal>,
    courier: Arc<dyn Courier>,
    name: String,
}

impl Postman {
    /// With a random name, which its claims bear.
    pub fn new(portal: Arc<Portal>, courier: Arc<dyn Courier>) -> Result<Self, getrandom::Error> {
        let name = u64::from_le_bytes(random()?);
        Ok(Self {
            portal,
            courier,
            name: format!("{name:016x}"),
        })
    }

    /// Delivers until it is told to stop, and finishes the batch that is then under way.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut rounds = 0_u32;
        while !*stop.borrow() {
            match self.round().await {
                Ok(0) => {}
                Ok(_some) => continue,
                Err(error) => tracing::warn!(%error, "the outbox could not be read"),
            }
            if rounds.is_multiple_of(PRUNE_EVERY)
                && let Err(error) = self.portal.store.prune(self.portal.clock.now()).await
            {
                tracing::warn!(%error, "the database could not be pruned");
            }
            rounds = rounds.wrapping_add(1);
            // The bell is rung in this instance only; the others look by themselves.
            tokio::select! {
                () = self.portal.bell.notified() => {}
                () = tokio::time::sleep(PAUSE) => {}
                _changed = stop.changed() => {}
            }
        }
    }

    /// Delivers what is due now, up to a batch. Returns how many mails it took up.
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
                portal.metrics.mails_delivered.add();
                if !portal.store.delivered(mail.id, &self.name, now).await? {
                    tracing::warn!(
                        mail = mail.id,
                        "replaced or claimed by another instance while it was delivered"
                    );
                }
            }
            Err(error) => {
                portal.metrics.mails_failed.add();
                tracing::warn!(
                    mail = mail.id,
                    attempts = mail.attempts,
                    error,
                    "a mail was not delivered"
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

/// Seconds until the next try: 10, 20, 40 … up to an hour.
fn backoff(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 9)).unwrap_or_default();
    (10_i64 << doublings).min(3600)
}

/// How long a delivery may take, by the courier's own clock.
pub const DELIVERY: Duration = Duration::from_secs(30);

/// How long a batch is claimed, in seconds: longer than all its deliveries may take.
const CLAIM: i64 = 300;
const BATCH: u32 = 8;
const PAUSE: Duration = Duration::from_secs(2);
/// Pauses between two prunings: about ten minutes.
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
