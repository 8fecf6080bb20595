//! The public keys that licenses are and were signed with.

use jiff::Timestamp;
use license_token::Anchor;
use sqlx::{query, query_scalar};

use super::{Store, StoreError, Stored, exists, seconds};

impl Store {
    /// Returns the public keys that licenses were ever signed with, the newest first.
    pub async fn anchors(&self) -> Stored<Vec<Anchor>> {
        let rows: Vec<String> =
            query_scalar("SELECT anchor FROM anchors ORDER BY position DESC, anchor")
                .fetch_all(&self.pool)
                .await?;
        rows.iter()
            .map(|text| Anchor::parse(text).map_err(|_form| StoreError::Corrupt("anchor")))
            .collect()
    }

    /// Makes these the keys of a portal that has none yet. If another instance was faster, its keys stay.
    pub async fn sign_first(&self, anchors: &[Anchor], now: Timestamp) -> Stored<()> {
        let mut tx = self.write().await?;
        let known: i64 = query_scalar("SELECT count(*) FROM anchors")
            .fetch_one(&mut *tx)
            .await?;
        if known > 0 {
            return Ok(());
        }
        for (position, anchor) in (1_i64..).zip(anchors.iter().rev()) {
            let inserted =
                query("INSERT INTO anchors (anchor, position, added_at) VALUES ($1, $2, $3)")
                    .bind(anchor.to_string())
                    .bind(position)
                    .bind(seconds(now))
                    .execute(&mut *tx)
                    .await
                    .map_err(exists);
            match inserted {
                Err(StoreError::Exists) => return Ok(()),
                inserted => inserted?,
            };
        }
        Ok(tx.commit().await?)
    }

    /// Makes these the newest, the newest of them first. The published development key is forgotten, unless it is the
    /// newest: anyone can sign with it, so its licenses cannot be refreshed where others count.
    pub async fn sign_with(&self, anchors: &[Anchor], now: Timestamp) -> Stored<()> {
        let mut tx = self.write().await?;
        for anchor in anchors.iter().rev() {
            query(
                "INSERT INTO anchors (anchor, position, added_at)
                 VALUES ($1, (SELECT coalesce(max(position), 0) + 1 FROM anchors), $2)
                 ON CONFLICT (anchor) DO UPDATE SET position = excluded.position",
            )
            .bind(anchor.to_string())
            .bind(seconds(now))
            .execute(&mut *tx)
            .await?;
        }
        if !anchors.first().is_some_and(Anchor::is_development) {
            query("DELETE FROM anchors WHERE anchor = $1")
                .bind(Anchor::development().to_string())
                .execute(&mut *tx)
                .await?;
        }
        Ok(tx.commit().await?)
    }

    /// Forgets a public key: no license signed with it can be refreshed. `false`: it is not known.
    pub async fn forget_anchor(&self, anchor: Anchor) -> Stored<bool> {
        let removed = query("DELETE FROM anchors WHERE anchor = $1")
            .bind(anchor.to_string())
            .execute(&self.pool)
            .await?;
        Ok(removed.rows_affected() == 1)
    }
}
