//! Keys of operators.

use jiff::Timestamp;
use sqlx::{query, query_as};

use super::{Store, Stored, exists, seconds};

impl Store {
    /// Adds an operator's key. [`StoreError::Exists`](super::StoreError::Exists): the name is taken.
    pub async fn add_operator(&self, name: &str, hash: &[u8; 32], now: Timestamp) -> Stored<()> {
        query("INSERT INTO operator_keys (name, hash, created_at) VALUES ($1, $2, $3)")
            .bind(name)
            .bind(hash.as_slice())
            .bind(seconds(now))
            .execute(&self.pool)
            .await
            .map_err(exists)?;
        Ok(())
    }

    /// Returns every operator's name and the hash of the key.
    pub async fn operators(&self) -> Stored<Vec<(String, Vec<u8>)>> {
        let operators = query_as("SELECT name, hash FROM operator_keys ORDER BY name");
        Ok(operators.fetch_all(&self.pool).await?)
    }

    /// Removes an operator's key. `false`: no such name.
    pub async fn remove_operator(&self, name: &str) -> Stored<bool> {
        let removed = query("DELETE FROM operator_keys WHERE name = $1")
            .bind(name)
            .execute(&self.pool)
            .await?;
        Ok(removed.rows_affected() == 1)
    }
}
