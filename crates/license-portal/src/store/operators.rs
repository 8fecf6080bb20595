//! Keys of operators.

use jiff::Timestamp;
use sqlx::{query, query_as};

use super::{Store, StoreError, Stored, acts::record, exists, rows::OperatorRow, seconds};
use crate::model::{Deed, NewOperator, Operator, Scope};

impl Store {
    /// Adds an operator's key. [`StoreError::Exists`]: the name is taken.
    pub async fn add_operator(&self, operator: &NewOperator, now: Timestamp) -> Stored<()> {
        let mut tx = self.write().await?;
        let scopes: Vec<_> = operator.scopes.iter().map(|scope| scope.as_str()).collect();
        query(
            "INSERT INTO operator_keys (name, hash, scopes, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&operator.name)
        .bind(operator.hash.as_slice())
        .bind(scopes.join(","))
        .bind(seconds(now))
        .bind(operator.expires_at.map(seconds))
        .execute(&mut *tx)
        .await
        .map_err(exists)?;
        record(&mut tx, None, Deed::KeyAdded, None, &operator.name, now).await?;
        Ok(tx.commit().await?)
    }

    /// Returns the operators in the order of their names.
    pub async fn operators(&self) -> Stored<Vec<Operator>> {
        let rows: Vec<OperatorRow> = query_as("SELECT * FROM operator_keys ORDER BY name")
            .fetch_all(&self.pool)
            .await?;
        rows.into_iter().map(Operator::try_from).collect()
    }

    /// Records that an operator's key was used, once a minute at most.
    pub async fn operator_used(&self, name: &str, now: Timestamp) -> Stored<()> {
        query(
            "UPDATE operator_keys SET used_at = $2
             WHERE name = $1 AND (used_at IS NULL OR used_at <= $2 - 60 OR used_at > $2)",
        )
        .bind(name)
        .bind(seconds(now))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Removes an operator's key, and signs the operator out. `false`: no such name.
    pub async fn remove_operator(&self, name: &str, now: Timestamp) -> Stored<bool> {
        let mut tx = self.write().await?;
        let removed = query("DELETE FROM operator_keys WHERE name = $1")
            .bind(name)
            .execute(&mut *tx)
            .await?;
        if removed.rows_affected() == 0 {
            return Ok(false);
        }
        record(&mut tx, None, Deed::KeyRemoved, None, name, now).await?;
        tx.commit().await?;
        Ok(true)
    }
}

/// Reads scopes as they are stored.
pub(super) fn scopes(text: &str) -> Result<Vec<Scope>, StoreError> {
    let scopes = text.split(',').map(Scope::parse);
    scopes
        .collect::<Option<_>>()
        .ok_or(StoreError::Corrupt("scopes"))
}
