//! Webhooks, and what they have to be told.

use jiff::Timestamp;
use sqlx::{Any, AssertSqlSafe, Transaction, query, query_as};

use super::{CLOCKS, Store, Stored, acts::record, exists, seconds};
use crate::model::{Deed, Event, Hook, HookNotice, HookState};

impl Store {
    /// Adds a webhook. [`StoreError::Exists`](super::StoreError::Exists): the name is taken.
    pub async fn add_hook(&self, hook: &Hook, now: Timestamp) -> Stored<()> {
        let mut tx = self.write().await?;
        query("INSERT INTO hooks (name, url, sealed, added_at) VALUES ($1, $2, $3, $4)")
            .bind(&hook.name)
            .bind(&hook.url)
            .bind(hook.sealed.as_slice())
            .bind(seconds(now))
            .execute(&mut *tx)
            .await
            .map_err(exists)?;
        record(&mut tx, None, Deed::HookAdded, None, &hook.name, now).await?;
        Ok(tx.commit().await?)
    }

    /// Removes a webhook, and what it has to be told. `false`: there is none with this name.
    pub async fn remove_hook(&self, name: &str, now: Timestamp) -> Stored<bool> {
        let mut tx = self.write().await?;
        let removed = query("DELETE FROM hooks WHERE name = $1")
            .bind(name)
            .execute(&mut *tx)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        record(&mut tx, None, Deed::HookRemoved, None, name, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Returns the webhooks in the order of their names, each with how far it was told.
    pub async fn hooks(&self) -> Stored<Vec<HookState>> {
        let hooks = query_as(
            "SELECT h.name, h.url,
                    (SELECT count(*) FROM notices n WHERE n.hook = h.name AND n.told_at IS NOT NULL) AS told,
                    (SELECT count(*) FROM notices n WHERE n.hook = h.name AND n.told_at IS NULL
                        AND n.failed_at IS NULL) AS waiting,
                    (SELECT count(*) FROM notices n WHERE n.hook = h.name AND n.failed_at IS NOT NULL) AS failed,
                    (SELECT n.last_error FROM notices n WHERE n.id =
                        (SELECT max(id) FROM notices WHERE hook = h.name AND last_error IS NOT NULL)) AS last_error
             FROM hooks h ORDER BY h.name",
        );
        Ok(hooks.fetch_all(&self.pool).await?)
    }

    /// Claims what is due until `until`, so that no other instance tells it meanwhile.
    pub async fn claim_notices(
        &self,
        now: Timestamp,
        until: Timestamp,
        limit: u32,
    ) -> Stored<Vec<HookNotice>> {
        let claimed = query_as(AssertSqlSafe(format!(
            "UPDATE notices SET claimed_until = $2, attempts = attempts + 1
             WHERE id IN (SELECT id FROM notices
                          WHERE told_at IS NULL AND failed_at IS NULL AND next_at <= $1
                            AND (claimed_until <= $1 OR claimed_until > $2 + $4)
                          ORDER BY next_at, id LIMIT $3{})
             RETURNING {CLAIMED}",
            self.dialect.skip_locked
        )));
        let claimed = claimed
            .bind(seconds(now))
            .bind(seconds(until))
            .bind(i64::from(limit))
            .bind(CLOCKS)
            .fetch_all(&self.pool);
        Ok(claimed.await?)
    }

    /// Records that a webhook was told something.
    pub async fn told(&self, id: i64, now: Timestamp) -> Stored<()> {
        query("UPDATE notices SET told_at = $2, failed_at = NULL, last_error = NULL WHERE id = $1")
            .bind(id)
            .bind(seconds(now))
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Records that a webhook could not be told something, unless another instance has told it meanwhile; `next`: when
    /// to try again, `None`: never.
    pub async fn not_told(
        &self,
        id: i64,
        next: Option<Timestamp>,
        now: Timestamp,
        error: &str,
    ) -> Stored<()> {
        query(
            "UPDATE notices SET last_error = $2, claimed_until = 0, next_at = coalesce($3, next_at),
                                failed_at = CASE WHEN $3 IS NULL THEN $4 ELSE NULL END
             WHERE id = $1 AND told_at IS NULL",
        )
        .bind(id)
        .bind(error)
        .bind(next.map(seconds))
        .bind(seconds(now))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Queues an event for one webhook, to try it, claimed until `until` by who asks. `None`: no webhook has this name.
    pub async fn try_hook(
        &self,
        name: &str,
        now: Timestamp,
        until: Timestamp,
    ) -> Stored<Option<HookNotice>> {
        let claimed = query_as(AssertSqlSafe(format!(
            "INSERT INTO notices (hook, event, at, next_at, claimed_until, attempts)
             SELECT name, $2, $3, $3, $4, 1 FROM hooks WHERE name = $1
             RETURNING {CLAIMED}"
        )));
        let claimed = claimed
            .bind(name)
            .bind(Event::Test.as_str())
            .bind(seconds(now))
            .bind(seconds(until))
            .fetch_optional(&self.pool);
        Ok(claimed.await?)
    }
}

/// What is told, of a row that was claimed.
const CLAIMED: &str = "id, hook, event, license, at, attempts,
                       (SELECT url FROM hooks WHERE name = hook) AS url,
                       (SELECT sealed FROM hooks WHERE name = hook) AS sealed";

/// Queues an event for every webhook, in the transaction that causes it.
pub(super) async fn announce(
    tx: &mut Transaction<'static, Any>,
    event: Event,
    license: Option<&str>,
    now: Timestamp,
) -> Stored<()> {
    query(
        "INSERT INTO notices (hook, event, license, at, next_at) SELECT name, $1, $2, $3, $3 FROM hooks",
    )
    .bind(event.as_str())
    .bind(license)
    .bind(seconds(now))
    .execute(&mut **tx)
    .await?;
    Ok(())
}
