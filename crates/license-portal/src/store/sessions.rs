//! Who is signed in to the operators' pages.

use jiff::Timestamp;
use sqlx::{query, query_as};

use super::{Store, Stored, acts::record, rows::OperatorRow, seconds};
use crate::model::{Deed, Operator};

impl Store {
    /// Signs an operator in.
    pub async fn open_session(
        &self,
        hash: [u8; 32],
        operator: &str,
        expires_at: Timestamp,
        now: Timestamp,
    ) -> Stored<()> {
        let mut tx = self.write().await?;
        query("INSERT INTO sessions (hash, operator, expires_at) VALUES ($1, $2, $3)")
            .bind(hash.as_slice())
            .bind(operator)
            .bind(seconds(expires_at))
            .execute(&mut *tx)
            .await?;
        record(&mut tx, Some(operator), Deed::SignedIn, None, "", now).await?;
        Ok(tx.commit().await?)
    }

    /// Returns who is signed in, if neither the session nor the operator's key has expired or was removed.
    pub async fn session(&self, hash: [u8; 32], now: Timestamp) -> Stored<Option<Operator>> {
        let row: Option<OperatorRow> = query_as(
            "SELECT k.* FROM operator_keys k JOIN sessions s ON s.operator = k.name
             WHERE s.hash = $1 AND s.expires_at > $2 AND (k.expires_at IS NULL OR k.expires_at > $2)",
        )
        .bind(hash.as_slice())
        .bind(seconds(now))
        .fetch_optional(&self.pool)
        .await?;
        row.map(Operator::try_from).transpose()
    }

    /// Signs out.
    pub async fn close_session(&self, hash: [u8; 32]) -> Stored<()> {
        query("DELETE FROM sessions WHERE hash = $1")
            .bind(hash.as_slice())
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
