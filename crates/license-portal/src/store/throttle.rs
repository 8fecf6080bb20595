//! Buckets that limit how often something may be tried.

use jiff::Timestamp;
use sqlx::{query, query_scalar};

use super::{Store, Stored};
use crate::model::{Attempt, Pace};

impl Store {
    /// Takes an attempt out of a bucket, if one is left.
    ///
    /// A bucket that would be full later than an empty one was emptied by a clock that was ahead. By no more than
    /// `CLOCKS`, that is another instance's clock; by more, it was wrong, and the bucket counts as full. It also does
    /// if somebody would have to wait for longer than it takes to fill the bucket.
    pub async fn take(&self, bucket: &str, pace: Pace, now: Timestamp) -> Stored<Attempt> {
        let now = now.as_millisecond();
        let taken = query(
            "INSERT INTO throttles (bucket, full_at) VALUES ($1, $2 + $3)
             ON CONFLICT (bucket) DO UPDATE
             SET full_at = $3 + CASE WHEN throttles.full_at > $2 AND throttles.full_at <= $2 + $3 * $4 + $5
                                     THEN throttles.full_at ELSE $2 END
             WHERE throttles.full_at + $3 <= $2 + $3 * $4 OR throttles.full_at > $2 + $3 * $4 + $5",
        )
        .bind(bucket)
        .bind(now)
        .bind(pace.every)
        .bind(i64::from(pace.burst))
        .bind(pace.lead())
        .execute(&self.pool)
        .await?;
        if taken.rows_affected() == 1 {
            return Ok(Attempt::Paid);
        }
        let full_at: Option<i64> = query_scalar("SELECT full_at FROM throttles WHERE bucket = $1")
            .bind(bucket)
            .fetch_optional(&self.pool)
            .await?;
        Ok(pace.wait(full_at.unwrap_or(now), now))
    }

    /// Fills a bucket.
    pub async fn forgive(&self, bucket: &str) -> Stored<()> {
        query("DELETE FROM throttles WHERE bucket = $1")
            .bind(bucket)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
