//! Mails that wait for delivery.

use jiff::Timestamp;
use sqlx::{Any, AssertSqlSafe, Transaction, query, query_as};

use super::{CLOCKS, Store, Stored, rows::MailRow, seconds};
use crate::model::{ClaimedMail, NewMail};

impl Store {
    /// Claims mails that are due and that no other instance has claimed, until `until`: first those that somebody
    /// waits for, and only those if `urgent`.
    ///
    /// A claim, or a pause, that is longer by more than [`CLOCKS`] than this program sets comes from a clock that was
    /// wrong, and does not count. What waits for one address with one order is one mail: whoever claims the oldest part
    /// gets the others.
    pub async fn claim(
        &self,
        by: &str,
        now: Timestamp,
        until: Timestamp,
        limit: usize,
        urgent: bool,
    ) -> Stored<Vec<ClaimedMail>> {
        let mut tx = self.write().await?;
        let rows: Vec<MailRow> = query_as(AssertSqlSafe(format!(
            "UPDATE outbox SET claimed_by = $1, claimed_until = $3, attempts = attempts + 1
             WHERE id IN (SELECT id FROM outbox AS mail
                          WHERE delivered_at IS NULL AND failed_at IS NULL
                            AND (next_at <= $2 OR next_at > $2 + $5 + $7)
                            AND (coalesce(claimed_until, 0) <= $2 OR claimed_until > $3 + $7)
                            AND (kind = 'verification' OR $6 = 0)
                            AND NOT EXISTS (SELECT 1 FROM outbox AS part
                                            WHERE part.order_id = mail.order_id AND part.recipient = mail.recipient
                                              AND part.id < mail.id
                                              AND part.delivered_at IS NULL AND part.failed_at IS NULL)
                          ORDER BY CASE kind WHEN 'verification' THEN 0 ELSE 1 END, next_at, id LIMIT $4{})
             RETURNING id, license, recipient, sealed, attempts, order_id",
            self.dialect.skip_locked
        )))
        .bind(by)
        .bind(seconds(now))
        .bind(seconds(until))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(LONGEST_PAUSE)
        .bind(i64::from(urgent))
        .bind(CLOCKS)
        .fetch_all(&mut *tx)
        .await?;
        let mut mails = Vec::new();
        for row in rows {
            let others: Vec<MailRow> = query_as(
                "UPDATE outbox SET claimed_by = $1, claimed_until = $2, attempts = attempts + 1
                 WHERE order_id = $3 AND recipient = $4 AND delivered_at IS NULL AND failed_at IS NULL
                   AND id <> $5
                 RETURNING id, license, recipient, sealed, attempts, order_id",
            )
            .bind(by)
            .bind(seconds(until))
            .bind(row.order_id)
            .bind(&row.recipient)
            .bind(row.id)
            .fetch_all(&mut *tx)
            .await?;
            mails.push(row.with(others));
        }
        tx.commit().await?;
        Ok(mails)
    }

    /// Marks a mail that this instance claimed as delivered, and erases its text. `false`: the claim was lost.
    pub async fn delivered(&self, mail: &ClaimedMail, by: &str, now: Timestamp) -> Stored<bool> {
        let (mut tx, mut is_all) = (self.write().await?, true);
        for part in &mail.parts {
            let erased = query(
                "UPDATE outbox SET delivered_at = $3, sealed = $4, claimed_by = NULL, claimed_until = NULL,
                                   last_error = NULL
                 WHERE id = $1 AND claimed_by = $2",
            )
            .bind(part.id)
            .bind(by)
            .bind(seconds(now))
            .bind(Vec::<u8>::new())
            .execute(&mut *tx)
            .await?;
            is_all &= erased.rows_affected() == 1;
        }
        tx.commit().await?;
        Ok(is_all)
    }

    /// Gives up a mail that this instance claimed, and erases its text.
    pub async fn gave_up(
        &self,
        mail: &ClaimedMail,
        by: &str,
        now: Timestamp,
        error: &str,
    ) -> Stored<()> {
        let mut tx = self.write().await?;
        for part in &mail.parts {
            query(
                "UPDATE outbox SET failed_at = $3, last_error = $4, sealed = $5, claimed_by = NULL,
                                   claimed_until = NULL
                 WHERE id = $1 AND claimed_by = $2",
            )
            .bind(part.id)
            .bind(by)
            .bind(seconds(now))
            .bind(error)
            .bind(Vec::<u8>::new())
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Releases a mail that this instance claimed, to be tried again at `next`.
    pub async fn failed(
        &self,
        mail: &ClaimedMail,
        by: &str,
        next: Timestamp,
        error: &str,
    ) -> Stored<()> {
        let mut tx = self.write().await?;
        for part in &mail.parts {
            query(
                "UPDATE outbox SET next_at = $3, last_error = $4, claimed_by = NULL, claimed_until = NULL
                 WHERE id = $1 AND claimed_by = $2",
            )
            .bind(part.id)
            .bind(by)
            .bind(seconds(next))
            .bind(error)
            .execute(&mut *tx)
            .await?;
        }
        Ok(tx.commit().await?)
    }
}

/// The longest pause between two attempts, in seconds.
pub const LONGEST_PAUSE: i64 = 3600;

/// Queues a mail, and deletes a waiting one of the same kind: its PIN or link is no longer valid. Notices stay.
/// `order`: the order whose other mails to this address go out with it.
pub(super) async fn queue(
    tx: &mut Transaction<'static, Any>,
    mail: &NewMail,
    order: Option<i64>,
    now: Timestamp,
) -> Stored<()> {
    query("DELETE FROM outbox WHERE license = $1 AND kind = $2 AND kind <> 'notice' AND delivered_at IS NULL")
        .bind(mail.number.to_string())
        .bind(mail.kind.as_str())
        .execute(&mut **tx)
        .await?;
    query(
        "INSERT INTO outbox (license, kind, recipient, sealed, next_at, order_id) VALUES ($1, $2, $3, $4, $5, $6)",
    )
        .bind(mail.number.to_string())
        .bind(mail.kind.as_str())
        .bind(&mail.recipient)
        .bind(mail.sealed.as_slice())
        .bind(seconds(now))
        .bind(order)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
