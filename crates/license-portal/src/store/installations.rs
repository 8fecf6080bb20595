//! The installations of the app that a license is registered on.

use jiff::Timestamp;
use license_token::LicenseNumber;
use sqlx::{AssertSqlSafe, query, query_as, query_scalar};

use super::{Store, Stored, acts::record, rows::seats, seconds};
use crate::model::{Deed, License, Noted, Registration};

impl Store {
    /// Returns the installations that a license is registered on.
    pub async fn registrations(&self, number: LicenseNumber) -> Stored<Vec<Registration>> {
        let found = query_as(
            "SELECT * FROM installations WHERE license = $1 ORDER BY first_at, installation",
        );
        Ok(found.bind(number.to_string()).fetch_all(&self.pool).await?)
    }

    /// Records that an installation registered, if the license is active and has this installation already, or has
    /// fewer than it allows: `most`, unless it has a number of its own.
    pub async fn register(
        &self,
        number: LicenseNumber,
        installation: &str,
        most: u32,
        now: Timestamp,
    ) -> Stored<Noted> {
        let number = number.to_string();
        let mut tx = self.write().await?;
        // Locked, so that two installations cannot both take the last place.
        let allowed: Option<i64> = query_scalar(AssertSqlSafe(format!(
            "SELECT coalesce(seats, $2) FROM licenses WHERE number = $1 AND state = 'active'{}",
            self.dialect.for_update
        )))
        .bind(&number)
        .bind(i64::from(most))
        .fetch_optional(&mut *tx)
        .await?;
        let Some(allowed) = allowed else {
            return Ok(Noted::NotActive);
        };
        let recorded = query(
            "INSERT INTO installations (license, installation, first_at, last_at)
             SELECT $1, $2, $3, $3
             WHERE EXISTS (SELECT 1 FROM installations WHERE license = $1 AND installation = $2)
                OR (SELECT count(*) FROM installations WHERE license = $1) < $4
             ON CONFLICT (license, installation) DO UPDATE SET last_at = excluded.last_at",
        )
        .bind(&number)
        .bind(installation)
        .bind(seconds(now))
        .bind(allowed)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(match recorded.rows_affected() {
            0 => Noted::Full(seats(allowed)?),
            _ => Noted::Yes,
        })
    }

    /// Changes on how many computers a license can be registered. Those that are registered stay. `before`: the license
    /// as the operator saw it. `false`: somebody else has changed that since.
    pub async fn reseat(
        &self,
        before: &License,
        seats: Option<u32>,
        by: Option<&str>,
        now: Timestamp,
    ) -> Stored<bool> {
        let (mut tx, number) = (self.write().await?, before.number.to_string());
        let changed = query(
            "UPDATE licenses SET seats = $2
             WHERE number = $1 AND state <> 'revoked' AND coalesce(seats, 0) = $3",
        )
        .bind(&number)
        .bind(seats.map(i64::from))
        .bind(i64::from(before.seats.unwrap_or_default()))
        .execute(&mut *tx)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        let shown =
            |seats: Option<u32>| seats.map_or_else(|| "–".into(), |seats| seats.to_string());
        let change = format!("{} → {}", shown(before.seats), shown(seats));
        record(&mut tx, by, Deed::Reseated, Some(&number), &change, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Records that a registered installation refreshed, if the license is active. `false`: the license is not
    /// active, or the installation is not registered.
    pub async fn refresh(
        &self,
        number: LicenseNumber,
        installation: &str,
        now: Timestamp,
    ) -> Stored<bool> {
        let recorded = query(
            "UPDATE installations SET last_at = $3 WHERE license = $1 AND installation = $2
             AND EXISTS (SELECT 1 FROM licenses WHERE number = $1 AND state = 'active')",
        )
        .bind(number.to_string())
        .bind(installation)
        .bind(seconds(now))
        .execute(&self.pool)
        .await?;
        Ok(recorded.rows_affected() == 1)
    }

    /// Deletes one registered installation, or all. Returns how many there were.
    pub async fn forget(
        &self,
        number: LicenseNumber,
        installation: Option<&str>,
        by: Option<&str>,
        now: Timestamp,
    ) -> Stored<u64> {
        let mut tx = self.write().await?;
        let number = number.to_string();
        let forgotten = query(
            "DELETE FROM installations
             WHERE license = $1 AND (CAST($2 AS TEXT) IS NULL OR installation = $2)",
        )
        .bind(&number)
        .bind(installation)
        .execute(&mut *tx)
        .await?;
        let count = forgotten.rows_affected();
        if count > 0 {
            let which = installation.unwrap_or_default();
            record(&mut tx, by, Deed::Unregistered, Some(&number), which, now).await?;
        }
        tx.commit().await?;
        Ok(count)
    }
}
